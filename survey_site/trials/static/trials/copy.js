// A button that copies the code, whether or not the page may use the clipboard.
"use strict";
(function () {
  // The old way needs no permission, only the click.
  function bySelection(code) {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    }
  }

  async function copied(button, code) {
    if (bySelection(code)) return true;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      return true;
    } catch {
      return false; // what is selected stays so
    }
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    const line = button.parentElement;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copied(button, line.querySelector("strong"));
      line.querySelector('[role="status"]').textContent = done ? button.dataset.copied : button.dataset.byHand;
    });
  }
})();
