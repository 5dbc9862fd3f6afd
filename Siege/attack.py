"""What an attack is: the base of every file in `attacks`."""

from typing import Any, ClassVar

from field import Field, Report
from host import Host


class Outcome:
    """What was seen while an attack ran."""

    def __init__(self, host: Host, family: int):
        """Nothing has been seen yet."""
        self.host, self.family = host, family
        self.reports: dict[str, Report] = {}
        self.victims: dict[str, Any] = {}
        self.memory = 0
        self.counters: dict[str, int] = {}
        self.host_report: Report = {}

    @property
    def forger(self) -> Report:
        """What the guest that attacks has to say."""
        return self.reports.get("forger", {})

    @property
    def lost(self) -> int:
        """Victims' requests that were not answered, or not rightly."""
        return self.victims.get("failed", 0) + self.victims.get("wrong", 0)


class Attack:
    """An attack: by whom, where, against what, and what must not come of it.

    A file in `attacks` has one class `Attack` that derives from this. Its docstring says who attacks whom, what would be gained, and
    which rule or limit is in the way.
    """

    # The kinds of host it is run on, and the families of addresses it is made with.
    hosts: ClassVar[tuple[str, ...]] = ("address", "redirect", "bridge")
    families: ClassVar[tuple[int, ...]] = (4, 6)
    # Options that the server has besides.
    options: ClassVar[tuple[str, ...]] = ()
    # How long victims wait for a connection and its first answer, in seconds; None: as long as clients do.
    patience: ClassVar[float | None] = None
    # The guests in which `attack` runs.
    attackers: ClassVar[tuple[str, ...]] = ("forger",)
    # Devices of the host whose traffic the attacker hears, with the rights of a judge.
    spies: ClassVar[tuple[str, ...]] = ()
    # It may take away the connections that victims have, as a restart of the server does: they connect anew, and ask again.
    ends_connections: ClassVar[bool] = False
    # The least and the most seconds that victims ask.
    seconds: ClassVar[float] = 2.5
    # No victims ask: what is looked at is the attacker's alone, or the host is not served at all.
    has_victims: ClassVar[bool] = True
    # Which victims ask: the others are part of the attack.
    victims: ClassVar[slice] = slice(None)
    # How often each of them asks in a second, where it is not as often as it may.
    rate: ClassVar[int | None] = None
    # A limit that is reached needs so many seconds afterwards.
    rest: ClassVar[float] = 0
    # The counter-proof: with these options of the server the attack succeeds (None: as above), and where.
    weak_options: ClassVar[tuple[str, ...] | None] = None
    # Where the counter-proof is made: (kind of host, family).
    proofs: ClassVar[tuple[tuple[str, int], ...]] = ()
    # Why there is no counter-proof, where there is none.
    no_proof: ClassVar[str] = ""

    def prepare(self, host: Host) -> None:
        """Changes the host before the attack begins, while the server runs."""

    def attack(self, field: Field) -> None:
        """Runs in the attacker's guest: calls `field.ready()`, attacks while `field.goes_on()`, and writes `field.report`."""
        field.ready()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Runs on the host while the attack and its victims are under way."""

    def gained(self, outcome: Outcome) -> str | None:
        """What the attack has come to, in words; None where it has failed."""
        raise NotImplementedError

    def weaken(self, host: Host) -> None:
        """Takes the defence away for the counter-proof, after the server was started with `weak_options`."""

    def restore(self, host: Host) -> None:
        """Undoes what `prepare` and `during` have done."""

