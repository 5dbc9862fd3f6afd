// Honest guests: they ask for their own user data without a pause, and look at every answer.
//
//   victims WAYS REQUESTS SECONDS PATIENCE [again]
//
// WAYS has a line for each guest and metadata address: network namespace, family, address, scope, requests a second, the body that
// is right. It ends after so many requests or seconds, whatever comes first, or at SIGTERM, and then prints a line of JSON.
// `again`: every request on a connection that ends before the first byte of the answer is made again, three times at most, as where a
// server is killed.
// PATIENCE is how many seconds a connection with its first answer may take, and each further answer. A request on a kept
// connection that ends before the first byte of an answer is made once more on a new one, as every HTTP client does.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

// Per way: one connection that is new for each request, and the kept ones, which are new after so many requests.
enum { most_ways = 256, fresh_slots = 1, kept_slots = 2, slots_per_way = fresh_slots + kept_slots, kept_requests = 400, most_told = 8 };
enum { most_reply = 8 << 10, port = 80 };
static const int64_t second = 1000000000, fresh_pause = second / 8;
static int64_t patience;

struct way {
    int namespace, family;
    struct sockaddr_storage to;
    socklen_t length;
    double rate;
    char name[64], body[256];
};

struct slot {
    struct way *way;
    int socket, kept, connected, asked, again;
    unsigned served;
    int64_t due, began, connecting;
    size_t received;
    char reply[most_reply];
};

struct count {
    size_t requests, wrong, failed;
    uint32_t longest;
};

static struct way ways[most_ways];
static struct slot slots[most_ways * slots_per_way];
static unsigned way_count, slot_count, busy;
static int events, makes_again;
static volatile sig_atomic_t is_over;
static struct count families[2];
static size_t connections, retransmitted, reconnected, told;
static uint32_t *latencies;
static size_t latency_count, latencies_held;
static char complaints[most_told][256];

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void end(int number) {
    (void)number;
    is_over = 1;
}

static void read_ways(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) give_up(name);
    char path[96], to[64];
    unsigned scope;
    while (way_count < most_ways) {
        struct way *way = &ways[way_count];
        if (fscanf(file, "%63s %d %63s %u %lf %255s", way->name, &way->family, to, &scope, &way->rate, way->body) != 6) break;
        snprintf(path, sizeof path, "/run/netns/%s", way->name);
        way->namespace = open(path, O_RDONLY | O_CLOEXEC);
        if (way->namespace < 0) give_up(path);
        if (way->family == 4) {
            struct sockaddr_in *address = (struct sockaddr_in *)&way->to;
            *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
            if (inet_pton(AF_INET, to, &address->sin_addr) != 1) give_up(to);
            way->length = sizeof *address;
        } else {
            struct sockaddr_in6 *address = (struct sockaddr_in6 *)&way->to;
            *address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
            if (inet_pton(AF_INET6, to, &address->sin6_addr) != 1) give_up(to);
            way->length = sizeof *address;
        }
        way_count++;
    }
    fclose(file);
}

static void tell(const struct slot *slot, const char *why) {
    if (told++ >= most_told) return;
    char *text = complaints[told - 1];
    const char *kept = slot->kept ? ", kept connection" : "";
    snprintf(text, sizeof complaints[0], "%s by IPv%d%s: %.150s", slot->way->name, slot->way->family, kept, why);
    // It goes into a JSON string.
    for (; *text; text++)
        if (*text == '"' || *text == '\\' || *text < ' ' || *text > '~') *text = '.';
}

static void record(int64_t latency, struct count *family) {
    if (latency_count == latencies_held) {
        latencies_held = latencies_held ? 2 * latencies_held : 1 << 16;
        latencies = realloc(latencies, latencies_held * sizeof *latencies);
        if (!latencies) give_up("realloc");
    }
    const uint32_t microseconds = (uint32_t)(latency / 1000);
    latencies[latency_count++] = microseconds;
    if (microseconds > family->longest) family->longest = microseconds;
}

static void hang_up(struct slot *slot) {
    if (slot->socket >= 0) close(slot->socket);
    slot->socket = -1;
    slot->connected = 0;
    slot->served = 0;
}

// A request is over: right (no reason), failed, or answered with what is not this guest's.
static void done(struct slot *slot, const char *why, int is_wrong) {
    struct count *family = &families[slot->way->family == 6];
    const int64_t time = now();
    family->requests++;
    record(time - slot->began, family);
    if (why) {
        tell(slot, why);
        if (is_wrong) family->wrong++;
        else family->failed++;
        hang_up(slot);
    }
    slot->asked = slot->again = 0;
    slot->began = 0;
    busy--;
}

static void send_request(struct slot *slot) {
    // The last one that a connection may have says so.
    const int last = !slot->kept || slot->served + 1 >= kept_requests;
    char request[256];
    const int length = snprintf(request, sizeof request, "GET /latest/user-data HTTP/1.1\r\nHost: %s\r\n%s\r\n",
        slot->way->family == 4 ? "169.254.169.254" : "[fd00:ec2::254]", last ? "Connection: close\r\n" : "");
    slot->received = 0;
    slot->asked = 1;
    // An error shows when the answer is read.
    if (send(slot->socket, request, (size_t)length, MSG_NOSIGNAL) != length) shutdown(slot->socket, SHUT_RD);
}

static void connect_anew(struct slot *slot) {
    static int current = -1;
    if (slot->way->namespace != current && setns(slot->way->namespace, CLONE_NEWNET) != 0) give_up("setns");
    current = slot->way->namespace;
    slot->socket = socket(slot->way->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (slot->socket < 0) give_up("socket");
    setsockopt(slot->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = slot};
    if (epoll_ctl(events, EPOLL_CTL_ADD, slot->socket, &event) != 0) give_up("epoll_ctl");
    slot->connecting = now();
    connections++;
    if (connect(slot->socket, (struct sockaddr *)&slot->way->to, slot->way->length) != 0 && errno != EINPROGRESS) {
        char why[128];
        snprintf(why, sizeof why, "connect: %s", strerror(errno));
        done(slot, why, 0);
    }
}

static void begin(struct slot *slot, int64_t time) {
    slot->began = time;
    slot->asked = 0;
    slot->received = 0;
    busy++;
    if (slot->socket < 0) connect_anew(slot);
    else send_request(slot);
}

// The connection ended, or an error did it.
static void lost(struct slot *slot, const char *why) {
    if (!slot->began) return hang_up(slot);
    // A kept connection may have ended before the request was there. One that never was is another thing.
    // A server that is killed may end the next one too, which its kernel had taken in for it.
    if ((slot->served > 0 || makes_again) && !slot->received && slot->again < (makes_again ? 3 : 1)) {
        hang_up(slot);
        slot->again++;
        slot->began = now();
        slot->asked = 0;
        reconnected++;
        return connect_anew(slot);
    }
    char text[128];
    snprintf(text, sizeof text, "%s %s", slot->connected ? "no answer:" : "no connection:", why);
    done(slot, text, 0);
}

// Looks whether the reply is whole, and whose it is.
static void look(struct slot *slot) {
    slot->reply[slot->received] = 0;
    const char *head_end = strstr(slot->reply, "\r\n\r\n");
    if (!head_end) return;
    const char *length = strcasestr(slot->reply, "\r\nContent-Length:");
    if (strncmp(slot->reply, "HTTP/1.1 200 ", 13) != 0) return done(slot, slot->reply, 0);
    if (!length || length > head_end) return done(slot, "a reply without a length", 0);
    const char *body = head_end + 4;
    const size_t count = (size_t)atol(length + 17), here = slot->received - (size_t)(body - slot->reply);
    if (here < count) return;
    if (here != count || strcmp(body, slot->way->body) != 0) return done(slot, body, 1);
    const char *close = strcasestr(slot->reply, "\r\nConnection: close");
    slot->served++;
    done(slot, NULL, 0);
    if (!slot->kept || slot->served >= kept_requests || (close && close < head_end)) hang_up(slot);
}

static void happened(struct slot *slot, uint32_t what) {
    if (slot->socket < 0) return;
    if (!slot->connected && what & (EPOLLERR | EPOLLOUT)) {
        int error = 0;
        getsockopt(slot->socket, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
        if (error) return lost(slot, strerror(error));
        slot->connected = 1;
        if (now() - slot->connecting >= second * 9 / 10) retransmitted++;
    }
    if (slot->connected && slot->began && !slot->asked) send_request(slot);
    while (slot->socket >= 0 && what & (EPOLLIN | EPOLLERR | EPOLLRDHUP)) {
        const ssize_t count = recv(slot->socket, slot->reply + slot->received, most_reply - 1 - slot->received, 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) return lost(slot, count < 0 ? strerror(errno) : "the connection ended");
        // What comes without having been asked for is somebody else's.
        if (!slot->asked) {
            busy++;
            slot->began = now();
            return done(slot, "an answer without a request", 1);
        }
        slot->received += (size_t)count;
        if (slot->received == most_reply - 1) return done(slot, "a reply that is too long", 1);
        look(slot);
    }
}

static int ascending(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static unsigned percentile(double part) {
    return latency_count ? latencies[(size_t)(part * (double)(latency_count - 1))] : 0;
}

static size_t total(void) {
    return families[0].requests + families[1].requests;
}

int main(int count, char **words) {
    if (count != 5 && count != 6) {
        fputs("usage: victims WAYS REQUESTS SECONDS PATIENCE [again]\n", stderr);
        return 2;
    }
    makes_again = count == 6;
    patience = (int64_t)(atof(words[4]) * (double)second);
    signal(SIGTERM, end);
    read_ways(words[1]);
    const size_t wanted = (size_t)atol(words[2]);
    events = epoll_create1(EPOLL_CLOEXEC);
    const int64_t start = now(), deadline = start + (int64_t)(atof(words[3]) * (double)second);
    for (unsigned i = 0; i < way_count * slots_per_way; i++)
        slots[slot_count++] = (struct slot){.way = &ways[i / slots_per_way], .socket = -1, .kept = i % slots_per_way >= fresh_slots,
            .due = start + (int64_t)i * second / 1000};
    for (;;) {
        int64_t time = now();
        const int ending = is_over || time >= deadline || total() + busy >= wanted;
        if (ending && !busy) break;
        int64_t next = time + second / 50;
        for (unsigned i = 0; i < slot_count; i++) {
            struct slot *slot = &slots[i];
            if (slot->began && time - slot->began >= patience) {
                done(slot, slot->connected ? "no answer in time" : "no connection in time", 0);
                continue;
            }
            if (slot->began || ending) continue;
            if (slot->due <= time) {
                // Who was slowed down does not hurry afterwards.
                slot->due = time + (slot->kept ? (int64_t)((double)second * kept_slots / slot->way->rate) : fresh_pause);
                begin(slot, time);
            }
            if (slot->due < next) next = slot->due;
        }
        const int64_t wait = next - now();
        struct epoll_event ready[256];
        const int found = epoll_pwait2(events, ready, 256, &(struct timespec){.tv_nsec = wait > 0 ? wait : 0}, NULL);
        for (int i = 0; i < found; i++) happened(ready[i].data.ptr, ready[i].events);
    }
    const double seconds = (double)(now() - start) / (double)second;
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    printf("{\"requests\":%zu,\"wrong\":%zu,\"failed\":%zu,", total(), families[0].wrong + families[1].wrong,
        families[0].failed + families[1].failed);
    printf("\"retransmitted\":%zu,\"reconnected\":%zu,\"connections\":%zu,\"seconds\":%.2f,", retransmitted, reconnected, connections,
        seconds);
    printf("\"p50\":%u,\"p99\":%u,\"longest\":%u,\"families\":{", percentile(0.5), percentile(0.99), percentile(1));
    for (int i = 0; i < 2; i++)
        printf("%s\"%d\":{\"requests\":%zu,\"wrong\":%zu,\"failed\":%zu,\"longest\":%u}", i ? "," : "", i ? 6 : 4,
            families[i].requests, families[i].wrong, families[i].failed, families[i].longest);
    printf("},\"complaints\":[");
    for (size_t i = 0; i < told && i < most_told; i++) printf("%s\"%s\"", i ? "," : "", complaints[i]);
    printf("]}\n");
    return 0;
}
