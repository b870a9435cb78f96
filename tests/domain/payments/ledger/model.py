"""What the ledger promises, in plain Python: the oracle of `test_model.py`."""

from dataclasses import dataclass, field
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

    def kept(self, account: str) -> int:
        return sum(one.amount for one in self.held.values() if one.giver == account)

    def apply(self, moves: list[Move]) -> set[str]:
        """OK, or the reasons why nothing of it happened. The account `bank` has no floor."""
        before = dict(self.posted), dict(self.known), dict(self.held)
        said = {self.step(one) for one in moves} - {"OK"}
        if not said and any(self.posted[a] < self.kept(a) for a in self.posted if a != "bank"):
            said = {"INSUFFICIENT_FUNDS"}
        if said:
            self.posted, self.known, self.held = before
        return said or {"OK"}

    def step(self, one: Move) -> str:
        if one.key in self.known:
            return "OK" if self.known[one.key] == one else "TRANSFER_KEY_REUSED"
        self.known[one.key], hold = one, self.held.pop(one.hold, None)
        over = hold is not None and 0 < hold.until <= self.now
        if one.hold and hold is None:
            return "HOLD_RESOLVED"
        if one.what == "TAKE" and over:
            return "HOLD_EXPIRED"
        if (one.what == "EXPIRE" and not over) or (hold and one.amount > hold.amount):
            return "BUG"
        if one.what == "HOLD":
            self.held[one.key] = one
        elif one.amount:
            self.posted[one.giver] -= one.amount
            self.posted[one.taker] += one.amount
        return "OK"
