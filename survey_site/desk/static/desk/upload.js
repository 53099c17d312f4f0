// Forms that send files: how far the sending is, and what the site answers, without losing the files that were chosen.
// Without this script the same forms are sent as any form is.
"use strict";
(function () {
  function place_in(form) {
    return form.querySelector('[data-answer=""]') ?? form.querySelector("[data-answer]");
  }

  function answered(form, request) {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const told = page.querySelectorAll("form[data-upload] [data-answer]");
    const place = place_in(form);
    const next = request.getResponseHeader("X-Next");
    if (next || request.status < 400 || !told.length || !place) {
      if (next) window.location.assign(next);
      else if (request.status < 400 && request.responseURL) window.location.assign(request.responseURL);
      else if (place) place.textContent = page.querySelector("main p")?.textContent.trim() || form.dataset.failed;
      return;
    }
    // What is wrong with a field stands beside it; what belongs to the whole form, above its button.
    for (const own of form.querySelectorAll("[data-answer]")) {
      const same = [...told].find((one) => one.dataset.answer === own.dataset.answer);
      own.replaceChildren(...(same ? same.childNodes : []));
      const fold = own.closest("details");
      if (fold && own.childElementCount) fold.open = true;
    }
    (form.querySelector(".errorlist") || place).scrollIntoView({ block: "nearest" });
  }

  function send(form, submitter) {
    const bar = form.querySelector("progress[data-sent]");
    const line = form.querySelector("[data-sent-told]");
    const buttons = form.querySelectorAll("button");
    const request = new XMLHttpRequest();
    const settle = () => {
      for (const button of buttons) button.disabled = false;
      bar.hidden = true;
      line.textContent = "";
    };
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.max = event.total;
      bar.value = event.loaded;
      const percent = Math.round((100 * event.loaded) / event.total);
      line.textContent = event.loaded < event.total ? `${percent} %` : form.dataset.reading;
    });
    request.addEventListener("load", () => {
      settle();
      answered(form, request);
    });
    request.addEventListener("error", () => {
      settle();
      place_in(form).textContent = form.dataset.failed;
    });
    request.open("POST", form.action);
    request.setRequestHeader("X-Upload", "1"); // the answer names the next page in place of leading there
    const data = new FormData(form, submitter);
    for (const button of buttons) button.disabled = true;
    bar.hidden = false;
    bar.value = 0;
    request.send(data);
  }

  for (const form of document.querySelectorAll("form[data-upload]")) {
    form.addEventListener("submit", (event) => {
      const files = form.querySelector("input[type=file]");
      if (!files || !files.files.length) return; // nothing to follow
      event.preventDefault();
      send(form, event.submitter);
    });
  }
})();
