// A button under each picture shows it as large as the screen; where the whole picture chooses nothing, so does a tap on it.
"use strict";
(function () {
  const source = document.getElementById("enlarged");

  function dialog() {
    const open = document.querySelector("dialog.enlarged");
    if (open) return open;
    const made = document.importNode(source.content, true).querySelector("dialog");
    made.addEventListener("click", () => made.close());
    document.body.append(made);
    return made;
  }

  // Painted from what is decoded already: nothing is fetched, and it works without a network.
  function show(image) {
    const box = dialog();
    const canvas = box.querySelector("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    canvas.setAttribute("aria-label", image.alt);
    box.showModal();
    image.closest("form").dispatchEvent(new CustomEvent("enlarged", { detail: image }));
  }

  // Beside the label, not in it: a button there would belong to the choice.
  function hostOf(image) {
    const label = image.closest("label");
    if (!label) return image.closest("figure") || image.parentElement;
    const host = document.createElement("div");
    host.className = "zoomable";
    label.replaceWith(host);
    host.append(label);
    return host;
  }

  function offer(form) {
    if (!source || !window.HTMLDialogElement) return;
    for (const image of form.querySelectorAll("img")) {
      const host = hostOf(image);
      if (host.querySelector(".enlarge")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "enlarge";
      button.textContent = "⤢";
      button.setAttribute("aria-label", source.dataset.label + ": " + image.alt);
      button.addEventListener("click", () => show(image));
      host.append(button);
      if (!image.closest("label")) image.addEventListener("click", () => show(image));
    }
  }

  const close = () => document.querySelector("dialog.enlarged[open]")?.close();

  for (const form of document.querySelectorAll("form.feedback")) offer(form);
  window.survey = Object.assign(window.survey || {}, { enlarging: { offer, close } });
})();
