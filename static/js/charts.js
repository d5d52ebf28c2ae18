// Draws every chart of the page from its inert JSON, in the colours of the theme, again when that changes.
(() => {
  const CONFIG = {
    responsive: true,
    displaylogo: false,
    displayModeBar: "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], // named, so that no button sends data away
    plotlyServerURL: "",
    scrollZoom: false,
    doubleClick: "reset",
  };
  const PAPER_WIDTH = 660; // an A4 page between its margins; a plot does not shrink by itself
  const drawn = new Map(); // element -> its figure as sent, with the names of colours
  let following = 0; // charts now moving because another one did

  function colored(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((one) => colored(one, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, colored(one, style)]));
    }
    return value;
  }

  function draw(element) {
    const sent = drawn.get(element);
    const { data, layout } = colored(sent, getComputedStyle(document.documentElement));
    if ("printing" in document.documentElement.dataset) layout.width = Math.min(element.clientWidth, PAPER_WIDTH);
    const began = performance.now();
    Plotly.react(element, data, layout, CONFIG);
    // The table says it better than the letters of the axes, read out one by one.
    for (const svg of element.querySelectorAll("svg.main-svg")) svg.setAttribute("aria-hidden", "true");
    element.dataset.drawnMs = Math.round(performance.now() - began);
    return element;
  }

  function link(element, group) {
    element.on("plotly_relayout", (change) => {
      const range = ["xaxis.range[0]", "xaxis.range[1]", "xaxis.autorange"].filter((key) => key in change);
      if (!range.length || following) return;
      for (const [other, figure] of drawn) {
        if (other === element || figure.meta.linked !== group) continue;
        following += 1;
        Plotly.relayout(other, Object.fromEntries(range.map((key) => [key, change[key]]))).finally(() => (following -= 1));
      }
    });
  }

  function drawAll(root) {
    for (const element of root.querySelectorAll("[data-figure]")) {
      if (drawn.has(element)) continue;
      const sent = JSON.parse(document.getElementById(element.dataset.figure).textContent);
      drawn.set(element, sent);
      draw(element);
      if (sent.meta.linked) link(element, sent.meta.linked);
    }
  }

  document.addEventListener("novamind:theme", () => {
    for (const element of drawn.keys()) element.isConnected ? draw(element) : drawn.delete(element);
  });
  // Drawn within a closed part of the page a chart had no width to fit.
  document.addEventListener("toggle", (event) => {
    if (!event.target.open) return;
    for (const element of event.target.querySelectorAll("[data-figure]")) if (drawn.has(element)) Plotly.Plots.resize(element);
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => drawAll(event.detail.target));
  drawAll(document); // loaded with defer: the page is parsed
})();
