#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/neighbour.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_ether.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/if_bridge.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/sockios.h>
#include <elf.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

/* Whatever program is started from here on has no more rights than its starter, whatever its file says. */
static inline int clinux_forbid_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
}

/* How many bytes a TCP socket has sent or will send that its peer has not confirmed; -1 and errno. ioctl(2) is variadic. */
static inline int clinux_unconfirmed_bytes(int descriptor) {
    int bytes = 0;
    return ioctl(descriptor, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

/* Opens what stands in a directory as a step on the way, without a right to its contents. <fcntl.h> shows O_PATH (010000000) only under
   _GNU_SOURCE, and syscall(2) is variadic. */
static inline int clinux_open_step(int directory, const char *name, int flags) {
    return (int)syscall(SYS_openat, directory, name, 010000000 | flags);
}

/* Renames a file or folder; flag 1 replaces nothing, flag 2 exchanges the two (renameat2(2)). <stdio.h> shows it only under _GNU_SOURCE,
   and syscall(2) is variadic. */
static inline int clinux_rename(const char *from, const char *to, unsigned int flags) {
    return (int)syscall(SYS_renameat2, -100 /* AT_FDCWD */, from, -100, to, flags);
}

/* How many processors the calling thread may be scheduled on (sched_getaffinity(2)); -1 where the kernel says none, as where the
   host has more than fit the mask. The call itself, for the C library shows its own and its macros only under _GNU_SOURCE. */
static inline int clinux_usable_processors(void) {
    unsigned char mask[1024];
    const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (long i = 0; i < bytes; i++) count += __builtin_popcount(mask[i]);
    return bytes > 0 ? count : -1;
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

/* Has a socket take only packets whose mark is this. The kernel copies the program; Swift has no way to write its pointer without a claim
   of its own about the life of what it points to. */
static inline int clinux_take_only_mark(int descriptor, uint32_t mark) {
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffffu),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = { .len = sizeof instructions / sizeof instructions[0], .filter = instructions };
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* A loaded program or library, as dl_iterate_phdr(3) shows it; <link.h> has both only under _GNU_SOURCE. */
struct clinux_object {
    uintptr_t address;
    const char *name;
    const Elf64_Phdr *headers;
    uint16_t count;
};
extern int clinux_iterate_objects(int (*)(struct clinux_object *, size_t, void *), void *) __asm__("dl_iterate_phdr");

/* Whether the loader has written into an object's code, which is then not what its file has. */
static inline int clinux_has_text_relocations(const struct clinux_object *object) {
    for (uint16_t i = 0; i < object->count; i++) {
        if (object->headers[i].p_type != PT_DYNAMIC) { continue; }
        const Elf64_Dyn *entry = (const Elf64_Dyn *)(object->address + object->headers[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL)) { return 1; }
        }
    }
    return 0;
}

/* Takes the pages of an object's code and constants out of this process; the kernel still has them, of the object's file. */
static inline int clinux_unmap_pages_of_object(struct clinux_object *object, size_t size, void *context) {
    (void)size, (void)context;
    if (strncmp(object->name, "linux-", 6) == 0 || clinux_has_text_relocations(object)) { return 0; }
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (uint16_t i = 0; i < object->count; i++) {
        const Elf64_Phdr *header = &object->headers[i];
        if (header->p_type != PT_LOAD || header->p_flags & PF_W) { continue; }
        uintptr_t start = (object->address + header->p_vaddr + page - 1) / page * page;
        uintptr_t end = (object->address + header->p_vaddr + header->p_filesz) / page * page;
        if (start < end) { madvise((void *)start, end - start, MADV_DONTNEED); }
    }
    return 0;
}

/* The same of all that is loaded; nothing is unloaded meanwhile, for the loader holds its lock. */
static inline void clinux_unmap_pages_of_objects(void) {
    clinux_iterate_objects(clinux_unmap_pages_of_object, NULL);
}

/* Accepts a connection whose descriptor never blocks and is closed by exec(2). <sys/socket.h> shows accept4(2) only under _GNU_SOURCE. */
static inline int clinux_accept(int listener) {
    return (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Adds a descriptor to those of an epoll(7) instance, or changes what is waited for there. The members of the event are a union and packed, and
   its flags are constants of an enum, which Swift imports as another type. */
static inline int clinux_poll(int poll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = { .events = events, .data = { .u64 = token } };
    return epoll_ctl(poll, operation, descriptor, &event);
}
