// The list of tasks. A task keeps its element while it is shown, so focus and half-written text stay.

import { ApiError, json, send } from "./api.js";
import { write } from "./events.js";
import { STATUS, eventName, failure, place } from "./words.js";

const CHIPS = 4;

export class Tasks {
  constructor(list, state, template, events) {
    this.list = list;
    this.state = state;
    this.template = template;
    this.events = events;
    this.shown = new Map();
    this.following = null;
    this.acted = () => {};
  }

  async load() {
    const answer = await send("tasks?order=newest&limit=20");
    const found = await answer.json();
    if (this.following === null || this.shown.size <= found.length) this.following = next(answer);
    this.show(found, "front");
  }

  async more() {
    const answer = await send(this.following);
    const found = await answer.json();
    this.following = next(answer);
    this.show(found, "end");
    return found[0]?.id;
  }

  show(tasks, where) {
    const order = where === "end" ? tasks : [...tasks].reverse();
    for (const task of order) {
      const known = this.shown.get(task.id);
      if (known) this.update(task);
      else this.add(task, where);
    }
    this.state.hidden = this.shown.size > 0;
    if (!this.state.hidden) write(this.state, "No tasks yet. Add the first one, and watch its event travel.");
  }

  add(task, where) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    this.shown.set(task.id, { task, element });
    element.querySelector("[data-do=complete]").addEventListener("click", () => this.complete(task.id));
    element.querySelector("[data-do=edit]").addEventListener("click", () => this.edit(task.id));
    element.querySelector("[data-do=cancel]").addEventListener("click", () => this.endEdit(task.id));
    element.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save(task.id);
    });
    element.querySelector("form").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.endEdit(task.id);
    });
    if (where === "end") this.list.append(element);
    else this.list.prepend(element);
    this.draw(task.id);
  }

  update(task) {
    const known = this.shown.get(task.id);
    // Two answers may cross: the higher version is the later one.
    if (!known || (known.task.version ?? 0) > (task.version ?? 0)) return;
    known.task = task;
    this.draw(task.id);
  }

  forget() {
    this.shown.clear();
    this.list.replaceChildren();
    this.following = null;
  }

  draw(id) {
    const known = this.shown.get(id);
    if (!known) return;
    const { task, element } = known;
    const done = task.status === "completed";
    element.dataset.status = task.status;
    write(element.querySelector(".task-title"), task.title);
    write(element.querySelector(".status"), STATUS[task.status]);
    write(element.querySelector(".version"), task.version === undefined ? "" : `version ${task.version}`);
    const tick = element.querySelector("[data-do=complete]");
    tick.setAttribute("aria-label", done ? `Completed: ${task.title}` : `Complete ${task.title}`);
    tick.setAttribute("aria-disabled", String(done));
    element.querySelector("[data-do=edit]").setAttribute("aria-label", `Change ${task.title}`);
    this.chips(id, element.querySelector(".chips"));
  }

  chips(id, list) {
    const now = Date.now();
    const events = this.events.of(id).slice(-CHIPS);
    while (list.children.length > events.length) list.lastElementChild.remove();
    events.forEach((event, index) => {
      const chip = list.children[index] ?? list.appendChild(document.createElement("li"));
      chip.className = "chip";
      chip.dataset.place = event.place;
      write(chip, `${eventName(event)}: ${place(event, now)}`);
    });
    list.hidden = events.length === 0;
  }

  tick() {
    for (const [id, { element }] of this.shown) {
      if (element.querySelector(".chip[data-place=waiting]")) this.chips(id, element.querySelector(".chips"));
    }
  }

  async complete(id) {
    const { task, element } = this.shown.get(id);
    if (task.status === "completed") return;
    await this.attempt(element, async () => {
      this.update(await json(`tasks/${id}/complete`, { method: "POST" }));
      this.acted(id, `${task.title} is completed.`);
    });
  }

  async edit(id) {
    const { element } = this.shown.get(id);
    const form = element.querySelector("form");
    await this.attempt(element, async () => {
      // What is changed is what is there now, not what the list showed a while ago.
      const answer = await send(`tasks/${id}`);
      const task = await answer.json();
      this.update(task);
      form.dataset.etag = answer.headers.get("ETag") ?? "";
      form.elements.title.value = task.title;
      form.elements.status.value = task.status;
      form.hidden = false;
      form.elements.title.focus();
    });
  }

  endEdit(id) {
    const { element } = this.shown.get(id);
    const form = element.querySelector("form");
    if (form.hidden) return;
    form.hidden = true;
    element.querySelector(".conflict").replaceChildren();
    write(element.querySelector(".error"), "");
    element.querySelector("[data-do=edit]").focus();
  }

  async save(id) {
    const { element } = this.shown.get(id);
    const form = element.querySelector("form");
    const body = { title: form.elements.title.value, status: form.elements.status.value };
    const headers = form.dataset.etag ? { "If-Match": form.dataset.etag } : {};
    await this.attempt(element, async () => {
      try {
        this.update(await json(`tasks/${id}`, { method: "PATCH", body, headers }));
      } catch (error) {
        if (error.status !== 412) throw error;
        await this.conflict(id);
        return;
      }
      this.endEdit(id);
      this.acted(id, `${body.title} is saved.`);
    });
  }

  async conflict(id) {
    const { element } = this.shown.get(id);
    const form = element.querySelector("form");
    const answer = await send(`tasks/${id}`);
    const theirs = await answer.json();
    this.update(theirs);
    form.dataset.etag = answer.headers.get("ETag") ?? "";
    const words = document.createElement("p");
    words.textContent = `Somebody else changed this task meanwhile. It is now “${theirs.title}”, ${STATUS[theirs.status].toLowerCase()}. Yours is not saved.`;
    const keep = button("Keep theirs", () => this.endEdit(id));
    const over = button("Save mine over it", () => this.save(id));
    element.querySelector(".conflict").replaceChildren(words, keep, over);
    keep.focus();
  }

  async attempt(element, work) {
    const error = element.querySelector(".error");
    write(error, "");
    element.querySelector(".conflict").replaceChildren();
    element.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (found) {
      if (!(found instanceof ApiError)) throw found;
      write(error, found.status === 0 ? "The API can't be reached. Try again when it is back." : failure(found));
    } finally {
      element.removeAttribute("aria-busy");
    }
  }
}

function button(text, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = text;
  made.addEventListener("click", work);
  return made;
}

function next(answer) {
  // The way leads through whatever path the page was found at, so only the question is taken over.
  const found = /<[^>]*\?([^>]*)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "");
  return found ? `tasks?${found[1]}` : null;
}
