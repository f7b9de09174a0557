/* Preloaded into a hub under test: a SocketCAN interface on a kernel that has none.
 *
 * ESSHUB_VIRTUAL_CAN names the listening SOCK_SEQPACKET socket file of a test, which is the bus;
 * its last part is the interface's name. A socket bound to the interface is a connection to it:
 * records of 16 bytes each way, with the kernel's time stamps. The interface is always up; there
 * are no filters and no error frames.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char* bus(void) {
  return getenv("ESSHUB_VIRTUAL_CAN");
}
static int is_interface(const char* name) {
  const char* path = bus();
  const char* last = path ? strrchr(path, '/') : NULL;
  return last && !strncmp(last + 1, name, IFNAMSIZ);
}

int socket(int family, int type, int protocol) {
  if (family != PF_CAN || !bus()) return NEXT(socket)(family, type, protocol);
  const int how = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
  return NEXT(socket)(PF_UNIX, SOCK_SEQPACKET | how, 0);
}
int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  struct ifreq* asked = argument;
  if (request == SIOCGIFINDEX && is_interface(asked->ifr_name)) {
    asked->ifr_ifindex = 1;
    return 0;
  }
  if (request == SIOCGIFFLAGS && is_interface(asked->ifr_name)) {
    asked->ifr_flags = IFF_UP | IFF_RUNNING;
    return 0;
  }
  return NEXT(ioctl)(fd, request, argument);
}
int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (level == SOL_CAN_RAW && bus()) return 0;
  return NEXT(setsockopt)(fd, level, name, value, size);
}
int bind(int fd, const struct sockaddr* to, socklen_t size) {
  if (to->sa_family != AF_CAN || !bus()) return NEXT(bind)(fd, to, size);
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (strlen(bus()) >= sizeof at.sun_path) abort();
  strcpy(at.sun_path, bus());
  return (int)syscall(SYS_connect, fd, &at, sizeof at);
}
