// Big figures for a small screen.
import { follow, get } from "/live.js";
import {
  $,
  clock,
  kwh,
  ofToday,
  percent,
  reason,
  setSite,
  span,
  text,
  verb,
  watts,
} from "/words.js";

let history = false;
let days = [];
let latest = null;

function show(state, heard) {
  latest = state;
  showToday();
  document.body.classList.toggle("lost", state === null);
  for (const place of ["solar", "house", "battery", "grid"]) {
    const reading = state?.[place].power_w;
    const w = reading?.value ?? null;
    const row = $(place);
    row.classList.toggle("stale", w === null);
    text(row.querySelector("b"), watts(w));
    const words =
      w !== null
        ? verb(place, w)
        : state === null
          ? ""
          : reading.age_s === null
            ? place === "house"
              ? "not known"
              : "no reading"
            : reading.age_s <= state.max_age_s
              ? "not known"
              : `old: ${span(reading.age_s)}`;
    text(row.querySelector("span"), words === place ? "" : words);
  }
  const soc = state?.battery.soc_percent.value ?? null;
  text($("soc"), soc === null ? "–" : `${percent(soc)}%`);
  $("level").style.strokeDasharray = `${soc ?? 0} 100`;
  text(
    $("soc-text"),
    soc === null ? "State of charge not known" : `State of charge ${percent(soc)} per cent`,
  );
  const policy = state?.decision?.policy;
  for (const [name, value] of [
    ["reserve", policy?.reserve_percent],
    ["cutoff", policy?.cutoff_percent],
  ]) {
    $(name).classList.toggle("on", value !== undefined);
    if (value !== undefined) $(name).setAttribute("transform", `rotate(${value * 3.6} 100 100)`);
  }
  text($("soc-note"), policy ? `reserve ${percent(policy.reserve_percent)}%` : "battery");
  text(
    $("doing"),
    state === null ? "" : state.decision ? reason(state.decision) : "The control has stopped",
  );
  text($("time"), state === null ? "" : clock(state.at));
  $("doing").classList.toggle("long", $("doing").textContent.length > 90);
  // The alarm takes the place of the reason: the figures above keep theirs.
  const alarm = $("alarm");
  const fault = state?.faults.find((f) => f.severity !== "info");
  alarm.hidden = state !== null && !fault;
  $("doing").hidden = !alarm.hidden;
  alarm.className = fault?.severity ?? "critical";
  text(
    alarm,
    state === null
      ? heard
        ? `No connection to the hub since ${clock(heard / 1000)}`
        : "Connecting to the hub"
      : fault
        ? fault.title
        : "",
  );
}

async function readToday() {
  days = history
    ? await get("/api/v1/history/days?count=1").then(
        (answer) => answer.days,
        () => [],
      )
    : [];
  showToday();
}

/** What went where today, in kWh; nothing where no history tells. */
function showToday() {
  const day = ofToday(days, latest);
  const told = (words) => (day ? `today ${words}\u00a0kWh` : "");
  text($("solar-today"), told(kwh(day?.solar_kwh)));
  text($("house-today"), told(kwh(day?.house_kwh)));
  // With the hub's signs: + = charged, imported.
  const signed = (sign, value) => (Number(kwh(value)) === 0 ? kwh(value) : sign + kwh(value));
  const both = (positive, negative) => told(`${signed("+", positive)} ${signed("−", negative)}`);
  text($("battery-today"), both(day?.battery_charge_kwh, day?.battery_discharge_kwh));
  text($("grid-today"), both(day?.grid_import_kwh, day?.grid_export_kwh));
}

/** Whether the hub told. */
async function readSite() {
  try {
    const site = await get("/api/v1/site");
    setSite(site);
    history = site.history;
  } catch {
    return false;
  }
  readToday();
  return true;
}

async function start() {
  document.documentElement.classList.add("runs"); // old.js looks for it
  while (!(await readSite())) await new Promise((done) => setTimeout(done, 3000));
  follow(show, readSite);
  setInterval(readToday, 60000);
}
start();
