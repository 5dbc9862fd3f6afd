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
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
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

/* Leaves the calling thread's capabilities permitted when it stops being root. prctl(2) is variadic. */
static inline int clinux_keep_capabilities(void) {
    return prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
}

/* Of the capabilities that the calling thread is permitted, keeps those of a mask, and lets a program that it starts have them
   (ambient, capabilities(7)); no other can come back in one. */
static inline int clinux_keep_only_capabilities(uint64_t mask) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &header, data) != 0) { return -1; }
    /* Stopping to be root took the effective ones, and the bounding set takes CAP_SETPCAP to shrink. Where that is not permitted, as in
       a container, nothing is lost: no new privileges come by a program. */
    for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) { data[half].effective = data[half].permitted; }
    if (syscall(SYS_capset, &header, data) != 0) { return -1; }
    for (int capability = 0; prctl(PR_CAPBSET_READ, (long)capability, 0L, 0L, 0L) >= 0; capability++) {
        if (!(mask >> capability & 1)) { prctl(PR_CAPBSET_DROP, (long)capability, 0L, 0L, 0L); }
    }
    for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
        data[half].permitted &= (uint32_t)(mask >> (32 * half));
        data[half].effective = data[half].inheritable = data[half].permitted;
    }
    if (syscall(SYS_capset, &header, data) != 0) { return -1; }
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (!(data[CAP_TO_INDEX(capability)].permitted & CAP_TO_MASK(capability))) { continue; }
        if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)capability, 0L, 0L) != 0) { return -1; }
    }
    return 0;
}

/* Whatever program is started from here on has no more rights than its starter, whatever its file says. */
static inline int clinux_forbid_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
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

/* Sends one datagram to a Unix socket; a path that begins with '@' is of the abstract namespace (unix(7)). Swift has no way to write the
   variable length of such an address without copying its layout. */
static inline int clinux_send_to_unix_socket(const char *path, const char *text) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(address.sun_path)) { errno = ENAMETOOLONG; return -1; }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') { address.sun_path[0] = 0; }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) { return -1; }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(descriptor, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int number = errno;
    close(descriptor);
    errno = number;
    return sent < 0 ? -1 : 0;
}
