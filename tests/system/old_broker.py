"""Brokers that mosquitto is not: one of MQTT 3.1.1 alone, as a gate before a real one that turns MQTT 5
away, and one that says why it hangs up."""
import socket
import threading

LEVEL_311 = 4
# CONNACK of MQTT 3.1.1: unacceptable protocol version.
UNACCEPTABLE = bytes([0x20, 2, 0, 1])


class Gate:
    """Listens on `port`; `hangs_up`: says nothing to MQTT 5, as some brokers do."""

    def __init__(self, broker_port, hangs_up=False):
        self.broker_port = broker_port
        self.hangs_up = hangs_up
        self.levels = []  # of every CONNECT
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            first = client.recv(4096)
            if not first:
                return
            # Fixed header, the name "MQTT" with its length, then the level.
            self.levels.append(first[first.index(b"MQTT") + 4])
            if self.levels[-1] != LEVEL_311:
                if not self.hangs_up:
                    client.sendall(UNACCEPTABLE)
                return
            with socket.create_connection(("127.0.0.1", self.broker_port)) as broker:
                broker.sendall(first)
                back = threading.Thread(target=pump, args=(broker, client), daemon=True)
                back.start()
                pump(client, broker)
                back.join(1)

    def close(self):
        self.listener.close()


class TakenOver:
    """Welcomes each client by MQTT 5, then tells it that another one has its id."""

    WELCOME = bytes([0x20, 3, 0, 0, 0])
    TAKEN_OVER = bytes([0xE0, 2, 0x8E, 0])

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                client.sendall(self.WELCOME)
                client.recv(4096)
                client.sendall(self.TAKEN_OVER)
                client.settimeout(2)
                try:  # what is not read when it is closed would void what was said
                    while client.recv(65536):
                        pass
                except OSError:
                    pass

    def close(self):
        self.listener.close()


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
