// What the page says, as pure functions of what it knows.

const STALE_SECONDS = 4;
const COUNTED_UP_TO = 10_000;

export const STATUS = { pending: "Pending", in_progress: "In progress", completed: "Completed" };

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "unknown";
  if (seconds < 0.05) return "0 s";
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function count(number) {
  if (number === null || number === undefined) return "–";
  return number >= COUNTED_UP_TO ? "10,000+" : number.toLocaleString("en");
}

function events(number) {
  return number === 1 ? "1 event" : `${count(number)} events`;
}

// The kind changes seldom and is what a screen reader is told; the text may change with each look.
export function story(now, before) {
  if (now === null || now.pending === null) {
    return { kind: "unknown", text: "The database does not answer: how many events wait is not known." };
  }
  if (now.pending === 0 && now.rejected > 0) {
    const stand = now.rejected === 1 ? "stands" : "stand";
    return { kind: "clear", text: `Nothing waits. ${events(now.rejected)} ${stand} aside: Kafka will never take what it rejected.` };
  }
  if (now.pending === 0) return { kind: "clear", text: "Every event is published." };
  const waits = now.pending === 1 ? "waits" : "wait";
  if (now.oldest_seconds < STALE_SECONDS) {
    return { kind: "moving", text: `${events(now.pending)} on the way to Kafka.` };
  }
  if (before?.pending > now.pending) {
    return { kind: "draining", text: `Kafka takes events again: ${events(now.pending)} left to publish.` };
  }
  const age = duration(now.oldest_seconds);
  return { kind: "gathering", text: `Nothing reaches Kafka. ${events(now.pending)} ${waits} here, safe in the database; the oldest for ${age}.` };
}

export function lastMinutes(samples, now) {
  const known = samples.filter((sample) => sample.pending !== null);
  if (known.length === 0) return "Nothing was seen yet.";
  const most = known.reduce((a, b) => (b.pending >= a.pending ? b : a));
  if (most.pending === 0) return "Nothing had to wait in the last five minutes.";
  const longest = Math.max(...known.map((sample) => sample.oldest_seconds));
  const ago = duration(Math.round((now - most.at) / 1000));
  const end = known[known.length - 1].pending;
  if (end === most.pending) return `${events(end)} waiting now, the most in the last five minutes. Longest wait ${duration(longest)}.`;
  return `At most ${events(most.pending)} waiting in the last five minutes (${ago} ago), now ${count(end)}. Longest wait ${duration(longest)}.`;
}

export function place(event, now) {
  if (event.place === "rejected") return `rejected: ${event.reason}`;
  if (event.place === "waiting") return `waiting ${duration(Math.max(0, (now - Date.parse(event.since)) / 1000))}`;
  if (event.partition === null) return "published";
  return `partition ${event.partition} · offset ${event.offset}`;
}

export function eventName(event) {
  return event.event_type.replace("task.", "");
}

export function failure(error) {
  if (error.status === 0) return "The API can't be reached. Try again: a task is never added twice.";
  if (error.retryAfter) return `${error.message} (again in ${error.retryAfter} s)`;
  return error.message;
}
