"""Starts the real programs for the system tests: esshub-sim plant, esshub run, and talks to both."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

SIM = os.environ["ESSHUB_SIM"]
HUB = os.environ["ESSHUB"]


def free_port():
    """Below those that the kernel gives to whoever connects: it would be taken before it is listened on."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, limit_s, step_s=0.05, hold_s=0.0):
    """Polls until what() is true and stays so for hold_s; the seconds until it became true, or None."""
    begin = time.monotonic()
    since = None
    while True:
        now = time.monotonic()
        if not what():
            since = None
        elif since is None:
            since = now
        if since is not None and now - since >= hold_s:
            return since - begin
        if now - begin > limit_s + hold_s:
            return None
        time.sleep(step_s)


class Process:
    def __init__(self, args, log, env=None):
        self.log = log
        self.file = open(log, "wb")
        self.p = subprocess.Popen(args, stdout=self.file, stderr=subprocess.STDOUT, env=env)

    def alive(self):
        return self.p.poll() is None

    def stop(self, limit_s=10):
        """SIGTERM, then the exit status and the seconds it took."""
        begin = time.monotonic()
        if self.alive():
            self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        self.file.close()
        return self.p.returncode, time.monotonic() - begin

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class House:
    """The simulated house in a folder of its own."""

    def __init__(self, *arguments):
        self.dir = tempfile.mkdtemp(prefix="esshub-test.")
        self.metrics = f"127.0.0.1:{free_port()}"
        self.web = f"127.0.0.1:{free_port()}"
        self.sim = Process(
            [
                SIM,
                "plant",
                "--dir",
                self.dir,
                "--metrics",
                self.metrics,
                "--web",
                self.web,
                "--seed",
                "1",
                *arguments,
            ],
            os.path.join(self.dir, "sim.log"),
        )
        self.hub = None
        ready = wait_for(
            lambda: os.path.exists(self.path("esshub.toml"))
            and os.path.exists(self.path("control"))
            and os.path.exists(self.path("inverter")),
            20,
        )
        if ready is None:
            raise RuntimeError("the simulated house did not start:\n" + self.sim.text())

    def path(self, name):
        return os.path.join(self.dir, name)

    def say(self, command):
        """One command; the text after `ok`."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path("control"))
            s.sendall(command.encode() + b"\n")
            answer = s.makefile().readline().rstrip("\n")
        if not answer.startswith("ok"):
            raise RuntimeError(f"{command!r} was answered {answer!r}")
        return answer[2:].strip()

    def state(self):
        return json.loads(self.say("state"))

    def start_hub_on(self, bus, port, *lines, key="port", **start):
        """The hub with another port for the bus (meters, battery, inverter), or by key "can" or "tcp"
        another line, set so."""
        with open(self.path("esshub.toml")) as f:
            config, found = re.subn(
                f'(?:baud = .*\n)?(kind = .*\nname = .*\n)port = "{self.path(bus)}"',
                lambda match: match[1] + "\n".join([f'{key} = "{port}"', *lines]),
                f.read(),
            )
        assert found == 1
        with open(self.path("peer.toml"), "w") as f:
            f.write(config)
        self.start_hub(self.path("peer.toml"), **start)

    def frames(self, bus):
        """{result: count} of a bus, without those that never came."""
        key = f'esshub_bus_frames_total{{bus="{bus}",result="'
        return {
            k[len(key) : -2]: int(v) for k, v in self.scrape().items() if k.startswith(key) and v
        }

    def start_hub(self, config=None, trusted_clock=False, preload=(), env=None, under=()):
        """A trusted clock: the machine's counts as synchronised, else there are no days or prices.
        Also with libraries loaded before all others, more variables in its environment, and by a
        command that it is given to."""
        env = {**os.environ, **(env or {})}
        libraries = [os.environ["ESSHUB_SYNCHRONISED_CLOCK"]] if trusted_clock else []
        libraries += preload
        if libraries:
            env["LD_PRELOAD"] = ":".join(libraries)
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.hub = Process(
            [*under, HUB, "run", "--config", config or self.path("esshub.toml")],
            self.path("hub.log"),
            env,
        )

    def add_config(self, text):
        with open(self.path("esshub.toml"), "a") as f:
            f.write(text)

    def scrape(self):
        """/metrics as {name{labels}: value}; empty while there is no answer."""
        try:
            with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=2) as r:
                text = r.read().decode()
        except OSError:
            return {}
        return {m[1]: float(m[2]) for m in re.finditer(r"^(\w+(?:\{[^}]*\})?) (\S+)$", text, re.M)}

    def bounded(self):
        """{rule: W} of the limits that hold the battery, with what it would be told without each."""
        key = 'esshub_decision_without_reason_watts{reason="'
        return {k[len(key) : -2]: w for k, w in self.scrape().items() if k.startswith(key)}

    def setpoint(self):
        """W as the inverter holds it, 0 when it holds none."""
        return self.state()["setpoint_w"] or 0.0

    def close(self):
        for process in (self.hub, self.sim):
            if process:
                process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
