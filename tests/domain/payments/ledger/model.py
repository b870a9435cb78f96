"""What the ledger promises, in plain Python: the oracle of `test_model.py`."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Move(NamedTuple):
    """POST, HOLD, TAKE (part of a hold), VOID or EXPIRE. `until` is when a hold ends, 0 never."""

    key: str
    what: str
    giver: str = ""
    taker: str = ""
    amount: int = 0
    hold: str = ""
    until: int = 0


@dataclass
class Model:
    posted: dict[str, int]
    known: dict[str, Move] = field(default_factory=dict)
    held: dict[str, Move] = field(default_factory=dict)
    now: int = 0

    def free(self, account: str) -> int:
        kept = sum(one.amount for one in self.held.values() if one.giver == account)
        return self.posted[account] - kept

    def apply(self, moves: list[Move]) -> str:
        """OK, or why nothing of it happened. The account `bank` has no floor."""
        then = replace(self, posted=dict(self.posted), known=dict(self.known), held=dict(self.held))
        said = next((said for one in moves if (said := then.step(one)) != "OK"), "OK")
        if said == "OK" and any(then.free(one) < 0 for one in then.posted if one != "bank"):
            said = "INSUFFICIENT_FUNDS"
        if said == "OK":
            self.posted, self.known, self.held = then.posted, then.known, then.held
        return said

    def step(self, one: Move) -> str:
        earlier = self.known.setdefault(one.key, one)
        if earlier is not one:
            return "OK" if earlier._replace(until=one.until) == one else "TRANSFER_KEY_REUSED"
        hold = self.held.pop(one.hold, None)
        if one.hold and hold is None:
            return "HOLD_RESOLVED"
        is_over = hold is not None and 0 < hold.until <= self.now
        if one.what == "TAKE" and is_over:
            return "HOLD_EXPIRED"
        if (one.what == "EXPIRE" and not is_over) or (hold and one.amount > hold.amount):
            return "BUG"
        if one.what == "HOLD":
            self.held[one.key] = one
        elif one.what in ("POST", "TAKE"):
            self.posted[one.giver] -= one.amount
            self.posted[one.taker] += one.amount
        return "OK"
