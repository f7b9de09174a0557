"""A Modbus meter on a line of its own, which can be pulled out and put back, and can flood the line."""
import os
import pty
import select
import socket
import struct
import threading
import time
import tty

UNIT = 5


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class SmallMeter:
    """An SDM120 that measures `watts`. Its line is a pseudo-terminal at the path `link`, or, without one, a
    serial gateway at 127.0.0.1:`tcp_port`."""

    def __init__(self, link=None, watts=250.0):
        self.link, self.watts = link, watts
        self.heard, self.reads, self.connections, self.flooded = b"", 0, 0, 0
        self.flooding, self.over = threading.Event(), threading.Event()
        self.line, self.slave, self.lock = None, None, threading.Lock()
        self.listener = None
        if link is None:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.listener.settimeout(0.2)
            self.tcp_port = self.listener.getsockname()[1]
        else:
            self.plug()
        self.threads = [threading.Thread(target=work) for work in (self.serve, self.flood)]
        for thread in self.threads:
            thread.start()

    def config(self, name, channel, *lines):
        """Its [[bus]], with more lines for the port."""
        where = f'port = "{self.link}"\nbaud = 9600' if self.link else f'tcp = "{self.port()}"'
        return "\n".join(
            [
                f'\n[[bus]]\nname = "{name}"\nkind = "modbus"\n{where}',
                *lines,
                f'[[bus.meter]]\nname = "{name}"\nmodel = "sdm120"\nunit = {UNIT}',
                f'channels = [{{ phase = 1, measures = "{channel}" }}]\n',
            ]
        )

    def port(self):
        """As the configuration writes it."""
        return self.link or f"127.0.0.1:{self.tcp_port}"

    def pull_out(self):
        """And put it back at once: whoever had it open must open it anew."""
        self.drop()
        if self.link:
            self.plug()

    def plug(self):
        line, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(line, False)
        if os.path.lexists(self.link):
            os.unlink(self.link)
        os.symlink(os.ttyname(slave), self.link)
        self.line, self.slave = (
            line,
            slave,
        )  # the slave stays open: a port stays while nobody has it open

    def drop(self):
        with self.lock:
            line, slave, self.line, self.slave = self.line, self.slave, None, None
        if line is None:
            return
        if self.link:
            os.close(slave)
            os.close(line)
        else:
            line.close()

    def answer(self, data):
        """The responses to what is complete of the requests in `data`."""
        self.heard = (self.heard + data)[-1000:]
        out = b""
        while len(self.heard) >= 8:
            request = self.heard[:8]
            unit, function, start, count = struct.unpack(">BBHH", request[:6])
            if (unit, function) != (UNIT, 4) or crc(request[:6]) != request[6:]:
                self.heard = self.heard[1:]
                continue
            self.heard = self.heard[8:]
            self.reads += 1
            # A live voltage is never bit-identical for long: a frozen one is a fault to the hub.
            values = {0: 230.0 + 0.01 * (self.reads % 50), 6: 1.1, 12: self.watts, 70: 50.0}
            body = b"".join(
                struct.pack(">f", values.get(address, 0.0))
                for address in range(start, start + count, 2)
            )
            response = bytes([UNIT, 4, len(body)]) + body
            out += response + crc(response)
        return out

    def serve(self):
        while not self.over.is_set():
            try:
                if self.line is None:
                    self.accept()
                    continue
                if not select.select([self.line], [], [], 0.1)[0]:
                    continue
                data = self.receive()
                if not data:
                    if not self.link:
                        self.drop()
                    time.sleep(0.05)  # nobody has it open
                    continue
                response = self.answer(data)
                if response and not self.flooding.is_set():
                    self.send(response)
            except (OSError, ValueError, TypeError, AttributeError):
                time.sleep(0.05)  # pulled out meanwhile

    def accept(self):
        if self.link:
            time.sleep(0.05)
            return
        try:
            line = self.listener.accept()[0]
        except TimeoutError:
            return
        line.setblocking(False)
        self.heard = b""
        self.line = line
        self.connections += 1

    def receive(self):
        return os.read(self.line, 4096) if self.link else self.line.recv(4096)

    def send(self, data):
        return os.write(self.line, data) if self.link else self.line.send(data)

    def flood(self):
        """As fast as they are taken while `flooding` is set: bytes that mean nothing."""
        noise = os.urandom(65536)
        while not self.over.is_set():
            if not self.flooding.wait(0.1) or self.line is None:
                time.sleep(0.001)
                continue
            try:
                if select.select([], [self.line], [], 0.1)[1]:
                    self.flooded += self.send(noise)
            except (OSError, ValueError, TypeError, AttributeError):
                time.sleep(0.05)

    def close(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.drop()
        if self.listener:
            self.listener.close()
