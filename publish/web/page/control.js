// Signing in, and the few things that may be changed from here.
import { get, send } from "/live.js";
import { $, html, momentOf, put, shownAt, text } from "/words.js";

// What the owner's word ends, or may.
const acknowledged = ["backup_cutoff", "grid_meter_reversed", "actor_stuck"];

let csrf = null;
let ends = null;
let policy = null; // the newest
let filled = false;
let told = null; // by look(): what it said the last time

const note = (words) => text($("control-note"), words);

// Why the hub takes nothing of a range.
const notTaken = {
  reserve_percent:
    "No reserve can be set: there is no whole per cent for it below the SOC ceiling.",
  storm_reserve_percent:
    "No storm can be ordered: the reserve leaves no room below the SOC ceiling.",
  charge_power_w: "No charge can be ordered: the configured charge limit is too low.",
  discharge_power_w: "No discharge can be ordered: the configured discharge limit is too low.",
};

/** Ranges and first values of the forms, as the hub takes them now. */
export async function fitForms() {
  const { limits } = await get("/api/v1/limits");
  put(
    $("not-taken"),
    Object.keys(notTaken)
      .filter((name) => limits[name] === null)
      .map((name) => html("li", {}, notTaken[name])),
  );
  for (const input of document.querySelectorAll("[data-limit]"))
    offer(input, limits[input.dataset.limit]);
  const kind = $("override-form").elements.kind;
  const power = $("override-form").elements.power;
  for (const option of kind.options) option.disabled = limits[`${option.value}_power_w`] === null;
  if (kind.selectedOptions[0].disabled)
    kind.value = [...kind.options].find((o) => !o.disabled).value;
  for (const form of [$("reserve-form"), $("storm-form")])
    form.querySelector("button").disabled = form.elements.reserve.disabled;
  const fit = () => {
    for (const field of document.querySelectorAll('[data-for="power"]'))
      field.hidden = kind.value !== "charge" && kind.value !== "discharge";
    offer(power, limits[`${kind.value}_power_w`] ?? limits.power_w);
  };
  kind.onchange = fit;
  fit();
  const from = $("storm-form").elements.from;
  const { most } = limits[from.dataset.moment];
  from.title = `up to ${most} h ahead`;
  from.onfocus = () => {
    from.max = shownAt(Date.now() / 1000 + most * 3600);
  };
}

/** The range of an input, for the browser to hold it to and for people to read; null: none. */
function offer(input, limit) {
  input.disabled = limit === null;
  if (limit === null) return;
  const { least, most, step, initial, unit } = limit;
  Object.assign(input, { min: least, max: most, step });
  input.placeholder = `${least} to ${most}`;
  input.title = `${least} to ${most} ${unit}`;
  if (!input.value) input.value = initial;
}

/** Reads again what may be ordered and by whom. */
export async function look() {
  try {
    await fitForms();
    const session = await get("/api/v1/session");
    csrf = session.csrf;
    $("controls").hidden = !session.signed_in;
    $("sign-in").hidden = session.signed_in || !session.password_set;
    const words = !session.password_set
      ? "Nothing can be changed from here until its owner has set a password: run `esshub password` on the hub."
      : session.signed_in
        ? "Signed in. What you set holds within the limits of the configuration."
        : "Looking needs no password; changing does.";
    // What was done last stays to be read.
    if (words !== told) note(words);
    told = words;
    clearTimeout(ends);
    if (session.signed_in) ends = setTimeout(look, (session.expires_in_s + 1) * 1000);
  } catch (error) {
    note(error.message);
    told = null;
  }
}

async function change(method, path, body, done) {
  try {
    await send(method, path, body, csrf);
    note(done);
    fitForms().catch(() => {}); // a reserve bounds the storm's
  } catch (error) {
    if (error.code === "not_signed_in") await look();
    note(error.message);
  }
}

const number = (form, name) => Number(form.elements[name].value);

export function startControls() {
  $("controls").addEventListener("input", () => {
    filled = true;
  });
  $("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("sign-in-button");
    try {
      await send("POST", "/api/v1/session", { password: $("password").value });
      $("password").value = "";
      await look();
      filled = false;
      fill();
    } catch (error) {
      $("password").select();
      note(error.message);
      if (error.retryAfter > 0) {
        // pressing again would only make it longer
        button.disabled = true;
        setTimeout(() => {
          button.disabled = false;
        }, error.retryAfter * 1000);
      }
    }
  });
  $("sign-out").addEventListener("click", async () => {
    await change("DELETE", "/api/v1/session", null, "");
    look();
  });
  const on = (id, act) =>
    $(id).addEventListener("submit", (event) => {
      event.preventDefault();
      act(event.currentTarget);
    });
  on("mode-form", (form) =>
    change("POST", "/api/v1/mode", { mode: form.elements.mode.value || null }, "The mode is set."),
  );
  on("reserve-form", (form) =>
    change(
      "POST",
      "/api/v1/reserve",
      { reserve_percent: number(form, "reserve") },
      "The reserve is set.",
    ),
  );
  on("override-form", (form) => {
    const kind = form.elements.kind.value;
    const powered = kind === "charge" || kind === "discharge";
    const instruction = powered
      ? { kind, power_w: number(form, "power"), target_percent: number(form, "target") }
      : { kind };
    change(
      "POST",
      "/api/v1/override",
      { instruction, minutes: number(form, "minutes") },
      "The override has begun.",
    );
  });
  on("storm-form", (form) => {
    const from = form.elements.from.value;
    change(
      "POST",
      "/api/v1/storm",
      {
        reserve_percent: number(form, "reserve"),
        hours: number(form, "hours"),
        from: from ? momentOf(from).toISOString() : null,
        fill: form.elements.fill.checked,
      },
      "The storm reserve is ordered.",
    );
  });
  on("acknowledge-form", () => change("POST", "/api/v1/acknowledge", {}, "Acknowledged."));
  document
    .querySelector("[data-clear]")
    .addEventListener("click", () =>
      change("POST", "/api/v1/reserve", { reserve_percent: null }, "The reserve is as configured."),
    );
  for (const button of document.querySelectorAll("[data-end]"))
    button.addEventListener("click", () =>
      change("DELETE", `/api/v1/${button.dataset.end}`, null, "Ended."),
    );
  look();
}

/** Offers what only some states need, and fills the forms. */
export function showControls(state) {
  $("acknowledge-form").hidden = !state?.faults.some(({ fault }) => acknowledged.includes(fault));
  policy = state?.decision?.policy ?? policy;
  fill();
}

/** Once, with what holds now, and not where somebody has begun to. */
function fill() {
  if (filled || !policy) return;
  filled = true;
  $("reserve-form").elements.reserve.value = Math.round(policy.reserve_percent);
  for (const input of $("mode-form").elements.mode) input.checked = input.value === policy.mode;
}
