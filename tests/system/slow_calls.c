/* Preloaded into a hub under test: system calls on one port take long, or do not return, while the
 * test says so.
 *
 * ESSHUB_SLOW_CALLS names a file of 4096 bytes that both map (slow_calls.py):
 *   0    the number of the rule in force, 0: none. A call that is held goes on when it changes.
 *   4    how many calls were held so far
 *   8    how many are held at this moment
 *   64   the rule's text: "CALL PORT SECONDS"
 * PORT is as the configuration writes it (/dev/ttyUSB0, 192.0.2.7:502, can0); a CAN socket that was
 * not told its interface yet is "can", and getaddrinfo is asked for a host. CALL is open, flock,
 * ioctl, tcgetattr, tcsetattr, tcflush, read, write, close, socket, setsockopt, bind, connect or
 * getaddrinfo, in each of its forms (recv and recvmsg are reads). It is held before the kernel is
 * asked, as by an adapter that does not answer. CALL spin: the thread that next read from PORT
 * burns its core where it looks at the clock, outside every call on a port: a driver in an endless
 * loop.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/can.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { port_size = 108, fd_limit = 4096 };

struct shared {
  _Atomic uint32_t rule, held, holding;
  char unused[52];
  char text[port_size + 64];
};
static struct shared* shared;
static char ports[fd_limit][port_size]; /* what a descriptor was opened as */
static const char can[] = "can";
static _Thread_local uint32_t spin_in; /* the rule by which this thread is to spin */

/* The next one's in the chain: a sanitizer's, or the C library's. */
#define NEXT(name) ((__typeof__(&name))next(&next_##name, #name))
static void* next(void** kept, const char* name) {
  if (!*kept) *kept = dlsym(RTLD_NEXT, name);
  return *kept;
}
#define KEPT(name) static void* next_##name
KEPT(open);
KEPT(open64);
KEPT(openat);
KEPT(flock);
KEPT(ioctl);
KEPT(tcgetattr);
KEPT(tcsetattr);
KEPT(tcflush);
KEPT(read);
KEPT(readv);
KEPT(recv);
KEPT(recvmsg);
KEPT(write);
KEPT(writev);
KEPT(send);
KEPT(sendmsg);
KEPT(close);
KEPT(socket);
KEPT(setsockopt);
KEPT(bind);
KEPT(connect);
KEPT(getaddrinfo);
KEPT(clock_gettime);

__attribute__((constructor)) static void attach(void) {
  const char* path = getenv("ESSHUB_SLOW_CALLS");
  if (!path) return;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  void* at =
      fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    perror(path);
    abort(); /* a test that slows nothing down proves nothing */
  }
  syscall(SYS_close, fd);
  shared = at;
}

static double clock_s(void) {
  struct timespec t;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void hold(uint32_t rule, double seconds) {
  const struct timespec step = {0, 10000000};
  const double end = clock_s() + seconds;
  atomic_fetch_add(&shared->held, 1);
  atomic_fetch_add(&shared->holding, 1);
  while (atomic_load(&shared->rule) == rule && clock_s() < end) syscall(SYS_nanosleep, &step, NULL);
  atomic_fetch_sub(&shared->holding, 1);
}

/* Holds `call` on `port` as long as the rule says. */
static void pass(const char* call, const char* port) {
  if (!shared || !port || !*port) return;
  const uint32_t rule = atomic_load(&shared->rule);
  if (!rule) return;
  char text[sizeof shared->text], wanted[16], where[port_size];
  double seconds;
  memcpy(text, shared->text, sizeof text);
  text[sizeof text - 1] = 0;
  if (sscanf(text, "%15s %107s %lf", wanted, where, &seconds) != 3 || strcmp(where, port)) return;
  if (!strcmp(wanted, "spin") && !strcmp(call, "read")) spin_in = rule;
  if (!strcmp(wanted, call)) hold(rule, seconds);
}

static const char* port_of(int fd) {
  return fd >= 0 && fd < fd_limit ? ports[fd] : NULL;
}
static int note(int fd, const char* port) {
  if (fd >= 0 && fd < fd_limit) snprintf(ports[fd], port_size, "%s", port);
  return fd;
}

#define MODE(flags)                                       \
  mode_t mode = 0;                                        \
  if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
    va_list rest;                                         \
    va_start(rest, flags);                                \
    mode = va_arg(rest, mode_t);                          \
    va_end(rest);                                         \
  }

int open(const char* path, int flags, ...) {
  MODE(flags)
  pass("open", path);
  return note(NEXT(open)(path, flags, mode), path);
}
int open64(const char* path, int flags, ...) {
  MODE(flags)
  pass("open", path);
  return note(NEXT(open64)(path, flags, mode), path);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE(flags)
  pass("open", path);
  return note(NEXT(openat)(folder, path, flags, mode), path);
}
int flock(int fd, int operation) {
  pass("flock", port_of(fd));
  return NEXT(flock)(fd, operation);
}
int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  const char* port = port_of(fd);
  if (request == SIOCGIFINDEX && port && !strcmp(port, can))
    note(fd, ((const struct ifreq*)argument)->ifr_name);
  pass("ioctl", port);
  return NEXT(ioctl)(fd, request, argument);
}
int tcgetattr(int fd, struct termios* t) {
  pass("tcgetattr", port_of(fd));
  return NEXT(tcgetattr)(fd, t);
}
int tcsetattr(int fd, int when, const struct termios* t) {
  pass("tcsetattr", port_of(fd));
  return NEXT(tcsetattr)(fd, when, t);
}
int tcflush(int fd, int queue) {
  pass("tcflush", port_of(fd));
  return NEXT(tcflush)(fd, queue);
}
ssize_t read(int fd, void* to, size_t size) {
  pass("read", port_of(fd));
  return NEXT(read)(fd, to, size);
}
ssize_t readv(int fd, const struct iovec* to, int count) {
  pass("read", port_of(fd));
  return NEXT(readv)(fd, to, count);
}
ssize_t recv(int fd, void* to, size_t size, int flags) {
  pass("read", port_of(fd));
  return NEXT(recv)(fd, to, size, flags);
}
ssize_t recvmsg(int fd, struct msghdr* to, int flags) {
  pass("read", port_of(fd));
  return NEXT(recvmsg)(fd, to, flags);
}
ssize_t write(int fd, const void* from, size_t size) {
  pass("write", port_of(fd));
  return NEXT(write)(fd, from, size);
}
ssize_t writev(int fd, const struct iovec* from, int count) {
  pass("write", port_of(fd));
  return NEXT(writev)(fd, from, count);
}
ssize_t send(int fd, const void* from, size_t size, int flags) {
  pass("write", port_of(fd));
  return NEXT(send)(fd, from, size, flags);
}
ssize_t sendmsg(int fd, const struct msghdr* from, int flags) {
  pass("write", port_of(fd));
  return NEXT(sendmsg)(fd, from, flags);
}
int close(int fd) {
  pass("close", port_of(fd));
  note(fd, ""); /* before the number is somebody else's */
  return NEXT(close)(fd);
}
int socket(int family, int type, int protocol) {
  if (family != PF_CAN) return NEXT(socket)(family, type, protocol);
  pass("socket", can);
  return note(NEXT(socket)(family, type, protocol), can);
}
int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  pass("setsockopt", port_of(fd));
  return NEXT(setsockopt)(fd, level, name, value, size);
}
int bind(int fd, const struct sockaddr* to, socklen_t size) {
  pass("bind", port_of(fd));
  return NEXT(bind)(fd, to, size);
}
int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  pass("getaddrinfo", host);
  return NEXT(getaddrinfo)(host, service, hints, found);
}
int connect(int fd, const struct sockaddr* to, socklen_t size) {
  if (to && to->sa_family == AF_INET) {
    const struct sockaddr_in* in = (const struct sockaddr_in*)to;
    char host[INET_ADDRSTRLEN], port[port_size];
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    snprintf(port, sizeof port, "%s:%d", host, ntohs(in->sin_port));
    note(fd, port);
    pass("connect", port);
  }
  return NEXT(connect)(fd, to, size);
}
int clock_gettime(clockid_t clock, struct timespec* t) {
  if (spin_in) {
    if (atomic_load(&shared->rule) == spin_in) {
      atomic_fetch_add(&shared->held, 1);
      atomic_fetch_add(&shared->holding, 1);
      while (atomic_load(&shared->rule) == spin_in) {
      }
      atomic_fetch_sub(&shared->holding, 1);
    }
    spin_in = 0;
  }
  return NEXT(clock_gettime)(clock, t);
}
