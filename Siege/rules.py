"""The server's rules in the kernel, and how a counter-proof takes some of them away."""

import re
import socket
from typing import NamedTuple

import space

TABLE = "virt_metadata"


class Rule(NamedTuple):
    """A rule, where it stands, and its text as nft prints it."""

    family: str
    chain: str
    handle: int
    text: str


def listed() -> list[Rule]:
    """All rules of the server's tables."""
    found, family, chain, is_ours = [], "", "", False
    for line in space.call("nft", "--handle", "list", "ruleset").splitlines():
        if match := re.match(r"table (\w+) (\S+) \{", line):
            family, is_ours = match[1], match[2] == TABLE
        elif match := re.match(r"\s*chain (\S+) \{", line):
            chain = match[1]
        elif is_ours and (match := re.match(r"\s*(?!(?:set|map|counter|chain|type)\b)(\S.*?) # handle (\d+)$", line)):
            found.append(Rule(family, chain, int(match[2]), match[1]))
    return found


def remove(pattern: str, family: str = ".*", chain: str = ".*") -> int:
    """Takes away each rule whose text has the pattern, in the chains whose whole name matches, and gives how many there were."""
    doomed = [rule for rule in listed()
              if re.search(pattern, rule.text) and re.fullmatch(family, rule.family) and re.fullmatch(chain, rule.chain)]
    if not doomed:
        raise space.Failure(f"there is no rule /{pattern}/ in {family} {chain} to take away: has the counter-proof grown old?")
    space.call("nft", "--file", "-", stdin="".join(
        f"delete rule {rule.family} {TABLE} {rule.chain} handle {rule.handle}\n" for rule in doomed))
    return len(doomed)


def trust_what_leaves() -> None:
    """Has what leaves for a bridge pass unseen: its last check, after those where it enters."""
    remove(r"goto others_", "netdev", "from_host_.*")


def has(pattern: str, family: str = ".*", chain: str = ".*") -> bool:
    """Whether there is such a rule."""
    return any(re.search(pattern, rule.text) and re.fullmatch(family, rule.family) and re.fullmatch(chain, rule.chain) for rule in listed())


def add(*lines: str) -> None:
    """Adds to the tables, each line as nft(8) has it."""
    space.call("nft", "--file", "-", stdin="".join(line + "\n" for line in lines))


def replace(rule: Rule, text: str) -> None:
    """Puts another rule in a rule's place."""
    add(f"replace rule {rule.family} {TABLE} {rule.chain} handle {rule.handle} {text}")


def add_foreign(name: str, body: str) -> None:
    """Adds a table of the host's own."""
    add(f"table inet {name} {{\n{body}\n}}")


def index(device: str) -> int:
    """The index of a link of the host, by which chains are named."""
    return socket.if_nametoindex(device)


def overlook(tap: str = "") -> None:
    """Lets what a tap sends to a metadata address go where it is sent to, or what all taps do."""
    remove(r"goto request_", "netdev", f"(from_port|not_ipv4)_{index(tap) if tap else '.*'}")


def let_speak() -> None:
    """Lets guests send as the metadata service."""
    remove(r"^@nh,96,32 ", "netdev", "from_port_.*")
    remove(r"^ip6 saddr ", "netdev", "guard_ip6_.*")


def unbind(tap: str) -> None:
    """Lets the replies to a tap's guest go where the neighbour table and the bridge have it, instead of to the tap."""
    for chain in {rule.chain for rule in listed() if rule.chain.startswith("reply_") and f'fwd to "{tap}"' in rule.text}:
        remove("fwd to", "netdev", chain)
        if has("ether daddr set", "netdev", chain):
            remove("ether daddr set", "netdev", chain)
        add(f"add rule netdev {TABLE} {chain} tcp sport set 80")

def confuse(tap: str, other: str) -> None:
    """Has what comes by one tap for a metadata address go to the socket of another tap's guest, and the replies of that socket to whoever
    claims the address: the tap names nobody any more."""
    requests = [rule for rule in listed() if rule.chain == f"http_{index(other)}"]
    socket_of = next((match[0] for rule in requests if (match := re.search(r"goto to_host_\S+", rule.text))), "")
    if not socket_of:
        raise space.Failure(f"no rule leads from {other} to a socket: has the counter-proof grown old?")
    add(f"insert rule netdev {TABLE} from_port_{index(tap)} meta protocol {{ ip, ip6 }} tcp dport 80 {socket_of}")
    unbind(other)


def give_marks() -> None:
    """Marks what is sent to a socket's port as the rule of the socket's own tap does, whoever sends it: the socket takes it then."""
    marks: dict[str, str] = {}
    ports: dict[str, str] = {}
    for rule in listed():
        if match := re.search(r"meta mark set (0x[0-9a-f]+)", rule.text):
            marks[rule.chain] = match[1]
        if match := re.search(r"tcp dport set (\d+)", rule.text):
            ports[rule.chain] = match[1]
    given = [(ports[chain], marks[chain]) for chain in ports if chain in marks]
    if not given:
        raise space.Failure("no rule marks what it sends to a socket: has the counter-proof grown old?")
    for port, mark in given:
        add(f"insert rule inet {TABLE} prerouting tcp dport {port} meta mark set {mark}")
