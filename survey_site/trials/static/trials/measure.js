// What was really seen: onset after all pictures are painted, visibility, sizes, the way of answering, signs of a program.
"use strict";
(function () {
  let modality = "";
  const note = (event) => {
    modality = event.type === "keydown" ? "keyboard" : event.pointerType || "mouse";
  };
  window.addEventListener("keydown", note, true);
  window.addEventListener("pointerdown", note, true);

  const visible = () => document.visibilityState === "visible";
  const painted = () =>
    new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

  // At least half of the picture is on the screen, or as much of it as the screen holds.
  const inView = ({ boundingClientRect: box, intersectionRect: seen, rootBounds }) => {
    const most = Math.min(box.height, rootBounds ? rootBounds.height : Infinity) * box.width;
    return most > 0 && seen.width * seen.height >= most / 2;
  };

  class Measure {
    constructor(form) {
      this.form = form;
      this.images = [...form.querySelectorAll("img")];
      this.met = new Set(); // pictures that were on the screen after onset
      this.counts = { blurs: 0, enlarged: 0 };
      this.hiddenMs = 0;
      this.wasVisible = false;
      this.onset = null;
      this.hiddenSince = visible() ? null : performance.now();
      this.signs = new window.survey.Signs();
      this.ended = new AbortController();
      const until = { signal: this.ended.signal };
      window.addEventListener("blur", () => (this.counts.blurs += 1), until);
      document.addEventListener("visibilitychange", () => this.visibility(), until);
      form.addEventListener("enlarged", (event) => this.enlarged(event.detail), until);
    }

    visibility() {
      const now = performance.now();
      if (visible()) {
        if (this.hiddenSince !== null) this.hiddenMs += now - Math.max(this.hiddenSince, this.onset || 0);
        this.hiddenSince = null;
        if (this.onset !== null) this.wasVisible = true;
      } else {
        this.hiddenSince = now;
      }
    }

    enlarged(image) {
      this.counts.enlarged += 1;
      this.met.add(image);
    }

    look(entries) {
      for (const entry of entries) if (inView(entry)) this.met.add(entry.target);
    }

    // The pictures are decoded and in the page: onset is the frame after they were painted.
    async begin() {
      await painted();
      this.onset = performance.now();
      this.onsetEpoch = Date.now();
      this.hiddenMs = 0;
      this.wasVisible = visible();
      if (!window.IntersectionObserver) return;
      const threshold = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
      this.views = new IntersectionObserver((entries) => this.look(entries), { threshold });
      for (const image of this.images) this.views.observe(image);
    }

    // How many pictures were never in view, or undefined where that is not known: the first look comes with a frame.
    get outOfView() {
      if (!this.views || (!this.met.size && performance.now() - this.onset < 100)) return undefined;
      return this.images.filter((image) => !this.met.has(image)).length;
    }

    seen(map) {
      if (this.onset === null || !this.wasVisible) return "no";
      return this.outOfView === undefined || this.met.has(map) ? "yes" : "no";
    }

    // Fills the form's hidden fields; call once, at the answer.
    finish(retries) {
      const now = performance.now();
      this.visibility();
      this.ended.abort();
      if (this.views) this.look(this.views.takeRecords());
      // Of several maps or options the first; all are of one size. A trial may show no option.
      const map = this.form.querySelector('img[data-role="map"]');
      const option = this.form.querySelector('img[data-role="option"]');
      const [mapBox, optionBox] = [map.getBoundingClientRect(), option?.getBoundingClientRect()];
      const sides = this.images.map((image) => image.getBoundingClientRect());
      const client = {
        onset_ms: this.onset ?? undefined,
        answered_ms: now,
        onset_epoch_ms: this.onsetEpoch,
        answered_epoch_ms: Date.now(),
        ...window.survey.screenOf(),
        scale: window.visualViewport?.scale,
        map_w: mapBox.width,
        map_h: mapBox.height,
        option_w: optionBox?.width,
        option_h: optionBox?.height,
        natural_w: map.naturalWidth,
        natural_h: map.naturalHeight,
        smallest_px: Math.min(...sides.flatMap((box) => [box.width, box.height])),
        out_of_view: this.outOfView,
        ...this.counts,
        hidden_ms: this.hiddenMs,
        image_retries: retries,
        input: modality || undefined,
        scheme: window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
        ...this.signs.taken(),
      };
      const seen = this.seen(map);
      this.views?.disconnect();
      this.form.elements.rt_ms.value = this.onset === null ? "" : String(Math.round(now - this.onset));
      this.form.elements.seen.value = seen;
      this.form.elements.client.value = JSON.stringify(client);
      for (const field of this.form.querySelectorAll('[name="scripts"]')) field.value = "on";
    }
  }

  window.survey = Object.assign(window.survey || {}, { Measure });
})();
