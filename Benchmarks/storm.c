// storm KIND GUESTS PATHS AMOUNT SECONDS: many guests at once, a connection for each request, all from one thread.
//
//   crawl    every guest reads every path, one after the other; AMOUNT guests at a time
//   steady   each guest asks AMOUNT times a second, and its time begins when its turn has come, whether we are late or not
//   connect  the first guest floods: AMOUNT connections at a time, a new one for each that ends
//   idle     the same, but it asks nothing       half  but it asks half a request
//   slow     the same, but it reads one byte every ten milliseconds
//   json     the same, and each connection asks again as soon as it is answered: HEAD of a version as JSON
//   accept   the same for a listing with an Accept of 16 KiB      escapes  for a path of 16 KiB of escapes
//   pipeline it asks without end and reads nothing
//
// GUESTS has a line for each: its network namespace, the address and port to ask, the address to be forwarded for, and the
// instance-id to be answered; a dash where there is none. PATHS has a line for each path; the first answers with the instance-id.
// At the end, a line of JSON: requests, those that failed, seconds, latencies in microseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { most_guests = 1 << 17, most_paths = 256, most_reply = 16 << 10, most_told = 10 };
static const int64_t second = 1000000000, tick = 10000000;

struct guest {
    int namespace;
    struct sockaddr_in to;
    char forwarded[16], identity[64];
};

// A place for one connection; `socket` is -1 while there is none.
struct slot {
    int socket, asked;
    unsigned guest, path;
    int64_t began, due;
    size_t received, sent;
    char reply[most_reply];
};

enum kind { crawl, steady, connect_flood, idle, half, slow, json, accept_flood, escapes, pipeline };
static const char *const kinds[] = {"crawl", "steady", "connect", "idle", "half", "slow", "json", "accept", "escapes", "pipeline"};

// What a connection sends again and again.
static char costly[20 << 10];
static size_t costly_length;

static struct guest guests[most_guests];
static char paths[most_paths][256];
static unsigned guest_count, path_count, next_guest;
static struct slot *slots;
static unsigned slot_count, busy;
static enum kind kind;
static int events, host;
static uint32_t *latencies;
static size_t requests, failures, latencies_held;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void enter(int namespace) {
    static int current = -1;
    if (namespace == current) return;
    if (setns(namespace, CLONE_NEWNET) != 0) give_up("setns");
    current = namespace;
}

static void read_guests(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) give_up(name);
    char namespace[64], path[96], to[16], last[64] = "";
    unsigned short port;
    int opened = -1;
    while (guest_count < most_guests) {
        struct guest *guest = &guests[guest_count];
        if (fscanf(file, "%63s %15s %hu %15s %63s", namespace, to, &port, guest->forwarded, guest->identity) != 5) break;
        if (strcmp(namespace, last) != 0) {
            snprintf(path, sizeof path, "/run/netns/%s", namespace);
            opened = strcmp(namespace, "-") == 0 ? host : open(path, O_RDONLY | O_CLOEXEC);
            if (opened < 0) give_up(path);
            strcpy(last, namespace);
        }
        guest->namespace = opened;
        guest->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(to)};
        guest_count++;
    }
    fclose(file);
}

static void read_paths(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) give_up(name);
    while (path_count < most_paths && fscanf(file, "%255s", paths[path_count]) == 1) path_count++;
    fclose(file);
}

static void record(int64_t latency) {
    if (requests == latencies_held) {
        latencies_held = latencies_held ? 2 * latencies_held : 1 << 16;
        latencies = realloc(latencies, latencies_held * sizeof *latencies);
        if (!latencies) give_up("realloc");
    }
    latencies[requests++] = (uint32_t)(latency / 1000);
}

static void fail(const struct slot *slot, const char *why) {
    if (failures++ < most_told) fprintf(stderr, "%s, %s: %s\n", guests[slot->guest].identity, paths[slot->path], why);
}

// Connects.
static void begin(struct slot *slot, int64_t began) {
    const struct guest *guest = &guests[slot->guest];
    enter(guest->namespace);
    slot->began = began;
    slot->asked = 0;
    slot->received = slot->sent = 0;
    slot->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (slot->socket < 0) give_up("socket");
    if (kind == slow || kind == pipeline) setsockopt(slot->socket, SOL_SOCKET, SO_RCVBUF, &(int){2304}, sizeof(int));
    busy++;
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = slot};
    if (epoll_ctl(events, EPOLL_CTL_ADD, slot->socket, &event) != 0) give_up("epoll_ctl");
    if (connect(slot->socket, (const struct sockaddr *)&guest->to, sizeof guest->to) != 0 && errno != EINPROGRESS)
        give_up("connect");
}

// What is wrong with a reply, or NULL.
static const char *fault(struct slot *slot) {
    if (slot->received == sizeof slot->reply) return "the reply is too long";
    slot->reply[slot->received] = 0;
    if (strncmp(slot->reply, "HTTP/1.", 7) != 0 || strncmp(slot->reply + 8, " 200 ", 5) != 0) return slot->received ? slot->reply : "no reply";
    const char *end = strstr(slot->reply, "\r\n\r\n"), *length = strcasestr(slot->reply, "\r\nContent-Length:");
    if (!end || !length || length > end) return "the reply has no end or no length";
    const char *body = end + 4;
    if ((size_t)atol(length + 17) != slot->received - (size_t)(body - slot->reply)) return "the reply is not whole";
    if (slot->path == 0 && strcmp(body, guests[slot->guest].identity) != 0) return body;
    return NULL;
}

// Puts a connection that ended away; a crawl goes on, a flood begins again in a while.
static void ended(struct slot *slot, const char *fault) {
    int64_t time = now();
    close(slot->socket);
    slot->socket = -1;
    busy--;
    if (kind == crawl || kind == steady) {
        record(time - slot->began);
        if (fault) fail(slot, fault);
    } else {
        requests++;
        slot->due = time + (kind == connect_flood ? 0 : second);
    }
    if (kind != crawl) return;
    if (++slot->path == path_count) {
        if (next_guest == guest_count) return;
        slot->guest = next_guest++;
        slot->path = 0;
    }
    begin(slot, now());
}

static void ask(struct slot *slot) {
    char request[512];
    const struct guest *guest = &guests[slot->guest];
    const int forwarded = guest->forwarded[0] != '-';
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n%s%s%s\r\n",
        paths[slot->path], forwarded ? "X-Forwarded-For: " : "", forwarded ? guest->forwarded : "", forwarded ? "\r\n" : "");
    if (kind == half) length /= 2;
    slot->asked = 1;
    if (kind != idle && send(slot->socket, request, (size_t)length, MSG_NOSIGNAL) != length && errno != ECONNRESET && errno != EPIPE)
        give_up("send");
}

static void take(struct slot *slot, size_t most) {
    while (slot->socket >= 0) {
        if (kind != crawl && kind != steady) slot->received = 0;
        size_t room = sizeof slot->reply - slot->received;
        ssize_t count = recv(slot->socket, slot->reply + slot->received, most < room ? most : room, 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return ended(slot, strerror(errno));
        slot->received += (size_t)count;
        if (count == 0 || slot->received == sizeof slot->reply) return ended(slot, fault(slot));
        if (most == 1) return;
    }
}

// Writes one costly request, near 16 KiB where its length is what costs.
static void make_costly(void) {
    const char *start = "GET / HTTP/1.1\r\n\r\n", *filler = start, *end = "";
    if (kind == json) start = "HEAD /latest/ HTTP/1.1\r\nHost: 169.254.169.254\r\nAccept: application/json\r\n\r\n", filler = "";
    if (kind == accept_flood) start = "GET /latest/meta-data/ HTTP/1.1\r\nAccept: a", filler = ",a", end = "\r\n\r\n";
    if (kind == escapes) start = "GET /", filler = "%61", end = " HTTP/1.1\r\n\r\n";
    char *at = stpcpy(costly, start);
    while (*filler && at - costly < 15 << 10) at = stpcpy(at, filler);
    costly_length = (size_t)(stpcpy(at, end) - costly);
}

// Sends the next request when the last is answered, or, in a pipeline, whenever there is room.
static void ask_again(struct slot *slot, uint32_t what) {
    char reply[most_reply];
    ssize_t count = -1;
    int answered = 0;
    if (kind == pipeline) {
        if (what & EPOLLRDHUP) return ended(slot, NULL);
    } else {
        while ((count = recv(slot->socket, reply, sizeof reply, 0)) > 0) answered = 1;
        if (count == 0 || errno != EAGAIN) return ended(slot, NULL);
    }
    if (answered) slot->sent = 0;
    while (slot->sent < costly_length) {
        count = send(slot->socket, costly + slot->sent, costly_length - slot->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return ended(slot, NULL);
        slot->sent += (size_t)count;
        if (kind == pipeline) slot->sent %= costly_length;
    }
}

static void happened(struct slot *slot, uint32_t what) {
    if (slot->socket < 0) return;
    if (what & EPOLLERR) {
        int error = 0;
        getsockopt(slot->socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
        return ended(slot, strerror(error));
    }
    if (kind >= json) return ask_again(slot, what);
    if (what & EPOLLOUT && !slot->asked) ask(slot);
    if (what & EPOLLIN && kind != slow) take(slot, most_reply);
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static unsigned percentile(double part) {
    return requests ? latencies[(size_t)(part * (double)(requests - 1))] : 0;
}

int main(int count, char **words) {
    if (count != 6) {
        fputs("usage: storm crawl|steady|connect|idle|half|slow|json|accept|escapes|pipeline GUESTS PATHS AMOUNT SECONDS\n", stderr);
        return 2;
    }
    while (strcmp(kinds[kind], words[1]) != 0)
        if (++kind > pipeline) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    read_guests(words[2]);
    read_paths(words[3]);
    const double amount = atof(words[4]);
    if (!guest_count || !path_count || amount <= 0) return 2;
    make_costly();
    slot_count = kind == steady ? 4096 : (unsigned)amount;
    slots = calloc(slot_count, sizeof *slots);
    events = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < slot_count; i++) slots[i].socket = -1;

    const int64_t start = now(), end = start + (int64_t)(atof(words[5]) * (double)second);
    const int64_t interval = kind == steady ? (int64_t)((double)second / (amount * guest_count)) : tick;
    int64_t due = start;
    unsigned turn = 0;
    if (kind == crawl)
        for (unsigned i = 0; i < slot_count && next_guest < guest_count; i++) {
            slots[i].guest = next_guest++;
            begin(&slots[i], now());
        }
    for (;;) {
        const int64_t time = now();
        // What is not answered at the end of a crawl has failed; the last of the steady ones may take ten seconds.
        if (kind == crawl ? !busy || time >= end : kind == steady ? time >= end + 10 * second || (time >= end && !busy) : time >= end) break;
        for (; kind == steady && due <= time && due < end; due += interval) {
            unsigned i = 0;
            while (i < slot_count && slots[i].socket >= 0) i++;
            if (i == slot_count) give_up("too many unanswered");
            slots[i].guest = turn++ % guest_count;
            begin(&slots[i], due);
        }
        if (kind > steady && (due <= time || kind == connect_flood)) {
            for (unsigned i = 0; i < slot_count; i++) {
                if (slots[i].socket < 0 && slots[i].due <= time) begin(&slots[i], time);
                else if (kind == slow && slots[i].asked && due <= time) take(&slots[i], 1);
            }
            due = time + tick;
        }
        int64_t wait = kind == crawl || due <= time ? tick : due - time;
        if (kind == connect_flood) wait = busy == slot_count ? tick : 0;
        struct epoll_event ready[512];
        const int found = epoll_pwait2(events, ready, 512, &(struct timespec){.tv_nsec = wait % second}, NULL);
        for (int i = 0; i < found; i++) happened(ready[i].data.ptr, ready[i].events);
    }
    const double seconds = (double)(now() - start) / (double)second;
    if (kind <= steady) {
        for (unsigned i = 0; i < slot_count; i++)
            if (slots[i].socket >= 0) fail(&slots[i], "not answered in time");
        qsort(latencies, requests, sizeof *latencies, ascending);
        printf("{\"requests\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"p50\":%u,\"p99\":%u,\"longest\":%u}\n", requests, failures, seconds,
            percentile(0.5), percentile(0.99), percentile(1));
    } else {
        printf("{\"connections\":%zu,\"open\":%u,\"seconds\":%.3f}\n", requests, busy, seconds);
    }
    return 0;
}
