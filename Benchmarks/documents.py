"""The OpenStack documents beside nginx, which has the same bytes as files."""

import contextlib
import os

import crawl
import hypervisor
import lab
import load
import servers

PATHS = {"meta_data.json": "/openstack/latest/meta_data.json", "network_data.json": "/openstack/latest/network_data.json"}


def described(text):
    """The measured guest with more to tell: tags, and a second card with addresses of its own."""
    tags = "".join(f"<tag name='name-{number}'>a value of some length, number {number}</tag>" for number in range(16))
    words = f"""<tags>{tags}</tags><interfaces><interface mac='52:54:00:00:00:99'><address>10.1.2.3/24</address>
        <address>2001:db8::3/64</address><gateway>10.1.2.1</gateway><dns>10.1.2.53</dns>
        <route to='10.0.0.0/8' via='10.1.2.254'/></interface></interfaces></instance>"""
    card = "<interface type='bridge'><mac address='52:54:00:00:00:99'/><source bridge='br9'/></interface></devices>"
    return text.replace("</instance>", words).replace("</devices>", card)


def beside_nginx(options, place, tell):
    """By document: the rates of ours and of nginx twice, by mode."""
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
        return found
