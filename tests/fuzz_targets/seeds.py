#!/usr/bin/python3
"""Writes the fuzzers' first inputs from the vectors of tests/data: seeds.py FOLDER"""
import json
import pathlib
import sys

data = pathlib.Path(__file__).resolve().parent.parent / "data"
out = pathlib.Path(sys.argv[1])
count = {}

# The script of driver_script.cpp.
WAIT, DAMAGE, INVENT, NOISE, OVERSLEEP, WAKE, COMMAND, REPLUG, MUTE, OLD, TRICKLE = range(11)
second, long_while = bytes([WAIT, 0x9F]), bytes([WAIT, 0xDF])  # 4 s and 64 s
recover = 0x80


def seed(target, content):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    n = count[target] = count.get(target, 0) + 1
    (folder / f"{n:03}").write_bytes(content)


def vectors(name):
    with open(data / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def chunk(act, content):
    return b"".join(
        bytes([act, len(part)]) + part
        for part in (content[i : i + 200] for i in range(0, len(content), 200))
    )


def scripts(target, variants, noise, content):
    """Quiet life, every damage, lost lines, noise and invented messages."""
    for variant in variants:
        seed(target, bytes([variant]) + second + long_while)
        seed(target, bytes([variant | recover]) + second + bytes([MUTE]) + long_while)
        seed(target, bytes([variant | recover]) + second + bytes([REPLUG, 0x91]) + second)
        seed(target, bytes([variant | recover]) + second + bytes([OVERSLEEP, 0xC1, WAKE]) + second)
        for kind in range(1, 7):
            seed(
                target,
                bytes([variant | recover])
                + second
                + bytes([DAMAGE, kind, 5, 0x10, WAIT, 0x81]) * 4,
            )
        for mode in range(4):
            seed(
                target, bytes([variant]) + second + bytes([COMMAND, 0xFE, 0x0C, mode, 200]) + second
            )
    for part in noise:
        seed(target, bytes([variants[0]]) + second + chunk(NOISE, part) + second)
        seed(target, bytes([variants[-1]]) + second + chunk(OLD, part) + second)
    for part in content:
        seed(target, bytes([variants[0]]) + second + chunk(INVENT, part) + second)
        seed(target, bytes([variants[-1]]) + second + chunk(TRICKLE, part) + second)


modbus = []
for vector in vectors("modbus-vectors.jsonl"):
    texts = [vector.get(key) for key in ("hex", "request_hex", "response_hex")]
    texts += [frame["hex"] for frame in vector.get("frames", [])]
    modbus += [bytes.fromhex(text) for text in texts if text]
for frame in modbus:
    seed("modbus_scanner", b"\0" + chunk(0, frame))
    seed("modbus_scanner", b"\1" + chunk(0, frame) + b"\1")
    seed("modbus_scanner", b"\0" + chunk(4, frame[:-2]))
    seed("decode", b"\0" + frame.hex().upper().encode() + b"\n")
floats = [
    bytes.fromhex(text) for text in ("43660000", "00004366", "7FC00000", "00000000", "FF7FFFFF")
]
scripts("modbus_driver", [0, 1, 2, 3], modbus, floats)

can, wire = [], []
for vector in vectors("pylontech-vectors.jsonl"):
    if "can_id" not in vector:
        continue
    identifier, content = int(vector["can_id"], 16), bytes.fromhex(vector["data"])
    can.append((identifier, content))
    wire.append(f"t{identifier:03X}{len(content)}{content.hex().upper()}\r".encode())
for (identifier, content), line in zip(can, wire):
    record = (
        identifier.to_bytes(4, "little") + bytes([len(content), 0, 0, 0]) + content.ljust(8, b"\0")
    )
    seed("can", b"\0" + line)
    seed("can", b"\1" + record)
    seed("can", b"\2" + f"can0 {identifier:03X}#{content.hex().upper()}".encode())
    for cells in (b"\1", b"\4"):
        seed("decode", cells + f"{identifier:03X}#{content.hex().upper()}\n".encode())
seed("can", b"\2" + b"  can0  351   [4]  14 02 F4 01")
seed("can", b"\2" + b"(1700000000.123456) can0 20000040#0000000000000000")
seed("can", b"\0" + b"z\rV1013\r\ar3510\rT000003518000102030405060712AB\r")
scripts(
    "pylontech_driver",
    [0, 1, 2, 4, 7, 8, 9, 16, 17, 32, 50],
    wire,
    [identifier.to_bytes(2, "big") + content for identifier, content in can],
)
# Far from what the simulated battery says: said once, twice in a row, and again after its own frames;
# and digits of its own frames, damaged.
doubts = bytes([32 | recover])
short_while = bytes([WAIT, 0x91])  # less than its period
for text in (
    "0351 1402840384 03c201",
    "0351 1402 0a00 0a00 c201",
    "0351 6801 f401 f401 0000",
    "0355 5f006300",
    "0355 05000a00",
    "0356 2c15 5802 2c01",
    "0356 dc11 a8fd 9cff",
    "0359 ff00ff0002504e",
    "0359 1000000002504e",
    "0359 0000000008504e",
    "035c 0000",
    "035c f800",
    "035a aaaa0000aaaa0000",
    "035f 0000000064000000",
):
    jump = chunk(INVENT, bytes.fromhex(text))
    for script in (
        jump,
        jump + jump,
        jump + second + jump + short_while + jump,
        (jump + short_while) * 4,
    ):
        seed("pylontech_driver", doubts + second + script + second)
for place in range(5, 21, 2):
    for bit in (1, 4, 8):
        flip = bytes([DAMAGE, 1, place, bit])
        seed("pylontech_driver", doubts + second + (flip + bytes([WAIT, 0xB1])) * 3 + second)

mk3 = [bytes.fromhex(vector["hex"]) for vector in vectors("vebus-vectors.jsonl")]
for frame in mk3:
    seed("mk3", b"\0" + frame)
    seed("mk3", b"\1" + frame[1:-1])
    seed("decode", b"\2" + frame.hex().upper().encode() + b"\n")
# Replies by their code, as seal() of vebus_driver_fuzz.cpp writes them.
scripts(
    "vebus_driver",
    [0, 1, 2, 4, 5, 8, 11],
    mk3,
    [
        bytes([2 * (frame[3] & 0x7F)]) + frame[4:-1]
        for frame in mk3
        if len(frame) > 4 and frame[1] == 0xFF and frame[3] >= 0x80
    ],
)

answers, noise = [], []
for vector in vectors("pylontech-rs485-vectors.jsonl"):
    frame = vector["ascii"].encode()
    seed("pylontech_rs485", b"\0" + frame)
    seed("decode", b"\3" + frame + b"\n")
    if len(frame) > 18 and frame[7:9] == b"00":
        info = bytes.fromhex(frame[13:-5].decode())
        seed("pylontech_rs485", b"\1\0" + info)
        answers.append(b"\0" + info)
    noise.append(frame)
scripts("pylontech_rs485_driver", [0, 1], noise, answers)

for kind, chunks in enumerate((modbus, mk3, wire)):
    for part in (part for whole in chunks for part in (whole[:200], whole[:-1][:200])):
        seed("listen", bytes([kind]) + bytes([5, 1, len(part)]) + part + bytes([200, 0]))

feeds = [
    (0, "octopus-agile-1.json"),
    (0, "octopus-outgoing.json"),
    (0, "octopus-payment.json"),
    (1, "entsoe-sequences.xml"),
    (1, "entsoe-resolutions.xml"),
    (1, "entsoe-acknowledgement.xml"),
    (2, "awattar.json"),
    (3, "open-meteo.json"),
    (3, "open-meteo-hourly.json"),
]
for service, name in feeds:
    seed("feed_sources", bytes([service]) + (data / "feeds" / name).read_bytes())
at = ["2026-11-28T23:00:00Z", "2026-11-29T00:15:00+01:00", "2026-11-29T02:00Z"]
for kind, unit in (("import_price", "EUR/kWh"), ("export_price", "GBP/kWh"), ("solar", "kWh")):
    form = {"kind": kind, "unit": unit, "source": "seed", "issued": at[0], "valid_until": at[2]}
    form["slots"] = [[at[1], at[2], 0.2], [at[0], at[1], 0.1]]
    seed("feed", json.dumps(form).encode())
    form["slots"].append([at[2], "2026-11-29T03:00:00Z", None])
    seed("feed", json.dumps(form).encode())

print(", ".join(f"{target} {n}" for target, n in count.items()))
