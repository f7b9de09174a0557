"""A real mosquitto for the system tests, plain or with TLS, and a client that remembers what it heard."""
import os
import signal
import subprocess
import threading

import paho.mqtt.client as mqtt

from house import Process, free_port, wait_for


class Broker:
    """In the folder `directory`; with `tls` behind a certificate of an authority made for it; with `more`
    lines of its configuration."""

    def __init__(self, directory, tls=False, name="localhost", more=()):
        self.dir = directory
        self.port = free_port()
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence false",
            "log_type all",
            "set_tcp_nodelay true",
        ]
        if tls:
            self.make_certificates(name)
            lines += [
                f"cafile {self.file('ca.pem')}",
                f"certfile {self.file('broker.pem')}",
                f"keyfile {self.file('broker.key')}",
                f"password_file {self.file('passwords')}",
            ]
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", self.file("passwords"), "hub", "right"],
                check=True,
                capture_output=True,
            )
        else:
            lines += ["allow_anonymous true"]
        lines += more
        with open(self.file("mosquitto.conf"), "w") as f:
            f.write("user root\n" * (os.getuid() == 0) + "\n".join(lines) + "\n")
        self.process = None
        self.start()

    def file(self, name):
        return os.path.join(self.dir, name)

    def make_certificates(self, name):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.dir)

        for ca in ("ca", "wrong-ca"):
            openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-keyout",
                f"{ca}.key",
                "-out",
                f"{ca}.pem",
                "-days",
                "2",
                "-subj",
                f"/CN={ca}",
            )
        openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "broker.key",
            "-out",
            "broker.csr",
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName=DNS:{name}",
        )
        openssl(
            "x509",
            "-req",
            "-in",
            "broker.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-copy_extensions",
            "copy",
            "-out",
            "broker.pem",
        )

    def start(self):
        self.process = Process(
            ["mosquitto", "-c", self.file("mosquitto.conf")], self.file("mosquitto.log")
        )
        if wait_for(lambda: "running" in self.process.text(), 10) is None:
            raise RuntimeError("mosquitto did not start:\n" + self.process.text())

    def stop(self):
        self.resume()
        self.process.stop()

    def stall(self):
        os.kill(self.process.p.pid, signal.SIGSTOP)

    def resume(self):
        if self.process.alive():
            os.kill(self.process.p.pid, signal.SIGCONT)

    def client(self):
        return Client(self.port)


class Client:
    """Hears everything; `heard[topic]` is the newest payload, `retained` those that were kept."""

    def __init__(self, port):
        self.heard = {}
        self.count = {}
        self.retained = set()
        self.lock = threading.Lock()
        self.client = mqtt.Client(client_id="", clean_session=True)
        self.client.on_connect = lambda c, *_: c.subscribe("#")
        self.client.on_message = self.on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def on_message(self, _client, _data, message):
        with self.lock:
            self.heard[message.topic] = message.payload.decode()
            self.count[message.topic] = self.count.get(message.topic, 0) + 1
            if message.retain:
                self.retained.add(message.topic)

    def forget(self):
        with self.lock:
            self.heard.clear()
            self.count.clear()

    def says(self, topic, payload="", retain=False):
        self.client.publish(topic, payload, retain=retain).wait_for_publish()

    def hears(self, topic, limit_s=15, accept=lambda payload: True):
        """The newest payload of the topic once it is acceptable, or None."""
        wait_for(lambda: topic in self.heard and accept(self.heard[topic]), limit_s)
        payload = self.heard.get(topic)
        return payload if payload is not None and accept(payload) else None

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
