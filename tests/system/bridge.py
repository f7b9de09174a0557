"""A port of the simulated house as a line of another kind: behind a gateway, or on a SocketCAN interface."""
import os
import select
import socket
import struct
import threading
import tty


class Bridge:
    """Passes on what the port and the hub's newest connection to `listener` say. The connection can be
    dropped at any time (pull_out); whoever had it must connect anew."""

    GREETING = b""

    def __init__(self, device, listener):
        self.listener, self.line = listener, None
        self.device = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.device)
        os.write(self.device, self.GREETING)
        self.over, self.lock = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def to_hub(self, data):
        """What the port said, as the messages that the hub gets."""
        return [data]

    def to_device(self, data):
        return data

    def run(self):
        while not self.over.is_set():
            line = self.line
            try:
                ready = select.select(
                    [self.device, self.listener, *([line] if line else [])], [], [], 0.1
                )[0]
                if self.listener in ready:
                    self.pull_out()
                    self.line = self.listener.accept()[0]
                if self.device in ready:
                    for message in self.to_hub(os.read(self.device, 4096)):
                        if line:
                            line.send(message, socket.MSG_DONTWAIT)
                if line in ready:
                    data = line.recv(4096, socket.MSG_DONTWAIT)
                    if data:
                        os.write(self.device, self.to_device(data))
                    else:
                        self.pull_out()
            except (OSError, ValueError):
                pass  # dropped meanwhile, or nobody takes what is said

    def pull_out(self):
        with self.lock:
            line, self.line = self.line, None
        if line:
            line.close()

    def close(self):
        self.over.set()
        self.thread.join()
        self.pull_out()
        self.listener.close()
        os.close(self.device)


class Gateway(Bridge):
    """Serial over TCP, at 127.0.0.1:`tcp_port`."""

    def __init__(self, device):
        listener = socket.create_server(("127.0.0.1", 0))
        self.tcp_port = listener.getsockname()[1]
        super().__init__(device, listener)


class VirtualCan(Bridge):
    """An SLCAN adapter as the interface can0: the other side of virtual_can.c.

    House.start_hub(**can.hub) loads it into the hub.
    """

    GREETING = b"C\rS6\rO\r"  # reference: pylontech-can#7

    def __init__(self, device, folder):
        self.said = b""
        path = os.path.join(folder, "can0")
        self.hub = {
            "preload": [os.environ["ESSHUB_VIRTUAL_CAN_LIBRARY"]],
            "env": {"ESSHUB_VIRTUAL_CAN": path},
        }
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        listener.listen(8)
        super().__init__(device, listener)

    def to_hub(self, data):
        *lines, self.said = (self.said + data).split(b"\r")
        for line in lines:
            line = line.lstrip(b"\a")
            if line[:1] == b"t":  # a standard data frame: t, ID in 3 digits, length, data
                content = bytes.fromhex(line[5:].decode())
                yield struct.pack("<IB3x8s", int(line[1:4], 16), len(content), content)

    def to_device(self, data):
        number, size, content = struct.unpack("<IB3x8s", data)
        return f"t{number:03X}{size}{content[:size].hex().upper()}\r".encode()
