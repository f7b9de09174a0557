// The page in Chromium 80, the oldest that it is made for, and what 78 gets of it; both are in npm
// packages. Driven by the Puppeteer of that year, on the real hub in the simulated house. Pictures go
// to ESSHUB_SCREENSHOTS. The tests are in the order of a visit and lean on one another.
const assert = require("node:assert/strict");
const { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { brotliDecompressSync } = require("node:zlib");

const puppeteer = require("puppeteer-core");

const { House, becomes, patience } = require("../page/house.js");

const shots = process.env.ESSHUB_SCREENSHOTS;
const password = "correct horse battery";
const folder = mkdtempSync(path.join(tmpdir(), "esshub-old-page."));
const desktop = { width: 1280, height: 800 };
const phone = { width: 360, height: 780, isMobile: true, hasTouch: true };
const wall = { width: 800, height: 480 };

let house;
let hub; // its address
let complaints = [];

/** The Chromium of an npm package: "chromium-80". */
async function launch(name) {
  const packed = path.join(path.dirname(require.resolve(name)), "..", "bin", "chromium.br");
  const executablePath = path.join(folder, name);
  writeFileSync(executablePath, brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
  const browser = await puppeteer.launch({
    executablePath,
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const version = name.replace("chromium-", "HeadlessChrome/");
  assert.ok((await browser.version()).startsWith(`${version}.`), await browser.version());
  return browser;
}

/** A page of that size and what it complains of. */
async function visit(browser, address, viewport) {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.setViewport(viewport);
  await page.goto(`${hub}${address}`);
  return page;
}

const shown = (page, selector) => page.$eval(selector, (node) => node.textContent);

async function shows(page, selector, holds) {
  const { found, held } = await becomes(() => shown(page, selector), holds);
  assert.ok(held, `${selector} shows "${found}"`);
}

const about = (watts) => (words) =>
  Math.abs(Number(words.replace(/[^0-9]/g, "") || "NaN") - watts) <= watts / 20;
const shot = (page, name, fullPage = false) =>
  page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });

/** Neighbours in a line that touch, and choices that are not in one line. */
const crowded = (page) =>
  page.evaluate(() => {
    const box = (node) => node.getBoundingClientRect();
    const seen = (nodes) => [...nodes].filter((node) => box(node).width > 0 && node.innerText);
    const found = [];
    for (const line of document.querySelectorAll(
      ".top, .row, .big, .marks, .facts, .legend, .circuits, .ages li, form, footer",
    )) {
      const items = seen(line.children);
      items.slice(1).forEach((b, i) => {
        const a = items[i];
        if (box(b).top < box(a).bottom && box(b).left >= box(a).left)
          if (box(b).left - box(a).right < 3) found.push(`${a.innerText}|${b.innerText}`);
      });
    }
    for (const choice of document.querySelectorAll(".choice")) {
      const tops = new Set(seen(choice.querySelectorAll("label")).map((label) => box(label).top));
      if (tops.size > 1) found.push(`${choice.innerText} is not in one line`);
    }
    return found;
  });

let chromium;
let page; // the owner's, on a desktop

before(async () => {
  mkdirSync(shots, { recursive: true });
  house = new House();
  await house.ask("say", "load 1000");
  await house.ask("say", "pv 2600");
  hub = await house.ask("web");
  chromium = await launch("chromium-80");
});

after(async () => {
  await chromium?.close();
  await house?.close();
  rmSync(folder, { recursive: true });
});

test("desktop, phone and kiosk show everything and fit", async () => {
  for (const [name, address, viewport] of [
    ["old-phone", "/", phone],
    ["old-kiosk", "/kiosk", wall],
    ["old-desktop", "/", desktop],
  ]) {
    page = await visit(chromium, address, viewport);
    const kiosk = address === "/kiosk";
    await shows(page, kiosk ? "#solar b" : "#node-solar .value", about(2600));
    await shows(page, kiosk ? "#house b" : "#node-house .value", about(1000));
    await shows(page, kiosk ? "#battery span" : "#node-battery .sub", (w) => w === "charging");
    await shows(page, "#soc", (words) => /^\d/.test(words));
    await shows(page, "#doing", (words) => words === "Following the house load");
    if (kiosk) await shows(page, "#grid-today", (words) => /today \+?\d/.test(words));
    else {
      for (const id of ["today", "plan", "days"]) await page.waitForSelector(`#${id} svg`);
      await shows(page, "#link", (words) => words === "Hub: OK");
      await shows(page, "#tiles", (words) => /Cost-?\d+\.\d\d EUR/.test(words));
      await shows(page, "#spans", (words) => words.includes("Charge with 2400"));
      await shows(page, "#events", (words) => /Mode scheduled: .*; reserve \d+ %/.test(words));
      await shows(page, "#ages", (words) => /grid meter[\d.]+ s/.test(words));
      await shows(page, "#buses", (words) => /inverterOK\d+/.test(words));
      await shows(page, "#warnings", (words) => words.includes("tariff.cheap_below"));
      await shows(page, "#circuits", (words) => /^garage: \d/.test(words));
    }
    assert.ok(
      await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      `${name} scrolls sideways`,
    );
    assert.deepEqual(await crowded(page), [], name);
    await shot(page, name, !kiosk);
    if (name !== "old-desktop") await page.close();
  }
});

test("the Smart plan is drawn", async () => {
  const words = await page.evaluate(async () => {
    const { drawPlan } = await import("/charts.js");
    const from = Math.floor(Date.now() / 900000) * 900;
    const instruction = { kind: "charge", power_w: 2400, target_percent: 90 };
    const slots = Array.from({ length: 192 }, (_, i) => ({
      begin: from + i * 900,
      end: from + (i + 1) * 900,
      import_price: 0.28,
      export_price: 0.15,
      instruction,
      charge_low_percent: 40,
      charge_percent: 50,
      charge_high_percent: 60,
      value: 0.25,
      bought_kwh: 0.5,
      reason: "a kWh is bought for 0.280",
    }));
    const plan = { made: from, days: 14, cost: 3.21, cost_balance: 4.5, cost_no_battery: 6, slots };
    drawPlan(
      slots.map((slot) => ({ ...slot, authority: "smart", repeated_hour: false })),
      from,
      { problem: null, plan },
    );
    return document.getElementById("plan-words").textContent;
  });
  assert.match(words, /cost 3\.21 EUR, with self-consumption 4\.50, without a battery 6\.00/);
  assert.equal((await page.$$("#plan .p-band")).length, 1);
});

test("the owner signs in and sets reserve, mode, override and storm", async () => {
  await house.ask("set_password", password);
  await page.reload();
  await page.waitForSelector("#sign-in:not([hidden])");
  await page.type("#password", password);
  await page.keyboard.press("Enter");
  await shows(page, "#control-note", (words) => words.startsWith("Signed in"));
  await page.waitForSelector("#controls:not([hidden])");
  assert.deepEqual(await crowded(page), []);
  const policy = () =>
    page.evaluate(
      async () => (await (await fetch("/api/v1/state")).json()).decision.policy, // as the page reads it
    );
  const set = async (form, values, button, said, holds) => {
    for (const [name, value] of Object.entries(values))
      await page.$eval(`${form} [name=${name}]`, (field, to) => (field.value = to), value);
    const clicked = await page.$$eval(
      `${form} button`,
      (buttons, words) => {
        const wanted = buttons.filter((b) => b.textContent.trim() === words);
        for (const b of wanted) b.click();
        return wanted.length;
      },
      button,
    );
    assert.equal(clicked, 1, `${form} ${button}`);
    await shows(page, "#control-note", (words) => words === said);
    const { found, held } = await becomes(policy, holds);
    assert.ok(held, `${form} ${button}: ${JSON.stringify(found)}`);
  };
  const reserve = "#reserve-form";
  await set(
    reserve,
    { reserve: 35 },
    "Set",
    "The reserve is set.",
    (p) => p.reserve_percent === 35,
  );
  await page.$eval("#mode-form [value=balance]", (choice) => choice.click());
  await set("#mode-form", {}, "Set", "The mode is set.", (p) => p.mode === "balance");
  await set(
    "#override-form",
    { kind: "charge", power: 800 },
    "Start",
    "The override has begun.",
    (p) => p.authority === "manual" && p.instruction.power_w === 800,
  );
  await shows(page, "#policy-facts", (words) => words.includes("by your override"));
  await set("#override-form", {}, "End now", "Ended.", (p) => p.authority === "balance");
  const storm = "#storm-form";
  await set(
    storm,
    { reserve: 60 },
    "Start",
    "The storm reserve is ordered.",
    (p) => p.reserve_percent === 60 && p.storm_ends_in_s > 0,
  );
  await shot(page, "old-signed-in", true);
  await set(storm, {}, "End now", "Ended.", (p) => p.storm_ends_in_s === null);
});

test("Chromium 78 is told in one sentence that it is too old, and shows nothing else", async () => {
  assert.deepEqual(
    complaints.filter((words) => !/directive 'require-trusted-types-for'/.test(words)),
    [],
  );
  complaints = [];
  const older = await launch("chromium-78");
  try {
    for (const [name, address, viewport] of [
      ["too-old", "/", phone],
      ["too-old-kiosk", "/kiosk", wall],
    ]) {
      const visitor = await visit(older, address, viewport);
      await visitor.waitForSelector("#old:not([hidden])");
      const words = await visitor.$eval("body", (body) => body.innerText.trim());
      assert.match(
        words,
        /^This browser is too old for this page\. .*Safari 13\.1 .*api\/v1\/state$/s,
      );
      await shot(visitor, name);
    }
  } finally {
    await older.close();
  }
});

test("a silent meter is old and a hub that is gone leaves no number", async () => {
  const kiosk = await visit(chromium, "/kiosk", wall);
  await house.ask("say", "fault meters off");
  await page.bringToFront();
  await shows(page, "#node-grid .sub", (words) => words.startsWith("old: "));
  await shows(page, "#faults", (words) => words.includes("Grid meter lost"));
  await kiosk.bringToFront();
  await shows(kiosk, "#alarm", (words) => words === "Grid meter lost");
  await house.ask("stop_hub");
  await shows(kiosk, "#alarm", (words) => words.startsWith("No connection to the hub since"));
  await page.bringToFront();
  await shows(page, "#link", (words) => words === "no connection");
  for (const place of ["grid", "solar", "house", "battery"])
    assert.equal(await shown(page, `#node-${place} .value`), "–");
  await house.ask("start_hub");
  await shows(page, "#link", (words) => words !== "no connection");
});
