// Keyboard: digits choose, arrows move, Enter confirms.
"use strict";
(function () {
  const SIDEWAYS = ["ArrowLeft", "ArrowRight"]; // up and down scroll a page that is higher than the screen

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
    const fields = form.querySelector("fieldset");
    if (event.ctrlKey || event.metaKey || event.altKey || fields.disabled) return;
    if (event.target.closest?.("dialog")) return; // an enlarged picture is not the trial
    // A key acts only where the choice has the focus (WCAG 2.1.4): somebody may speak, type elsewhere, or scroll.
    const inside = fields.contains(document.activeElement);
    if (/^[0-9]$/.test(event.key)) {
      const input = inside && byDigit(form, event.key);
      if (input) choose(input);
    } else if (SIDEWAYS.includes(event.key) && event.target.type !== "radio") {
      const all = inside ? options(form) : [];
      if (!all.length) return;
      choose(all.find((input) => input.checked) || all[0]);
      event.preventDefault();
    } else if (event.key === "Enter" && !event.repeat && event.target.closest?.("button, a, summary") === null) {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  window.survey = Object.assign(window.survey || {}, { handleKey: handle });
})();
