// Pages between trials: a form is sent once the server answers, so that nobody lands on the browser's error page.
"use strict";
(function () {
  const FIRST_WAIT_MS = 800;
  const LONGEST_WAIT_MS = 20000;
  const TIMEOUT_MS = 10000;

  // Resolves after a while, or at once when the network is back or the page is looked at again.
  function pause(ms) {
    return new Promise((resolve) => {
      const ended = new AbortController();
      const done = () => {
        clearTimeout(timer);
        ended.abort();
        resolve();
      };
      const timer = setTimeout(done, ms * (0.75 + Math.random() / 2));
      window.addEventListener("online", done, { signal: ended.signal });
      document.addEventListener("visibilitychange", done, { signal: ended.signal });
    });
  }

  async function alive(address) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      return (await fetch(address, { cache: "no-store", signal: abort.signal })).ok;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  // Resolves when the server answers; until then the notice says that the page goes on by itself.
  async function online() {
    const notice = document.getElementById("notice");
    for (let wait = FIRST_WAIT_MS; !(await alive(notice.dataset.alive)); wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      notice.textContent = notice.dataset.waiting;
      notice.hidden = false;
      await pause(wait);
    }
    notice.hidden = true;
  }

  const between = document.getElementById("trial") ? [] : document.querySelectorAll('form[method="post"]');
  for (const form of between) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.hasAttribute("aria-busy")) return;
      form.setAttribute("aria-busy", "true");
      await online();
      form.submit();
    });
    // Back from the next page: the form can be sent again.
    window.addEventListener("pageshow", () => form.removeAttribute("aria-busy"));
  }

  // Who has withdrawn leaves no answers on the device either.
  for (const told of document.querySelectorAll("[data-forget]")) {
    try {
      localStorage.removeItem("survey:" + told.dataset.forget);
    } catch {
      // Nothing is kept there.
    }
  }

  window.survey = Object.assign(window.survey || {}, { online, pause });
})();
