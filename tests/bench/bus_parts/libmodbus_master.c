/* Reads the three phases of a meter as fast as libmodbus can: libmodbus_master PORT BAUD; until killed. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { first_register = 0, registers = 18 };

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  modbus_t* line = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
  if (!line || modbus_set_slave(line, 1) != 0 || modbus_connect(line) != 0) {
    fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
    return 74;
  }
  for (;;) {
    uint16_t words[registers];
    if (modbus_read_input_registers(line, first_register, registers, words) != registers)
      fprintf(stderr, "%s\n", modbus_strerror(errno));
  }
}
