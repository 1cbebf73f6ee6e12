// The API as the page asks it: every address is relative, so the page works under any path.

const KEPT_AS = "task-api-credential";

export class ApiError extends Error {
  constructor(status, detail, fields = [], retryAfter = null) {
    super(detail);
    this.status = status; // 0 when there was no answer
    this.fields = fields;
    this.retryAfter = retryAfter;
  }
}

// The tab's own storage: gone with the tab, and never sent anywhere but in the header below.
export const credential = {
  get: () => sessionStorage.getItem(KEPT_AS),
  set: (text) => sessionStorage.setItem(KEPT_AS, text),
  forget: () => sessionStorage.removeItem(KEPT_AS),
};

export async function send(path, { method = "GET", body, headers = {}, signal } = {}) {
  const all = { Accept: "application/json", ...headers };
  const known = credential.get();
  if (known) all.Authorization = `Bearer ${known}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers: all, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw new ApiError(0, "The API can't be reached.");
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

export async function json(path, options) {
  const answer = await send(path, options);
  return answer.json();
}

export function newKey() {
  // crypto.randomUUID is there with HTTPS and on localhost only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function problemOf(answer) {
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // A proxy's answer may be no JSON; its status says enough.
  }
  const detail = problem.detail ?? problem.title ?? `The API answered ${answer.status}.`;
  return new ApiError(answer.status, detail, problem.errors ?? [], answer.headers.get("Retry-After"));
}
