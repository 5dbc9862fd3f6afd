#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/neighbour.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_ether.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/if_bridge.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Moves the calling thread into the network namespace that a descriptor refers to. <sched.h> shows setns(2) and
   CLONE_NEWNET (0x40000000) only under _GNU_SOURCE, and syscall(2) is variadic, which Swift does not import. */
static inline int clinux_enter_network_namespace(int descriptor) {
    return (int)syscall(SYS_setns, descriptor, 0x40000000);
}

/* Takes a capability from what the calling thread may use. The C library has no header for capset(2), and syscall(2) is
   variadic. */
static inline int clinux_drop_capability(int capability) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &header, data) != 0) { return -1; }
    data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    return (int)syscall(SYS_capset, &header, data);
}

/* How many bytes a TCP socket has sent or will send that its peer has not confirmed; -1 and errno. ioctl(2) is variadic. */
static inline int clinux_unconfirmed_bytes(int descriptor) {
    int bytes = 0;
    return ioctl(descriptor, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

/* Makes a nameless file in memory, closed by exec(2). <sys/mman.h> shows memfd_create(2) only under _GNU_SOURCE; the number is
   that of MFD_CLOEXEC. */
static inline int clinux_create_memory_file(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1u);
}

/* Ties a netlink socket to the kernel (port 0), so that no process can slip it an answer. connect(2) takes one kind of socket
   address for all, and the cast to it is C's business. */
static inline int clinux_connect_to_kernel(int descriptor) {
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    return connect(descriptor, (struct sockaddr *)&kernel, sizeof kernel);
}

/* Subscribes a netlink socket to groups, a bit for each. bind(2) wants the cast that connect(2) does. */
static inline int clinux_bind_netlink(int descriptor, uint32_t groups) {
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
    return bind(descriptor, (struct sockaddr *)&address, sizeof address);
}

/* Receives one netlink datagram and the port of its sender, 0 for the kernel. Returns the length it had, which is more than
   `capacity` where it was cut off (MSG_TRUNC). As above, the socket address has to be cast. */
static inline ssize_t clinux_receive_netlink(int descriptor, void *buffer, size_t capacity, uint32_t *sender) {
    struct sockaddr_nl address = { 0 };
    socklen_t length = sizeof address;
    ssize_t received = recvfrom(descriptor, buffer, capacity, MSG_TRUNC, (struct sockaddr *)&address, &length);
    *sender = length == sizeof address && address.nl_family == AF_NETLINK ? address.nl_pid : UINT32_MAX;
    return received;
}
