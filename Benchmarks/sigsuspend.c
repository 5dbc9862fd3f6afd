// Debian's valgrind (3.19) writes into the mask given to sigsuspend(2), and libdispatch gives it one that is read-only.
// Preloaded under valgrind, this gives it a copy.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    // The kernel's set has one bit for each of 64 signals.
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
