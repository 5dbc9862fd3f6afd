"""Nobody attacks: what the victims find otherwise, which the other figures are measured by."""

import attack
from attack import Outcome


class Attack(attack.Attack):
    """No attack."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (4,)
    no_proof = "there is nothing to defend against"

    def gained(self, outcome: Outcome) -> str | None:
        """Nothing."""
        return None
