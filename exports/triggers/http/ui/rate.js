/* The rate of a running export, in clients a second: measured from its polls, and drawn as a small chart. */

const WINDOW_SECONDS = 10;
const MOST_POINTS = 90;
const WIDTH = 300;
const HEIGHT = 60;

/** Measures the rate of one export. Each poll adds a sample, also one that has found no progress. */
export class RateMeter {
  constructor() {
    this.samples = [];
    this.points = [];
  }

  /** Add the number of clients that were written at a moment, in seconds. */
  add(seconds, items) {
    const last = this.samples.at(-1);
    if (last && (seconds <= last.seconds || items < last.items)) return;
    this.samples.push({ seconds, items });
    while (this.samples.length > 2 && this.samples[1].seconds <= seconds - WINDOW_SECONDS) this.samples.shift();
    if (this.perSecond !== null) this.points = [...this.points, this.perSecond].slice(-MOST_POINTS);
  }

  /** The mean of about the last ten seconds; null as long as there is only one sample. */
  get perSecond() {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    return this.samples.length < 2 ? null : (last.items - first.items) / (last.seconds - first.seconds);
  }

  get highest() {
    return Math.max(0, ...this.points);
  }
}

/** Draw rates as a line in an `svg` element. The right edge is now; the upper edge is the highest rate. */
export function drawRates(svg, points, highest) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const step = WIDTH / Math.max(1, points.length - 1);
  const places = points.map((rate, index) => [index * step, HEIGHT - 1 - (highest ? rate / highest : 0) * (HEIGHT - 3)]);
  const line = places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  svg.replaceChildren(
    shapeIn(svg, "polygon", { class: "area", points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
    shapeIn(svg, "polyline", { class: "line", points: line }),
  );
}

function shapeIn(svg, tag, attributes) {
  const element = document.createElementNS(svg.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
