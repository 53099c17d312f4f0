// Keyboard: digits choose, arrows move, Enter confirms.
"use strict";
(function () {
  function options(form) {
    return [...form.querySelectorAll('input[type="radio"]')];
  }

  // A choice says in data-digit which key stands for it.
  function byDigit(form, digit) {
    return options(form).find((input) => input.dataset.digit === digit);
  }

  function choose(input) {
    input.checked = true;
    input.focus();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function handle(event, form) {
    if (event.ctrlKey || event.metaKey || event.altKey || form.querySelector("fieldset").disabled) return;
    if (/^[0-9]$/.test(event.key)) {
      // A single key acts only where the choice has the focus (WCAG 2.1.4): somebody may speak, or type elsewhere.
      if (!form.querySelector("fieldset").contains(document.activeElement)) return;
      const input = byDigit(form, event.key);
      if (input) choose(input);
    } else if (event.key.startsWith("Arrow") && event.target.type !== "radio") {
      const all = options(form);
      if (!all.length) return;
      choose(all.find((input) => input.checked) || all[0]);
      event.preventDefault();
    } else if (event.key === "Enter" && !event.repeat && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  window.survey = Object.assign(window.survey || {}, { handleKey: handle });
})();
