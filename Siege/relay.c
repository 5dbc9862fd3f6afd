// A guest's cable as QEMU has it: a tap on the host's side, whose frames a process carries to and from the guest.
//
//   relay TAP NAMESPACE DEVICE [queue]
//
// Makes the tap TAP in the network namespace that it is started in and the tap DEVICE in NAMESPACE, says "ready", and carries frames
// between them until it is ended. With `queue` it opens one queue of TAP, beside which others can open more. Both devices are gone with
// it. A veth hands over frames whose checksums are still to be made and that are larger than any frame; a tap does not, and it is of
// another kind for who asks the kernel.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

// Frames in a row from one side before the other side is looked at.
enum { largest_frame = 1 << 16, in_a_row = 64 };

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static int tap(const char *name, short flags) {
    const int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) give_up("/dev/net/tun");
    struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags)};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(file, TUNSETIFF, &request) != 0) give_up(name);
    return file;
}

int main(int count, char **words) {
    const int is_queue = count == 5 && strcmp(words[4], "queue") == 0;
    if (count != 4 && !is_queue) {
        fputs("usage: relay TAP NAMESPACE DEVICE [queue]\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd ends[2] = {{.fd = tap(words[1], is_queue ? IFF_MULTI_QUEUE : 0), .events = POLLIN}, {.events = POLLIN}};
    const int inside = open(words[2], O_RDONLY | O_CLOEXEC);
    if (inside < 0 || setns(inside, CLONE_NEWNET) != 0) give_up(words[2]);
    ends[1].fd = tap(words[3], 0);
    puts("ready");
    fflush(stdout);
    static char frame[largest_frame];
    for (;;) {
        if (poll(ends, 2, -1) < 0) give_up("poll");
        for (int side = 0; side < 2; side++) {
            if (ends[side].revents & (POLLERR | POLLNVAL)) usleep(1000);
            for (int i = 0; i < in_a_row; i++) {
                const ssize_t length = read(ends[side].fd, frame, sizeof frame);
                if (length <= 0) break;
                // A device that is down, or whose queue is full, loses the frame as a cable would.
                (void)!write(ends[!side].fd, frame, (size_t)length);
            }
        }
    }
}
