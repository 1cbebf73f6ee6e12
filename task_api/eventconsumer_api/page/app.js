// Puts the page together: what the stream tells, what the API answers, and what people do.

import { ApiError, credential, json, newKey } from "./api.js";
import { Chart } from "./chart.js";
import { Events, write } from "./events.js";
import { follow } from "./stream.js";
import { Tasks } from "./tasks.js";
import { count, duration, eventName, failure, place, story } from "./words.js";

const $ = (id) => document.getElementById(id);

const events = new Events($("events"), $("events-state"), $("event-template"));
const tasks = new Tasks($("tasks"), $("tasks-state"), $("task-template"), events);
const chart = new Chart($("chart"), $("chart-words"), $("chart-details"), $("chart-rows"));
const mine = new Set(); // tasks that were made or changed here: only their events are read out
let before = null;
let kind = null;

function say(text) {
  write($("announcer"), text);
}

// ---- What the stream tells -------------------------------------------------------------------------------

const stream = follow("outbox/stream", {
  history: (samples) => chart.add(samples),
  outbox: (sample) => {
    chart.add([sample]);
    showDepth(sample);
    events.tick();
    tasks.tick();
    askForLost();
  },
  events: (sightings) => {
    const moved = events.see(sightings);
    showLastPublished(sightings);
    if (moved.some((event) => event.partition == null || !tasks.shown.has(event.task_id))) reloadSoon();
  },
  state: showConnection,
});

function showDepth(sample) {
  const told = story(sample, before);
  before = sample;
  $("outbox").dataset.state = told.kind;
  write($("story"), told.text);
  write($("pending"), count(sample.pending));
  write($("oldest"), sample.pending === 0 ? "–" : duration(sample.oldest_seconds));
  write($("rejected"), count(sample.rejected));
  const waits = sample.pending > 0 ? `(${count(sample.pending)}) ` : "";
  document.title = `${waits}Task API`;
  if (told.kind !== kind && kind !== null && told.kind !== "moving") say(told.text);
  if (told.kind !== "moving") kind = told.kind;
}

function showLastPublished(sightings) {
  const last = sightings.find((event) => event.place === "published");
  if (last) write($("last-published"), place(last));
}

function showConnection(state, seconds) {
  const words = {
    live: "Live",
    paused: "Paused while hidden",
    "signed-out": "Signed out",
    offline: `Offline. Trying again in ${Math.round(seconds)} s`,
    busy: `No live view. Trying again in ${Math.round(seconds)} s`,
  };
  $("connection").dataset.state = state;
  write($("connection"), words[state]);
  if (state === "offline") showDepth({ pending: null, oldest_seconds: null, rejected: null });
  if (state === "offline") write($("story"), "The API can't be reached: how many events wait is not known.");
  if (state === "signed-out") askWho();
  if (state === "live") load();
}

events.changed = (taskId) => tasks.draw(taskId);
events.arrived = (event) => {
  if (mine.has(event.task_id)) say(`${eventName(event)} of ${event.title}: ${place(event, Date.now())}.`);
};

// Where events are that the stream shows no longer: one question a look.
async function askForLost() {
  const [event] = events.lost();
  if (event) await learn(event.task_id).catch(() => {});
}

async function learn(taskId) {
  const found = await json(`tasks/${taskId}/events`);
  const task = tasks.shown.get(taskId)?.task ?? { id: taskId, title: events.of(taskId)[0]?.title ?? "" };
  events.learn(task, found);
  return found;
}

// ---- Tasks -----------------------------------------------------------------------------------------------

let reload = null;
function reloadSoon() {
  reload ??= setTimeout(() => {
    reload = null;
    load();
  }, 1000);
}

async function load() {
  $("tasks-again").hidden = true;
  try {
    await tasks.load();
    $("more").hidden = tasks.following === null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) {
      askWho();
    } else if (tasks.shown.size === 0) {
      write($("tasks-state"), failure(error));
      $("tasks-again").hidden = false;
    }
  }
}

tasks.acted = async (taskId, words) => {
  mine.add(taskId);
  say(words);
  // The stream looks every one and a half seconds; whoever just did something wants to see it at once.
  for (const wait of [0, 150, 500]) {
    await new Promise((done) => setTimeout(done, wait));
    const found = await learn(taskId).catch(() => []);
    if (found.every((event) => event.place !== "waiting")) break;
  }
};

$("try-again").addEventListener("click", load);
$("more").addEventListener("click", async () => {
  try {
    const first = await tasks.more();
    $("more").hidden = tasks.following === null;
    tasks.shown.get(first)?.element.querySelector("[data-do=complete]").focus();
  } catch (error) {
    say(failure(error));
  }
});

// The key stays the same until the task is made, so that trying again makes no second one.
let attempt = { title: null, key: null };
$("new-task").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = $("title");
  const title = input.value.trim();
  if (attempt.title !== title) attempt = { title, key: newKey() };
  complain("");
  if (title === "") {
    complain("Say in a few words what is to be done.");
    return;
  }
  try {
    const task = await json("tasks", { method: "POST", body: { title }, headers: { "Idempotency-Key": attempt.key } });
    attempt = { title: null, key: null };
    if (input.value.trim() === title) input.value = "";
    tasks.show([task], "front");
    tasks.acted(task.id, `${title} is added.`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    complain(error.fields.find((field) => field.field === "title")?.detail ?? failure(error));
  }
});

function complain(text) {
  write($("new-task-error"), text);
  $("title").setAttribute("aria-invalid", String(text !== ""));
  if (text !== "") $("title").focus();
}

// ---- Who it is -------------------------------------------------------------------------------------------

function askWho() {
  const refused = credential.get() !== null;
  credential.forget();
  tasks.forget();
  events.forget();
  $("sign-out").hidden = true;
  write($("tasks-state"), "Your tasks are shown once you are in.");
  $("tasks-state").hidden = false;
  write($("events-state"), "Events are shown once you are in.");
  if (refused) write($("sign-in-error"), "This key or token is not accepted, or no longer.");
  if ($("sign-in").hidden) {
    $("sign-in").hidden = false;
    $("credential").focus();
  }
}

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("credential").value.trim();
  if (text === "") return;
  credential.set(text);
  $("credential").value = "";
  write($("sign-in-error"), "");
  $("sign-in").hidden = true;
  $("sign-out").hidden = false;
  stream.restart();
  $("tasks-heading").focus();
});

$("sign-out").addEventListener("click", () => {
  credential.forget();
  stream.restart();
});
$("sign-out").hidden = credential.get() === null;
