#!/usr/bin/python3
"""Reads the three phases of a meter as fast as pymodbus can: pymodbus_master.py PORT BAUD; until killed."""
import sys

from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException

FIRST_REGISTER, REGISTERS = 0, 18

client = ModbusSerialClient(port=sys.argv[1], baudrate=int(sys.argv[2]), timeout=1)
assert client.connect()
while True:
    try:
        answer = client.read_input_registers(FIRST_REGISTER, count=REGISTERS, slave=1)
        if answer.isError():
            print(answer, file=sys.stderr)
    except ModbusException as error:
        print(error, file=sys.stderr)
