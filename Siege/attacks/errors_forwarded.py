"""A machine beyond the host's uplink tells a victim, in the name of the metadata address, that this address cannot be reached.

As errors_sent, on a host that routes; but the errors come from another network, and their source is the metadata address itself, as if the host's
cloud spoke. Gained: a victim that gives up its connection. In the way: what the host forwards to a bridge from a metadata address is looked at
as other errors are (chains `to_bridge`, `forwarded_errors`; where it leaves for the bridge, `others_…`).
"""

import rules
import space
import wire
from attacks import errors_sent
from attacks.lib import errors
from field import Field
from host import Host

SENDER = wire.mac("02:00:00:00:00:09")


class Attack(errors_sent.Attack):
    """The forger hears victim-6, and speaks from where the cloud is."""

    hosts = ("cloud",)
    attackers = ("forger",)
    proofs = (("cloud", 4), ("cloud", 6))

    def attack(self, field: Field) -> None:
        """Every kind of error about each SYN."""
        with open("/sys/class/net/wan/address", encoding="ascii") as file:
            link = (wire.mac(file.read().strip()), SENDER)
        space.enter("cloud")
        card, sent, own = wire.Wire(), 0, field.own(field.victims[-1])
        pair = (field.metadata, own)
        field.ready()
        for begin in self.overheard(field, card):
            for kind in errors_sent.KINDS[field.family]:
                body = errors.message(kind, pair, errors.about((own, field.metadata), begin), 68)
                card.send(*self.dressed(link, pair, body, sent))
                if field.family == 6:
                    card.send(*errors.hidden(link, pair, body, sent))
                sent += 1
        field.report["sent"] = sent

    def weaken(self, host: Host) -> None:
        """Lets what comes from the metadata address pass."""
        rules.remove(r"goto forwarded_errors", "inet", "to_bridge")
        rules.trust_what_leaves()
