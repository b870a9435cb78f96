"""The ledger and the model of it, side by side: what `test_model.py` tells its stories to."""

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from api.embedded import Endpoints
from domain.kernel.errors import DomainError
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import Transfer, TransferState
from tenants.connection import sqlstate
from tenants.database import make_engine
from tenants.tables import brand_state
from tenants.work import Database
from tests.domain.payments.ledger.books import Books, held, moved, released
from tests.domain.payments.ledger.model import Model, Move
from tests.factories import Factory

T = TypeVar("T")
NAMES = ("bank", "ada", "bob", "cyd")
HOUR = timedelta(hours=1)
# More than was held, or expired too early: no answer but a bug of the caller.
BUGS = {"LG005", "LG010"}
ENDS = {"VOID": TransferState.VOID, "EXPIRE": TransferState.EXPIRED}
wallets, amounts, picks = st.sampled_from(NAMES[1:]), st.integers(1, 60), st.integers(0, 999)
pairs = st.permutations(NAMES).map(lambda names: names[:2])
ways = st.sampled_from(("TAKE", "VOID", "EXPIRE"))
drafts = st.one_of(
    st.tuples(st.just("post"), pairs, amounts),
    st.tuples(st.just("hold"), wallets, amounts, st.integers(0, 2)),
    st.tuples(st.just("resolve"), picks, ways, amounts),
    st.tuples(st.just("repeat"), picks, st.booleans()),
)


class Differs(Exception):
    """The ledger and the model do not say the same."""


class Ledger(RuleBasedStateMachine):
    """The real ledger on a brand of its own, in a loop of its own; and the model."""

    endpoints: ClassVar[Endpoints]
    make: ClassVar[Factory]
    model_type: ClassVar[type[Model]] = Model
    reached: ClassVar[set[tuple[str, str]]]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = make_engine(self.endpoints.url("app", driver="asyncpg"), pool_size=1)
        self.books = Books(Database(self.engine), self.make.brand())
        bank, others = self.wait(self.books.open(3))
        self.ids = dict(zip(NAMES, (bank, *others), strict=True))
        self.model = self.model_type(dict.fromkeys(NAMES, 0))
        self.keys = (f"k{n}" for n in itertools.count())
        self.began = datetime.now(UTC)
        self.both(*(self.new_post(("bank", name), 100) for name in NAMES[1:]))

    def teardown(self) -> None:
        self.wait(self.engine.dispose())
        self.loop.close()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def both(self, *moves: Move) -> None:
        expected, said = self.model.apply(list(moves)), self.told(moves)
        self.reached.add((moves[0].what if len(moves) == 1 else "BATCH", said))
        if said not in expected:
            raise Differs(said, expected, moves)

    def told(self, moves: tuple[Move, ...]) -> str:
        """What the ledger answers."""
        try:
            self.wait(self.books.post(*map(self._transfer, moves)))
        except DomainError as refusal:
            return refusal.code
        except DBAPIError as error:
            if sqlstate(error) not in BUGS:
                raise
            return "BUG"
        return "OK"

    def _hold_id(self, key: str) -> UUID:
        return uuid5(self.books.brand.id, key)

    def _transfer(self, one: Move) -> Transfer:
        hold = self._hold_id(one.hold)
        if one.what in ENDS:
            return released(hold, key=one.key, state=ENDS[one.what])
        ends = self.ids[one.giver], self.ids[one.taker]
        if one.what == "HOLD":
            # Half an hour off, so that the real clock decides nothing.
            until = self.began + one.until * HOUR - HOUR / 2 if one.until else None
            own = self._hold_id(one.key)
            return held(*ends, one.amount, key=one.key, id=own, expires_at=until)
        return moved(*ends, one.amount, key=one.key, resolves=hold if one.hold else None)

    def new_post(self, pair: tuple[str, str], amount: int) -> Move:
        return Move(next(self.keys), "POST", *pair, amount)

    def new_hold(self, wallet: str, amount: int, hours: int) -> Move:
        until = self.model.now + hours if hours else 0
        return Move(next(self.keys), "HOLD", wallet, "bank", amount, until=until)

    def new_resolve(self, pick: int, what: str, amount: int) -> Move | None:
        """Mostly of a hold that is still there."""
        known = [one for one in self.model.known.values() if one.what == "HOLD"]
        holds = [*self.model.held.values()] * 4 + known
        if not holds:
            return None
        hold = holds[pick % len(holds)]
        one = Move(next(self.keys), what, hold=hold.key)
        if what != "TAKE":
            return one
        # One more than was held is among them.
        part = amount % (hold.amount + 1) + 1
        return one._replace(giver=hold.giver, taker=hold.taker, amount=part)

    def new_repeat(self, pick: int, other: bool) -> Move:
        """What was said before, word for word or with another amount."""
        known = list(self.model.known.values())
        one = known[pick % len(known)]
        return one._replace(amount=one.amount + 1) if other and one.amount else one

    @rule(pair=pairs, amount=amounts)
    def post(self, pair: tuple[str, str], amount: int) -> None:
        self.both(self.new_post(pair, amount))

    @rule(wallet=wallets, amount=amounts, hours=st.integers(0, 2))
    def hold(self, wallet: str, amount: int, hours: int) -> None:
        self.both(self.new_hold(wallet, amount, hours))

    @precondition(lambda self: any(one.what == "HOLD" for one in self.model.known.values()))
    @rule(pick=picks, what=ways, amount=amounts)
    def resolve(self, pick: int, what: str, amount: int) -> None:
        if move := self.new_resolve(pick, what, amount):
            self.both(move)

    @rule(pick=picks, other=st.booleans())
    def repeat(self, pick: int, other: bool) -> None:
        self.both(self.new_repeat(pick, other))

    @rule(said=st.lists(drafts, min_size=2, max_size=4))
    def batch(self, said: list[tuple[Any, ...]]) -> None:
        moves = [getattr(self, f"new_{what}")(*rest) for what, *rest in said]
        if any(moves):
            self.both(*filter(None, moves))

    @rule()
    def pass_an_hour(self) -> None:
        self.model.now += 1
        state, offset = brand_state, {"clock_offset_ms": self.model.now * 3_600_000}
        of = state.c.brand_id == self.books.brand.id
        self.make.run(self.books.brand, update(state).where(of).values(offset))

    @invariant()
    def balances_are_equal(self) -> None:
        kept = {name: self.model.kept(name) for name in NAMES}
        expected = {self.ids[name]: (self.model.posted[name], kept[name]) for name in NAMES}
        if (real := self.wait(self._balances())) != expected:
            raise Differs(real, expected)

    async def _balances(self) -> dict[UUID, tuple[int, int]]:
        """Posted and held; the bank's from its postings, since the house's rows are not touched."""
        columns = ledger_account.c
        async with self.books.database.read(self.books.scope) as work:
            posted = await balances(work, list(self.ids.values()))
            of = columns.brand_id == self.books.brand.id
            rows = await work.rows(select(columns.id, columns.pending_out).where(of))
        return {row.id: (int(posted[row.id].amount_minor), int(row.pending_out)) for row in rows}
