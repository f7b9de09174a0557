/* Preloaded into a hub under test: a wall clock that the test sets, though the machine's goes on.
 *
 * ESSHUB_WALL_CLOCK names a file that begins with the seconds (64 bits) by which it is ahead of the
 * machine's. A thread that waits until a time by the wall clock waits, as in the kernel, until that
 * clock reaches it: one set back holds it for so much longer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t* ahead_s;

__attribute__((constructor)) static void begin(void) {
  const char* const path = getenv("ESSHUB_WALL_CLOCK");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void* const memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) abort();
  close(file);
  ahead_s = memory;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int failed = (int)syscall(SYS_clock_gettime, clock, time);
  if (!failed && clock == CLOCK_REALTIME && ahead_s) time->tv_sec += atomic_load(ahead_s);
  return failed;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* kept) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (kept) *kept = now.tv_sec;
  return now.tv_sec;
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const struct timespec* end) {
  int (*const next)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*) =
      (__typeof__(&pthread_cond_clockwait))dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  if (clock != CLOCK_REALTIME) return next(condition, mutex, clock, end);
  for (;;) {
    struct timespec now, look;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec))
      return ETIMEDOUT;
    clock_gettime(CLOCK_MONOTONIC, &look);
    look.tv_nsec += 10 * 1000 * 1000;
    if (look.tv_nsec >= 1000000000) look.tv_nsec -= 1000000000, ++look.tv_sec;
    const int result = next(condition, mutex, CLOCK_MONOTONIC, &look);
    if (result != ETIMEDOUT) return result;
  }
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* end) {
  return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, end);
}
