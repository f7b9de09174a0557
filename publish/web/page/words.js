// Numbers and times as people read them; small helpers for the document.
export const dash = "–";
let zone = "UTC";
let currency = "";
/** "EUR", or nothing where the configuration names none. */
export const inCurrency = () => currency;
/** Takes over what GET /api/v1/site says of the house. */
export function setSite({ time_zone: name, currency: unit }) {
  if (name !== zone) {
    zone = name;
    formats.clear();
  }
  currency = unit;
}
export const perKwh = () => (currency ? `${currency}/kWh` : "per kWh");

export function siteZone() {
  return zone;
}

const thin = "\u202f";
export function watts(w) {
  if (w === null || w === undefined) return dash;
  const size = Math.abs(w);
  if (size >= 9995) return `${(size / 1000).toFixed(1)}${thin}kW`;
  return `${grouped(Math.round(size))}${thin}W`;
}
export function grouped(n) {
  return n >= 10000 ? String(n).replace(/\B(?=(\d{3})+$)/g, thin) : String(n);
}
export function kwh(value) {
  return value === null || value === undefined ? dash : value.toFixed(value < 100 ? 1 : 0);
}
export function percent(value) {
  return value === null || value === undefined ? dash : String(Math.round(value));
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return dash;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(seconds / 86400)} days`;
}

const formats = new Map();
function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key))
    formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(key);
}
/** All at the site, whatever the reader's own zone; arguments in seconds since 1970. */
export const clock = (s) => format({ hour: "2-digit", minute: "2-digit" }).format(s * 1000);
export const clockSeconds = (s) =>
  format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(s * 1000);
export const dayName = (s) =>
  format({ weekday: "short", day: "numeric", month: "short" }).format(s * 1000);
export const weekday = (s) => format({ weekday: "short" }).format(s * 1000);
export function offsetMinutes(s) {
  const parts = Object.fromEntries(
    format({
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      hourCycle: "h23",
    })
      .formatToParts(s * 1000)
      .map((part) => [part.type, Number(part.value)]),
  );
  return Math.round(
    (Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) /
      1000 -
      Math.floor(s)) /
      60,
  );
}
/** What the site's clocks show then: "2026-12-01T18:00". */
export const shownAt = (s) =>
  new Date((s + offsetMinutes(s) * 60) * 1000).toISOString().slice(0, 16);
/** The other way round, as a Date. */
export function momentOf(shown) {
  const asUtc = Date.parse(`${shown}Z`) / 1000;
  const near = asUtc - 60 * offsetMinutes(asUtc);
  return new Date((asUtc - 60 * offsetMinutes(near)) * 1000);
}
/** The site's midnight `days` days after that of s; a day of a clock change has 23 or 25 hours. */
export function midnight(s, days = 0) {
  const local = s + offsetMinutes(s) * 60;
  const target = (Math.floor(local / 86400) + days) * 86400;
  let guess = target - offsetMinutes(s) * 60;
  guess = target - offsetMinutes(guess) * 60;
  return guess;
}

/** Of the days of GET /api/v1/history/days the one that `state` is in; nothing where that is not known. */
export const ofToday = (days, state) =>
  state?.clock_trusted
    ? days.find(({ date }) => date === shownAt(state.at).slice(0, 10))
    : undefined;

export const $ = (id) => document.getElementById(id);
export function text(node, value) {
  if (node && node.textContent !== value) node.textContent = value;
}
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}
function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== false) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
const shownIn = new WeakMap();
/** Replaces the children only when what they say has changed, so that nothing is announced twice. */
export function put(node, children) {
  const key = children.map((child) => child.outerHTML).join("");
  if (shownIn.get(node) === key) return;
  shownIn.set(node, key);
  while (node.firstChild) node.removeChild(node.firstChild);
  node.append(...children);
}

export const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** What each flow is doing, with the hub's signs; below this it rests (`esshub status`: done_anyway). */
const rest = 15;
export function direction(place, w) {
  if (w === null) return 0;
  if (Math.abs(w) < rest) return 0;
  return w > 0 ? 1 : -1;
}
const doing = {
  grid: ["exporting", "at zero", "importing"],
  solar: ["drawing", "no solar", "solar"],
  house: ["feeding in", "house", "house"],
  battery: ["discharging", "resting", "charging"],
};
export const verb = (place, w) => doing[place][direction(place, w) + 1];

/** The sentence of what it does now: what holds the battery says more than what it would like. */
export function headline(decision) {
  const [target, ...held] = decision.reasons;
  const why = held.find((reason) => reason.why !== "slew");
  if (!target) return "No decision yet";
  if (why && decision.battery_command_w === null) return sentence(why.phrase);
  if (why && Math.abs(decision.battery_command_w) < rest) return `Resting: ${why.phrase}`;
  return sentence(target.phrase);
}
export function power(w) {
  if (w === null) return dash;
  return Math.abs(w) < rest ? "rest" : `${w > 0 ? "charge" : "discharge"} with ${watts(w)}`;
}
/** Every limit in words, with what it changed: `otherwise` is empty where that is done anyway, or was said before. */
export function limits({ reasons, battery_command_w: command }) {
  const told = [command ?? 0];
  return reasons.slice(1).map(({ why, phrase, without_w: without }) => {
    const known = told.some((w) => Math.abs(w - without) < rest || power(w) === power(without));
    if (!known) told.push(without);
    return {
      words: sentence(phrase),
      otherwise: known
        ? ""
        : `${why.endsWith("_overruled") ? "It wished to" : "Without this it would"} ${power(without)}.`,
    };
  });
}
/** The whole reason in one sentence: what it does, then every limit that the headline does not name. */
export function reason(decision) {
  const main = headline(decision);
  const others = decision.reasons
    .slice(1)
    .map(({ phrase }) => phrase)
    .filter((phrase) => !main.toLowerCase().includes(phrase.toLowerCase()));
  return [main, ...others].join("; ");
}
