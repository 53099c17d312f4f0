// Runs before the page is shown: until the scripts have its pictures ready, a trial can not be answered by a form alone.
// Should any of them be missing, the form works as it does without scripts, once the pictures have come.
"use strict";
(function () {
  const page = document.documentElement;
  const inert = () => page.classList.contains("scripted") && !(window.survey && window.survey.running);

  page.classList.add("scripted");
  document.addEventListener("submit", (event) => inert() && event.preventDefault(), true);
  // The scripts ran before this, and so did the pictures come or fail.
  window.addEventListener("load", () => {
    if (!inert()) return;
    page.classList.remove("scripted");
    for (const field of document.getElementsByName("scripts")) field.value = "failed";
  });
})();
