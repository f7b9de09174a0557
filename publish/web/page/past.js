// What the Smart plan held for yesterday and what happened, and what was saved.
import { asked, drawCharge, label, line, money, narrow, showPicture } from "/charts.js";
import {
  $,
  clock,
  dash,
  dayName,
  html,
  inCurrency,
  percent,
  put,
  svg,
  text,
  verb,
  watts,
} from "/words.js";

const rest = 50; // W: below it the battery did nothing

/** What the battery did in a quarter of an hour, as the plan would call it. */
function done({ battery_w: battery, grid_w: grid }) {
  if (battery === null || grid === null) return null;
  if (battery > rest) return grid >= battery / 2 ? "charge" : "balance";
  if (battery < -rest) return grid <= battery / 2 ? "discharge" : "balance";
  return "idle";
}
const planned = ({ instruction }) => (instruction.keeps_charge ? "keep" : instruction.kind);

/** What follows without a gap by one plan. */
function byPlan(slots) {
  const lists = [];
  for (const slot of slots) {
    const last = lists[lists.length - 1]?.slice(-1)[0];
    if (last && last.end === slot.begin && last.made === slot.made)
      lists[lists.length - 1].push(slot);
    else lists.push([slot]);
  }
  return lists;
}

function readSlot(planOf, slot) {
  const plan = planOf(slot);
  const was =
    slot.soc_percent === null
      ? "not known"
      : `${percent(slot.soc_percent)} %, battery ${verb("battery", slot.battery_w ?? 0)} ` +
        `${watts(slot.battery_w)}, grid ${verb("grid", slot.grid_w ?? 0)} ${watts(slot.grid_w)}`;
  const held = plan
    ? `${asked({ authority: "smart", instruction: plan.instruction })}, charge ` +
      `${percent(plan.charge_percent)} % (${percent(plan.charge_low_percent)} to ` +
      `${percent(plan.charge_high_percent)})`
    : "nothing";
  return `${clock(slot.begin)}: planned ${held}. Happened: ${was}.`;
}

function strip(picture, slots, x, y, kind) {
  const merged = [];
  for (const slot of slots) {
    const last = merged[merged.length - 1];
    const name = kind(slot);
    if (last && last.name === name && last.end === slot.begin) last.end = slot.end;
    else merged.push({ name, begin: slot.begin, end: slot.end });
  }
  for (const { name, begin, end } of merged)
    if (name !== null)
      picture.append(
        svg("rect", {
          class: `p-${name}`,
          x: x(begin),
          y,
          width: Math.max(1, x(end) - x(begin)),
          height: 16,
        }),
      );
}

/** Of GET /api/v1/plan/yesterday; where nothing was planned there is no picture. */
export function drawPast(day) {
  const shown = day !== null && day.planned.length > 1;
  $("past-picture").hidden = !shown;
  if (!shown) return showPicture("past", svg("svg"), { slots: [] });
  text($("past-day"), dayName(day.begin));
  const wide = narrow() ? 400 : 560;
  const box = { left: 66, right: wide - 8, top: 16, bottom: 150 };
  const x = (s) => box.left + ((s - day.begin) / (day.end - day.begin)) * (box.right - box.left);
  const picture = svg("svg", { viewBox: `0 0 ${wide} 222`, "aria-hidden": "true" });
  const y = drawCharge(picture, byPlan(day.planned), x, box);
  const happened = day.happened.map((slot) => ({
    ...slot,
    end: Math.min(slot.begin + 900, day.end),
  }));
  let path = "";
  let gap = true;
  for (const { begin, end, soc_percent: soc } of happened) {
    if (soc !== null)
      path += `${gap ? "M" : "L"}${x((begin + end) / 2).toFixed(1)} ${y(soc).toFixed(1)}`;
    gap = soc === null;
  }
  picture.append(svg("path", { class: "s-soc", d: path }));
  picture.append(
    label(box.left - 6, 174, "planned", "end"),
    label(box.left - 6, 194, "done", "end"),
  );
  strip(picture, day.planned, x, 162, planned);
  strip(picture, happened, x, 182, done);
  for (let hour = 0; hour <= 24; hour += narrow() ? 6 : 3) {
    const s = Math.min(day.begin + hour * 3600, day.end);
    picture.append(line(x(s), 198, x(s), 203, "zero"));
    picture.append(label(Math.min(wide - 23, x(s)), 217, clock(s)));
  }
  const planOf = ({ begin }) =>
    day.planned.find((slot) => slot.begin <= begin && slot.end > begin) ?? null;
  showPicture("past", picture, {
    slots: happened,
    x,
    wide,
    bottom: 198,
    words: (slot) => readSlot(planOf, slot),
  });
}

const known = ({ days, known: of }) => (of < days ? `${of} of ${days}` : String(days));
const sum = (value) => (value === null ? dash : money(value));
/** What was paid beside what the battery as it was used is modelled to have cost. */
const paid = ({ model_error: error, error_days: of }) =>
  error === null
    ? dash
    : `${money(Math.abs(error))} ${error > 0 ? "less" : "more"}, ${of} ${of === 1 ? "day" : "days"}`;
const rows = [
  ["against no battery", (of) => sum(of.saved_against_no_battery)],
  ["against self-consumption", (of) => sum(of.saved_against_balance)],
  ["paid, than modelled", paid],
  ["days known", known],
  ["of these in part", (of) => String(of.partial)],
];

/** Of GET /api/v1/savings; periods of which nothing is known are left out. */
export function showSavings(savings) {
  const periods = [
    ["Today", savings?.today],
    ["Month", savings?.month],
    ["Year", savings?.year],
  ].filter(([, of]) => of && of.cost !== null);
  $("savings-table").hidden = periods.length === 0;
  const unit = inCurrency() ? `, ${inCurrency()}` : "";
  put($("savings"), [
    html(
      "thead",
      {},
      html(
        "tr",
        {},
        html("th", { scope: "col" }, `Saved${unit}`),
        ...periods.map(([name]) => html("th", { scope: "col" }, name)),
      ),
    ),
    html(
      "tbody",
      {},
      ...rows.map(([name, value]) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, name),
          ...periods.map(([, of]) => html("td", {}, value(of))),
        ),
      ),
    ),
  ]);
}

/** The card is there where it shows something. */
export function fitPast() {
  $("past-card").hidden = $("past-picture").hidden && $("savings-table").hidden;
}
