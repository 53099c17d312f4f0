// Signs of a program at work, and of the page's surroundings: counted and sent along, judged by the study's own rules.
"use strict";
(function () {
  const ACTIONS = ["keydown", "pointerdown", "click"];
  const OURS = 1.0625; // the style sheet's own size of text, as a share of what the browser is set to

  function framed() {
    try {
      return window.top !== window.self;
    } catch {
      return true;
    }
  }

  // Counts from now on; `taken` ends it.
  class Signs {
    constructor() {
      this.counts = { actions: 0, untrusted: 0, pasted: 0 };
      this.ended = new AbortController();
      const options = { capture: true, signal: this.ended.signal };
      const count = (event) => (this.counts[event.isTrusted ? "actions" : "untrusted"] += 1);
      for (const name of ACTIONS) window.addEventListener(name, count, options);
      window.addEventListener("paste", () => (this.counts.pasted += 1), options);
    }

    taken() {
      this.ended.abort();
      return this.soFar();
    }

    soFar() {
      return { ...this.counts, webdriver: navigator.webdriver ? 1 : 0, framed: framed() ? 1 : 0 };
    }
  }

  function screenOf() {
    return {
      dpr: window.devicePixelRatio,
      viewport_w: window.innerWidth,
      viewport_h: window.innerHeight,
      text_px: parseFloat(getComputedStyle(document.documentElement).fontSize) / OURS,
    };
  }

  window.survey = Object.assign(window.survey || {}, { Signs, screenOf });
})();
