// The simulated house in its own process, asked line by line: tests/system/house_lines.py.
const { spawn } = require("node:child_process");
const path = require("node:path");
const readline = require("node:readline");

class House {
  constructor() {
    this.process = spawn("/usr/bin/python3", [path.join(__dirname, "..", "house_lines.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.exited = new Promise((done) => this.process.on("exit", done));
  }

  /** What the house answers to a command, such as ask("say", "load 1000"). One at a time. */
  async ask(name, argument = "") {
    this.process.stdin.write(`${name} ${argument}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the simulated house is gone");
    const { answer, error } = JSON.parse(value);
    if (error !== undefined) throw new Error(`${name} ${argument}: ${error}`);
    return answer;
  }

  async close() {
    this.process.stdin.end();
    await this.exited;
  }
}

/** Long enough for the slowest machine: it only ends what hangs. */
const patience = 120000; // ms

/** Polls until what() holds; what it last gave, true to life when it never does. */
async function becomes(what, holds) {
  const end = performance.now() + patience;
  for (;;) {
    const found = await what();
    if (holds(found)) return { found, held: true };
    if (performance.now() > end) return { found, held: false };
    await new Promise((done) => setTimeout(done, 50));
  }
}

module.exports = { House, becomes, patience };
