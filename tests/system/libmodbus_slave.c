/* One Modbus RTU meter by libmodbus: libmodbus_slave PORT BAUD UNIT [ADDRESS VALUE]...
 * Every VALUE is a float in two input registers from ADDRESS, high word first.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { registers = 0x200, voltage = 0x00, system_type = 0x0A };

/* Not modbus_set_float_abcd: in 3.1.6 its order depends on the machine's. */
static void set(uint16_t* words, int address, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  words[address] = (uint16_t)(bits >> 16);
  words[address + 1] = (uint16_t)bits;
}

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  modbus_t* line = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
  modbus_mapping_t* meter = modbus_mapping_new(0, 0, registers, registers);
  if (!line || !meter) return 70;
  for (int i = 4; i + 1 < argc; i += 2)
    set(meter->tab_input_registers, (int)strtol(argv[i], NULL, 0), strtof(argv[i + 1], NULL));
  set(meter->tab_registers, system_type, 3.0f); /* 3P4W */
  if (modbus_set_slave(line, atoi(argv[3])) != 0 || modbus_connect(line) != 0) {
    fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
    return 74;
  }
  puts("ready");
  fflush(stdout);
  for (unsigned turn = 0;; ++turn) {
    uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
    /* A live voltage is never bit-identical for long; a frozen one is a fault to the hub. */
    set(meter->tab_input_registers, voltage, 231.5f + 0.001f * (float)(turn % 7));
    const int length = modbus_receive(line, request); /* 0: to another unit */
    if (length < 0) {
      fprintf(stderr, "request: %s\n", modbus_strerror(errno));
      modbus_flush(line);
    } else if (length > 0 && modbus_reply(line, request, length, meter) < 0) {
      fprintf(stderr, "reply: %s\n", modbus_strerror(errno));
    }
  }
}
