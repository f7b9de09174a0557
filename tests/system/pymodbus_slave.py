#!/usr/bin/python3
"""A Modbus RTU slave by pymodbus (3.0 or 3.8): unit 1 answers as an SDM630, unit 244 as an SDM120."""
import struct
import sys
import threading
import time

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartSerialServer

try:
    from pymodbus.framer import FramerType

    RTU = FramerType.RTU
except ImportError:  # before 3.7
    from pymodbus.transaction import ModbusRtuFramer as RTU


def words(values):
    """{address: float} -> {address: word}, high word first."""
    out = {}
    for address, value in values.items():
        out[address], out[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return out


def unit(inputs, holdings):
    # Gaps are answered with zeros as the real meters do.
    block = {address: 0 for address in range(0, 0x200)} | words(inputs)
    return ModbusSlaveContext(ir=data(block), hr=data(words(holdings)))


def data(registers):
    """pymodbus counts them from 1; the wire's first is 0."""
    return ModbusSparseDataBlock({address + 1: word for address, word in registers.items()})


SDM630 = {
    0x00: 231.5,
    0x02: 231.5,
    0x04: 231.5,
    0x06: 1.4,
    0x08: 4.3,
    0x0C: 321.5,
    0x0E: 987.25,
    0x46: 50.01,
    0x15A: 1000.0,
    0x15C: 500.0,
    0x160: 10.0,
    0x162: 0.5,
}
SDM120 = {0x00: 231.4, 0x06: 2.0, 0x0C: -456.75, 0x46: 50.01, 0x48: 12.0, 0x4A: 34.0}

units = {1: unit(SDM630, {0x0A: 3.0}), 244: unit(SDM120, {})}


def wiggle():
    # A live voltage is never bit-identical for long; a frozen one is a fault to the hub.
    n = 0
    while True:
        n += 1
        for context in units.values():
            for address, word in words({0x00: 231.5 + 0.001 * (n % 7)}).items():
                context.setValues(4, address, [word])
        time.sleep(0.5)


threading.Thread(target=wiggle, daemon=True).start()
print("ready", flush=True)
StartSerialServer(
    context=ModbusServerContext(slaves=units, single=False),
    framer=RTU,
    port=sys.argv[1],
    baudrate=9600,
    timeout=0.01,
)
