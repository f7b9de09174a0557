// The owner's page: every second the state, every minute the history and the plan.
import { follow, get } from "/live.js";
import {
  $,
  clock,
  clockSeconds,
  dash,
  dayName,
  headline,
  html,
  limits,
  midnight,
  ofToday,
  perKwh,
  percent,
  power,
  put,
  sentence,
  setSite,
  span,
  text,
  verb,
  watts,
} from "/words.js";
import { showFlow } from "/flow.js";
import { drawDays, drawPlan, drawToday, listenToKeys, ordered, showTiles } from "/charts.js";
import { drawPast, fitPast, showSavings } from "/past.js";
import { fitForms, look, startControls, showControls } from "/control.js";

let site = null;
let latest = null;
let days = [];

// ---- every second -----------------------------------------------------------------------------------
function show(state, heard) {
  latest = state;
  document.body.classList.toggle("lost", state === null);
  showLink(state, heard);
  showFlow(state);
  showBattery(state);
  showDecision(state);
  showFaults(state);
  showWarnings(state);
  showAges(state);
  showControls(state);
  showTotals();
}

function showLink(state, heard) {
  const banner = $("banner");
  const lost = state === null;
  const stopped = !lost && !state.control.current;
  const worst = lost ? "lost" : stopped ? "critical" : (state.faults[0]?.severity ?? "ok");
  const level = worst === "info" ? "ok" : worst;
  $("link").dataset.level = level;
  text(
    $("link"),
    {
      lost: "no connection",
      critical: stopped ? "control stopped" : "fault",
      warning: "attention",
      ok: "Hub: OK",
    }[level],
  );
  const words = lost
    ? `No connection to the hub${heard ? ` since ${clockSeconds(heard / 1000)}` : " yet"}. Nothing live is shown until it is back.`
    : stopped
      ? `The hub's control has stopped${state.control.age_s === null ? "" : ` ${span(state.control.age_s)} ago`}: nothing is being commanded.`
      : "";
  banner.hidden = words === "" || (lost && heard === null && performance.now() < 4000);
  text(banner, words);
  document.title = lost
    ? "no connection – esshub"
    : `${percent(state.battery.soc_percent.value)} % – ${site?.name ?? "esshub"}`;
  const time = $("time");
  if (!lost) {
    text(
      time,
      `${dayName(state.at)}, ${clock(state.at)}${state.clock_trusted ? "" : " (clock not set)"}`,
    );
    time.dateTime = new Date(state.at * 1000).toISOString();
  } else text(time, "");
}

function fact(words, value) {
  return html("div", {}, html("dt", {}, words), html("dd", {}, value));
}

function showBattery(state) {
  const battery = state?.battery;
  const soc = battery?.soc_percent.value ?? null;
  const policy = state?.decision?.policy ?? null;
  text($("soc"), percent(soc));
  const w = state?.battery.power_w.value ?? null;
  text(
    $("battery-doing"),
    state === null
      ? ""
      : w === null
        ? "power not known"
        : `${verb("battery", w)}${verb("battery", w) === "resting" ? "" : ` ${watts(w)}`}`,
  );
  $("gauge-fill").style.width = `${soc ?? 0}%`;
  $("gauge-zone").style.width = `${Math.min(soc ?? 0, policy?.reserve_percent ?? 0)}%`;
  const marks = [];
  for (const [name, value, words] of [
    ["reserve", policy?.reserve_percent, "reserve for a power cut"],
    ["cutoff", policy?.cutoff_percent, "cut-off in a power cut"],
    ["ceiling", policy?.ceiling_percent, "full"],
  ]) {
    const mark = $(`mark-${name}`);
    const on = value !== undefined && value !== null && !(name === "ceiling" && value >= 100);
    mark.classList.toggle("on", on);
    if (!on) continue;
    mark.style.left = `${value}%`;
    marks.push(html("li", { class: name }, `${percent(value)} % ${words}`));
  }
  put($("marks"), marks);
  $("gauge").setAttribute(
    "aria-label",
    soc === null ? "State of charge not known" : `State of charge ${percent(soc)} per cent`,
  );
  const facts = [];
  const unit = (key, words, suffix, digits) => {
    const v = battery?.[key]?.value;
    if (v !== null && v !== undefined) facts.push(fact(words, `${v.toFixed(digits)} ${suffix}`));
  };
  unit("voltage_v", "voltage", "V", 1);
  unit("temperature_c", "temperature", "°C", 0);
  unit("soh_percent", "state of health", "%", 0);
  unit("charge_current_limit_a", "max. charge current", "A", 0);
  unit("discharge_current_limit_a", "max. discharge current", "A", 0);
  const cells = [battery?.cell_voltage_min_v?.value, battery?.cell_voltage_max_v?.value];
  if (cells.every((v) => v !== null && v !== undefined))
    facts.push(fact("cells", `${cells[0].toFixed(3)} to ${cells[1].toFixed(3)} V`));
  facts.push(fact("would last a power cut", span(policy?.backup_left_s)));
  put($("battery-facts"), facts);
}

const authorities = {
  tariff: "because power is cheap now",
  smart: "by the Smart plan",
  schedule: "by the weekly plan",
  dispatch: "asked from outside",
  manual: "by your override",
};

function showDecision(state) {
  const decision = state?.decision ?? null;
  if (decision === null) {
    text($("doing"), state === null ? "Not known." : "The control is not deciding.");
    text($("order"), "");
    put($("reasons"), []);
    put($("policy-facts"), []);
    return;
  }
  text($("doing"), headline(decision));
  const command =
    decision.battery_command_w === null
      ? {
          follow: "No setpoint is being written.",
          release: "No setpoint is written: the inverter acts by itself.",
          off: "The inverter is switched off.",
        }[decision.inverter_mode]
      : `The battery is told to ${power(decision.battery_command_w)}.`;
  text($("order"), command);
  // What each limit changed: what the power would be without it.
  put(
    $("reasons"),
    limits(decision).map(({ words, otherwise }) =>
      html("li", {}, words, otherwise ? html("small", {}, otherwise) : null),
    ),
  );
  const policy = decision.policy;
  const facts = [
    fact("mode", policy.mode),
    fact(
      "asked",
      ordered(policy.instruction) +
        (authorities[policy.authority] ? `, ${authorities[policy.authority]}` : ""),
    ),
  ];
  if (policy.ends_in_s !== null) facts.push(fact("ends in", span(policy.ends_in_s)));
  if (policy.storm_begins_in_s !== null)
    facts.push(fact("storm begins in", span(policy.storm_begins_in_s)));
  if (policy.storm_ends_in_s !== null)
    facts.push(fact("storm ends in", span(policy.storm_ends_in_s)));
  if (policy.storm_reached_in_s !== null)
    facts.push(
      fact(
        "storm reserve",
        policy.storm_reached_in_s > 0
          ? `there in about ${span(policy.storm_reached_in_s)}`
          : "is there",
      ),
    );
  if (policy.last_full_s !== null)
    facts.push(
      fact("last full", policy.last_full_s < 60 ? "now" : `${span(policy.last_full_s)} ago`),
    );
  if (policy.import_price !== null)
    facts.push(fact("price now", `${policy.import_price} ${perKwh()}`));
  put($("policy-facts"), facts);
}

function showFaults(state) {
  if (state === null) return put($("faults"), [html("li", { class: "none" }, "Not known.")]);
  put(
    $("faults"),
    state.faults.length === 0
      ? [html("li", { class: "none" }, "None.")]
      : state.faults.map((fault) =>
          html(
            "li",
            { class: fault.severity },
            html("b", {}, fault.title),
            `${fault.advice} `,
            html(
              "small",
              {},
              `Since ${clock(fault.since)}${fault.age_s > 72000 ? `, ${dayName(fault.since)}` : ""}. `,
              `Steps: ${fault.fault} in docs/runbook.md.`,
            ),
          ),
        ),
  );
}

function showWarnings(state) {
  if (state === null) return; // the file is as it was
  const warnings = state.configuration_warnings;
  $("config").hidden = warnings.length === 0;
  put(
    $("warnings"),
    warnings.map(({ line, text: words }) =>
      html("li", {}, line ? `line ${line}: ${words}` : words),
    ),
  );
}

function showAges(state) {
  const rows = [
    ["control", state?.control.current, state?.control.age_s],
    ...[
      ["grid meter", state?.grid.power_w],
      ["solar meter", state?.solar.power_w],
      ["battery (BMS)", state?.battery.soc_percent],
      ["inverter", state?.inverter.state],
      ["house (estimate)", state?.house.power_w],
    ].map(([name, reading]) => [name, reading?.value, reading?.age_s]),
  ];
  const list = $("ages");
  if (list.children.length !== rows.length)
    put(
      list,
      rows.map(([name]) => html("li", {}, html("span", {}, name), html("b", {}))),
    );
  rows.forEach(([, value, age], i) => {
    const out = list.children[i].lastChild;
    const current = value !== null && value !== undefined && value !== false;
    out.className = current ? "ok" : "bad";
    text(
      out,
      state === null
        ? "not known"
        : age === null || age === undefined
          ? "never"
          : current
            ? span(age)
            : `old: ${span(age)}`,
    );
  });
}

// ---- now and then -------------------------------------------------------------------------------------
const columns = ["Bus", "State", "OK frames", "Errors", "Response time", "Reconnects"];
async function showBuses() {
  const head = html(
    "thead",
    {},
    html(
      "tr",
      {},
      ...columns.map((words, i) =>
        html("th", { scope: "col", class: i === 1 ? "text" : null }, words),
      ),
    ),
  );
  try {
    const { buses } = await get("/api/v1/buses");
    put($("buses"), [
      head,
      html(
        "tbody",
        {},
        ...buses.map((bus) => {
          const { ok, unknown, ...errors } = bus.frames;
          const good = bus.line_up && bus.ready && bus.faults.length === 0;
          const state = good ? "OK" : bus.trouble || (bus.line_up ? "not ready" : "line down");
          const words = [...bus.faults.map((fault) => fault.title), state].join("; ");
          return html(
            "tr",
            {},
            html("td", {}, bus.bus),
            html("td", { class: `text ${good ? "ok" : "bad"}` }, words),
            ...[
              ok.toLocaleString("en-GB"),
              Object.values(errors)
                .reduce((a, b) => a + b, 0)
                .toLocaleString("en-GB"),
              bus.round_trip_mean_ms === null ? dash : `${Math.round(bus.round_trip_mean_ms)} ms`,
              String(bus.reconnects),
            ].map((value, i) => html("td", { "data-name": columns[i + 2] }, value)),
          );
        }),
      ),
    ]);
  } catch {
    put($("buses"), [head]);
  }
}

/** What the policy asked for since then. */
function asked({ mode, instruction, authority, reserve_percent: reserve, storm }) {
  const by = authorities[authority] ? `, ${authorities[authority]}` : "";
  return `Mode ${mode}: ${ordered(instruction)}${by}; reserve ${reserve} %${storm ? " for the storm" : ""}`;
}

/** An event in words; of one without the values it needs, as an older hub wrote it, what is recorded. */
function happened({ kind, name, title, values, detail, words }) {
  if (words) return sentence(words);
  if (name === "policy" && values?.instruction) return asked(values);
  if (kind === "fault" && values?.state)
    return values.state === "cleared" ? `${title}: over after ${span(values.lasted_s)}` : title;
  return `${sentence(title)}${detail ? `: ${detail}` : ""}`;
}

function showTotals() {
  showTiles(ofToday(days, latest) ?? {});
}

async function showHistory() {
  const now = latest?.at ?? Date.now() / 1000;
  try {
    days = (await get("/api/v1/history/days?count=31")).days;
    showTotals();
    redrawDays();
    drawToday(
      (await get(`/api/v1/history/minutes?from=${midnight(now)}&until=${Math.ceil(now)}`)).rows,
      now,
    );
    const { events } = await get("/api/v1/history/events?most=30");
    put(
      $("events"),
      events.length
        ? events.map((event) =>
            html(
              "li",
              {},
              html(
                "time",
                { datetime: new Date(event.at * 1000).toISOString() },
                `${dayName(event.at)} ${clock(event.at)}`,
              ),
              happened(event),
            ),
          )
        : [html("li", { class: "none" }, "Nothing in the last week.")],
    );
  } catch (error) {
    for (const id of ["today", "days", "events"])
      put($(id), [html(id === "events" ? "li" : "p", { class: "none" }, error.message)]);
    days = [];
    showTotals();
  }
}

function redrawDays() {
  drawDays(days, Number(document.querySelector('input[name="days"]:checked').value));
}

async function showPlan() {
  $("plan-note").hidden = latest === null || latest.clock_trusted;
  try {
    const { spans, smart, feeds } = await get("/api/v1/plan?hours=48");
    drawPlan(spans, latest?.at ?? Date.now() / 1000, smart, feeds);
  } catch (error) {
    put($("spans"), []);
    put($("plan"), [html("p", { class: "none" }, error.message)]);
  }
}

const past = { day: null, read: 0 }; // yesterday, as it was read; when the savings were, in s
/** The hub reckons savings each quarter of an hour, and yesterday once. */
async function showPast() {
  const now = latest?.at ?? Date.now() / 1000;
  try {
    if (past.day?.end !== midnight(now)) past.day = (await get("/api/v1/plan/yesterday")).day;
    if (now < past.read || now >= past.read + 900) {
      const savings = await get("/api/v1/savings");
      showSavings(savings);
      if (savings.today) past.read = now;
    }
    drawPast(past.day);
  } catch {
    Object.assign(past, { day: null, read: 0 });
    showSavings(null);
    drawPast(null);
  }
  fitPast();
}

/** Whether the hub told. */
async function readSite() {
  try {
    site = await get("/api/v1/site");
  } catch {
    return false;
  }
  setSite(site);
  text($("site"), site.name);
  text($("version"), site.version);
  return true;
}

async function start() {
  document.documentElement.classList.add("runs"); // old.js looks for it
  listenToKeys();
  for (const input of document.querySelectorAll('input[name="days"]'))
    input.addEventListener("change", redrawDays);
  startControls();
  showTotals();
  while (!(await readSite())) await new Promise((done) => setTimeout(done, 3000));
  follow(show, () => {
    readSite();
    look();
  });
  const slow = async () => {
    await readSite(); // a reload may have changed the currency
    fitForms().catch(() => {}); // ... or what may be ordered, as another client may
    showHistory();
    showPlan();
    showPast();
  };
  setTimeout(slow, 300);
  setInterval(slow, 60000);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width < 620 !== innerWidth < 620) slow();
    width = innerWidth;
  });
  showBuses();
  setInterval(showBuses, 5000);
}
start();
