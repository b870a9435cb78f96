"""Models that are wrong in one thing each: `test_model.py` must tell them from the ledger."""

from tests.domain.payments.ledger.model import Model, Move


class VoidKeepsTheHold(Model):
    def step(self, one: Move) -> str:
        hold, said = self.held.get(one.hold), super().step(one)
        if one.what == "VOID" and said == "OK" and hold:
            self.held[hold.key] = hold
        return said


class TheRestStaysHeld(Model):
    def step(self, one: Move) -> str:
        hold, said = self.held.get(one.hold), super().step(one)
        if one.what == "TAKE" and said == "OK" and hold and hold.amount > one.amount:
            self.held[hold.key] = hold._replace(amount=hold.amount - one.amount)
        return said


class HoldsNeverEnd(Model):
    def step(self, one: Move) -> str:
        now, self.now = self.now, 0
        said = super().step(one)
        self.now = now
        return said


class RepetitionMovesAgain(Model):
    def step(self, one: Move) -> str:
        if self.known.get(one.key) == one and one.what == "POST":
            del self.known[one.key]
        return super().step(one)


class AnyContentUnderAKey(Model):
    def step(self, one: Move) -> str:
        return "OK" if one.key in self.known else super().step(one)


class HalfABatch(Model):
    def apply(self, moves: list[Move]) -> set[str]:
        return set().union(*(super(HalfABatch, self).apply([one]) for one in moves))


class HoldsAreFree(Model):
    """What is held can be spent."""

    def apply(self, moves: list[Move]) -> set[str]:
        said = super().apply(moves)
        if said == {"INSUFFICIENT_FUNDS"} and all(one.what == "POST" for one in moves):
            held, self.held = self.held, {}
            said = super().apply(moves)
            self.held = held
        return said


WRONG = [
    VoidKeepsTheHold,
    TheRestStaysHeld,
    HoldsNeverEnd,
    RepetitionMovesAgain,
    AnyContentUnderAKey,
    HalfABatch,
    HoldsAreFree,
]
