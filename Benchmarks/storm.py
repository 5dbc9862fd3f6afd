"""A boot storm: a rack of guests that crawl both trees at once, while others start and stop."""

import os
import threading
import time

import crawl
import documents
import guests
import hypervisor
import lab
import servers
import trusted

# So many of the guests have networks of their own: the kernel knows no more than a thousand neighbours.
AT_HOME = 500
# How many others start and stop meanwhile, over and over, and for how long each runs, in seconds.
PASSING = 1000
PACE = 0.01
# How often one instance is crawled beside another server, and how many crawl it at a time: another may serve one at a time.
BESIDE = 100
BESIDE_AT_ONCE = 4
# The longest that all of it may take, in seconds.
PATIENCE = 300


def measure(options, place, tell):
    """By server, what the guests found, and how many others started and stopped meanwhile; and the same crawls of another server, where
    one is named."""
    path = f"{place}/storm"
    os.makedirs(path)
    with lab.on_core(options.cores[1]):
        return storm(options, path, tell)


def storm(options, path, tell):
    """The same, on the core where all but the server is."""
    at_home = min(AT_HOME, options.guests // 2)
    tell(f"plugging {at_home} guests in, and creating {options.guests:,}")
    hypervisor.plug(at_home - 1)
    numbers = range(options.guests)
    with hypervisor.Libvirtd(path, options.guests) as daemon:
        lines = [(guests.at_home if number < at_home else guests.forwarded)(number) for number in numbers]
        # Those with networks of their own come in between the others.
        lines = [lines[step * 7919 % len(lines)] for step in range(len(lines))]
        with servers.VirtMetadata(
                "virt-metadata", 80, options.program, daemon.uri, path, options.cores[0], bridge=lab.BRIDGE, limited=True,
                more=trusted.options(path, numbers)) as server:
            lab.wait_until(server.is_complete, f"{server.name} has read every domain", hypervisor.PATIENCE)
            with lab.guest():
                bodies = {}
                for begin in crawl.TREES.values():
                    bodies |= crawl.walk(server.port, begin)
            found = {server.name: boot(options, path, daemon, server, lines, list(bodies))}
            beside = beside_another(options, server, path, tell) if options.beside else None
        for make in (lambda: servers.Nginx("nginx", 8085, options.cores[0], path, bodies),
                     lambda: servers.Go(8086, options.go, options.cores[0], path, files=bodies)):
            with make() as peer:
                peer.wait()
                # The same guests, but each is the same instance, and nobody is forwarded.
                same = [f"{line.split()[0]} {lab.METADATA_ADDRESS} {peer.port} - {hypervisor.INSTANCE_ID}\n" for line in lines]
                found[peer.name] = boot(options, path, daemon, peer, same, list(bodies))
        return found, beside


def boot(options, path, daemon, server, lines, paths):
    """What the guests find with one server, while others start and stop."""
    asked = [servers.PATH, *(path for path in paths if path != servers.PATH)]
    passing = Passing(daemon, options.guests)
    passing.start()
    with guests.Client("crawl", lines, asked, options.at_once, PATIENCE, options.cores[1], path) as client:
        found = client.found()
    return found | {"guests": options.guests, "at once": options.at_once, "passed": passing.stop(), "memory": server.memory()}


class Passing(threading.Thread):
    """Domains that start and stop, one after the other, until the storm is over."""

    def __init__(self, daemon, first):
        super().__init__()
        self.daemon_of_libvirt, self.first, self.passed = daemon, first, 0
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            number = self.first + self.passed % PASSING
            self.daemon_of_libvirt.do(self.daemon_of_libvirt.creation(number))
            time.sleep(PACE)
            self.daemon_of_libvirt.do(f"destroy guest-{number}")
            self.passed += 1

    def stop(self):
        """Ends it, and says how many have started and stopped."""
        self.over.set()
        self.join()
        return self.passed


def beside_another(options, ours, place, tell):
    """Seconds that a hundred crawls of one instance take, of ours and of another server's, each of what it lists."""
    with documents.Another(options, 8087, place) as another:
        another.wait()
        found = {}
        for name, server in (("ours", ours), ("other", another)):
            with lab.guest():
                paths = [path for begin in crawl.TREES.values() for path in crawl.walk(server.port, begin)]
                identity = crawl.get(server.port, servers.PATH)[1].decode()
            tell(f"{BESIDE} crawls of {name}, {1 + len(paths)} requests each")
            line = f"{lab.GUEST} {lab.METADATA_ADDRESS} {server.port} - {identity}\n"
            with guests.Client(
                    "crawl", [line] * BESIDE, [servers.PATH, *paths], BESIDE_AT_ONCE, PATIENCE, options.cores[1], place) as client:
                found[name] = client.found()
        return found
