"""systemd's end of sd_notify: what a hub says of itself, and when."""
import socket
import threading
import time


class NotifySocket:
    """House.start_hub(env=notify.env(watchdog_s)) has the hub talk to it."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(0.2)
        self.said = []  # (monotonic s, text)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def env(self, watchdog_s):
        return {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(watchdog_s * 1e6))}

    def run(self):
        while not self.over.is_set():
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                continue
            self.said.append((time.monotonic(), text))

    def fed_at(self):
        """Each moment at which the watchdog was fed."""
        return [at for at, text in self.said if "WATCHDOG=1" in text]

    def close(self):
        self.over.set()
        self.thread.join()
        self.socket.close()
