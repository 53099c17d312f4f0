// Runs before the page is shown: until the scripts have its pictures ready, a trial can not be answered by a form alone.
// Should any of them be missing, the form works as it does without scripts, once the pictures have come.
"use strict";
(function () {
  const LONGEST_MS = 30000; // a script that has not come by then is taken for missing
  const page = document.documentElement;
  const inert = () => page.classList.contains("scripted") && !(window.survey && window.survey.running);

  // Who comes later finds that the form is in other hands.
  function free() {
    if (!inert()) return;
    page.classList.remove("scripted");
    window.survey = Object.assign(window.survey || {}, { freed: true });
  }

  page.classList.add("scripted");
  document.addEventListener("submit", (event) => inert() && event.preventDefault(), true);
  // The scripts ran before this, and so did the pictures come or fail.
  window.addEventListener("load", free);
  setTimeout(free, LONGEST_MS);
})();
