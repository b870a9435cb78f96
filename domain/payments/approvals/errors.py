"""Refusals to those who may not decide. Codes are public contract."""

from domain.kernel.errors import Forbidden


class FourEyes(Forbidden):
    """Whoever asked for it, wrote or changed its payee or approved it in this round decides no
    more; nor does who made the token that did."""

    def __init__(self) -> None:
        super().__init__(
            "FOUR_EYES",
            "Somebody else must decide: you asked for it, wrote its payee or approved it before.",
        )


class LevelMissing(Forbidden):
    """The next approval is one that the caller may not give."""

    def __init__(self, level: str) -> None:
        super().__init__("LEVEL_MISSING", f"This withdrawal waits for {level}.")
