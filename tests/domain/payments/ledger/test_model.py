"""The ledger beside a model of it: any story of movements, the same answer and balances each step.

A few stories in each run; `LEDGER_STEPS=1000000` tells as many steps as that.
"""

import asyncio
import itertools
import os
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from api.embedded import Endpoints
from domain.kernel.errors import DomainError
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import Transfer, TransferState
from tenants.database import make_engine
from tenants.tables import brand_state
from tenants.work import Database
from tests.domain.payments.ledger.books import Books, held, moved
from tests.domain.payments.ledger.model import Model, Move
from tests.factories import Factory

T = TypeVar("T")
STEPS = int(os.environ.get("LEDGER_STEPS", "0"))
STORY = 40
NAMES = ("bank", "ada", "bob", "cyd")
HOUR = timedelta(hours=1)
_STATES = {"VOID": TransferState.VOID, "EXPIRE": TransferState.EXPIRED}
accounts, wallets = st.sampled_from(NAMES), st.sampled_from(NAMES[1:])
amounts, picks = st.integers(1, 100), st.integers(0, 1_000)


class Ledger(RuleBasedStateMachine):
    """The real ledger on a brand of its own, in a loop of its own; and the model."""

    endpoints: Endpoints
    make: Factory
    model_type: type[Model] = Model

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = make_engine(self.endpoints.url("app", driver="asyncpg"), pool_size=1)
        self.books = Books(Database(self.engine), self.make.brand())
        bank, others = self.wait(self.books.open(3))
        self.ids = dict(zip(NAMES, (bank, *others), strict=True))
        self.model = self.model_type(dict.fromkeys(NAMES, 0))
        self.real: dict[str, UUID] = {}
        self.numbers = itertools.count()
        self.began = datetime.now(UTC)

    def teardown(self) -> None:
        self.wait(self.engine.dispose())
        self.loop.close()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def key(self) -> str:
        return f"k{next(self.numbers)}"

    def told(self, moves: list[Move]) -> str:
        """What the ledger answers."""
        try:
            done = self.wait(self.books.post(*map(self._transfer, moves)))
        except DomainError as refusal:
            return refusal.code
        except DBAPIError:
            return "BUG"
        self.real |= {one.key: posted.id for one, posted in zip(moves, done, strict=True)}
        return "OK"

    def _transfer(self, one: Move) -> Transfer:
        hold = self.real.get(one.hold)
        if one.what in _STATES:
            return Transfer(one.key, "TEST", state=_STATES[one.what], resolves=hold)
        ends = self.ids[one.giver], self.ids[one.taker]
        if one.what == "HOLD":
            until = self.began + one.until * HOUR - HOUR / 2 if one.until else None
            return held(*ends, one.amount, key=one.key, expires_at=until)
        return moved(*ends, one.amount, key=one.key, resolves=hold)

    def both(self, *moves: Move) -> None:
        expected, said = self.model.apply(list(moves)), self.told(list(moves))
        if len(moves) == 1:
            assert said == expected, moves
        else:
            assert (said == "OK") == (expected == "OK"), (said, expected, moves)

    @rule(giver=accounts, taker=accounts, amount=amounts)
    def post(self, giver: str, taker: str, amount: int) -> None:
        if giver != taker:
            self.both(Move(self.key(), "POST", giver, taker, amount))

    @rule(wallet=wallets, amount=amounts)
    def pay_in(self, wallet: str, amount: int) -> None:
        self.both(Move(self.key(), "POST", "bank", wallet, amount))

    @rule(wallet=wallets, amount=amounts, hours=st.integers(0, 3))
    def hold(self, wallet: str, amount: int, hours: int) -> None:
        until = self.model.now + hours if hours else 0
        self.both(Move(self.key(), "HOLD", wallet, "bank", amount, until=until))

    @rule(pick=picks, what=st.sampled_from(("TAKE", "VOID", "EXPIRE")), amount=amounts)
    def resolve(self, pick: int, what: str, amount: int) -> None:
        holds = [one for one in self.model.known.values() if one.what == "HOLD"]
        if not holds:
            return
        hold = holds[pick % len(holds)]
        ends = (hold.giver, hold.taker, amount) if what == "TAKE" else ("", "", 0)
        self.both(Move(self.key(), what, *ends, hold=hold.key))

    @rule(pick=picks, more=st.integers(0, 1))
    def repeat(self, pick: int, more: int) -> None:
        known = list(self.model.known.values())
        if known:
            one = known[pick % len(known)]
            self.both(one._replace(amount=one.amount + more) if one.amount else one)

    @rule(pairs=st.lists(st.tuples(wallets, wallets, amounts), min_size=2, max_size=5))
    def batch(self, pairs: list[tuple[str, str, int]]) -> None:
        moves = [Move(self.key(), "POST", *pair) for pair in pairs if pair[0] != pair[1]]
        if len(moves) > 1:
            self.both(*moves)

    @rule()
    def pass_an_hour(self) -> None:
        self.model.now += 1
        offset = {"clock_offset_ms": self.model.now * 3_600_000}
        brand = self.books.brand
        statement = update(brand_state).where(brand_state.c.brand_id == brand.id).values(offset)
        self.make.run(brand, statement)

    @invariant()
    def balances_are_equal(self) -> None:
        assert self.wait(self._balances()) == {
            self.ids[name]: (
                self.model.posted[name],
                0 if name == "bank" else self.model.posted[name] - self.model.free(name),
            )
            for name in NAMES
        }

    async def _balances(self) -> dict[UUID, tuple[int, int]]:
        async with self.books.database.read(self.books.scope) as work:
            posted = await balances(work, list(self.ids.values()))
            columns = ledger_account.c
            rows = await work.rows(
                ledger_account.select()
                .with_only_columns(columns.id, columns.pending_out)
                .where(columns.brand_id == self.books.brand.id)
            )
        return {row.id: (posted[row.id].amount_minor, row.pending_out) for row in rows}


def tell(machine: type[Ledger], stories: int, *, shortest: bool = True) -> None:
    """Tell stories; one that goes wrong is made as short as it can be."""
    phases = tuple(Phase) if shortest else (Phase.generate,)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=stories, stateful_step_count=STORY, deadline=None, derandomize=not STEPS,
            database=None, suppress_health_check=list(HealthCheck), print_blob=False,
            phases=phases,
        ),
    )  # fmt: skip


def test_any_story_ends_as_the_model_says(endpoints: Endpoints, make: Factory) -> None:
    kind = type("Told", (Ledger,), {"endpoints": endpoints, "make": make})
    tell(kind, max(12, STEPS // STORY))


class Forgetful(Model):
    """A model that forgets to free what a void releases."""

    def free(self, account: str) -> int:
        voided = [one.hold for one in self.known.values() if one.what == "VOID"]
        return super().free(account) - sum(
            self.known[hold].amount for hold in voided if self.known[hold].giver == account
        )


def test_a_ledger_that_differs_is_found(endpoints: Endpoints, make: Factory) -> None:
    bodies = {"endpoints": endpoints, "make": make, "model_type": Forgetful}
    with pytest.raises((AssertionError, ExceptionGroup)):
        tell(type("Wrong", (Ledger,), bodies), 40, shortest=False)
