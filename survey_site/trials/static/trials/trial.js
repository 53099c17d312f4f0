// Runs the trials of one stretch in place: shows, measures, hands answers to the queue, fetches ahead.
"use strict";
(function () {
  const { AnswerQueue, Measure, Signs, prepare, formOf, handleKey, enlarging, online, pause, freed } = window.survey || {};
  // One script that did not come is enough: the form works without any (guard.js lets it).
  if (freed || ![AnswerQueue, Measure, Signs, prepare, formOf, handleKey, enlarging, online, pause].every(Boolean)) return;
  const root = document.getElementById("trial");
  const notice = document.getElementById("notice");
  const queue = new AnswerQueue(root.dataset.resume);
  const ahead = new Map(); // position → {form, pictures}
  let shown = null; // {form, position, pictures, measure, answered}
  let leaving = false;

  const positionOf = (form) => Number(form.dataset.position);
  const leave = () => {
    if (!leaving) window.location.replace(root.dataset.resume);
    leaving = true;
  };

  function say(text) {
    notice.textContent = text || "";
    notice.hidden = !text;
  }

  function open(form, yes) {
    form.classList.toggle("waiting", !yes);
    form.querySelector("fieldset").disabled = !yes;
    form.querySelector(".actions button").disabled = !yes;
  }

  async function show(form, pictures) {
    const current = { form, pictures, position: positionOf(form), measure: new Measure(form), answered: false };
    shown = current;
    form.classList.add("known");
    open(form, false);
    enlarging.offer(form);
    if (root.firstElementChild !== form) {
      root.replaceChildren(form);
      window.scrollTo(0, 0);
    }
    try {
      await pictures.ready;
    } catch {
      offerExit(current);
      return;
    }
    form.classList.remove("waiting");
    await current.measure.begin();
    if (shown !== current) return;
    open(form, true);
    const legend = form.querySelector("legend");
    legend.tabIndex = -1;
    legend.focus({ preventScroll: true });
    limitTime(current);
  }

  function limitTime(current) {
    const seconds = Number(current.form.dataset.timeout);
    if (seconds > 0) setTimeout(() => answer(current, { missing: "timeout" }), seconds * 1000);
  }

  function offerExit(current) {
    const panel = document.getElementById("picture-exit").content.cloneNode(true);
    panel.querySelector("[data-again]").addEventListener("click", () => online().then(() => window.location.reload()));
    panel.querySelector("[data-skip]").addEventListener("click", () => answer(current, { missing: "image_failed" }));
    current.form.querySelectorAll(".stage > *, form > .actions").forEach((part) => (part.hidden = true));
    current.form.querySelector(".stage").append(panel);
    current.form.classList.remove("waiting");
    root.querySelector("[data-again]").focus();
  }

  function answer(current, extra) {
    if (current.answered || current !== shown) return;
    current.answered = true;
    enlarging.close();
    current.measure.finish(current.pictures.retries);
    const fields = new FormData(current.form);
    if (extra) {
      // What was chosen so far is no answer.
      for (const { name } of current.form.querySelector("fieldset").elements) fields.delete(name);
      for (const [name, value] of Object.entries(extra)) fields.set(name, value);
    }
    queue.push(new URLSearchParams(fields).toString());
    advance(current.position + 1);
  }

  async function advance(position) {
    const next = ahead.get(position);
    if (next) {
      ahead.delete(position);
      await show(next.form, next.pictures);
      return;
    }
    // Nothing was fetched ahead: a page comes next, or the network is behind. Now it must be waited for.
    root.setAttribute("aria-busy", "true");
    open(shown.form, false);
    const slow = setTimeout(() => notice.hidden && say(notice.dataset.saving), 600);
    await queue.drain();
    clearTimeout(slow);
    root.removeAttribute("aria-busy");
    if (leaving) return;
    if (ahead.has(position)) {
      say("");
      await advance(position);
    } else {
      leave();
    }
  }

  function learn(trials) {
    for (const { position, html } of trials) {
      if (ahead.has(position) || (shown && position <= shown.position)) continue;
      const form = formOf(html);
      ahead.set(position, { form, pictures: prepare(form) });
    }
  }

  async function fetchAhead() {
    try {
      const response = await fetch(root.dataset.upcoming + "?after=" + shown.position);
      if (response.ok) learn((await response.json()).trials);
    } catch {
      // The next acknowledgement brings them.
    }
  }

  queue.known = () => Math.max(shown ? shown.position : -1, ...ahead.keys());
  queue.addEventListener("reply", (event) => {
    if (event.detail.error) leave(); // another tab was faster, or the study has ended: the server knows
    else learn(event.detail.trials);
  });
  queue.addEventListener("trouble", () => say(queue.stored ? notice.dataset.offline : notice.dataset.unkept));
  queue.addEventListener("empty", () => say(""));

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (shown && event.target === shown.form && !shown.form.querySelector("fieldset").disabled) answer(shown);
  });
  document.addEventListener("keydown", (event) => shown && handleKey(event, shown.form));
  window.addEventListener("beforeunload", (event) => {
    if (queue.items.length && !leaving) event.preventDefault();
  });
  window.addEventListener("pageshow", (event) => event.persisted && online().then(leave));

  async function begin() {
    const form = root.querySelector("form");
    if (queue.items.length) {
      // Answers of an earlier visit come first; then the server says where to go on.
      open(form, false);
      say(notice.dataset.saving);
      await queue.drain();
      leave();
      return;
    }
    const showing = show(form, prepare(form));
    fetchAhead();
    await showing;
  }

  window.survey.running = true;
  begin();
})();
