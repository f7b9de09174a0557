// The page in a real Chromium, driven by Playwright, on the real hub in the simulated house: live,
// stale, read-only, signed in, guessed at, gone. Pictures go to ESSHUB_SCREENSHOTS. The tests are in
// the order of a visit and lean on one another.
const assert = require("node:assert/strict");
const { mkdirSync } = require("node:fs");
const path = require("node:path");
const { after, before, test } = require("node:test");

const axe = require("axe-core");
const { chromium } = require("playwright-core");

const { House, becomes, patience } = require("./house.js");

const shots = process.env.ESSHUB_SCREENSHOTS;
const password = "correct horse battery";
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
];
const desktop = { width: 1280, height: 800 };
const phone = { viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true };

let house;
let hub; // its address
let browser;
let page; // the owner's
let complaints = [];
const foreign = [];

/**
 * A page of a visitor of its own, whose minutes are as long as is said, and never end where nothing
 * is said: what the page shows it read at once. What the browser complains of is kept, and so is whom
 * it asks.
 */
async function visit({ minute = 2 ** 31 - 1, ...options } = {}) {
  const context = await browser.newContext({ baseURL: hub, viewport: desktop, ...options });
  context.setDefaultTimeout(patience);
  await context.addInitScript((length) => {
    const every = globalThis.setInterval;
    globalThis.setInterval = (act, ms) => every(act, ms === 60000 ? length : ms);
  }, minute);
  const fresh = await context.newPage();
  fresh.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  fresh.on("pageerror", (error) => complaints.push(String(error)));
  fresh.on("request", (request) => {
    if (!request.url().startsWith(`${hub}/`)) foreign.push(request.url());
  });
  return fresh;
}

const shown = (selector, on = page) => on.locator(selector).first().textContent();

async function shows(selector, holds, on = page) {
  const { found, held } = await becomes(() => shown(selector, on), holds);
  assert.ok(
    held,
    `${selector} shows "${found}"; the hub: ${(await house.ask("hub_log")).slice(-1500)}`,
  );
}

const number = (words) => Number(words.replace(/[^0-9]/g, "") || "NaN");
const about = (wanted, words) => Math.abs(number(words) - wanted) <= wanted / 20;
const shot = (name, on = page, fullPage = false) =>
  on.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
const post = (what, data, on = page) => on.request.post(what, { data });

/** What the browser complained of since the last time, but for what is expected. */
function unexpected(expected) {
  const found = complaints.filter((words) => !expected.test(words));
  complaints = [];
  return found;
}

before(async () => {
  mkdirSync(shots, { recursive: true });
  house = new House();
  await house.ask("say", "load 1000");
  await house.ask("say", "pv 0");
  hub = await house.ask("web");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
  page = await visit();
});

after(async () => {
  await browser?.close();
  await house?.close();
});

test("the page follows the house", async () => {
  await page.goto("/");
  await shows("#node-house .value", (words) => about(1000, words));
  await shows("#node-battery .sub", (words) => words === "discharging");
  await shows("#doing", (words) => words.includes("house load"));
  await house.ask("say", "load 2000");
  await shows("#node-house .value", (words) => about(2000, words));
  await shows("#link", (words) => ["Hub: OK", "fault", "attention"].includes(words));
  const soc = Math.round((await house.ask("state")).soc_percent);
  await shows("#soc", (words) => Math.abs(number(words) - soc) <= 1);
  await house.ask("say", "load 1000");
});

test("desktop, phone, dark and kiosk fit their screens and read well", async () => {
  await house.ask("say", "pv 2600");
  await shows("#node-solar .value", (words) => about(2600, words));
  await shows("#node-battery .sub", (words) => words === "charging");
  const found = [];
  for (const [name, address, options] of [
    ["desktop", "/", {}],
    ["desktop-dark", "/", { colorScheme: "dark" }],
    ["phone", "/", phone],
    ["phone-dark", "/", { ...phone, colorScheme: "dark" }],
    ["kiosk", "/kiosk", { viewport: { width: 800, height: 480 } }],
    ["kiosk-small", "/kiosk", { viewport: { width: 480, height: 320 } }],
  ]) {
    const visitor = await visit(options);
    await visitor.goto(address);
    await shows(
      address === "/kiosk" ? "#solar b" : "#node-solar .value",
      (words) => words.includes("W"),
      visitor,
    );
    await shows("#soc", (words) => /^\d/.test(words), visitor);
    if (address === "/")
      for (const id of ["today", "plan", "days"]) await visitor.locator(`#${id} svg`).waitFor();
    if (name === "desktop")
      await shows(
        "#events",
        (words) =>
          /Mode scheduled: .*; reserve \d+ %/.test(words) &&
          words.includes("waiting until every source is fresh") &&
          !words.includes("authority="),
        visitor,
      );
    assert.ok(
      await visitor.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      `${name} scrolls sideways`,
    );
    if (address === "/") {
      await shows("#tiles", (words) => /Cost-?\d+\.\d\d EUR/.test(words), visitor);
      await shows("#policy-facts", (words) => words.includes("0.28 EUR/kWh"), visitor);
      await shows("#circuits", (words) => /^garage: \d/.test(words), visitor);
      await shows("#warnings", (words) => words.includes("tariff.cheap_below"), visitor);
      const [inner, outer] = await visitor
        .locator("#buses")
        .evaluate((table) => [table.scrollWidth, table.parentNode.clientWidth]);
      assert.ok(inner <= outer, `${name}: the table of buses is ${inner} px wide in ${outer}`);
    } else await shows("#grid-today", (words) => /today \+?\d/.test(words), visitor);
    await shot(name, visitor, address === "/");
    // What a screen reader needs: names, roles, order, contrast (WCAG 2.1 A and AA). Each layout once,
    // and each set of colours.
    if (name === "phone-dark" || name === "kiosk-small") {
      await visitor.context().close();
      continue;
    }
    await visitor.evaluate(axe.source);
    const { violations } = await visitor.evaluate(() =>
      axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }),
    );
    found.push(
      ...violations.map(
        (v) => `${name}: ${v.id}: ${v.nodes.map((node) => node.target.join(" ")).join(", ")}`,
      ),
    );
    await visitor.context().close();
  }
  assert.deepEqual(found, []);
});

/** Labels that are cut by their picture's edge or lie on one another. */
const unreadable = (on) =>
  on.evaluate(() => {
    const found = [];
    for (const svg of document.querySelectorAll(".chart svg")) {
      const frame = svg.getBoundingClientRect();
      const labels = [...svg.querySelectorAll("text")];
      const boxes = labels.map((label) => label.getBoundingClientRect());
      boxes.forEach((a, i) => {
        const words = `${svg.parentNode.id}: ${labels[i].textContent}`;
        if (a.left < frame.left - 0.5 || a.right > frame.right + 0.5) found.push(`${words} is cut`);
        if (a.top < frame.top - 1 || a.bottom > frame.bottom + 1) found.push(`${words} is cut`);
        boxes.slice(i + 1).forEach((b, j) => {
          if (a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom)
            found.push(`${words} lies on ${labels[i + 1 + j].textContent}`);
        });
      });
    }
    return found;
  });

test("every label of the pictures is whole, whatever the values", async () => {
  for (const options of [{}, phone]) {
    const visitor = await visit(options);
    await visitor.goto("/");
    for (const id of ["today", "plan", "days"]) await visitor.locator(`#${id} svg`).waitFor();
    assert.deepEqual(await unreadable(visitor), []);
    for (const size of [0.004, 0.31, 1, 2.4]) {
      await visitor.evaluate(async (k) => {
        const { drawDays, drawPlan, drawToday } = await import("/charts.js");
        const now = 1792800000 + 11 * 3600;
        const w = 12500 * k;
        drawToday([[now - 3600, w, w, w, -w, 50]], now);
        const day = {
          solar_kwh: 88 * k,
          house_kwh: 12 * k,
          grid_import_kwh: k,
          grid_export_kwh: 70 * k,
          battery_charge_kwh: 1,
          battery_discharge_kwh: 1,
        };
        drawDays(
          Array.from({ length: 31 }, (_, i) => ({
            ...day,
            date: new Date(Date.UTC(2026, 9, 1 + i)).toISOString().slice(0, 10),
          })),
          k === 1 ? 7 : 30,
        );
        const instruction = { kind: "balance", low_percent: 0, high_percent: 100 };
        const price = (p) => Number(p.toFixed(4)); // as the hub tells it
        const begin = now + Math.round(k * 20000); // with another clock change at another place
        drawPlan(
          [
            { begin, end: begin + 86400, instruction, import_price: price(0.1234 * k) },
            {
              begin: begin + 86400,
              end: begin + 172800,
              instruction,
              import_price: price(-1.2345 * k),
            },
          ].map((span) => ({ authority: "balance", ...span })),
          begin,
        );
      }, size);
      assert.deepEqual(await unreadable(visitor), [], `${size}`);
    }
    await visitor.context().close();
  }
});

test("no card jumps, neither while the page comes nor while the house changes", async () => {
  for (const [address, options, late] of [
    ["/", {}, "#banner"],
    ["/", phone, "#banner"],
    ["/kiosk", { viewport: { width: 800, height: 480 } }, "#alarm"],
    ["/kiosk", { viewport: { width: 480, height: 320 } }, "#alarm"],
  ]) {
    const visitor = await visit(options);
    await visitor.addInitScript(() => {
      globalThis.jumped = 0;
      new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) globalThis.jumped += shift.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    // The hub is so slow that the page says that there is none.
    let answer;
    const answered = new Promise((done) => {
      answer = done;
    });
    await visitor.route("/api/v1/events", (route) => answered.then(() => route.continue()));
    await visitor.goto(address);
    await visitor.locator(late).waitFor();
    answer();
    await shows("#soc", (words) => /^\d/.test(words), visitor);
    if (address === "/") await visitor.locator("#days svg").waitFor();
    const [load, battery] =
      address === "/kiosk"
        ? ["#house b", "#battery span"]
        : ["#node-house .value", "#node-battery .sub"];
    for (const [w, doing] of [
      [3500, "discharging"],
      [400, "charging"],
      [3600, "discharging"],
      [1000, "charging"],
    ]) {
      await house.ask("say", `load ${w}`);
      await shows(load, (words) => about(w, words), visitor);
      await shows(battery, (words) => words === doing, visitor);
    }
    // What shifted is told after the frame that was drawn.
    const jumped = await visitor.evaluate(async () => {
      for (let i = 0; i < 3; i += 1) await new Promise((done) => requestAnimationFrame(done));
      return globalThis.jumped;
    });
    assert.ok(jumped < 0.1, `${address} ${JSON.stringify(options)}: ${jumped}`); // "good" by web.dev
    await visitor.context().close();
  }
});

test("what would be without a limit is told once, and never what is done anyway", async () => {
  const [told, whole] = await page.evaluate(async () => {
    const { limits, reason } = await import("/words.js");
    const decision = (command, ...without) => ({
      battery_command_w: command,
      inverter_mode: "follow",
      reasons: [
        { why: "self_consumption", phrase: "following the house load", without_w: 0 },
        ...without.map((w, i) => ({ why: `limit${i}`, phrase: `limit ${i}`, without_w: w })),
      ],
    });
    return [
      [
        decision(0, 1500, 0, 0),
        decision(900, 1500, 1500, 900, 1200),
        decision(null, 0),
        decision(800),
        decision(900, 914, 886, 915, 929, 901), // 15 W are a difference
        decision(20, 14, 6, 5),
        decision(14, -14),
      ].map((d) => limits(d).map(({ otherwise }) => otherwise)),
      [reason(decision(900, 1500, 1200)), reason(decision(0, 1500))],
    ];
  });
  const would = (w) => `Without this it would charge with ${w}\u202fW.`;
  assert.deepEqual(told, [
    [would(1500), "", ""],
    [would(1500), "", "", would(1200)],
    [""],
    [],
    ["", "", would(915), "", ""],
    ["", "", "Without this it would rest."],
    [""],
  ]);
  assert.deepEqual(whole, ["Following the house load; limit 0; limit 1", "Resting: limit 0"]);
});

test("today is the day of the hub's clock, not the newest one that is kept", async () => {
  const site = await (await page.request.get("/api/v1/site")).json();
  const found = await page.evaluate(async (here) => {
    const { ofToday, setSite } = await import("/words.js");
    setSite({ ...here, time_zone: "Europe/London" });
    const days = [{ date: "2026-06-30" }, { date: "2026-07-01" }];
    const at = (moment, trusted = true) => ({
      at: Date.parse(moment) / 1000,
      clock_trusted: trusted,
    });
    const asked = [
      ofToday(days, at("2026-06-30T12:00Z")),
      ofToday(days, at("2026-06-30T22:59:59Z")),
      ofToday(days, at("2026-06-30T23:00Z")), // midnight in London
      ofToday(days, at("2026-07-01T23:00Z")),
      ofToday(days, at("2026-07-01T12:00Z", false)),
      ofToday(days, null),
      ofToday([], at("2026-07-01T12:00Z")),
    ].map((day) => day?.date ?? null);
    setSite(here);
    return asked;
  }, site);
  assert.deepEqual(found, ["2026-06-30", "2026-06-30", "2026-07-01", null, null, null, null]);
  const { at } = await (await page.request.get("/api/v1/state")).json();
  const dateAtSite = (s) =>
    new Date(s * 1000).toLocaleDateString("sv-SE", { timeZone: site.time_zone });
  for (const [address, newest, totals, wanted] of [
    ["/", at - 86400, "#tiles", /^Solar–/],
    ["/", at, "#tiles", /^Solar7\.0/],
    ["/kiosk", at - 86400, "#battery-today", /^$/],
    ["/kiosk", at, "#battery-today", /^today \+0\.6 0\.0\skWh$/],
  ]) {
    const visitor = await visit();
    await visitor.route("/api/v1/history/days?*", (route) =>
      route.fulfill({
        json: {
          days: [
            {
              date: dateAtSite(newest),
              grid_import_kwh: 0.1,
              grid_export_kwh: 0.04,
              solar_kwh: 7,
              house_kwh: 6,
              battery_charge_kwh: 0.6,
              battery_discharge_kwh: 0.049,
              import_cost: null,
              export_income: null,
            },
          ],
        },
      }),
    );
    const told = visitor.waitForResponse(/history\/days/);
    await visitor.goto(address);
    await (await told).finished();
    await shows("#soc", (words) => /^\d/.test(words), visitor);
    if (address === "/") await visitor.locator("#days svg").waitFor();
    await shows(totals, (words) => wanted.test(words), visitor);
    await visitor.context().close();
  }
});

test("a page asks once for the site and the days when it starts", async () => {
  for (const [address, totals] of [
    ["/", "#tiles dd"],
    ["/kiosk", "#solar-today"],
  ]) {
    const visitor = await visit();
    const asked = [];
    visitor.on("request", (request) => asked.push(new URL(request.url()).pathname));
    // On a slow machine the events stop for a moment, and a page that hears the hub again asks again.
    await visitor.addInitScript(() => {
      globalThis.began = 0;
      new MutationObserver((changes) => {
        for (const { target, oldValue } of changes)
          if (target === document.body && oldValue === "lost" && target.className === "")
            globalThis.began += 1;
      }).observe(document, { subtree: true, attributeFilter: ["class"], attributeOldValue: true });
    });
    await visitor.goto(address);
    await shows(totals, (words) => /\d/.test(words), visitor);
    await shows("#soc", (words) => /^\d/.test(words), visitor);
    const count = (name) => asked.filter((name_) => name_ === name).length;
    const again = (await visitor.evaluate(() => globalThis.began)) - 1;
    // The owner's page reads the site again with its first look at the history.
    assert.equal(count("/api/v1/site"), (address === "/" ? 2 : 1) + again);
    assert.equal(count("/api/v1/history/days"), 1 + (address === "/" ? 0 : again));
    await visitor.context().close();
  }
});

test("what the hub does not take is not offered, and the page says why", async () => {
  const visitor = await visit();
  const { limits } = await (await page.request.get("/api/v1/limits")).json();
  await visitor.route("/api/v1/limits", (route) =>
    route.fulfill({
      json: { limits: { ...limits, charge_power_w: null, storm_reserve_percent: null } },
    }),
  );
  await visitor.goto("/");
  await shows("#not-taken", (words) => words.includes("charge limit is too low"), visitor);
  await shows("#not-taken", (words) => words.includes("No storm can be ordered"), visitor);
  const off = await visitor.evaluate(() => {
    const { kind, power } = document.getElementById("override-form").elements;
    const storm = document.getElementById("storm-form");
    return [
      [...kind.options].filter((option) => option.disabled).map((option) => option.value),
      kind.value,
      power.disabled,
      storm.elements.reserve.disabled,
      storm.querySelector("button").disabled,
      document.querySelector("#reserve-form button").disabled,
    ];
  });
  assert.deepEqual(off, [["charge"], "discharge", false, true, true, false]);
  await visitor.context().close();
});

test("the kiosk shows a long reason whole", async () => {
  for (const viewport of [
    { width: 800, height: 480 },
    { width: 480, height: 320 },
    { width: 480, height: 800 },
  ]) {
    const kiosk = await visit({ viewport });
    await kiosk.goto("/kiosk");
    await shows("#soc", (words) => /^\d/.test(words), kiosk);
    const cut = await kiosk.evaluate(() => {
      const doing = document.getElementById("doing");
      doing.textContent =
        "Following the house load; the BMS's discharge current limit (DCL); changing no faster than the set slew rate; the set discharge power limit";
      doing.classList.add("long");
      const low = doing.getBoundingClientRect().bottom;
      const rows = [...document.querySelectorAll(".flows div")].map((row) => [
        row.scrollHeight - row.clientHeight,
        row.scrollWidth - row.clientWidth,
      ]);
      return [low <= innerHeight, doing.scrollWidth <= doing.clientWidth, rows.flat()];
    });
    assert.deepEqual(cut.slice(0, 2), [true, true], JSON.stringify(viewport));
    assert.ok(
      cut[2].every((over) => over <= 2),
      `${JSON.stringify(viewport)}: ${cut[2]}`,
    );
    await kiosk.context().close();
  }
});

test("the focus is seen by a browser without :focus-visible", async () => {
  const dropped = await page.evaluate(() =>
    [...document.styleSheets]
      .flatMap((sheet) => [...sheet.cssRules])
      .map((rule) => rule.selectorText ?? "")
      .filter((selector) => /(?<!:not\():focus-visible/.test(selector)),
  );
  assert.deepEqual(dropped, []); // such a rule is dropped as a whole
  await page.locator("summary").focus();
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
});

test("the picture is told in words as well", async () => {
  await house.ask("say", "pv 0");
  await page.goto("/");
  await shows("#flow-text", (words) =>
    /^Power now: solar 0.W no solar, grid .*W .*, house .*W house, battery .*W discharging; battery at \d+ per cent$/.test(
      words,
    ),
  );
  const tree = await page.locator("main").ariaSnapshot();
  for (const heading of [
    "Now",
    "Battery",
    "What it is doing, and why",
    "Faults",
    "Today",
    "The next 48 hours",
    "Day by day",
    "Data age",
    "Buses",
    "Event log",
  ])
    assert.ok(
      tree.includes(`heading "${heading}" [level=2]`),
      `${heading} is no heading of\n${tree}`,
    );
  assert.match(tree, /img "State of charge \d+ per cent"/);
});

test("the keys reach everything", async () => {
  await page.reload();
  await page.locator("#today svg").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the values");
  await page.keyboard.press("Enter");
  const visited = new Set();
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const at = document.activeElement;
      return at === document.body
        ? null
        : at.id || at.name || at.getAttribute("aria-label") || at.textContent.trim();
    });
    if (name === null) break;
    visited.add(name);
  }
  for (const name of [
    "today",
    "days",
    "As a table",
    "Table of buses",
    "events",
    "kiosk view",
    "API",
  ])
    assert.ok(visited.has(name), `Tab reached ${[...visited]}`);
  await page.locator("#today").focus();
  await page.keyboard.press("ArrowLeft");
  await shows("#today-readout", (words) => /^\d\d:\d\d: /.test(words));
  await page.getByLabel("7 days").focus();
  const bars = await page.locator("#days svg").innerHTML();
  await page.keyboard.press("ArrowRight");
  assert.ok(await page.getByLabel("30 days").isChecked());
  assert.notEqual(await page.locator("#days svg").innerHTML(), bars);
});

test("the night of a clock change is marked", async () => {
  const visitor = await visit();
  await visitor.goto("/");
  await shows("#site", (words) => words === "simulated house", visitor);
  for (const id of ["today", "plan", "days"]) await visitor.locator(`#${id} svg`).waitFor();
  await visitor.evaluate(async () => {
    const { setSite } = await import("/words.js");
    setSite({ time_zone: "Europe/London", currency: "EUR" });
  });
  for (const [change, hours, words] of [
    ["2026-10-25T01:00:00Z", 25, "clocks go back 1 h"],
    ["2027-03-28T01:00:00Z", 23, "clocks go forward 1 h"],
  ]) {
    const at = Date.parse(change) / 1000;
    const [found, day] = await visitor.evaluate(async (moment) => {
      const [{ midnight }, { clockChanges }] = await Promise.all([
        import("/words.js"),
        import("/charts.js"),
      ]);
      return [
        clockChanges(moment - 30 * 3600, moment + 18 * 3600),
        midnight(moment, 1) - midnight(moment),
      ];
    }, at);
    assert.deepEqual(
      found.map((c) => [c.at, c.words]),
      [[at, words]],
    );
    assert.equal(day, hours * 3600);
    // As the page draws it, with a plan of that time.
    await visitor.evaluate(async (moment) => {
      const { drawPlan } = await import("/charts.js");
      const instruction = {
        kind: "balance",
        power_w: 0,
        target_percent: 0,
        low_percent: 0,
        high_percent: 100,
      };
      const span = (begin, end, more) => ({
        begin,
        end,
        instruction,
        authority: "balance",
        import_price: 0.28,
        export_price: null,
        repeated_hour: false,
        ...more,
      });
      const charge = {
        instruction: { ...instruction, kind: "charge", power_w: 2000, target_percent: 80 },
        authority: "schedule",
        import_price: 0.09,
      };
      const from = moment - 12 * 3600;
      drawPlan(
        [
          span(from, moment - 3600),
          span(moment - 3600, moment + 3600, charge),
          span(moment + 3600, from + 48 * 3600),
        ],
        from,
      );
    }, at);
    assert.equal(await visitor.locator("#plan .p-dst").count(), 1);
    await shows("#plan", (shownWords) => shownWords.includes(words), visitor);
    await visitor
      .locator(".plan")
      .screenshot({ path: path.join(shots, `clock-change-${hours}.png`) });
  }
  await visitor.context().close();
});

test("the Smart plan shows prices, charge and actions, and tells why where it is touched", async () => {
  const visitor = await visit();
  await visitor.goto("/");
  await visitor.locator("#plan svg").waitFor();
  await visitor.evaluate(async () => {
    const { drawPlan } = await import("/charts.js");
    const { midnight } = await import("/words.js");
    const from = midnight(Date.now() / 1000);
    const balance = {
      kind: "balance",
      power_w: 0,
      target_percent: 0,
      low_percent: 0,
      high_percent: 100,
    };
    const charge = { ...balance, kind: "charge", power_w: 2400, target_percent: 90 };
    const keep = { ...balance, low_percent: 100, keeps_charge: true };
    const slots = Array.from({ length: 192 }, (_, i) => {
      const hour = (i / 4) % 24;
      const cheap = hour < 5;
      const percent = 20 + 60 * (hour < 5 ? hour / 5 : Math.max(0, 1 - (hour - 5) / 15));
      return {
        begin: from + i * 900,
        end: from + (i + 1) * 900,
        import_price: cheap ? -0.05 : 0.28,
        export_price: 0.15,
        instruction: cheap ? charge : hour > 21 ? keep : balance,
        charge_low_percent: Math.max(20, percent - 8),
        charge_percent: percent,
        charge_high_percent: Math.min(100, percent + 10),
        value: 0.25,
        bought_kwh: cheap ? 0.5 : 0,
        reason: cheap ? "a kWh is bought for -0.050" : "the house is served",
      };
    });
    const spans = slots.map((slot) => ({ ...slot, authority: "smart", repeated_hour: false }));
    const plan = {
      made: from,
      days: 14,
      sun_issued: from - 3600,
      cost: 3.21,
      cost_balance: 4.5,
      cost_no_battery: 6,
      reason: "without it the battery would have been empty by 18:30 on 9 of the last 14 days",
      slots,
    };
    const feeds = [
      { kind: "import_price", until: from + 6 * 3600, refused: 0 },
      { kind: "export_price", until: from + 7 * 3600 + 1, refused: 1 },
      { kind: "solar", until: from, refused: 0 },
    ];
    drawPlan(spans, from + 7 * 3600, { problem: "price_unknown", plan }, feeds);
  });
  const plan = visitor.locator("#plan");
  for (const [name, count] of Object.entries({
    "p-band": 1,
    "p-mean": 1,
    "p-export": 1,
    "p-charge": 2,
  }))
    assert.equal(await plan.locator(`.${name}`).count(), count, name);
  const words = await visitor.locator("#plan-words").textContent();
  assert.match(words, /^No import price is told since \w+ 06:00: the tariff's holds\. No new plan/);
  assert.match(words, /No new plan: price unknown/);
  assert.match(
    words,
    /cost 3\.21 EUR, with self-consumption 4\.50, without a battery 6\.00, over the 48 h it was made for/,
  );
  assert.match(words, /from the last 14 days and the sun told \S+ \S+\. Expected/);
  assert.match(words, /It buys: without it .* 9 of the last 14 days/);
  const box = await plan.locator("svg").boundingBox();
  await plan.locator("svg").hover({ position: { x: box.width * 0.05, y: box.height / 2 } });
  const readout = visitor.locator("#plan-readout");
  assert.match(await readout.textContent(), /charge with 2.?400 W up to 90 %/);
  assert.match(await readout.textContent(), /A kWh is bought for -0\.050/);
  await plan.focus();
  for (let i = 0; i < 10; i += 1) await visitor.keyboard.press("Shift+ArrowRight");
  assert.match(await readout.textContent(), /The house is served/);
  await visitor.locator(".plan").screenshot({ path: path.join(shots, "smart-plan.png") });
  await visitor.context().close();
});

/** A day that was planned at midnight and at noon, until 21:00; of the last hours nothing is known. */
async function drawYesterday(visitor) {
  await visitor.evaluate(async () => {
    const { drawPast, fitPast, showSavings } = await import("/past.js");
    const { midnight } = await import("/words.js");
    const begin = midnight(Date.UTC(2026, 5, 20, 12) / 1000);
    const balance = { kind: "balance", power_w: 0, target_percent: 0, low_percent: 0 };
    const slots = Array.from({ length: 96 }, (_, i) => ({ begin: begin + i * 900, hour: i / 4 }));
    const charge = (hour, peak) =>
      20 + peak * (hour < 5 ? hour / 5 : Math.max(0, 1 - (hour - 5) / 15));
    drawPast({
      begin,
      end: begin + 86400,
      planned: slots.slice(0, 84).map(({ begin: from, hour }) => ({
        begin: from,
        end: from + 900,
        made: hour < 12 ? begin : begin + 12 * 3600,
        import_price: hour < 5 ? 0.07 : 0.28,
        export_price: 0.15,
        instruction: {
          ...balance,
          kind: hour < 5 ? "charge" : "balance",
          keeps_charge: hour >= 5 && hour < 7,
        },
        charge_low_percent: charge(hour, 60) - 6,
        charge_percent: charge(hour, 60),
        charge_high_percent: charge(hour, 60) + 6,
      })),
      happened: slots.map(({ begin: from, hour }) => ({
        begin: from,
        soc_percent: hour < 22 ? charge(hour, hour < 12 ? 60 : 48) : null,
        battery_w: hour < 22 ? (hour < 5 ? 1200 : hour < 7 ? 0 : -300) : null,
        grid_w: hour < 22 ? (hour < 5 ? 1500 : 20) : null,
      })),
    });
    const of = (days, known, partial, none, self, error) => ({
      days,
      known,
      partial,
      cost: 1,
      saved_against_no_battery: none,
      saved_against_balance: self,
      model_error: error,
      error_days: known - partial,
    });
    showSavings({
      today: of(1, 1, 0, 1.84, 0.42, -0.051),
      month: of(20, 11, 2, 30.5, null, null),
      year: { ...of(171, 0, 0, null, null, null), cost: null },
    });
    fitPast();
  });
}

test("yesterday as it was planned and as it was, and what was saved", async () => {
  for (const [name, options] of [
    ["yesterday", {}],
    ["yesterday-dark", { colorScheme: "dark" }],
    ["yesterday-phone", phone],
  ]) {
    const visitor = await visit(options);
    await visitor.goto("/");
    await visitor.locator("#plan svg").waitFor();
    await drawYesterday(visitor);
    const past = visitor.locator("#past");
    for (const [part, count] of Object.entries({
      "p-band": 2,
      "p-mean": 2,
      "s-soc": 1,
      "p-charge": 2,
      "p-keep": 1,
      "p-idle": 1,
      "p-balance": 2,
    }))
      assert.equal(await past.locator(`.${part}`).count(), count, part);
    const rows = await visitor.locator("#savings tbody tr").allTextContents();
    assert.deepEqual(rows, [
      "against no battery1.8430.50",
      "against self-consumption0.42–",
      "paid, than modelled0.05 more, 1 day–",
      "days known111 of 20",
      "of these in part02",
    ]);
    const readout = visitor.locator("#past-readout");
    await past.focus();
    await visitor.keyboard.press("ArrowRight");
    assert.match(
      await readout.textContent(),
      /^00:00: planned charge, charge 20 % \(14 to 26\)\. Happened: 20 %, battery charging 1.?200.W, grid importing 1.?500.W\.$/,
    );
    for (let i = 0; i < 30; i += 1) await visitor.keyboard.press("Shift+ArrowRight");
    assert.equal(await readout.textContent(), "23:45: planned nothing. Happened: not known.");
    await visitor.locator("#past-card").screenshot({ path: path.join(shots, `${name}.png`) });
    const over = await visitor.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${name} is ${over} px too wide`);
    await visitor.evaluate(async () => {
      const { drawPast, fitPast, showSavings } = await import("/past.js");
      drawPast(null);
      showSavings({ today: null, month: null, year: null });
      fitPast();
    });
    assert.equal(await visitor.locator("#past-card").isVisible(), false, "nothing is known");
    await visitor.context().close();
  }
});

test("since when no price is told is a date after six days", async () => {
  const words = await page.evaluate(async () => {
    const { drawPlan } = await import("/charts.js");
    const until = Date.UTC(2026, 10, 16, 12) / 1000;
    return [0, 1].map((more) => {
      drawPlan([], until + 6 * 86400 + more, null, [{ kind: "export_price", until, refused: 0 }]);
      return document.querySelector("#plan-words").textContent;
    });
  });
  assert.match(words[0], /^No export price is told since (Mon|Tue) \d\d:00: the tariff's holds\.$/);
  assert.match(words[1], /told since (Mon|Tue),? 1[67] Nov \d\d:00: the tariff's holds\.$/);
});

test("a night that keeps the charge is told in words", async () => {
  const words = await page.evaluate(async () => {
    const { ordered } = await import("/charts.js");
    const balance = { kind: "balance", power_w: 0, target_percent: 0 };
    return [
      ordered({ ...balance, low_percent: 100, high_percent: 100, keeps_charge: true }),
      ordered({ ...balance, low_percent: 40, high_percent: 90 }),
    ];
  });
  assert.deepEqual(words, ["keep the charge; solar still charges", "balance between 40 and 90 %"]);
});

test("a span is told in whole minutes", async () => {
  const told = await page.evaluate(async () => {
    const { span } = await import("/words.js");
    return [119, 7169, 7170, 86390, 172769, 172770].map(span);
  });
  assert.deepEqual(told, ["119 s", "119 min", "2 h 0 min", "24 h 0 min", "47 h 59 min", "2 days"]);
});

test("a browser that cannot run the page is told so", async () => {
  for (const [place, script] of [
    ["/", "/page.js"],
    ["/kiosk", "/kiosk.js"],
  ]) {
    const visitor = await visit();
    // A module of today's language is to an old browser what this is to ours.
    await visitor.route(script, (route) =>
      route.fulfill({ contentType: "text/javascript", body: "const = 80;" }),
    );
    await visitor.goto(place);
    await visitor.locator("#old").waitFor({ state: "visible" });
    await visitor.unroute(script);
    await visitor.goto(place);
    await visitor.locator("html.runs").waitFor();
    assert.equal(await visitor.locator("#old").isVisible(), false);
    await visitor.context().close();
  }
});

test("without a password nothing can be changed", async () => {
  await shows("#control-note", (words) => words.includes("esshub password"));
  assert.equal(await page.locator("#sign-in").isVisible(), false);
  assert.equal(await page.locator("#controls").isVisible(), false);
  const empty = await page.evaluate(() => {
    const bottom = (selector) => document.querySelector(selector).getBoundingClientRect().bottom;
    return bottom(".control") - bottom("#control-note");
  });
  assert.ok(empty < 50, `${empty} px below the words of the controls`);
  const answer = await post("/api/v1/reserve", { reserve_percent: 50 });
  assert.deepEqual([answer.status(), (await answer.json()).error], [403, "no_password"]);
});

test("with the password the reserve is changed, by keys alone", async () => {
  await house.ask("set_password", password);
  await page.reload();
  await page.locator("#sign-in").waitFor();
  const refused = await post("/api/v1/reserve", { reserve_percent: 50 });
  assert.deepEqual([refused.status(), (await refused.json()).error], [401, "not_signed_in"]);
  await page.getByLabel("Owner's password").focus();
  await page.keyboard.type("not the password");
  await page.keyboard.press("Enter");
  await shows("#control-note", (words) => words.includes("not the password"));
  await page.keyboard.type(password); // the wrong one is selected
  await page.keyboard.press("Enter");
  await shows("#control-note", (words) => words.startsWith("Signed in"));
  const forged = await post("/api/v1/reserve", { reserve_percent: 50 }); // the cookie alone is not enough
  assert.equal(forged.status(), 403);
  for (const input of await page.locator("#controls input[type=number]:visible").all()) {
    const range = await input.evaluate(({ min, max, placeholder, title }) => [
      `${min} to ${max}`,
      placeholder,
      title.replace(/ \S+$/, ""),
    ]);
    assert.match(range[0], /^[\d.]+ to \d+$/);
    assert.deepEqual(range.slice(1), [range[0], range[0]]);
  }
  const power = page.locator("#override-form input[name=power]");
  assert.equal(await power.getAttribute("max"), "2400"); // as configured
  const other = await visit({ minute: 500 });
  await other.goto("/");
  const least = () => other.locator("#storm-form input[name=reserve]").getAttribute("min");
  assert.ok((await becomes(least, (min) => min === "20")).held);
  const reserve = page.getByLabel("Reserve for a power cut");
  assert.equal(await reserve.getAttribute("min"), "10"); // the SOC floor
  await reserve.focus();
  await reserve.fill("35");
  await page.keyboard.press("Enter");
  await shows("#control-note", (words) => words === "The reserve is set.");
  await shows("#marks .reserve", (words) => words.startsWith("35 %"));
  const { found: min, held } = await becomes(least, (now) => now === "35");
  assert.ok(held, `another client's page offers a storm reserve from ${min} %`);
  await other.context().close();
  const state = await (await page.request.get("/api/v1/state")).json();
  assert.equal(state.decision.policy.reserve_percent, 35);
  // What is being typed when the first state comes stays.
  const storageState = await page.context().storageState();
  const hasty = await visit({ storageState });
  let answer;
  const answered = new Promise((done) => {
    answer = done;
  });
  await hasty.route("/api/v1/events", (route) => answered.then(() => route.continue()));
  await hasty.goto("/");
  await hasty.getByLabel("Reserve for a power cut").fill("44");
  answer();
  await shows("#marks .reserve", (words) => words.startsWith("35 %"), hasty);
  assert.equal(await hasty.getByLabel("Reserve for a power cut").inputValue(), "44");
  await hasty.context().close();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  await shot("signed-in", page, true);
});

test("mode, override and storm are set and ended", async () => {
  const policy = async () =>
    (await (await page.request.get("/api/v1/state")).json()).decision.policy;
  const set = async (form, button, said, holds) => {
    await page.locator(form).getByRole("button", { name: button }).click();
    await shows("#control-note", (words) => words === said);
    const { found, held } = await becomes(policy, holds);
    assert.ok(held, `${form} ${button}: ${JSON.stringify(found)}`);
  };
  const { time_zone: timeZone } = await (await page.request.get("/api/v1/site")).json();
  const shownAtSite = (ms) =>
    new Date(ms)
      .toLocaleString("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" })
      .replace(" ", "T");
  const mode = (name) => page.locator("#mode-form").getByText(name, { exact: true });
  await mode("Balance").click();
  await set("#mode-form", "Set", "The mode is set.", (p) => p.mode === "balance");
  await mode("As configured").click();
  await set("#mode-form", "Set", "The mode is set.", (p) => p.mode === "scheduled");
  await page
    .locator("#override-form")
    .getByRole("combobox", { name: "action" })
    .selectOption("charge");
  await page.locator("#override-form").getByLabel("with").fill("800");
  await set(
    "#override-form",
    "Start",
    "The override has begun.",
    (p) => p.authority === "manual" && p.instruction.power_w === 800,
  );
  await shows("#policy-facts", (words) => words.includes("by your override"));
  await set("#override-form", "End now", "Ended.", (p) => p.authority === "balance");
  await page.locator("#storm-form").getByLabel("keep").fill("60");
  await set(
    "#storm-form",
    "Start",
    "The storm reserve is ordered.",
    (p) => p.reserve_percent === 60 && p.storm_ends_in_s > 0 && p.storm_begins_in_s === null,
  );
  await page
    .locator("#storm-form")
    .getByLabel("from")
    .fill(shownAtSite(Date.now() + 2 * 3600e3));
  await page.locator("#storm-form").getByLabel("buy what is missing").uncheck();
  await set(
    "#storm-form",
    "Start",
    "The storm reserve is ordered.",
    (p) =>
      p.reserve_percent === 35 &&
      p.storm_begins_in_s > 7000 &&
      p.storm_begins_in_s <= 7200 &&
      p.storm_reached_in_s === null,
  );
  await shows("#policy-facts", (words) => words.includes("storm begins in"));
  await set(
    "#storm-form",
    "End now",
    "Ended.",
    (p) => p.reserve_percent === 35 && p.storm_ends_in_s === null,
  );
});

test("a hundred wrong passwords are slowed and shut nobody out", async () => {
  const known = await visit(); // a device that has signed in before
  await known.goto("/");
  assert.equal((await post("/api/v1/session", { password }, known)).status(), 200);
  const stranger = await visit();
  await stranger.goto("/");
  const button = stranger.getByRole("button", { name: "Sign in" });
  // Of a slow machine the second for which the button is off may be over before it is looked at.
  await button.evaluate((node) => {
    globalThis.off = false;
    new MutationObserver(() => {
      globalThis.off ||= node.disabled;
    }).observe(node, { attributeFilter: ["disabled"] });
  });
  for (const wait of [false, false, true]) {
    // the third one costs the first second
    await stranger.getByLabel("Owner's password").fill("wrong password");
    await stranger.locator("#control-note").evaluate((note) => {
      note.textContent = "guessing";
    });
    await button.click();
    await shows("#control-note", (words) => words !== "guessing", stranger);
    const { held } = await becomes(
      () => stranger.evaluate(() => globalThis.off),
      (off) => off || !wait,
    );
    assert.ok(held);
    if (!wait) assert.equal(await button.isDisabled(), false);
  }
  let last = null; // when the last guess was sent that the hub looked at, and for how long it shut
  let wait = 0;
  for (let i = 3; i < 100; i += 1) {
    const sent = performance.now();
    const answer = await post("/api/v1/session", { password: "wrong password" }, stranger);
    wait = Number(answer.headers()["retry-after"]);
    assert.ok(wait >= 1 && wait <= 30, `${i}: ${wait}`);
    if (answer.status() === 429) continue;
    assert.equal(answer.status(), 401);
    const after = (performance.now() - last?.sent) / 1000;
    assert.ok(last === null || after > last.wait - 1, `${i}: ${after} s of ${last?.wait}`);
    last = { sent, wait };
  }
  assert.equal((await post("/api/v1/session", { password }, known)).status(), 200);
  await new Promise((done) => setTimeout(done, 1000 * wait + 100));
  assert.equal((await post("/api/v1/session", { password }, stranger)).status(), 200);
  await known.context().close();
  await stranger.context().close();
  // Who is signed in already stays so.
  await page.locator("#reserve-form").getByRole("button", { name: "As configured" }).click();
  await shows("#control-note", (words) => words === "The reserve is as configured.");
});

test("a silent meter is shown as stale and back as live", async () => {
  const kiosk = await visit({ viewport: { width: 800, height: 480 } });
  await kiosk.goto("/kiosk");
  await house.ask("say", "fault meters off");
  await shows("#node-grid .sub", (words) => words.startsWith("old: "));
  assert.equal(await shown("#node-grid .value"), "–");
  await shows("#doing", (words) => words.includes("grid meter"));
  await shows("#faults", (words) => words.includes("Grid meter lost"));
  await shows("#faults", (words) => words.includes("Steps: grid_meter_lost in docs/runbook.md."));
  await shows("#ages", (words) => words.includes("grid meterold: "));
  await shows("#grid", (words) => words.includes("–") && words.includes("old: "), kiosk);
  await shows("#alarm", (words) => words === "Grid meter lost", kiosk);
  await page.evaluate(() => scrollTo(0, 0));
  await shot("stale");
  await shot("kiosk-stale", kiosk);
  await kiosk.context().close();
  await house.ask("say", "fault meters none");
  await shows("#node-grid .value", (words) => words.includes("W"));
});

// A refused write, what a hub that has only just begun does not know yet, and an old browser's script are
// errors to the browser; anything else is ours.
const refusals = /the server responded with a status of (401|403|429|503)|Unexpected token '='/;

test("a hub that is gone leaves no number that looks current", async () => {
  assert.deepEqual(unexpected(refusals), []);
  await house.ask("stop_hub");
  await shows("#link", (words) => words === "no connection");
  assert.match(await shown("#banner"), /^No connection to the hub since /);
  for (const place of ["grid", "solar", "house", "battery"])
    assert.equal(await shown(`#node-${place} .value`), "–");
  assert.equal(await shown("#soc"), "–");
  await shot("lost");
  await house.ask("rename", "another house");
  await house.ask("start_hub");
  await shows("#link", (words) => words !== "no connection");
  await shows("#site", (words) => words === "another house");
});

test("the browser asked nobody else and found nothing to complain of", () => {
  assert.deepEqual(foreign, []);
  // So is a hub that is gone.
  assert.deepEqual(unexpected(/net::ERR_|status of 503/), []);
});
