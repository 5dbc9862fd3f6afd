#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/neighbour.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Moves the calling thread into the network namespace that a descriptor refers to. <sched.h> shows setns(2) and
   CLONE_NEWNET (0x40000000) only under _GNU_SOURCE, and syscall(2) is variadic, which Swift does not import. */
static inline int clinux_enter_network_namespace(int descriptor) {
    return (int)syscall(SYS_setns, descriptor, 0x40000000);
}
