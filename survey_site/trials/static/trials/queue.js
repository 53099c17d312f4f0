// Answers wait here until the server has acknowledged them; they survive a reload and a lost network.
"use strict";
(function () {
  const FIRST_WAIT_MS = 800;
  const LONGEST_WAIT_MS = 20000;
  const TIMEOUT_MS = 20000;

  class AnswerQueue extends EventTarget {
    constructor(address) {
      super();
      this.address = address;
      this.storageKey = "survey:" + address;
      this.done = new Set(); // acknowledged by the server
      this.memory = this.read();
      this.stored = true; // until a write fails
      this.wait = FIRST_WAIT_MS;
      this.running = null;
    }

    // What was kept by an earlier visit, or by another tab of this one; whatever else lies there is not ours.
    read() {
      try {
        const kept = JSON.parse(localStorage.getItem(this.storageKey) || "[]");
        return Array.isArray(kept) ? kept.filter((body) => typeof body === "string") : [];
      } catch {
        return [];
      }
    }

    // Memory is the truth while the page lives: storage may be full, switched off, or emptied under it.
    get items() {
      return this.memory;
    }

    set items(list) {
      this.memory = list;
      const kept = [...new Set([...this.read().filter((body) => !this.done.has(body)), ...list])];
      try {
        if (kept.length) localStorage.setItem(this.storageKey, JSON.stringify(kept));
        else localStorage.removeItem(this.storageKey);
      } catch {
        // What was stored before stays: sent twice it counts once.
        this.stored = false;
        this.tell("unkept");
      }
    }

    push(body) {
      this.items = [...this.items, body];
      this.drain();
    }

    // Resolves when nothing waits any more. One sender per page; a second tab repeats posts harmlessly.
    drain() {
      if (!this.running) {
        this.running = this.send().finally(() => {
          this.running = null;
        });
      }
      return this.running;
    }

    async send() {
      for (let body = this.items[0]; body !== undefined; body = this.items[0]) {
        const reply = await this.post(body);
        if (reply) {
          this.done.add(body);
          this.items = this.items.filter((waiting) => waiting !== body);
          this.wait = FIRST_WAIT_MS;
          this.tell("reply", reply);
        } else {
          this.tell("trouble");
          await this.pause();
        }
      }
      this.tell("empty");
    }

    // The server's JSON, or null where the answer must be sent again.
    async post(body) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
      try {
        const response = await fetch(this.address + "?after=" + this.known(), {
          method: "POST",
          headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
          body,
          signal: abort.signal,
        });
        if (response.status >= 500 || response.status === 429) return null;
        const reply = await response.json(); // a proxy's error page is no JSON: try again
        return reply.ok || reply.error ? reply : null;
      } catch {
        return null;
      } finally {
        clearTimeout(timer);
      }
    }

    known() {
      return -1;
    }

    async pause() {
      const wait = this.wait;
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
      await window.survey.pause(wait);
    }

    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }
  }

  window.survey = Object.assign(window.survey || {}, { AnswerQueue });
})();
