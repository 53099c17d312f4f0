// Fetches and decodes a trial's pictures before it is shown; a picture that fails is tried again.
"use strict";
(function () {
  const TRIES = 4;
  const WAIT_MS = 700;
  const LONGEST_MS = 30000; // a picture that neither comes nor fails

  function late(ms) {
    return new Promise((_, reject) => setTimeout(() => reject(new Error("late")), ms));
  }

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function decoded(image, counter) {
    const address = image.getAttribute("src");
    for (let attempt = 1; ; attempt += 1) {
      try {
        await Promise.race([image.decode(), late(LONGEST_MS)]);
        if (image.naturalWidth > 0) return;
        throw new Error("empty");
      } catch (error) {
        if (attempt === TRIES) throw error;
        counter.retries += 1;
        await sleep(WAIT_MS * attempt);
        image.src = address + "?again=" + attempt;
      }
    }
  }

  // {ready, retries}: ready resolves when every picture of the form can be painted at once.
  function prepare(form) {
    const state = { retries: 0 };
    const images = [...form.querySelectorAll("img")];
    state.ready = Promise.all(images.map((image) => decoded(image, state)));
    state.ready.catch(() => {}); // reported where it is awaited
    return state;
  }

  function formOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return document.importNode(template.content, true).querySelector("form");
  }

  window.survey = Object.assign(window.survey || {}, { prepare, formOf });
})();
