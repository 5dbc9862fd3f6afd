"""A machine on the LAN has the host send it what victims are answered.

As replies_stolen, from beyond an uplink of the bridge, by a machine that is no guest. In the way: the same.
"""

from attacks import replies_stolen


class Attack(replies_stolen.Attack):
    """The attacker stands on the LAN."""

    hosts = ("auto",)
    attackers = ("lan",)
    proofs = (("auto", 4), ("auto", 6))
