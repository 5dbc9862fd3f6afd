"""The OpenStack documents beside nginx, which has the same bytes as files."""

import contextlib
import os
import shlex
import statistics

import crawl
import hypervisor
import lab
import load
import servers

PATHS = {"meta_data.json": "/openstack/latest/meta_data.json", "network_data.json": "/openstack/latest/network_data.json"}

# How often another server is asked for each.
SINGLE = 200


def described(text):
    """The measured guest with more to tell: tags, and a second card with addresses of its own."""
    tags = "".join(f"<tag name='name-{number}'>a value of some length, number {number}</tag>" for number in range(16))
    words = f"""<tags>{tags}</tags><interfaces><interface mac='52:54:00:00:00:99'><address>10.1.2.3/24</address>
        <address>2001:db8::3/64</address><gateway>10.1.2.1</gateway><dns>10.1.2.53</dns>
        <route to='10.0.0.0/8' via='10.1.2.254'/></interface></interfaces></instance>"""
    card = "<interface type='bridge'><mac address='52:54:00:00:00:99'/><source bridge='br9'/></interface></devices>"
    return text.replace("</instance>", words).replace("</devices>", card)


def beside_nginx(options, place, tell):
    """By document, the rates of ours and of nginx twice, by mode; and what `beside_another` finds, where one is named."""
    path = f"{place}/documents"
    os.makedirs(path)
    uri = "test://" + hypervisor.write(f"{path}/node.xml", f"<node>{described(hypervisor.domain())}</node>\n")
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(servers.VirtMetadata(
            "virt-metadata", 80, options.program, uri, path, options.cores[0], connections=options.connections))
        ours.wait()
        with lab.guest():
            files = {target: crawl.get(ours.port, target)[1] for target in PATHS.values()}
        nginx = [
            stack.enter_context(servers.Nginx(f"nginx {name}", port, options.cores[0], path, files))
            for name, port in (("A", 8084), ("B", 8085))]
        for server in nginx:
            server.wait()
        found = {}
        for name, target in PATHS.items():
            tell(f"{name}, {len(files[target]):,} bytes")
            kinds = [servers.Asking(server.name, server, target) for server in (ours, *nginx)]
            found[name] = load.rounds(kinds, options, tell)
        return found, beside_another(options, ours, path, tell) if options.beside else None


class Another(servers.Server):
    """A server that the command line names; it may know other instances, and serve one connection at a time."""

    def __init__(self, options, port, place):
        command = options.beside.format(address=lab.METADATA_ADDRESS, port=port)
        super().__init__(
            command, port, ["taskset", "--cpu-list", str(options.cores[0]), *shlex.split(command)], f"{place}/another.log")

    def wait(self, seconds=lab.PATIENCE):
        def serves():
            self.check()
            try:
                return all(crawl.get(self.port, target)[0] == 200 for target in PATHS.values())
            except OSError:
                return False

        with lab.guest():
            lab.wait_until(serves, f"{self.name} serves", seconds)


def beside_another(options, ours, place, tell):
    """By document: milliseconds for one request with a connection of its own, of ours and of another server's, and how many of
    ours take as long as one of the other's; medians of the same number of each, in turns."""
    with Another(options, 8086, place) as another:
        another.wait()
        found = {}
        for name, target in PATHS.items():
            tell(f"{name}, one request after the other")
            times = {"ours": [], "other": []}
            with lab.guest():
                for _ in range(SINGLE):
                    for whose, server in (("ours", ours), ("other", another)):
                        times[whose].append(crawl.crawl(server.port, [target]) * 1000)
            found[name] = {whose: statistics.median(each) for whose, each in times.items()}
            found[name]["ratio"] = found[name]["other"] / found[name]["ours"]
        return found
