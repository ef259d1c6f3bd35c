// Asks the API, with the reader's token where there is one, and listens to what happens.

const KEPT = "citywarden.token";
const PAUSE_MS = 2000;

let token = sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT) ?? "";
let refused = () => {};

/** What is called when a token is needed, with whether there was one. */
export function whenRefused(then) {
  refused = then;
}

export function enter(text, isKept) {
  token = text;
  localStorage.removeItem(KEPT);
  (isKept ? localStorage : sessionStorage).setItem(KEPT, text);
}

function forget() {
  const had = token !== "";
  token = "";
  sessionStorage.removeItem(KEPT);
  localStorage.removeItem(KEPT);
  refused(had);
}

/** Whether the reader has shown a token. */
export function hasToken() {
  return token !== "";
}

/** Forgets the token, on this device too. */
export function leave() {
  token = "";
  forget();
}

/** What went wrong, in the API's own words. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function request(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
  if (response.status === 401) forget();
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Refusal(response.status, problem.detail ?? response.statusText);
  }
  return response;
}

export async function get(path, parameters = {}) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(wanted).toString();
  const response = await request(`/api/v1/${path}${query ? `?${query}` : ""}`);
  return response.json();
}

export async function command(id, action, reason) {
  const body = JSON.stringify(reason ? { reason } : {});
  const headers = { "content-type": "application/json" };
  const path = `/api/v1/alerts/${encodeURIComponent(id)}/${action}`;
  return (await request(path, { method: "POST", body, headers })).json();
}

/** How the service is; it says so to anybody. */
export async function health() {
  return (await fetch("/readyz", { cache: "no-store", credentials: "omit" })).json();
}

/** Follows the events: `connected` at each (re)connection, `happened` at each event, `lost` when it breaks. */
export async function follow({ connected, happened, lost }) {
  for (;;) {
    try {
      const response = await request("/api/v1/stream");
      connected();
      await read(response.body, happened);
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return;
    }
    lost();
    await new Promise((go) => setTimeout(go, PAUSE_MS));
  }
}

async function read(body, happened) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    for (const message of messages) tell(message, happened);
  }
}

function tell(message, happened) {
  const fields = { event: "", data: "" };
  for (const line of message.split("\n")) {
    const [, name, text] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] += text;
  }
  if (fields.event === "lagged") happened(null);
  else if (fields.data) happened(JSON.parse(fields.data));
}
