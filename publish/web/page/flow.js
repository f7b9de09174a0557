// The picture of what flows where.
import { $, direction, html, percent, put, text, verb, watts } from "/words.js";

const places = ["solar", "grid", "house", "battery"];
const names = { solar: "solar", grid: "grid", house: "house", battery: "battery" };
const roles = { ev: "car charger", heatpump: "heat pump" };
// The wires of solar and grid are drawn towards the hub, those of house and battery away from it: a
// positive power flows as drawn.
const middles = { solar: [220, 171], grid: [171, 220], house: [269, 220], battery: [220, 269] };
const headings = { solar: 0, grid: -90, house: -90, battery: 0 };

export function showFlow(state) {
  const told = [];
  for (const place of places) {
    const reading = state?.[place].power_w;
    const w = reading?.value ?? null;
    const node = $(`node-${place}`);
    const stale = w === null;
    node.classList.toggle("stale", stale);
    text(node.querySelector(".value"), watts(w));
    const age = reading?.age_s;
    const sub = !stale
      ? verb(place, w)
      : state === null
        ? names[place]
        : age === null
          ? place === "house"
            ? "not known"
            : "no reading"
          : age <= state.max_age_s
            ? "not known"
            : `old: ${briefly(age)}`;
    text(node.querySelector(".sub"), sub);
    told.push(
      stale ? `${names[place]} not known` : `${names[place]} ${watts(w)} ${verb(place, w)}`,
    );

    const way = direction(place, w);
    const wire = $(`wire-${place}`);
    wire.classList.toggle("on", way !== 0);
    wire.classList.toggle("back", way < 0);
    if (way !== 0) {
      wire.style.setProperty("--w", `${(3 + 4 * Math.min(1, Math.abs(w) / 4000)).toFixed(1)}px`);
      // Steps, so that a dithering power does not restart the animation every second.
      const speed = [2.2, 1.5, 1.0, 0.7, 0.5][
        Math.min(4, Math.floor(Math.log2(1 + Math.abs(w) / 150)))
      ];
      wire.style.setProperty("--t", `${speed}s`);
    }
    const arrow = $(`arrow-${place}`);
    arrow.classList.toggle("on", way !== 0);
    const [x, y] = middles[place];
    arrow.setAttribute(
      "transform",
      `translate(${x} ${y}) rotate(${headings[place] + (way < 0 ? 180 : 0)}) scale(1.35)`,
    );
  }
  const soc = state?.battery.soc_percent.value ?? null;
  $("soc-ring").style.strokeDasharray = `${soc ?? 0} 100`;
  text($("flow-text"), `Power now: ${told.join(", ")}; battery at ${percent(soc)} per cent`);

  const circuits = $("circuits");
  const list = state?.circuits ?? [];
  circuits.hidden = list.length === 0;
  put(
    circuits,
    list.map((circuit) =>
      html(
        "li",
        {},
        `${circuit.title ?? roles[circuit.role] ?? circuit.name.replace("circuit", "circuit ")}: ${watts(circuit.power_w.value)}`,
      ),
    ),
  );
}

function briefly(age) {
  return age < 100 ? `${Math.round(age)} s` : `${Math.round(age / 60)} min`;
}
