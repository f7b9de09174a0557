// Follows the hub's events and knows at every moment whether the newest one is still current.
const silenceMs = 3500; // events come every second

/**
 * Calls show(state, heard) with every event; with state null as soon as the hub is silent, or its
 * events come late (a stalled network delivers old ones in a burst). `heard` is when the last good
 * event came (Date), or null. Calls back() when events come again after a silence: it may be
 * another hub, with another configuration.
 */
export function follow(show, back) {
  let source = null;
  let heardAt = null;
  let heard = null;
  let fastest = Infinity; // smallest transport delay of this connection, on an arbitrary zero
  let lost = true;
  let openedAt = 0;

  const open = () => {
    source?.close();
    fastest = Infinity;
    openedAt = performance.now();
    source = new EventSource("/api/v1/events");
    source.onopen = () => {
      fastest = Infinity;
    };
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      const delay = performance.now() - state.monotonic_s * 1000;
      fastest = Math.min(fastest, delay);
      if (delay - fastest > silenceMs) return; // an old one: say nothing rather than something old
      if (lost && heard !== null) back();
      heardAt = performance.now();
      heard = new Date();
      lost = false;
      show(state, heard);
    });
  };
  const check = () => {
    if (heardAt === null || performance.now() - heardAt > silenceMs) {
      if (!lost || heardAt === null) show(null, heard);
      lost = true;
      // The browser gives up after some errors; a silent connection may be dead.
      if (
        source.readyState === EventSource.CLOSED ||
        performance.now() - Math.max(openedAt, heardAt ?? 0) > 8000
      )
        open();
    }
  };
  open();
  setInterval(check, 500);
  document.addEventListener("visibilitychange", check);
  addEventListener("pageshow", check);
}

/** GET as JSON; an Error carries the hub's own words. */
export async function get(path) {
  return answer(await fetch(path, { cache: "no-store" }));
}

/** A write with the session's token. */
export async function send(method, path, body, csrf) {
  const headers = { "X-CSRF-Token": csrf ?? "" };
  if (method === "POST") headers["Content-Type"] = "application/json";
  return answer(
    await fetch(path, {
      method,
      headers,
      body: method === "POST" ? JSON.stringify(body ?? {}) : undefined,
    }),
  );
}

async function answer(response) {
  const json = await response.json().catch(() => ({}));
  if (response.ok) return json;
  const error = new Error(json.text ?? `The hub answered ${response.status}.`);
  error.code = json.error;
  error.retryAfter = Number(response.headers.get("Retry-After") ?? 0);
  throw error;
}
