"""A peer on the host that is trusted to say for whom it asks, as a proxy is: how guests ask that have no network here."""

import socket

import hypervisor
import lab
import servers

ADDRESS, PORT = "127.0.0.1", 8775


def address(number):
    """What address the measured guest, number 0, or one of its neighbours is forwarded by."""
    return f"10.{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"


def options(place, numbers):
    """What to tell the server so that it believes the peer, and knows these guests' hardware addresses."""
    lines = "".join(f"{address(number)} 0x1 0x2 {hypervisor.mac(number)} * {lab.BRIDGE}\n" for number in numbers)
    neighbours = hypervisor.write(f"{place}/neighbours", lines)
    return ("--listen", f"{ADDRESS}:{PORT}", "--trust-forwarded-for", f"{ADDRESS}/32", "--neighbours", neighbours)


def ask(number):
    """The instance-id that a guest is answered; nothing where it is not."""
    with socket.create_connection((ADDRESS, PORT), timeout=lab.PATIENCE) as connection:
        connection.sendall(
            f"GET {servers.PATH} HTTP/1.1\r\nHost: {ADDRESS}\r\nX-Forwarded-For: {address(number)}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    return body.decode() if head.startswith(b"HTTP/1.1 200 ") else ""
