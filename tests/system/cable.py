"""One shared line of pseudo-terminals: what one port sends, all others hear, as on RS485."""
import os
import pty
import select
import threading
import tty


class Cable:
    """Cable("hub", "slave") or Cable("hub", meters=DEVICE): port[name] is the path to open, sent[name] what
    was said from there, in bytes. It passes bytes on as they come: a pseudo-terminal has no baud rate.
    tap(name, bytes), where it is set, hears everything.
    """

    def __init__(self, *names, **devices):
        self.port, self.sent, self.fds, self.held, self.tap = {}, {}, {}, [], None
        for name in names:
            fd, slave = pty.openpty()
            tty.setraw(slave)
            self.port[name] = os.ttyname(slave)
            self.held.append(slave)  # a port stays while nobody has it open
            self.fds[fd] = name
        for name, device in devices.items():
            fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(fd)
            self.fds[fd] = name
        for fd, name in self.fds.items():
            os.set_blocking(fd, False)
            self.sent[name] = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            for fd in select.select(list(self.fds), [], [], 0.2)[0]:
                try:
                    data = os.read(fd, 4096)
                except BlockingIOError:
                    continue
                self.sent[self.fds[fd]] += len(data)
                if self.tap:
                    self.tap(self.fds[fd], data)
                for other in self.fds:
                    if other != fd:
                        try:
                            os.write(other, data)
                        except BlockingIOError:
                            pass  # nobody reads there

    def close(self):
        self.over.set()
        self.thread.join()
        for fd in [*self.fds, *self.held]:
            os.close(fd)
