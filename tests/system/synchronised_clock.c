/* Preloaded into a hub under test: the machine's clock counts as synchronised, whatever the machine says. */
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex* clock) {
  memset(clock, 0, sizeof(*clock));
  return TIME_OK;
}
