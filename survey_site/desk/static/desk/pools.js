// Images are dragged from pool to pool; the list below each says the same, and is what is sent.
"use strict";
(function () {
  function move(form, figure, number) {
    const select = figure.querySelector("select");
    const box = form.querySelector(`fieldset[data-pool="${number}"]`);
    if (!box || select.disabled) return;
    select.value = number;
    box.append(figure);
  }

  for (const form of document.querySelectorAll("form[data-pools]")) {
    let dragged = null;
    form.addEventListener("change", (event) => {
      const figure = event.target.closest("figure");
      if (!figure) return;
      move(form, figure, event.target.value);
      event.target.focus();
    });
    form.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("figure");
      event.dataTransfer.setData("text/plain", "");
    });
    form.addEventListener("dragover", (event) => {
      if (dragged && event.target.closest("fieldset")) event.preventDefault();
    });
    form.addEventListener("drop", (event) => {
      const box = event.target.closest("fieldset");
      if (!dragged || !box) return;
      event.preventDefault();
      move(form, dragged, box.dataset.pool);
      dragged = null;
    });
  }
})();
