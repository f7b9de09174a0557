"""Makes the system calls of a running hub slow on one port: the other side of slow_calls.c."""
import mmap
import os
import struct

FOR_EVER = 1e9


class SlowCalls:
    """House.start_hub(**slow.hub) loads it into the hub; in force from hold() to release()."""

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(4096))
        self.file = open(path, "r+b")
        self.memory = mmap.mmap(self.file.fileno(), 4096)
        self.rules = 0
        self.hub = {
            "preload": [os.environ["ESSHUB_SLOW_CALLS_LIBRARY"]],
            "env": {"ESSHUB_SLOW_CALLS": path},
        }

    def number(self, at):
        return struct.unpack_from("I", self.memory, at)[0]

    def hold(self, call, port, seconds=FOR_EVER):
        """Each `call` on `port` (as the configuration writes it) takes so long from now on."""
        self.release()
        text = f"{call} {port} {seconds}".encode() + b"\0"
        self.memory[64 : 64 + len(text)] = text
        self.rules += 1
        struct.pack_into("I", self.memory, 0, self.rules)

    def release(self):
        """What is held goes on."""
        struct.pack_into("I", self.memory, 0, 0)

    def held(self):
        """How many calls were held since the start of the hub."""
        return self.number(4)

    def holding(self):
        """How many calls are held at this moment."""
        return self.number(8)

    def close(self):
        self.release()
        self.memory.close()
        self.file.close()
