// Every event the page knows, where it is, and the list that shows the newest of them.

import { eventName, place } from "./words.js";

const KEPT = 400;
const SHOWN = 40;

export class Events {
  constructor(list, state, template) {
    this.list = list;
    this.state = state;
    this.template = template;
    this.known = new Map();
    this.rows = new Map();
    this.order = [];
    this.changed = () => {};
    this.arrived = () => {};
  }

  // What the stream shows, newest first: waiting ones before published ones.
  see(sightings) {
    const moved = sightings.filter((event) => this.note(event));
    this.order = sightings.map((event) => event.event_id);
    this.draw();
    return moved;
  }

  // What the API says of one task's events; one that waited and is in no table any more is published.
  learn(task, events) {
    const told = new Set(events.map((event) => event.event_id));
    for (const event of events) this.note({ ...event, task_id: task.id, title: task.title });
    for (const event of this.of(task.id)) {
      if (event.place === "waiting" && !told.has(event.event_id)) {
        this.note({ ...event, place: "published", partition: null, offset: null });
      }
    }
    const ids = new Set(this.order);
    this.order = [...events.map((event) => event.event_id).reverse().filter((id) => !ids.has(id)), ...this.order];
    this.draw();
  }

  of(taskId) {
    const found = [...this.known.values()].filter((event) => event.task_id === taskId);
    return found.sort((a, b) => a.number - b.number);
  }

  // Events that were seen waiting, and that the newest look did not show.
  lost() {
    const shown = new Set(this.order);
    return [...this.known.values()].filter((event) => event.place === "waiting" && !shown.has(event.event_id));
  }

  forget() {
    this.known.clear();
    this.order = [];
    this.draw();
  }

  note(event) {
    const before = this.known.get(event.event_id);
    // The stream and the answer to a question may cross: what was published never waits again.
    if (before?.place === "published" && (event.place !== "published" || event.partition === null)) return false;
    if (before && before.place === event.place && before.partition === event.partition) return false;
    this.known.set(event.event_id, { ...event, number: before?.number ?? Date.parse(event.since) });
    if (before?.place === "waiting") this.arrived(event);
    while (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    this.changed(event.task_id);
    return true;
  }

  draw() {
    const now = Date.now();
    const shown = this.order.slice(0, SHOWN).map((id) => this.known.get(id)).filter(Boolean);
    for (const [id, row] of this.rows) {
      if (!shown.some((event) => event.event_id === id)) {
        row.remove();
        this.rows.delete(id);
      }
    }
    shown.forEach((event, index) => {
      const row = this.row(event, now);
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
    });
    this.state.hidden = shown.length > 0;
    if (!this.state.hidden) this.state.textContent = "No events yet. Add a task, and its first event appears here.";
  }

  row(event, now) {
    let row = this.rows.get(event.event_id);
    if (!row) {
      row = this.template.content.firstElementChild.cloneNode(true);
      row.querySelector(".event-type").textContent = eventName(event);
      this.rows.set(event.event_id, row);
    }
    if (row.dataset.place === "waiting" && event.place === "published") row.dataset.arrived = "";
    row.dataset.place = event.place;
    row.dataset.type = eventName(event);
    write(row.querySelector(".event-title"), event.title);
    write(row.querySelector(".event-place"), place(event, now));
    return row;
  }

  // Says anew how long events wait.
  tick() {
    const now = Date.now();
    for (const [id, row] of this.rows) {
      const event = this.known.get(id);
      if (event?.place === "waiting") write(row.querySelector(".event-place"), place(event, now));
    }
  }
}

// Writes only what changed, so that neither a selection nor a screen reader is disturbed.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
