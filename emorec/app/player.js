// Moves the playhead of each timeline with the player and shows the probabilities at that time.
(() => {
  const nearest = (rows, time) => {
    let best = null, distance = Infinity;
    for (const row of rows) {
      const d = Math.abs((row.start + row.end) / 2 - time);
      if (d < distance) { best = row; distance = d; }
    }
    return best && distance <= best.end - best.start ? best : null;
  };
  const largest = (values) => values.indexOf(Math.max(...values));
  const show = (section, time) => {
    section.timeline ??= JSON.parse(section.dataset.timeline);
    const data = section.timeline;
    for (const line of section.querySelectorAll(".emorec-head")) {
      const x = 1000 * Math.min(1, time / data.duration);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
    const row = nearest(data.rows, time);
    for (const bars of section.querySelectorAll(".emorec-bars")) {
      const values = row && row[bars.dataset.kind];
      bars.classList.toggle("emorec-absent", !values);
      bars.querySelectorAll(".emorec-bar").forEach((bar, i) => {
        bar.querySelector("i").style.width = values ? `${100 * values[i]}%` : "0";
        bar.querySelector("em").textContent = values ? `${Math.round(100 * values[i])} %` : "";
      });
    }
    const alone = row ? data.kinds.slice(1).filter((kind) => row[kind]) : [];
    const predicted = new Set(alone.map((kind) => data.classes[largest(row[kind])]));
    const text = alone.length < 2 ? ""
      : predicted.size === 1 ? `each alone predicts ${[...predicted][0]}`
      : alone.map((kind) => `${kind}: ${data.classes[largest(row[kind])]}`).join(", ");
    section.querySelector(".emorec-agree").textContent = text;
  };
  const player = () => {  // Gradio's sound player has several elements, one of which plays
    const found = [...document.querySelectorAll("#emorec-player video, #emorec-sound audio")];
    return found.find((media) => !media.paused) ?? found.find((media) => media.currentTime > 0) ?? found[0];
  };
  let shown = null;
  const tick = () => {
    const sections = document.querySelectorAll(".emorec-person[data-timeline]");
    const media = player();
    const time = media ? media.currentTime : 0;
    const state = `${sections.length} ${time} ${sections[0]?.dataset.timeline.length}`;
    if (sections.length && state !== shown) {
      sections.forEach((section) => show(section, time));
      shown = state;
    }
    requestAnimationFrame(tick);
  };
  document.addEventListener("click", (event) => {
    const plot = event.target.closest?.(".emorec-plot svg");
    const media = player();
    if (!plot || !media) return;
    const box = plot.getBoundingClientRect();
    const data = JSON.parse(plot.closest(".emorec-person").dataset.timeline);
    media.currentTime = data.duration * (event.clientX - box.left) / box.width;
  });
  tick();
})();
