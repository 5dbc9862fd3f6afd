"""Errors and redirects of ICMP (RFC 792, RFC 4443, RFC 4861), and the packets that they are about."""

import struct

import wire

# Such that a half-open connection ends: of IPv4 the host, of IPv6 the port.
UNREACHABLE = {4: (3, 1), 6: (1, 4)}
REDIRECT4 = (5, 1)
AUTHENTICATION, ROUTING = 51, 43


def about(pair: tuple[bytes, bytes], begin: bytes, headers: bytes = b"", following: int = wire.TCP) -> bytes:
    """The beginning of a packet between two addresses, perhaps with extension headers: what an error repeats."""
    if len(pair[0]) == 4:
        return wire.ipv4(*pair, begin)
    return wire.ipv6(*pair, headers + begin, following)


def message(kind: tuple[int, int], pair: tuple[bytes, bytes], repeated: bytes, word: int = 0) -> bytes:
    """An error between two addresses, with the number that some kinds have, and the packet that it is about."""
    body = struct.pack("!BBHI", *kind, 0, word) + repeated
    if len(pair[0]) == 4:
        return body[:2] + struct.pack("!H", wire.checksum(body)) + body[4:]
    return wire.icmpv6(*pair, body)


def frame(link: tuple[bytes, bytes], pair: tuple[bytes, bytes], body: bytes, hops: int = 64) -> bytes:
    """A message in a frame, whose MAC addresses are destination and source."""
    if len(pair[0]) == 4:
        return wire.ethernet(*link, wire.IPV4, wire.ipv4(*pair, body, 1))
    return wire.ethernet(*link, wire.IPV6, wire.ipv6(*pair, body, wire.ICMPV6, hops))


def fragments(link: tuple[bytes, bytes], pair: tuple[bytes, bytes], body: bytes, at: int, ident: int) -> list[bytes]:
    """The same in two fragments, of which the first has so many bytes of the message."""
    parts = []
    for start, part, more in ((0, body[:at], 1), (at, body[at:], 0)):
        if len(pair[0]) == 4:
            packet = wire.ipv4(*pair, part, 1, ident & 0xFFFF, more << 13 | start // 8)
            parts.append(wire.ethernet(*link, wire.IPV4, packet))
        else:
            head = struct.pack("!BBHI", wire.ICMPV6, 0, start | more, ident)
            parts.append(wire.ethernet(*link, wire.IPV6, wire.ipv6(*pair, head + part, wire.FRAGMENT)))
    return parts


def hidden(link: tuple[bytes, bytes], pair: tuple[bytes, bytes], body: bytes, ident: int, hops: int = 64) -> list[bytes]:
    """The same of IPv6 in two fragments, of which the first has only one of two further headers: it does not tell what follows them."""
    def options(following: int) -> bytes:
        return bytes([following, 0, 1, 4, 0, 0, 0, 0])

    def routing(following: int) -> bytes:
        # Of a type that nobody knows, with no way left.
        return bytes([following, 0, 253, 0, 0, 0, 0, 0])

    def whole(following: int) -> bytes:
        # An atomic fragment.
        return struct.pack("!BBHI", following, 0, 0, ident)

    frames = []
    for number, headers in enumerate((
            ((wire.DESTINATION_OPTIONS, options), (wire.DESTINATION_OPTIONS, options)),
            ((ROUTING, routing), (wire.DESTINATION_OPTIONS, options)),
            ((wire.DESTINATION_OPTIONS, options), (ROUTING, routing)),
            ((wire.FRAGMENT, whole), (wire.DESTINATION_OPTIONS, options)),
            ((wire.HOP_BY_HOP, options), (wire.DESTINATION_OPTIONS, options)))):
        (kind, first), (following, second) = headers
        for start, part, more in ((0, first(following), 1), (8, second(wire.ICMPV6) + body, 0)):
            head = struct.pack("!BBHI", kind, 0, start | more, (ident << 3 | number) & 0xFFFFFFFF)
            frames.append(wire.ethernet(*link, wire.IPV6, wire.ipv6(*pair, head + part, wire.FRAGMENT, hops)))
    return frames
