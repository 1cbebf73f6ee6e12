// Server-Sent Events by fetch: the browser's own EventSource can't send a credential.

import { ApiError, send } from "./api.js";

const SILENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 15_000;
const HIDDEN_MS = 5_000;

// Follows the stream for as long as the page is looked at. `on` has a function for each name of a message, and
// `state(name, seconds)` for "live", "offline", "busy", "signed-out" and "paused".
export function follow(path, on) {
  let attempt = null;
  let pause = 1000;
  let timer = null;
  let leaving = null;

  async function open() {
    clearTimeout(timer);
    attempt = new AbortController();
    const mine = attempt;
    try {
      await read(path, mine, on, () => (pause = 1000));
      again(mine, 0);
    } catch (failure) {
      if (mine !== attempt) return;
      if (failure instanceof ApiError && failure.status === 401) {
        on.state("signed-out");
        return;
      }
      const wait = Math.max(pause, 1000 * (Number(failure.retryAfter) || 0));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      on.state(failure.status > 0 ? "busy" : "offline", wait / 1000);
      again(mine, wait);
    }
  }

  function again(mine, wait) {
    if (mine === attempt) timer = setTimeout(open, wait);
  }

  function close() {
    clearTimeout(timer);
    const last = attempt;
    attempt = null;
    last?.abort();
  }

  // A browser has six connections to a server, and keeps a page it left for a while: a stream that goes on in
  // there, or in a tab that nobody sees, would be one less for the page that is looked at.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (!document.hidden) {
      if (attempt === null) open();
    } else {
      leaving = setTimeout(() => {
        close();
        on.state("paused");
      }, HIDDEN_MS);
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  addEventListener("online", () => {
    close();
    open();
  });
  open();
  return {
    restart() {
      close();
      open();
    },
  };
}

async function read(path, attempt, on, isOpen) {
  const answer = await send(path, { headers: { Accept: "text/event-stream" }, signal: attempt.signal });
  isOpen();
  on.state("live");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const silence = setTimeout(() => attempt.abort(), SILENCE_MS);
    let part;
    try {
      part = await reader.read();
    } finally {
      clearTimeout(silence);
    }
    if (part.done) return;
    text += part.value;
    const messages = text.split("\n\n");
    text = messages.pop();
    for (const message of messages) tell(message, on);
  }
}

function tell(message, on) {
  const name = /^event: (.*)$/m.exec(message)?.[1];
  const data = /^data: (.*)$/m.exec(message)?.[1];
  if (data !== undefined && on[name]) on[name](JSON.parse(data));
}
