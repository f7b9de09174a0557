/* Preloaded into a hub under test: what the control thread locks, allocates and frees between the
 * deadline that it slept on and the wake-up that hands the setpoint over (safety contract I11),
 * also where no lock was contended.
 *
 * ESSHUB_LOCK_PROBE names a file of zeros that both map (lock_probe.py): how many setpoints were
 * handed over, then a row for each function: its name, calls before a hand-over, all other calls of
 * all threads. The control is the thread of that name; it hands over by the first write of 8 bytes,
 * to an eventfd, after it woke.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum function {
  mutex_lock,
  mutex_trylock,
  mutex_timedlock,
  mutex_clocklock,
  rwlock_rdlock,
  rwlock_wrlock,
  spin_lock,
  guard_acquire,
  any_syscall,
  allocation,
  release,
  functions
};
static const char* const names[functions] = {"pthread_mutex_lock",
                                             "pthread_mutex_trylock",
                                             "pthread_mutex_timedlock",
                                             "pthread_mutex_clocklock",
                                             "pthread_rwlock_rdlock",
                                             "pthread_rwlock_wrlock",
                                             "pthread_spin_lock",
                                             "__cxa_guard_acquire",
                                             "syscall",
                                             "malloc",
                                             "free"};

struct row {
  char name[32];
  _Atomic uint64_t before_handover, others;
};
struct shared {
  _Atomic uint64_t handed_over;
  struct row rows[functions];
};
static struct shared* shared;

enum phase { unknown, another_thread, deciding, handed_over };
/* Not allocated at its first use. */
static _Thread_local enum phase phase __attribute__((tls_model("initial-exec")));

static void called(enum function which) {
  if (!shared) return;
  struct row* row = &shared->rows[which];
  atomic_fetch_add_explicit(phase == deciding ? &row->before_handover : &row->others, 1,
                            memory_order_relaxed);
}

/* ---- where it begins and ends ---- */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec* until,
                    struct timespec* left) {
  static int (*real)(clockid_t, int, const struct timespec*, struct timespec*);
  if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "clock_nanosleep");
  if (phase == unknown) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    if (strcmp(name, "control") != 0) phase = another_thread;
  }
  if (phase == another_thread) return real(clock, flags, until, left);
  phase = handed_over; /* or there was nothing to hand over */
  const int result = real(clock, flags, until, left);
  if (flags == TIMER_ABSTIME) phase = deciding;
  return result;
}
ssize_t write(int fd, const void* from, size_t size) {
  static ssize_t (*real)(int, const void*, size_t);
  if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "write");
  if (phase == deciding && size == 8) {
    phase = handed_over;
    if (shared) atomic_fetch_add(&shared->handed_over, 1);
  }
  return real(fd, from, size);
}

/* ---- locks: std::mutex and the like are these ---- */

#define LOCK(which, name, parameters, arguments)                 \
  int name parameters {                                          \
    static int(*real) parameters;                                \
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name); \
    called(which);                                               \
    return real arguments;                                       \
  }
LOCK(mutex_lock, pthread_mutex_lock, (pthread_mutex_t * m), (m))
LOCK(mutex_trylock, pthread_mutex_trylock, (pthread_mutex_t * m), (m))
LOCK(mutex_timedlock, pthread_mutex_timedlock, (pthread_mutex_t * m, const struct timespec* t),
     (m, t))
LOCK(mutex_clocklock, pthread_mutex_clocklock,
     (pthread_mutex_t * m, clockid_t c, const struct timespec* t), (m, c, t))
LOCK(rwlock_rdlock, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
LOCK(rwlock_wrlock, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
LOCK(spin_lock, pthread_spin_lock, (pthread_spinlock_t * l), (l))
/* The first use of a static variable. */
LOCK(guard_acquire, __cxa_guard_acquire, (uint64_t * guard), (guard))

/* std::atomic::wait and std::counting_semaphore are futex calls by this. */
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "syscall");
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(rest, long);
  va_end(rest);
  called(any_syscall);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- memory: operator new is malloc, but a sanitizer's is its own, which tells its hooks ---- */

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
#define WEAK __attribute__((weak))
WEAK void* __interceptor_malloc(size_t);
WEAK void* __interceptor_calloc(size_t, size_t);
WEAK void* __interceptor_realloc(void*, size_t);
WEAK void* __interceptor_memalign(size_t, size_t);
WEAK void __interceptor_free(void*);
WEAK int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, size_t),
                                                   void (*)(const volatile void*));

void* malloc(size_t size) {
  if (__interceptor_malloc) return __interceptor_malloc(size);
  called(allocation);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  if (__interceptor_calloc) return __interceptor_calloc(count, size);
  called(allocation);
  return __libc_calloc(count, size);
}
void* realloc(void* at, size_t size) {
  if (__interceptor_realloc) return __interceptor_realloc(at, size);
  called(allocation);
  return __libc_realloc(at, size);
}
void* memalign(size_t alignment, size_t size) {
  if (__interceptor_memalign) return __interceptor_memalign(alignment, size);
  called(allocation);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** at, size_t alignment, size_t size) {
  *at = memalign(alignment, size);
  return *at ? 0 : 12; /* ENOMEM */
}
void free(void* at) {
  if (__interceptor_free) {
    __interceptor_free(at);
    return;
  }
  if (at) called(release);
  __libc_free(at);
}
static void sanitizer_allocated(const volatile void* at, size_t size) {
  (void)at, (void)size;
  called(allocation);
}
static void sanitizer_freed(const volatile void* at) {
  if (at) called(release);
}

__attribute__((constructor)) static void attach(void) {
  const char* path = getenv("ESSHUB_LOCK_PROBE");
  if (!path) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  void* at =
      fd < 0 ? MAP_FAILED
             : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) {
    perror(path);
    abort(); /* a test that counts nothing proves nothing */
  }
  close(fd);
  struct shared* counts = at;
  for (int i = 0; i < functions; ++i) strcpy(counts->rows[i].name, names[i]);
  shared = counts;
  if (__sanitizer_install_malloc_and_free_hooks)
    __sanitizer_install_malloc_and_free_hooks(sanitizer_allocated, sanitizer_freed);
}
