"""A guest whose address is not of its bridge's own network: the host reaches it by the router on the LAN, and does not forward itself."""

import space
from field import METADATA
from host import Host

ADDRESS = {4: "198.51.100.7", 6: "2001:db8:9::7"}


def router(host: Host, family: int) -> str:
    """The address by which the host and the guest know the router."""
    return host.lan.ip4 if family == 4 else host.lan.local6


def move(host: Host) -> None:
    """Gives victim-1 such addresses, from which it asks for its metadata, and the host a way to them."""
    one = host.victims[0].name
    space.setting("net.ipv4.ip_forward", 0)
    for family in (4, 6):
        space.ip(f"route replace default via {router(host, family)} dev br0")
        space.ip(f"""address add {ADDRESS[family]}/{(24, 64)[family == 6]} dev eth0 {"nodad" if family == 6 else ""}
            route replace {METADATA[family]} via {router(host, family)} dev eth0 src {ADDRESS[family]}""", one)


def undo(host: Host) -> None:
    """Removes all that, and what the host has been told of ways meanwhile."""
    one = host.victims[0].name
    for family in (4, 6):
        space.ip(f"""route del {METADATA[family]} dev eth0
            address del {ADDRESS[family]}/{(24, 64)[family == 6]} dev eth0""", one)
        space.ip(f"route del default via {router(host, family)} dev br0")
        space.call("ip", f"-{family}", "route", "flush", "cache")
    space.setting("net.ipv4.ip_forward", 1)
    host.heal()
