// What was really seen: onset after all pictures are painted, visibility, sizes, the way of answering.
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

  class Measure {
    constructor(form) {
      this.form = form;
      this.blurs = 0;
      this.hiddenMs = 0;
      this.wasVisible = false;
      this.onset = null;
      this.hiddenSince = visible() ? null : performance.now();
      this.onBlur = () => (this.blurs += 1);
      this.onVisibility = () => this.visibility();
      window.addEventListener("blur", this.onBlur);
      document.addEventListener("visibilitychange", this.onVisibility);
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

    // The pictures are decoded and in the page: onset is the frame after they were painted.
    async begin() {
      await painted();
      this.onset = performance.now();
      this.onsetEpoch = Date.now();
      this.hiddenMs = 0;
      this.wasVisible = visible();
    }

    // Fills the form's hidden fields; call once, at the answer.
    finish(retries) {
      const now = performance.now();
      this.visibility();
      window.removeEventListener("blur", this.onBlur);
      document.removeEventListener("visibilitychange", this.onVisibility);
      // Of several maps or options the first; all are of one size. A trial may show no option.
      const map = this.form.querySelector('img[data-role="map"]');
      const option = this.form.querySelector('img[data-role="option"]');
      const [mapBox, optionBox] = [map.getBoundingClientRect(), option?.getBoundingClientRect()];
      const client = {
        onset_ms: this.onset ?? undefined,
        answered_ms: now,
        onset_epoch_ms: this.onsetEpoch,
        answered_epoch_ms: Date.now(),
        dpr: window.devicePixelRatio,
        viewport_w: window.innerWidth,
        viewport_h: window.innerHeight,
        map_w: mapBox.width,
        map_h: mapBox.height,
        option_w: optionBox?.width,
        option_h: optionBox?.height,
        natural_w: map.naturalWidth,
        natural_h: map.naturalHeight,
        blurs: this.blurs,
        hidden_ms: this.hiddenMs,
        image_retries: retries,
        input: modality || undefined,
        scheme: window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
      };
      this.form.elements.rt_ms.value = this.onset === null ? "" : String(Math.round(now - this.onset));
      this.form.elements.seen.value = this.onset !== null && this.wasVisible ? "yes" : "no";
      this.form.elements.client.value = JSON.stringify(client);
      this.form.elements.scripts.value = "on";
    }
  }

  window.survey = Object.assign(window.survey || {}, { Measure });
})();
