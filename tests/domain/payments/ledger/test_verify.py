"""Verification finds nothing in a sound ledger, and each kind of tampering by its ids."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.kernel.money import Money
from domain.payments.ledger import verify as verification
from domain.payments.ledger.checks import Invariant
from domain.payments.ledger.snapshots import RunningVerification, take_snapshots
from domain.payments.ledger.values import AccountKey, LedgerAccountKind
from domain.payments.ledger.verify import Mark, verify
from tenants.database import make_engine
from tenants.repeat import Repeat
from tenants.work import Database, WriteWork
from tests import postgres
from tests.domain.payments.ledger.books import Books, held, moved, released
from tests.factories import Factory


class Own:
    """A database of its own: a brand's books, the worker, and somebody who may do anything."""

    def __init__(self, books: Books, worker: Database, root: psycopg.Connection[Any]) -> None:
        self.books, self.worker, self.root = books, worker, root
        self.brand_id = books.brand.id
        self.ids: dict[str, UUID] = {}

    async def fill(self) -> None:
        """A deposit, a spent hold, a released one, an open one, an answer, a snapshot."""
        bank, (a, b) = await self.books.open(2)
        (psp,) = await self.books.accounts([AccountKey.of(LedgerAccountKind.PSP_CLEARING, "USD")])
        named = {"source": "psp", "external_id": "tx-1"}
        first = await self.books.post(
            moved(psp, a, 1_000, key="in", **named), moved(a, b, 5, key="x")
        )
        holds = await self.books.post(*(held(a, bank, 100, key=f"h{n}") for n in range(3)))
        await self.books.post(moved(a, bank, 60, key="p", resolves=holds[0].id))
        gone = await self.books.post(released(holds[1].id, key="v"))
        self.ids = {"bank": bank, "a": a, "b": b, "psp": psp, "in": first[0].id, "x": first[1].id,
                    "resolved": holds[0].id, "freed": holds[1].id, "open": holds[2].id,
                    "void": gone[0].id}  # fmt: skip

        async def answer(_work: WriteWork) -> str:
            return "done"

        repeat = Repeat.of("test", "key", {})
        await self.books.database.write(self.books.scope, answer, repeat=repeat)
        self.root.execute(
            "insert into ledger_snapshot select brand_id, account_id,"
            " clock_timestamp(), sum(amount) from ledger_posting where account_id = %s"
            " group by 1, 2",
            [psp],
        )

    def tamper(self, *statements: str) -> None:
        """As superuser, with every trigger and check out of the way."""
        self.root.execute("set session_replication_role = replica")
        for statement in statements:
            self.root.execute(statement.format(brand=self.brand_id, **self.ids))
        self.root.execute("set session_replication_role = origin")

    async def findings(self, since: Mark | None = None) -> set[tuple[Invariant, str]]:
        verdict = await verify(self.worker, self.brand_id, since=since)
        return {(one.invariant, one.id) for one in verdict.findings}


@pytest.fixture
async def own(empty_database) -> AsyncIterator[Own]:
    engines = [
        make_engine(empty_database.url(role, driver="asyncpg"), pool_size=4)
        for role in ("app", "worker")
    ]
    app, worker = (Database(engine) for engine in engines)
    with Factory.connected(empty_database) as factory, postgres.superuser(empty_database) as root:
        made = Own(Books(app, factory.brand()), worker, root)
        await made.fill()
        yield made
    for engine in engines:
        await engine.dispose()


async def test_a_sound_ledger_has_no_findings(own, monkeypatch):
    assert await own.findings() == set()
    monkeypatch.setattr(verification, "_STRETCH", 1)
    monkeypatch.setattr(verification, "_ACCOUNTS_AT_ONCE", 1)
    assert await own.findings() == set(), "in the smallest steps"


FLOOR = "alter table ledger_account drop constraint ck_ledger_account_floor"
TAMPERED: dict[str, tuple[Invariant, str, tuple[str, ...]]] = {
    "a leg changed": (Invariant.I1, "in", (
        "update ledger_posting set amount = 999 where transfer_id = '{in}' and amount = 1000",)),
    "a leg gone": (Invariant.I1, "x", (
        "delete from ledger_posting where transfer_id = '{x}' and account_id = '{b}'",)),
    "all legs gone": (Invariant.I1, "x", (
        "delete from ledger_posting where transfer_id = '{x}'",)),
    "a hold's leg gone": (Invariant.I1, "open", (
        "delete from ledger_hold_leg where transfer_id = '{open}' and amount > 0",)),
    "a balance raised": (Invariant.I2, "a", (
        "update ledger_account set posted = posted + 1 where id = '{a}'",)),
    "held money freed": (Invariant.I2, "a", (
        "update ledger_account set pending_out = 0 where id = '{a}'",)),
    "a balance behind a posting": (Invariant.I2, "b", (
        "update ledger_posting set balance_after = 6 where account_id = '{b}'",)),
    "a snapshot": (Invariant.I2, "psp", ("update ledger_snapshot set posted = posted - 1",)),
    "the house written inline": (Invariant.I2, "bank", (
        "update ledger_account set posted = 1 where id = '{bank}'",)),
    "a wallet under its floor": (Invariant.I3, "b", (
        FLOOR, "update ledger_account set posted = -1 where id = '{b}'")),
    "a debt paid twice": (Invariant.I3, "psp", (
        "update ledger_account set kind = 'CHARGEBACK_RECEIVABLE' where id = '{psp}'",
        "update ledger_posting set amount = -amount where account_id = '{psp}'")),
    "both legs changed": (Invariant.I4, "in", (
        "update ledger_posting set amount = 2 * amount where transfer_id = '{in}'",)),
    "another kind": (Invariant.I4, "in", (
        "update ledger_transfer set kind = 'OTHER' where id = '{in}'",)),
    "a transfer gone": (Invariant.I4, "a", ("delete from ledger_transfer where id = '{in}'",)),
    "a hold resolved again": (Invariant.I5, "resolved", (
        "drop index ix_ledger_transfer_brand_id_resolves_id",
        "update ledger_transfer set resolves_id = '{resolved}' where id = '{void}'")),
    "a transfer resolved": (Invariant.I5, "in", (
        "update ledger_transfer set resolves_id = '{in}' where id = '{void}'",)),
    "an outside name again": (Invariant.I6, "x", (
        "drop index ix_ledger_transfer_brand_id_source_external_id",
        "update ledger_transfer set source = 'psp', external_id = 'tx-1' where id = '{x}'")),
    "an event gone": (Invariant.I7, "x", ("delete from event where object_id = '{x}'",)),
    "an event twice": (Invariant.I7, "x", (
        "insert into event select brand_id, seq + 1000, at, topic, kind, version, client_id,"
        " ib_path, object_id, actor_kind, actor_id, payload from event where object_id = '{x}'",)),
    "an event for another": (Invariant.I7, "x", (
        "update event set object_id = '{in}' where object_id = '{x}'",)),
    "another currency": (Invariant.I8, "x", (
        "update ledger_posting set asset = 'EUR' where transfer_id = '{x}'",)),
    "another brand's account": (Invariant.I8, "x", (
        "update ledger_posting set account_id = gen_random_uuid() where transfer_id = '{x}'"
        " and account_id = '{b}'",)),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_tampering_is_found(own, what):
    invariant, whose, statements = TAMPERED[what]
    own.tamper(*statements)
    assert (invariant, str(own.ids[whose])) in await own.findings()


RECENTLY_SEEN = [
    what
    for what, (invariant, _, _) in TAMPERED.items()
    if invariant not in (Invariant.I2,) and what != "a transfer gone"
]


@pytest.mark.parametrize("what", [*RECENTLY_SEEN, "a balance raised", "held money freed",
                                  "a balance behind a posting"])  # fmt: skip
async def test_what_is_new_is_verified_without_the_old(own, what, monkeypatch):
    monkeypatch.setattr(verification, "_SETTLED", timedelta(0))
    invariant, whose, statements = TAMPERED[what]
    since = Mark(datetime.now(UTC) - timedelta(days=1), 0)
    assert await own.findings(since) == set()
    own.tamper(*statements)
    assert (invariant, str(own.ids[whose])) in await own.findings(since)


TOGETHER: dict[str, tuple[Invariant, str, tuple[str, ...]]] = {
    "a hold posted too late": (Invariant.I5, "resolved", (
        "update ledger_transfer set expires_at = effective_at where id = '{resolved}'",)),
    "a hold expired too early": (Invariant.I5, "freed", (
        "update ledger_transfer set state = 'EXPIRED' where id = '{void}'",)),
    "a key again": (Invariant.I6, "x", (
        "alter table ledger_transfer drop constraint uq_ledger_transfer_brand_id_key",
        "update ledger_transfer set key = 'in' where id = '{x}'")),
    "a posting shown to another client": (Invariant.I8, "in", (
        "update ledger_posting set client_id = null where transfer_id = '{in}'",)),
    "a floor lowered": (Invariant.I3, "a", (
        "alter table ledger_account drop constraint ck_ledger_account_floored",
        "update ledger_account set min_balance = -100 where id = '{a}'")),
}  # fmt: skip


async def test_several_at_once_are_each_found(own, monkeypatch):
    monkeypatch.setattr(verification, "_SETTLED", timedelta(0))
    since = Mark(datetime.now(UTC) - timedelta(days=1), 0)
    for _, _, statements in TOGETHER.values():
        own.tamper(*statements)
    planted = {(invariant, str(own.ids[whose])) for invariant, whose, _ in TOGETHER.values()}
    assert planted <= await own.findings()
    assert planted <= await own.findings(since)


async def test_more_posted_than_was_held_is_found(own):
    own.tamper(
        "update ledger_hold_leg set amount = sign(amount) * 59 where transfer_id = '{resolved}'"
    )
    assert (Invariant.I5, str(own.ids["resolved"])) in await own.findings()


async def test_a_transfer_gone_with_its_event_leaves_a_gap(own):
    """Nothing of it is left, and every balance is right without it."""
    (seq,) = own.root.execute(
        "select seq from event where object_id = %s", [own.ids["x"]]
    ).fetchone()
    own.tamper(
        "delete from ledger_posting where transfer_id = '{x}'",
        "delete from ledger_transfer where id = '{x}'",
        "delete from event where object_id = '{x}'",
        "update ledger_posting set balance_after = balance_after + 5 where account_id = '{a}'"
        " and transfer_id <> '{in}'",
        "update ledger_account set posted = posted + 5 where id = '{a}'",
        "update ledger_account set posted = posted - 5 where id = '{b}'",
    )
    assert await own.findings() == {(Invariant.I7, str(seq))}
    own.tamper("delete from event where brand_id = '{brand}' and seq > 2")
    (head,) = own.root.execute(
        "select event_seq from brand_head where brand_id = %s", [own.brand_id]
    ).fetchone()
    assert (Invariant.I7, str(head)) in await own.findings(), "the end of the log is missing"


async def test_missing_guards_are_found(own):
    for statement in (
        "alter table ledger_posting disable trigger balanced",
        "drop trigger judged on ledger_transfer",
        "create or replace trigger only_added before delete on ledger_snapshot"
        " for each row execute function suppress_redundant_updates_trigger()",
        "grant delete on ledger_hold_leg to testdesk_worker",
        "grant insert on ledger_posting to testdesk_app",
        "grant update (posted) on ledger_account to testdesk_app",
        "grant truncate on ledger_snapshot to pg_monitor",
        FLOOR,
        "drop index ix_ledger_transfer_brand_id_resolves_id",
        "alter table idempotency drop constraint pk_idempotency",
    ):
        own.root.execute(statement)
    assert await own.findings() == {
        (Invariant.I4, missing)
        for missing in (
            "balanced on ledger_posting",
            "judged on ledger_transfer",
            "only_added on ledger_snapshot",
            "DELETE on ledger_hold_leg for testdesk_worker",
            "INSERT on ledger_posting for testdesk_app",
            "UPDATE on ledger_account for testdesk_app",
            "TRUNCATE on ledger_snapshot for pg_monitor",
            "ck_ledger_account_floor on ledger_account",
            "ix_ledger_transfer_brand_id_resolves_id on ledger_transfer",
            "pk_idempotency on idempotency",
        )
    }


@pytest.mark.parametrize("answer", ["null", "'['", "''"], ids=["none", "cut", "empty"])
async def test_an_answer_that_cannot_be_given_again_is_found(own, answer):
    own.tamper(f"update idempotency set answer = {answer}")
    assert await own.findings() == {(Invariant.I10, "SYSTEM:test:key")}


async def test_clearing_is_told_with_its_age_and_found_past_its_time(own):
    await own.books.post(moved(own.ids["a"], own.ids["psp"], 200, key="back"))
    verdict = await verify(own.worker, own.brand_id)
    (aged,) = verdict.clearing
    assert (aged.account_id, aged.balance) == (own.ids["psp"], Money(-800, "USD"))
    at = own.root.execute(
        "select recorded_at from ledger_posting where transfer_id = %s limit 1", [own.ids["in"]]
    ).fetchone()[0]
    assert aged.since == at
    assert verdict.findings == ()
    running = RunningVerification()
    assert await running(own.worker, own.brand_id) == 0
    old = "update ledger_posting set recorded_at = recorded_at - interval '{hours}'"
    own.tamper("delete from ledger_snapshot", old.replace("{hours}", "23 hours"))
    assert await running(own.worker, own.brand_id) == 0
    own.tamper(old.replace("{hours}", "2 hours"))
    assert await own.findings() == {(Invariant.I9, str(own.ids["psp"]))}
    assert await running(own.worker, own.brand_id) == 1, "each round looks at all of them"
    await own.books.post(moved(own.ids["bank"], own.ids["psp"], 800, key="settled"))
    assert await running(own.worker, own.brand_id) == 0


async def test_rounds_go_on_where_the_last_one_ended(own):
    verdict = await verify(own.worker, own.brand_id)
    assert verdict.mark.seq == 0, "no head is old enough yet"
    later = verdict.mark.moved(datetime.now(UTC), datetime.now(UTC), 99)
    assert later.seq == verdict.mark.heads[-1][1]
    assert [head for _, head in later.heads] == [verdict.mark.heads[-1][1], 99]


async def test_the_running_verification_tells_until_it_is_mended(own):
    running = RunningVerification()
    assert await running(own.worker, own.brand_id) == 0
    own.tamper("update ledger_account set posted = posted + 1 where id = '{a}'")
    assert await RunningVerification()(own.worker, own.brand_id) == 1
    assert await running(own.worker, own.brand_id) == 0, "not touched since: the nightly look"


async def test_snapshots_fold_what_is_two_minutes_old(own):
    assert await take_snapshots(own.worker, own.brand_id) == 0
    own.tamper("update ledger_posting set recorded_at = recorded_at - interval '1 hour'",
               "delete from ledger_snapshot")  # fmt: skip
    assert await take_snapshots(own.worker, own.brand_id) == 2, "the bank and the PSP, no wallet"
    assert await take_snapshots(own.worker, own.brand_id) == 0, "nothing was added"
    folded = own.root.execute("select account_id, posted::bigint from ledger_snapshot").fetchall()
    assert set(folded) == {(own.ids["psp"], -1_000), (own.ids["bank"], 60)}
