"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("screen and (prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const read = (holder) => JSON.parse(holder.querySelector("script").textContent);
  // The same colours, lighter.
  const LIGHTER = ["#4aa8e8", "#f08c45", "#2cc295", "#dd93bd", "#f0b94a", "#9bd3f5", "#ffffff", "#a8a8a8"];
  const line = (index) => (dark.matches ? LIGHTER : COLOURS)[index % COLOURS.length];
  const short = (value) => value == null ? "-" : Number(value.toPrecision(5)).toString();

  function plot(figure) {
    const data = read(figure), place = figure.querySelector(".plot");
    const axis = (label, more) => ({
      label, stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line") }, labelSize: 22, ...more,
    });
    const one = data.x[0] === data.x[data.x.length - 1];
    const marks = (chart) => {
      const { left, top, width, height } = chart.bbox, draw = chart.ctx;
      const at = (value, scale) => Math.round(chart.valToPos(value, scale, true));
      draw.save();
      if (data.shaded) {
        const end = Math.min(at(data.shaded[1], "x"), left + width);
        draw.fillStyle = colour("--shade");
        draw.fillRect(left, top, Math.max(end - left, 0), height);
      }
      if (data.baseline != null) {
        const y = at(data.baseline, "y");
        draw.strokeStyle = colour("--muted");
        draw.beginPath(); draw.moveTo(left, y); draw.lineTo(left + width, y); draw.stroke();
      }
      draw.restore();
    };
    const low = (value) => data.baseline == null ? value : Math.min(value, data.baseline);
    const high = (value) => data.baseline == null ? value : Math.max(value, data.baseline);
    // A level line lies in the middle, whatever its value.
    const level = (from, to) => from === to ? [from - 1, to + 1] : uPlot.rangeNum(from, to, 0.08, false);
    place.replaceChildren();
    const chart = new uPlot({
      width: place.clientWidth, height: 280,
      scales: {
        x: { time: false, range: (_, from, to) => one ? [data.x[0] - 1, data.x[0] + 1] : [from, to] },
        y: { range: (_, from, to) => level(low(from), high(to)) },
      },
      axes: [axis(data.x_label, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], size: 34 }),
        axis(data.y_label, { size: (_, values) => 22 + 7.5 * Math.max(1, ...(values || []).map((value) => value.length)) })],
      series: [{ label: data.x_label }].concat(data.series.map((series, index) => ({
        label: series.name, stroke: line(index), width: 2, spanGaps: true,
        dash: index >= COLOURS.length ? [6, 4] : undefined,
        value: (_, value) => short(value),
        points: { show: data.x.length < 40, size: 5, fill: line(index) },
      }))),
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
      hooks: { drawClear: [marks] },
    }, [data.x, ...data.series.map((series) => series.values)], place);
    if (data.shaded) {
      const shade = document.createElement("small");
      shade.textContent = "shaded: " + data.shaded[0];
      shade.style.color = "var(--muted)";
      place.append(shade);
    }
    return chart;
  }

  const figures = [...document.querySelectorAll(".chart")].filter((figure) => figure.querySelector("script"));
  let charts = [];
  const draw = () => {
    charts.forEach((chart) => chart.destroy());
    charts = figures.map(plot);
  };
  root.classList.add("drawn");
  // A chart without a value has its picture alone, which says so.
  document.querySelectorAll(".chart").forEach((figure) => {
    if (!figure.querySelector("script")) figure.querySelector(".static").classList.remove("static");
  });
  draw();
  dark.addEventListener("change", draw);
  const fit = () => charts.forEach((chart, index) => {
    const width = figures[index].querySelector(".plot").clientWidth;
    if (width > 0 && width !== chart.width) chart.setSize({ width, height: 280 });
  });
  const widths = new ResizeObserver(() => requestAnimationFrame(fit));
  figures.forEach((figure) => widths.observe(figure));

  document.querySelectorAll(".probabilities").forEach((holder) => {
    const data = read(holder), slider = holder.querySelector("input"), shown = holder.querySelector("output");
    if (!slider) return;
    const cells = [...holder.querySelectorAll("td")];
    slider.addEventListener("input", () => {
      const values = data.values[slider.value].flat();
      shown.textContent = data.epochs[slider.value];
      cells.forEach((cell, index) => {
        cell.style.setProperty("--p", values[index] / 100);
        cell.textContent = values[index];
      });
    });
  });

  // What is folded is printed too.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));

  // How many figures there are, and how many of them show something: for whoever checks a page.
  addEventListener("load", () => {
    const shows = (figure) => {
      const [canvas, svg, image] = ["canvas", ".svg svg", "img"].map((name) => figure.querySelector(name));
      if (figure.classList.contains("chart") && canvas) return canvas.width > 0 && canvas.height > 0;
      if (svg) return svg.getBBox !== undefined && svg.childElementCount > 0;
      return image ? image.naturalWidth > 0 : figure.textContent.trim() !== "";
    };
    const all = [...document.querySelectorAll("figure, .heat")];
    root.dataset.figures = all.length;
    root.dataset.drawn = all.filter(shows).length;
  });
})();
