// Two small charts over one time axis: how many events wait, and how long the oldest has waited.

import { count, duration, lastMinutes } from "./words.js";

const LONGEST_MS = 300_000;
const SHORTEST_MS = 60_000;
const GAP_MS = 8_000;
const BUCKET_MS = 30_000;
const LEFT = 8;
const RIGHT = 12;
const SVG = "http://www.w3.org/2000/svg";

export class Chart {
  constructor(svg, words, details, rows) {
    this.svg = svg;
    this.words = words;
    this.details = details;
    this.rows = rows;
    this.samples = [];
    this.bands = [
      new Band(svg, "depth", "Waiting", (sample) => sample.pending, (value) => count(value), 4),
      new Band(svg, "age", "Oldest waits", (sample) => sample.oldest_seconds, (value) => duration(value), 10),
    ];
    this.axis = ["", "now"].map((text) => label(svg, "axis", text));
    new ResizeObserver(() => this.draw()).observe(svg);
    details.addEventListener("toggle", () => this.draw());
  }

  add(samples) {
    const known = new Set(this.samples.map((sample) => sample.at));
    const fresh = samples.map((sample) => ({ ...sample, at: Date.parse(sample.at) }));
    this.samples = [...this.samples, ...fresh.filter((sample) => !known.has(sample.at))].sort((a, b) => a.at - b.at);
    this.draw();
  }

  draw() {
    // The server's clock counts, not the viewer's: the newest sample is now.
    const now = this.samples.at(-1)?.at ?? Date.now();
    this.samples = this.samples.filter((sample) => sample.at > now - LONGEST_MS);
    // A page that was just opened shows its first minute in full width.
    const span = Math.max(SHORTEST_MS, now - (this.samples[0]?.at ?? now));
    const { width, height } = this.svg.getBoundingClientRect();
    if (width === 0) return;
    const x = (at) => LEFT + (1 - (now - at) / span) * (width - LEFT - RIGHT);
    const floor = height - 20;
    const middle = Math.round(floor * 0.56);
    this.bands[0].draw(this.samples, x, 24, middle - 6, width);
    this.bands[1].draw(this.samples, x, middle + 28, floor, width);
    this.axis[0].textContent = `${duration(span / 1000)} ago`;
    place(this.axis[0], LEFT, height - 4, "start");
    place(this.axis[1], width - RIGHT, height - 4, "end");
    this.words.textContent = lastMinutes(this.samples, now);
    if (this.details.open) this.table();
  }

  table() {
    const buckets = new Map();
    for (const sample of this.samples) {
      if (sample.pending === null) continue;
      const start = Math.floor(sample.at / BUCKET_MS) * BUCKET_MS;
      const bucket = buckets.get(start) ?? { pending: 0, oldest: 0 };
      bucket.pending = Math.max(bucket.pending, sample.pending);
      bucket.oldest = Math.max(bucket.oldest, sample.oldest_seconds);
      buckets.set(start, bucket);
    }
    const rows = [...buckets].reverse().map(([start, bucket]) => {
      const row = document.createElement("tr");
      for (const text of [new Date(start).toLocaleTimeString(), count(bucket.pending), duration(bucket.oldest)]) {
        row.insertCell().textContent = text;
      }
      return row;
    });
    this.rows.replaceChildren(...rows);
  }
}

class Band {
  constructor(svg, name, title, value, say, least) {
    this.value = value;
    this.say = say;
    this.least = least;
    this.base = shape(svg, "line", "base");
    this.area = shape(svg, "path", `area ${name}`);
    this.line = shape(svg, "path", `line ${name}`);
    this.dot = shape(svg, "circle", `dot ${name}`);
    this.title = label(svg, "band-title", title);
    this.most = label(svg, "band-most", "");
  }

  draw(samples, x, top, bottom, width) {
    const known = samples.filter((sample) => this.value(sample) !== null);
    const most = known.reduce((found, sample) => Math.max(found, this.value(sample)), 0);
    const scale = Math.max(this.least, most * 1.08);
    const y = (sample) => bottom - (this.value(sample) / scale) * (bottom - top);
    const runs = unbroken(samples, this.value);
    this.line.setAttribute("d", runs.map((run) => path(run, x, y)).join(""));
    this.area.setAttribute("d", runs.map((run) => `${path(run, x, y)}L${x(run.at(-1).at)},${bottom}L${x(run[0].at)},${bottom}Z`).join(""));
    for (const [name, value] of Object.entries({ x1: LEFT, x2: width - RIGHT, y1: bottom + 0.5, y2: bottom + 0.5 })) this.base.setAttribute(name, value);
    const last = known.at(-1);
    this.dot.setAttribute("r", last ? 3.5 : 0);
    if (last) {
      this.dot.setAttribute("cx", x(last.at));
      this.dot.setAttribute("cy", y(last));
    }
    place(this.title, LEFT, top - 8, "start");
    place(this.most, width - RIGHT, top - 8, "end");
    this.most.textContent = known.length ? `most ${this.say(most)}` : "";
  }
}

// Where nobody watched, or the database did not answer, nothing is drawn.
function unbroken(samples, value) {
  const runs = [];
  let run = [];
  for (const sample of samples) {
    const broken = value(sample) === null || (run.length > 0 && sample.at - run.at(-1).at > GAP_MS);
    if (broken && run.length > 0) {
      runs.push(run);
      run = [];
    }
    if (value(sample) !== null) run.push(sample);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

function path(run, x, y) {
  return run.map((sample, index) => `${index ? "L" : "M"}${x(sample.at).toFixed(1)},${y(sample).toFixed(1)}`).join("");
}

function shape(svg, kind, classes) {
  const made = document.createElementNS(SVG, kind);
  made.setAttribute("class", classes);
  svg.append(made);
  return made;
}

function label(svg, classes, text) {
  const made = shape(svg, "text", classes);
  made.textContent = text;
  return made;
}

function place(text, x, y, anchor) {
  text.setAttribute("x", x);
  text.setAttribute("y", y);
  text.setAttribute("text-anchor", anchor);
}
