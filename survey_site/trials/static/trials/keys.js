// Keyboard: digits choose, arrows move, Enter confirms.
"use strict";
(function () {
  function options(form) {
    return [...form.querySelectorAll('input[type="radio"]')];
  }

  // Matching: 1 is the first photo, 0 is “I can’t tell”. Rating: the digit is the rating.
  function byDigit(form, digit) {
    const rating = form.classList.contains("rating");
    if (!rating && digit === "0") return form.querySelector(".cant-tell input");
    const wanted = rating ? digit : String(digit - 1);
    return options(form).find((input) => input.value === wanted);
  }

  function choose(input) {
    input.checked = true;
    input.focus();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function handle(event, form) {
    if (event.ctrlKey || event.metaKey || event.altKey || form.querySelector("fieldset").disabled) return;
    if (/^[0-9]$/.test(event.key)) {
      const input = byDigit(form, event.key);
      if (input) choose(input);
    } else if (event.key.startsWith("Arrow") && event.target.type !== "radio") {
      const all = options(form);
      choose(all.find((input) => input.checked) || all[0]);
      event.preventDefault();
    } else if (event.key === "Enter" && !event.repeat && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  window.survey = Object.assign(window.survey || {}, { handleKey: handle });
})();
