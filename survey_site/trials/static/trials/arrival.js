// Consent and questions: what device and window somebody comes with, and signs of a program, go along with the form.
"use strict";
(function () {
  const { Signs, screenOf } = window.survey || {};
  const field = document.querySelector("[data-measured]");
  if (!field || !Signs) return;
  const signs = new Signs();
  let hiddenMs = 0;
  let hiddenSince = document.hidden ? performance.now() : null;
  document.addEventListener("visibilitychange", () => {
    if (hiddenSince !== null) hiddenMs += performance.now() - hiddenSince;
    hiddenSince = document.hidden ? performance.now() : null;
  });

  field.form.addEventListener("submit", () => {
    const measured = {
      ...screenOf(),
      screen_w: window.screen.width,
      screen_h: window.screen.height,
      touch: navigator.maxTouchPoints,
      consent_ms: performance.now(),
      hidden_ms: hiddenMs,
      ...signs.soFar(),
    };
    field.value = JSON.stringify(measured);
  });
})();
