/* A wall clock that jumps, for one process: loaded before the C library by LD_PRELOAD.
 *
 * CHAOS_JUMPS="3.5:7200,6:-90000" puts the clock 7200 s forward 3.5 s after it is first read, and 90000 s
 * back 6 s after. CHAOS_JUMPED names a file that is made once a shifted time was handed out. Monotonic
 * clocks are unchanged, as in a real jump. The kernel's clock does not jump, so instants that it is asked to
 * wait for are converted back to it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int clock_function(clockid_t, struct timespec *);

static clock_function *real;
static double began = -1;

static double counted(void) {
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static long shift(void) {
    const char *at = getenv("CHAOS_JUMPS");
    long seconds = 0;
    if (began < 0) began = counted();
    while (at && *at) {
        char *end;
        double after = strtod(at, &end);
        if (*end != ':') break;
        long jump = strtol(end + 1, &end, 10);
        if (counted() - began >= after) seconds += jump;
        at = *end == ',' ? end + 1 : end;
    }
    const char *witness = seconds ? getenv("CHAOS_JUMPED") : 0;
    static int told;
    if (witness && !told) {
        told = 1;
        int file = open(witness, O_CREAT | O_WRONLY, 0644);
        if (file >= 0) close(file);
    }
    return seconds;
}

int clock_gettime(clockid_t which, struct timespec *now) {
    if (!real) real = (clock_function *)dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, now);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (where) *where = precise.tv_sec;
    return precise.tv_sec;
}

/* An instant of the shifted clock by the kernel's clock. Those of clocks that only count are small. */
static struct timespec of_kernel(const struct timespec *until) {
    struct timespec moved = *until;
    if (moved.tv_sec > 1000000000) moved.tv_sec -= shift();
    return moved;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!wait) wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec moved = of_kernel(until);
    return wait(cond, mutex, &moved);
}

int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, clockid_t which,
                           const struct timespec *restrict until) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (!wait) wait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec moved = of_kernel(until);
    return wait(cond, mutex, which, &moved);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    static int (*wait)(sem_t *, const struct timespec *);
    if (!wait) wait = dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec moved = of_kernel(until);
    return wait(semaphore, &moved);
}

/* Libraries that wait by the futex itself. */
long syscall(long number, ...) {
    static long (*call)(long, ...);
    if (!call) call = dlsym(RTLD_NEXT, "syscall");
    va_list rest;
    long given[6];
    struct timespec moved;
    va_start(rest, number);
    for (int i = 0; i < 6; i++) given[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_futex && (given[1] & FUTEX_CLOCK_REALTIME) && given[3]) {
        moved = of_kernel((const struct timespec *)given[3]);
        given[3] = (long)&moved;
    }
    return call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
