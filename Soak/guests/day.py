#!/usr/bin/python3
"""A busy host's day, seen from outside the server: what happens to its domains, and what their guests ask and must be told.

It talks with the test that runs the server by lines: "? …" asks for something and waits for the answer, all else is for the reader.
"""

import argparse
import http.server
import json
import queue
import random
import select
import statistics
import sys
import threading
import time

import asking
import hosting

# How much faster than in earnest the day goes.
RATE = 144
MINUTES_OF_A_DAY = 1440 / RATE
GUESTS = 200
# Between these the number of domains that run stays.
FEWEST, MOST = 130, 170
# What happens in a day; the first three rows are its 10,000 events of domains. A restart of the daemon is not among them.
DAY = {
    "start": 2250, "end": 2250, "edit": 4500, "suspend and resume": 500,
    "password": 48, "network": 24, "stranger": 500, "malformed": 500, "expired token": 48,
    "too many requests": 24, "too many connections": 24, "slow head": 24, "idle": 24,
}
EVENTS = {"start": 1, "end": 1, "edit": 1, "suspend and resume": 2}
# At which parts of the time the daemon is killed, and another started.
RESTARTS = (0.3, 0.7)
WORKERS = 6
# How often any guest is asked besides, whatever happens to the others.
BYSTANDERS_PER_SECOND = 20
# In how many seconds a change must show: one is promised, and the machine may be busy.
PROMPT = 3
# After how many it is not waited for any more.
PATIENCE = 20


class Wrong(Exception):
    """An answer that is not the guest's."""


class Tally:
    """What was counted, by all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = {"events": 0, "requests": 0, "checked": 0}
        self.wrong = []
        self.delays = []

    def add(self, what, count=1):
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + count

    def blame(self, text):
        with self._lock:
            self.wrong.append(text)
            if len(self.wrong) <= 20:
                print(f"wrong: {text}", flush=True)

    def showed(self, seconds):
        with self._lock:
            self.delays.append(seconds)


class Service(http.server.BaseHTTPRequestHandler):
    """A vendor data target: it says whom it was asked about."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"about": asked["instance-id"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class Day:
    """The guests, and what happens to them."""

    def __init__(self, options, port):
        self.minutes, self.port = options.minutes, port
        self.seed = options.seed
        self.chance = random.Random(options.seed)
        self.host = hosting.Host(options.connect, options.neighbours)
        self.guests = [hosting.Guest(number + 1) for number in range(GUESTS)]
        self.tally = Tally()
        self.jobs = queue.Queue()
        self.calm = threading.Lock()
        self.is_over = False
        self._running = 0
        self._lock = threading.Lock()

    # What guests ask

    def ask(self, guest, method, path, fields=(), body=b""):
        """The status and the body, by a guest of ours or from an address."""
        self.tally.add("requests")
        address = guest if isinstance(guest, str) else guest.address
        return asking.exchange(self.port, address, asking.request(method, path, fields, body))

    def expect(self, wanted, found, what):
        """An answer is as it must be."""
        self.tally.add("checked")
        if found != wanted:
            raise Wrong(f"{what}: {found} and not {wanted}")

    def answer(self, guest):
        """What a guest's instance-id must be."""
        return (200, guest.instance_id.encode()) if guest.is_running else (404, b"404 Not Found")

    def check(self, guest, what):
        """A guest is who it was last."""
        self.expect(self.answer(guest), self.ask(guest, "GET", asking.INSTANCE_ID), f"guest {guest.number}, {what}")

    def until(self, guest, what, path=asking.INSTANCE_ID, wanted=None):
        """A change shows; what the guest is told until then is what it was told before, or that it is unknown."""
        began, pause = time.monotonic(), 0.001
        wanted = wanted or self.answer(guest)
        while (found := self.ask(guest, "GET", path)) != wanted:
            if time.monotonic() - began > PATIENCE:
                self.tally.showed(PATIENCE)
                raise Wrong(f"guest {guest.number}, {what}: still {found} and not {wanted}")
            if found[0] == 200 and path == asking.INSTANCE_ID and not found[1].startswith(f"i-{guest.number:04x}".encode()):
                raise Wrong(f"guest {guest.number}, {what}: {found}, which is another's")
            time.sleep(pause)
            pause = min(0.05, 2 * pause)
        self.tally.add("checked")
        self.tally.showed(time.monotonic() - began)

    def crawl(self, guest, chance):
        """Both trees, half of the guests with a session's token."""
        fields = ()
        if chance.random() < 0.5:
            status, token = self.ask(guest, "PUT", asking.TOKEN_PATH, [f"{asking.LIFETIME_FIELD}: 21600"])
            self.expect(200, status, f"guest {guest.number}, a token")
            fields = [f"{asking.TOKEN_FIELD}: {token.decode()}"]
        found, missing = asking.crawl(lambda path: self.ask(guest, "GET", path, fields))
        self.tally.add("checked", len(found))
        for text in missing + asking.differences(found, guest):
            self.tally.blame(f"guest {guest.number}, crawl: {text}")

    # What happens, by its name in the table

    def do(self, what, chance):
        """One of the things of the table."""
        steps = {
            "start": self.start, "end": self.end, "edit": self.edit, "suspend and resume": self.suspend_and_resume,
            "password": self.password, "expired token": self.expired_token, "too many requests": self.too_many_requests,
            "too many connections": self.too_many_connections, "slow head": self.slow_head, "idle": self.idle,
            "malformed": self.malformed,
        }
        if what == "network":
            return self.host.restart_network()
        if what == "stranger":
            address = f"127.2.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            return self.expect(404, self.ask(address, "GET", asking.INSTANCE_ID)[0], "a stranger")
        if what in ("start", "end"):
            what = self.level(what)
        guest = self.seize(chance, what != "start")
        try:
            steps[what](guest, chance)
        finally:
            guest.lock.release()
        return self.tally.add("events", EVENTS.get(what, 0))

    def level(self, what):
        """Starts and ends in such turns that about as many domains run as before."""
        with self._lock:
            if self._running <= FEWEST:
                what = "start"
            if self._running >= MOST:
                what = "end"
            self._running += 1 if what == "start" else -1
        return what

    def seize(self, chance, is_running):
        """Any guest that runs, or does not, and to which nothing else happens now."""
        while True:
            guest = chance.choice(self.guests)
            if guest.lock.acquire(blocking=False):
                if guest.is_running == is_running:
                    return guest
                guest.lock.release()
            time.sleep(0)

    def start(self, guest, chance):
        """A new domain runs, and its guest boots."""
        guest.succeed(chance)
        self.host.place(guest)
        self.host.start(guest)
        guest.is_running = True
        self.until(guest, "start")
        self.crawl(guest, chance)

    def end(self, guest, _):
        """A domain is gone, and nobody is told its words any more."""
        self.host.end(guest)
        guest.is_running = False
        self.until(guest, "end")

    def edit(self, guest, chance):
        """The operator's words change while the guest runs."""
        guest.reword(chance)
        self.host.edit(guest)
        self.until(guest, "edit")
        status, body = self.ask(guest, "GET", asking.META_DATA)
        self.expect((200, guest.uuid), (status, json.loads(body).get("uuid")), f"guest {guest.number}, edit")

    def suspend_and_resume(self, guest, _):
        """The guest may be asleep; who it is does not change."""
        self.host.suspend_and_resume(guest)
        self.check(guest, "suspend and resume")

    def password(self, guest, chance):
        """One is left, another refused, and the operator clears it."""
        text = f"{chance.getrandbits(256):x}".encode()
        self.expect(200, self.ask(guest, "POST", asking.PASSWORD, body=text)[0], f"guest {guest.number}, a password")
        self.expect((200, text), self.ask(guest, "GET", asking.PASSWORD), f"guest {guest.number}, its password")
        self.expect(409, self.ask(guest, "POST", asking.PASSWORD, body=b"another")[0], f"guest {guest.number}, another password")
        self.host.clear_password(guest)
        self.until(guest, "password cleared", asking.PASSWORD, (200, b""))

    def expired_token(self, guest, _):
        """A token is good until its time is over, and that time is divided too."""
        status, token = self.ask(guest, "PUT", asking.TOKEN_PATH, [f"{asking.LIFETIME_FIELD}: {RATE * 2}"])
        self.expect(200, status, f"guest {guest.number}, a token")
        fields = [f"{asking.TOKEN_FIELD}: {token.decode()}"]
        self.expect(200, self.ask(guest, "GET", asking.INSTANCE_ID, fields)[0], f"guest {guest.number}, its token")
        time.sleep(2.1)
        self.expect(401, self.ask(guest, "GET", asking.INSTANCE_ID, fields)[0], f"guest {guest.number}, its token, expired")

    def malformed(self, guest, chance):
        """What is no request is refused, and costs the next one nothing."""
        request, status = chance.choice(asking.MALFORMED)
        self.tally.add("requests")
        self.expect(status, asking.exchange(self.port, guest.address, request)[0], f"{request[:40]!r}")
        self.check(guest, "after what was no request")

    def too_many_requests(self, guest, _):
        """4,001 at once, twice what its bucket holds: some are refused, and none gets another's answer."""
        request = f"GET {asking.INSTANCE_ID} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        with asking.connect(self.port, guest.address) as connection:
            sender = threading.Thread(target=connection.sendall, args=(request * 4000 + asking.request("GET", asking.INSTANCE_ID),))
            sender.start()
            replies = asking.read_all(connection).split(b"HTTP/1.1 ")[1:]
            sender.join()
        self.tally.add("requests", len(replies))
        good = sum(reply.startswith(b"200") and reply.endswith(guest.instance_id.encode()) for reply in replies)
        refused = sum(reply.startswith(b"429") for reply in replies)
        self.tally.add("refused as too many", refused)
        self.expect(
            (4001, True, True), (good + refused, good >= 2000, refused > 0),
            f"guest {guest.number}, too many requests: {good} answered, {refused} refused")
        # Its bucket fills again.
        time.sleep(0.2)

    def too_many_connections(self, guest, _):
        """140, of 128 that it may have: the others are closed."""
        connections = [asking.connect(self.port, guest.address) for _ in range(140)]
        # Without a request, only one that is closed has anything to be read. The server has seen them all when there is one.
        select.select(connections, [], [], asking.PATIENCE)
        replies = []
        for connection in connections:
            with connection:
                try:
                    connection.sendall(asking.request("GET", asking.INSTANCE_ID))
                    replies.append(asking.status_and_body(asking.read_all(connection)))
                except (BrokenPipeError, ConnectionResetError):
                    replies.append((0, b""))
        self.tally.add("requests", len(replies))
        good, closed = replies.count(self.answer(guest)), replies.count((0, b""))
        self.tally.add("closed as too many", closed)
        self.expect(
            (140, True, True), (good + closed, good >= 128, closed > 0),
            f"guest {guest.number}, too many connections: {good} answered, {closed} closed")

    def slow_head(self, guest, _):
        """A request that is never whole is told so."""
        with asking.connect(self.port, guest.address) as connection:
            connection.sendall(b"GET /latest/ HTTP/1.1\r\nHost:")
            status, _ = asking.status_and_body(asking.read_all(connection))
        self.tally.add("requests")
        self.expect(408, status, f"guest {guest.number}, a slow head")

    def idle(self, guest, _):
        """A connection without a request is closed, and nothing is said."""
        with asking.connect(self.port, guest.address) as connection:
            self.expect(b"", asking.read_all(connection), f"guest {guest.number}, an idle connection")

    # The daemon goes

    def restart(self):
        """The last inventory answers while libvirtd is away; its successor knows no domain, and gets all of them again."""
        demand("stop the daemon")
        for _ in range(100):
            self.check(self.chance.choice(self.guests), "while libvirtd is away")
            time.sleep(0.01)
        demand("start the daemon")
        self.host.connect()
        running = [guest for guest in self.guests if guest.is_running]
        # Until all are unknown the last inventory may still answer, and it would not be seen that the new one does.
        for guest in running:
            self.until(guest, "of which the new libvirtd does not know", wanted=(404, b"404 Not Found"))
        for guest in running:
            self.host.start(guest)
        for guest in self.guests:
            self.until(guest, "after libvirtd's restart")

    # The day goes by

    def begin(self):
        """As many domains run as on the rest of the day, and the threads wait."""
        self.host.connect()
        for guest in self.guests[:(FEWEST + MOST) // 2]:
            self._running += 1
            with guest.lock:
                self.start(guest, self.chance)
        for _ in range(WORKERS):
            threading.Thread(target=self.work, daemon=True).start()
        threading.Thread(target=self.stand_by, daemon=True).start()

    def guard(self, step, *arguments):
        """A step that fails is counted."""
        try:
            step(*arguments)
        except Exception as error:  # Whatever it is, the day goes on, and is lost.
            self.tally.blame(f"{error!r}")

    def work(self):
        while True:
            what, chance = self.jobs.get()
            self.guard(self.do, what, chance)
            self.jobs.task_done()

    def stand_by(self):
        """Asks one guest after the other."""
        chance = random.Random(self.seed)
        while not self.is_over:
            with self.calm:
                guest = chance.choice(self.guests)
                if guest.lock.acquire(blocking=False):
                    self.guard(self.check, guest, "bystander")
                    guest.lock.release()
            time.sleep(1 / BYSTANDERS_PER_SECOND)

    def settle(self):
        """Nothing happens any more, until `calm` is released."""
        self.jobs.join()
        self.calm.acquire()

    def sample(self, name):
        """The server is at rest, and is looked at."""
        self.settle()
        demand(f"sample {name} {self.tally.counts['events']} {self.tally.counts['requests']}")
        self.calm.release()

    def schedule(self):
        """What happens when, in seconds from the beginning."""
        seconds, part = 60 * self.minutes, self.minutes / MINUTES_OF_A_DAY
        due = [
            (self.chance.uniform(0, seconds), number, what)
            for what, count in DAY.items() for number in range(max(1, round(count * part)))]
        due += [(share * seconds, 0, "restart") for share in RESTARTS]
        hours = max(8, round(24 * part))
        due += [(seconds * (hour + 1) / hours, hour, "sample") for hour in range(hours)]
        return sorted(due)

    def run(self):
        """The whole day; returns how many seconds it took."""
        began = time.monotonic()
        for moment, number, what in self.schedule():
            time.sleep(max(0, began + moment - time.monotonic()))
            if what == "sample":
                minute = round(moment * RATE / 60)
                self.sample(f"{minute // 60:02}:{minute % 60:02}")
            elif what == "restart":
                self.settle()
                self.guard(self.restart)
                self.calm.release()
            else:
                self.jobs.put((what, random.Random(f"{self.seed} {what} {number}")))
        self.settle()
        self.is_over = True
        return time.monotonic() - began

    def judge(self, seconds):
        """Says what held, line by line; whether all did."""
        for guest in self.guests:
            self.guard(self.check, guest, "at the end")
        counts, delays = self.tally.counts, self.tally.delays
        planned = sum(EVENTS.get(what, 0) * max(1, round(count * self.minutes / MINUTES_OF_A_DAY)) for what, count in DAY.items())
        print("counted: " + ", ".join(f"{what} {count:,}" for what, count in counts.items()))
        late = sum(delay > PROMPT for delay in delays)
        hundredths = [1000 * delay for delay in statistics.quantiles(delays, n=100)]
        return all([
            verdict(not self.tally.wrong, f"{counts['checked']:,} answers were looked at, {len(self.tally.wrong)} were wrong"),
            verdict(not late, f"{len(delays):,} changes showed, p50 {hundredths[49]:.0f} ms, p99 {hundredths[98]:.0f} ms, "
                    f"the last after {1000 * max(delays):.0f} ms; {late} after more than {PROMPT} s"),
            verdict(
                counts["events"] >= planned and seconds < 60 * self.minutes + 30,
                f"{counts['events']:,} events of {planned:,} in {seconds:.0f} s"),
        ])


def verdict(holds, text):
    """One line for the reader."""
    print(f"{'holds' if holds else 'FAILS'}  {text}", flush=True)
    return holds


def demand(what):
    """Has the test do something, and waits until it is done; what it says to it."""
    print(f"? {what}", flush=True)
    return sys.stdin.readline().strip()


def main():
    """Plays the day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connect", required=True)
    parser.add_argument("--neighbours", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    day = Day(options, int(demand(f"serve with http://127.0.0.1:{service.server_address[1]}/")))
    day.begin()
    sys.exit(0 if day.judge(day.run()) else 1)


if __name__ == "__main__":
    main()
