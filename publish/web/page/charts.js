// Curves of today, bars of the days, and the plan of the next hours, as SVG.
import {
  $,
  clock,
  dayName,
  grouped,
  html,
  inCurrency,
  kwh,
  midnight,
  offsetMinutes,
  perKwh,
  percent,
  put,
  sentence,
  svg,
  text,
  verb,
  watts,
  weekday,
} from "/words.js";

export const narrow = () => innerWidth < 620;
export const line = (x1, y1, x2, y2, name) => svg("line", { x1, y1, x2, y2, class: name });
export const label = (x, y, words, anchor = "middle", name = null) =>
  svg("text", { x, y, "text-anchor": anchor, class: name }, words);
/** Round marks that cover low to high, few enough to read; the ends are marks themselves. */
function marks(low, high) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const gap = [1, 2, 2.5, 5, 10].map((n) => n * unit).find((n) => n >= rough);
  const list = [];
  for (
    let i = Math.floor(low / gap + 1e-9);
    list.length === 0 || list[list.length - 1] < high - gap * 1e-9;
    i += 1
  )
    list.push(Number((i * gap).toFixed(6)));
  return list;
}
const say = (node, words) => put(node, [html("p", { class: "none" }, words)]);

// ---- today ------------------------------------------------------------------------------------------
let minutes = null; // rows of 5 minutes: [begin, grid, solar, house, battery, soc]
const step = 300;

function bins(rows, from, until) {
  const count = Math.ceil((until - from) / step);
  const sums = Array.from({ length: count }, () => [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  for (const row of rows) {
    const bin = sums[Math.floor((row[0] - from) / step)];
    if (bin)
      row.slice(1).forEach((value, i) => {
        if (value !== null) {
          bin[i][0] += value;
          bin[i][1] += 1;
        }
      });
  }
  return sums.map((bin) => bin.map(([sum, n]) => (n ? sum / n : null)));
}

export function drawToday(rows, now) {
  const from = midnight(now);
  const until = midnight(now, 1);
  minutes = { from, until, bins: bins(rows, from, until), at: null };
  const wide = narrow() ? 400 : 1180;
  const high = narrow() ? 260 : 300;
  const box = { left: narrow() ? 64 : 54, right: wide - 52, top: 12, bottom: high - 26 };
  const flat = minutes.bins.flatMap((bin) => bin.slice(0, 4)).filter((v) => v !== null);
  const lowest = Math.min(0, ...flat);
  const ticks = marks(lowest < -100 ? lowest : 0, Math.max(500, ...flat));
  const [bottom, top] = [ticks[0], ticks[ticks.length - 1]];
  const x = (s) => box.left + ((s - from) / (until - from)) * (box.right - box.left);
  const y = (w) => box.bottom - ((w - bottom) / (top - bottom)) * (box.bottom - box.top);
  const ySoc = (p) => box.bottom - (p / 100) * (box.bottom - box.top);
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" });
  for (const w of ticks) {
    picture.append(line(box.left, y(w), box.right, y(w), w === 0 ? "zero" : "axis"));
    picture.append(label(box.left - 6, y(w) + 4, w === 0 ? "0" : `${w / 1000} kW`, "end"));
  }
  for (const p of [0, 50, 100]) picture.append(label(box.right + 6, ySoc(p) + 4, `${p}%`, "start"));
  for (let h = 0; h <= 24; h += narrow() ? 6 : 3) {
    const s = from + h * 3600;
    if (s <= until) picture.append(label(x(s), high - 6, clock(s)));
  }
  const curve = (index, scale, close) => {
    let path = "";
    let run = [];
    const flush = () => {
      if (run.length) {
        path += "M" + run.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L");
        if (close)
          path += `L${run[run.length - 1][0].toFixed(1)} ${y(0).toFixed(1)}L${run[0][0].toFixed(1)} ${y(0).toFixed(1)}Z`;
      }
      run = [];
    };
    minutes.bins.forEach((bin, i) => {
      if (bin[index] === null) return flush(); // what is missing stays missing
      run.push([x(from + (i + 0.5) * step), scale(bin[index])]);
    });
    flush();
    return path;
  };
  picture.append(
    svg("path", { class: "s-solar", d: curve(1, y, true) }),
    svg("path", { class: "s-battery", d: curve(3, y, true) }),
    svg("path", { class: "s-grid", d: curve(0, y, false) }),
    svg("path", { class: "s-house", d: curve(2, y, false) }),
    svg("path", { class: "s-soc", d: curve(4, ySoc, false) }),
  );
  if (now < until) picture.append(line(x(now), box.top, x(now), box.bottom, "now-line"));
  const cursor = line(0, box.top, 0, box.bottom, "cursor");
  cursor.style.display = "none";
  picture.append(cursor);
  Object.assign(minutes, { cursor, x, wide, box });
  put($("today"), [picture]);
  $("today").firstChild.onpointermove = (event) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const part =
      (((event.clientX - frame.left) / frame.width) * wide - box.left) / (box.right - box.left);
    point(Math.floor(part * minutes.bins.length), false);
  };
  $("today").setAttribute(
    "aria-label",
    flat.length
      ? `Power through the day, up to ${watts(Math.max(...flat))}. Arrow keys read it.`
      : "No values of today yet",
  );
}

function point(index, announce) {
  const at = Math.max(0, Math.min(minutes.bins.length - 1, index));
  const bin = minutes.bins[at];
  minutes.at = at;
  const s = minutes.from + (at + 0.5) * step;
  const shown = minutes.x(s);
  minutes.cursor.style.display = "";
  minutes.cursor.setAttribute("x1", shown);
  minutes.cursor.setAttribute("x2", shown);
  const known = bin.some((value) => value !== null);
  const out = $("today-readout");
  out.setAttribute("aria-live", announce ? "polite" : "off");
  text(
    out,
    known
      ? `${clock(minutes.from + at * step)}: solar ${watts(bin[1])}, house ${watts(bin[2])}, battery ${verb("battery", bin[3] ?? 0)} ${watts(bin[3])}, grid ${verb("grid", bin[0] ?? 0)} ${watts(bin[0])}, ${percent(bin[4])} %`
      : `${clock(minutes.from + at * step)}: no values`,
  );
}

export function listenToKeys() {
  for (const id of ["plan", "past"])
    $(id).addEventListener("keydown", (event) => {
      const pointed = readers[id];
      if (!pointed || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
      event.preventDefault();
      const on = event.key === "ArrowLeft" ? -1 : 1;
      pointAt(pointed, (pointed.at ?? -1) + on * (event.shiftKey ? 4 : 1), true);
    });
  $("today").addEventListener("keydown", (event) => {
    if (!minutes || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    const now = Math.floor((Date.now() / 1000 - minutes.from) / step);
    point(
      (minutes.at ?? now) + (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 12 : 1),
      true,
    );
  });
}

/** Never "-0.00". */
export const money = (sum) => (Math.round(sum * 100) / 100 || 0).toFixed(2);

/** Of a day of the history; of an empty one every tile says that it is not known. */
export function showTiles(day) {
  const rows = [
    ["t-solar", "Solar", day.solar_kwh],
    ["t-house", "House", day.house_kwh],
    ["t-grid", "Imported", day.grid_import_kwh],
    ["t-grid", "Exported", day.grid_export_kwh],
    ["t-battery", "Charged", day.battery_charge_kwh],
    ["t-battery", "Discharged", day.battery_discharge_kwh],
  ];
  const tiles = rows.map(([name, words, value]) => tile(name, words, kwh(value), "kWh"));
  const share =
    day.house_kwh > 0.05 ? Math.max(0, 1 - day.grid_import_kwh / day.house_kwh) * 100 : null;
  tiles.push(tile("", "Self-supplied", percent(share), "%"));
  if (day.import_cost !== null && day.import_cost !== undefined)
    tiles.push(tile("", "Cost", money(day.import_cost - (day.export_income ?? 0)), inCurrency()));
  put($("tiles"), tiles);
}
const tile = (name, words, value, unit) =>
  html(
    "div",
    { class: name },
    html("dt", {}, words),
    html("dd", {}, value, html("small", {}, unit ? ` ${unit}` : "")),
  );

// ---- day by day ----------------------------------------------------------------------------------------
export function drawDays(days, count) {
  const list = days.slice(-count);
  const frame = $("days");
  if (list.length === 0) return say(frame, "No whole day yet.");
  const wide = narrow() ? 400 : 560;
  const high = 240;
  const box = { left: 46, right: wide - 4, top: 12, bottom: high - 26 };
  const exported = Math.max(...list.map((d) => d.grid_export_kwh));
  const ticks = marks(
    exported > 0.05 ? -exported : 0,
    Math.max(1, ...list.flatMap((d) => [d.solar_kwh, d.house_kwh, d.grid_import_kwh])),
  );
  const [bottom, top] = [ticks[0], ticks[ticks.length - 1]];
  const y = (v) => box.bottom - ((v - bottom) / (top - bottom)) * (box.bottom - box.top);
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" });
  for (const v of ticks)
    picture.append(
      line(box.left, y(v), box.right, y(v), v === 0 ? "zero" : "axis"),
      label(box.left - 6, y(v) + 4, String(Math.abs(v)), "end"),
    );
  picture.append(label(box.left - 6, high - 6, "kWh", "end"));
  const slot = (box.right - box.left) / Math.max(list.length, count);
  const bar = Math.min(16, slot * 0.26);
  list.forEach((day, i) => {
    const middle = box.left + (i + 0.5) * slot;
    const box3 = [
      ["b-solar", day.solar_kwh, -1.5],
      ["b-house", day.house_kwh, -0.5],
      ["b-grid", day.grid_import_kwh, 0.5],
      ["b-grid", -day.grid_export_kwh, 0.5],
    ];
    for (const [name, value, place] of box3)
      if (value)
        picture.append(
          svg("rect", {
            class: name,
            x: middle + place * bar,
            width: bar * 0.9,
            y: Math.min(y(0), y(value)),
            height: Math.abs(y(value) - y(0)),
            rx: Math.min(2, bar / 4),
          }),
        );
    const date = new Date(`${day.date}T12:00:00Z`);
    const words =
      count <= 7
        ? date.toLocaleDateString("en-GB", { weekday: "short", timeZone: "UTC" })
        : String(date.getUTCDate());
    if (count <= 7 || i % 5 === list.length % 5) picture.append(label(middle, high - 6, words));
  });
  put(frame, [picture]);
  const head = html(
    "thead",
    {},
    html(
      "tr",
      {},
      ...["Day", "Solar", "House", "Imported", "Exported", "Charged", "Discharged"].map((words) =>
        html("th", { scope: "col" }, words),
      ),
    ),
  );
  const body = html(
    "tbody",
    {},
    ...[...list]
      .reverse()
      .map((d) =>
        html(
          "tr",
          {},
          html("td", {}, d.date),
          ...[
            d.solar_kwh,
            d.house_kwh,
            d.grid_import_kwh,
            d.grid_export_kwh,
            d.battery_charge_kwh,
            d.battery_discharge_kwh,
          ].map((v) => html("td", {}, kwh(v))),
        ),
      ),
  );
  put($("days-table"), [head, body]);
}

// ---- the next 48 hours ------------------------------------------------------------------------------------
/** Smart mode's plan: its slots, or none. */
const slotsOf = (smart) => smart?.plan?.slots ?? [];

/** Expected charge from empty to full between two heights: a band and its mean, for each list of slots. */
export function drawCharge(picture, lists, x, box) {
  const y = (part) => box.bottom - (part / 100) * (box.bottom - box.top);
  const at = (slot, part) => `${x(slot.begin).toFixed(1)} ${y(part).toFixed(1)}`;
  for (const part of [0, 50, 100])
    picture.append(
      line(box.left, y(part), box.right, y(part), "axis"),
      label(box.right, y(part) - 3, `${part} %`, "end"),
    );
  for (const slots of lists) {
    const low = slots.map((slot) => at(slot, slot.charge_low_percent));
    const high = slots.map((slot) => at(slot, slot.charge_high_percent)).reverse();
    picture.append(
      svg("path", { class: "p-band", d: `M${low.concat(high).join("L")}Z` }),
      svg("path", {
        class: "p-mean",
        d: `M${slots.map((slot) => at(slot, slot.charge_percent)).join("L")}`,
      }),
    );
  }
  return y;
}

/** What one slot does and why, as a line of text. */
function readSlot(slot) {
  const price = (value) => value.toFixed(3);
  return (
    `${weekday(slot.begin)} ${clock(slot.begin)}: ${ordered(slot.instruction)}. ` +
    `Import ${price(slot.import_price)}, export ${price(slot.export_price)}; charge ` +
    `${percent(slot.charge_percent)} % (${percent(slot.charge_low_percent)} to ` +
    `${percent(slot.charge_high_percent)}). ${sentence(slot.reason)}.`
  );
}

const readers = {}; // by picture: the slot that is read, and what moves the mark there

function pointAt(pointed, index, announce) {
  const { slots, cursor, x, out, words } = pointed;
  pointed.at = Math.max(0, Math.min(slots.length - 1, index));
  const slot = slots[pointed.at];
  const place = x((slot.begin + slot.end) / 2);
  cursor.style.display = "";
  cursor.setAttribute("x1", place);
  cursor.setAttribute("x2", place);
  out.setAttribute("aria-live", announce ? "polite" : "off");
  text(out, words(slot));
}

/** Shows the picture; where it has slots, `words` of the one that is touched are read in the frame's output. */
export function showPicture(id, picture, { slots, x, wide, bottom, words }) {
  const frame = $(id);
  put(frame, [picture]);
  const read = readers[id]?.slots[readers[id].at];
  readers[id] = null;
  frame.tabIndex = slots.length > 1 ? 0 : -1;
  if (slots.length < 2) return;
  const cursor = line(0, 24, 0, bottom, "cursor");
  cursor.style.display = "none";
  picture.append(cursor);
  const pointed = { slots, cursor, x, out: $(`${id}-readout`), words, at: null };
  readers[id] = pointed;
  picture.onpointermove = picture.onpointerdown = (event) => {
    const place = picture.getBoundingClientRect();
    const at = ((event.clientX - place.left) / place.width) * wide;
    const found = slots.findIndex((slot) => x(slot.end) > at);
    pointAt(pointed, found < 0 ? slots.length - 1 : found, false);
  };
  const again = read ? slots.findIndex((slot) => slot.begin === read.begin) : -1;
  if (again >= 0) pointAt(pointed, again, false); // drawn anew: the slot that is read stays
}

/** The prices of which nothing is told of now though they were: a sentence for each. A weekday says no more after a week. */
function saySilent(feeds, now) {
  const named = { import_price: "import", export_price: "export" };
  return feeds
    .filter(({ kind, until }) => kind in named && until !== null && until <= now)
    .map(({ kind, until }) => {
      const day = now - until > 6 * 86400 ? dayName(until) : weekday(until);
      return `No ${named[kind]} price is told since ${day} ${clock(until)}: the tariff's holds.`;
    });
}

/** The words below the picture: what the plan costs and why it buys, or what is in its way. */
function sayPlan(smart, feeds, now) {
  const made = smart?.plan;
  const words = saySilent(feeds, now);
  if (smart?.problem) words.push(`No new plan: ${smart.problem.split("_").join(" ")}.`);
  if (made) {
    const sun = made.sun_issued
      ? ` and the sun told ${weekday(made.sun_issued)} ${clock(made.sun_issued)}`
      : "";
    words.push(
      `Planned ${weekday(made.made)} ${clock(made.made)} from the last ${made.days} days${sun}. Expected ` +
        `cost ${`${money(made.cost)} ${inCurrency()}`.trim()}, with self-consumption ${money(made.cost_balance)}, ` +
        `without a battery ${money(made.cost_no_battery)}, over the 48 h it was made for.`,
    );
    if (made.reason) words.push(`It buys: ${made.reason}.`);
  }
  text($("plan-words"), words.join(" "));
  $("plan-words").hidden = words.length === 0;
  $("plan-readout").hidden = slotsOf(smart).length === 0;
}

export function drawPlan(spans, now, smart = null, feeds = []) {
  const frame = $("plan");
  const slots = slotsOf(smart);
  sayPlan(smart, feeds, now);
  if (spans.length === 0) {
    readers.plan = null;
    put($("spans"), []);
    return say(frame, "Nothing is planned.");
  }
  const from = spans[0].begin;
  const until = spans[spans.length - 1].end;
  const wide = narrow() ? 400 : 560;
  const priced = spans.some((span) => span.import_price !== null);
  const band = slots.length > 1 ? 110 : 0; // for the expected charge
  const high = (priced ? 196 : 110) + band;
  const box = { left: 8, right: wide - 8, bar: high - 64, barHigh: 34 };
  const x = (s) => box.left + ((s - from) / (until - from)) * (box.right - box.left);
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" });
  const merged = []; // what only differs in price is one stretch
  for (const part of spans) {
    const last = merged[merged.length - 1];
    if (last && last.authority === part.authority && asked(last) === asked(part))
      last.end = part.end;
    else merged.push({ ...part });
  }

  // Clock changes: the night is marked over the whole height.
  const changes = clockChanges(from, until);
  for (const change of changes) {
    const nightFrom = Math.max(from, midnight(change.at));
    const nightUntil = Math.min(until, nightFrom + 6 * 3600);
    picture.append(
      svg("rect", {
        class: "p-dst",
        x: x(nightFrom),
        y: 0,
        width: x(nightUntil) - x(nightFrom),
        height: box.bar + box.barHigh,
      }),
    );
    picture.append(line(x(change.at), 16, x(change.at), box.bar + box.barHigh, "p-dst-line"));
    const left = x(nightFrom) > wide / 2;
    picture.append(
      label(x(nightFrom) + (left ? -4 : 4), 14, change.words, left ? "end" : "start", "p-dst-text"),
    );
  }
  if (priced) {
    const prices = spans.map((span) => span.import_price).filter((p) => p !== null);
    const paid = spans.map((span) => span.export_price).filter(Number.isFinite);
    const top = Math.max(...prices, ...paid) || 1;
    const low = Math.min(0, ...prices, ...paid);
    const y = (p) => box.bar - band - 12 - ((p - low) / (top - low)) * (box.bar - band - 56);
    const steps = (which) => {
      let path = "";
      let gap = true;
      for (const span of spans) {
        const price = span[which];
        const known = Number.isFinite(price);
        if (known)
          path += `${gap ? "M" : "L"}${x(span.begin).toFixed(1)} ${y(price).toFixed(1)}L${x(span.end).toFixed(1)} ${y(price).toFixed(1)}`;
        gap = !known;
      }
      return path;
    };
    picture.append(
      svg("path", { class: "p-export", d: steps("export_price") }),
      svg("path", { class: "p-price", d: steps("import_price") }),
      label(
        box.left,
        32,
        `price, ${perKwh()}: ${Math.min(...prices)} to ${Math.max(...prices)}`,
        "start",
        "p-price-text",
      ),
    );
  }
  if (band)
    drawCharge(picture, [slots], x, {
      left: box.left,
      right: box.right,
      top: box.bar - band + 4,
      bottom: box.bar - 8,
    });
  for (const part of merged)
    picture.append(
      svg("rect", {
        class: part.instruction.keeps_charge ? "p-keep" : `p-${part.instruction.kind}`,
        x: x(part.begin),
        y: box.bar,
        width: Math.max(1, x(part.end) - x(part.begin) - 1),
        height: box.barHigh,
        rx: 4,
      }),
    );
  for (let day = 0; day <= 2; day += 1) {
    for (const hour of narrow() ? [0, 12] : [0, 6, 12, 18]) {
      const s = atHour(midnight(from, day), hour);
      if (s < from || s > until) continue;
      picture.append(line(x(s), box.bar + box.barHigh, x(s), box.bar + box.barHigh + 5, "zero"));
      picture.append(
        label(
          Math.min(wide - 23, Math.max(23, x(s))),
          box.bar + box.barHigh + 18,
          hour === 0 ? weekday(s) : clock(s).slice(0, 5),
          "middle",
          hour === 0 ? "strong" : null,
        ),
      );
    }
  }
  if (now > from && now < until)
    picture.append(line(x(now), box.bar - 5, x(now), box.bar + box.barHigh + 5, "now-line"));
  showPicture("plan", picture, {
    slots: band ? slots : [],
    x,
    wide,
    bottom: box.bar + box.barHigh,
    words: readSlot,
  });

  const items = merged
    .slice(0, 10)
    .map((span) =>
      html("li", {}, html("time", {}, between(span)), html("span", {}, planned(span))),
    );
  for (const change of changes)
    items.push(
      html(
        "li",
        { class: "bad" },
        html("time", {}, `${weekday(change.at)} night`),
        html("span", {}, sentence(change.words + change.more)),
      ),
    );
  put($("spans"), items);
}

function between({ begin, end }) {
  const day = midnight(begin, 1) < end ? `${weekday(end)} ` : "";
  return `${weekday(begin)} ${clock(begin)} – ${day}${clock(end)}`;
}

/** What an instruction asks for, in words. */
export function ordered(instruction) {
  const {
    kind,
    power_w: w,
    target_percent: target,
    low_percent: low,
    high_percent: high,
    keeps_charge: keeps,
  } = instruction;
  const range = low > 0 || high < 100 ? ` between ${low} and ${high} %` : "";
  if (kind === "charge") return `charge with ${grouped(w)} W up to ${target} %`;
  if (kind === "discharge") return `discharge with ${grouped(w)} W down to ${target} %`;
  if (kind === "idle") return `rest${range}`;
  return keeps ? "keep the charge; solar still charges" : `balance${range}`;
}

const authorities = {
  balance: "",
  tariff: " (cheap tariff)",
  smart: " (Smart plan)",
  schedule: " (weekly plan)",
  dispatch: " (from outside)",
  manual: " (by you)",
};
/** What a stretch of the plan does; the Smart plan's marks change with every slot. */
export const asked = ({ authority, instruction }) => {
  if (authority !== "smart") return ordered(instruction);
  if (instruction.keeps_charge) return "keep the charge";
  return instruction.kind === "idle" ? "rest" : instruction.kind;
};
const planned = (span) => sentence(asked(span)) + authorities[span.authority];

function atHour(dayBegin, hour) {
  const s = dayBegin + hour * 3600;
  return s + (offsetMinutes(dayBegin) - offsetMinutes(s)) * 60;
}

/** Changes of the site's offset within [from, until]. */
export function clockChanges(from, until) {
  const changes = [];
  for (let s = Math.ceil(from / 900) * 900; s < until; s += 900) {
    const by = offsetMinutes(s + 1) - offsetMinutes(s - 1);
    if (by !== 0)
      changes.push({
        at: s,
        by,
        words: by < 0 ? `clocks go back ${span(-by)}` : `clocks go forward ${span(by)}`,
        more: by < 0 ? `: ${clock(s)} to ${clock(s - by * 60 - 1)} comes twice` : "",
      });
  }
  return changes;
}
const span = (minutesLong) => (minutesLong === 60 ? "1 h" : `${minutesLong} min`);
