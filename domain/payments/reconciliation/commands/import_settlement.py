"""Import a PSP's settlement: match each line, book fees and what reached the bank, tell the rest.

A difference is never silent and never stays on the clearing account: what a line has beyond what
we booked goes to SUSPENSE with a discrepancy, what it lacks stays on the clearing account with one.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Date, Integer, Numeric, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.dialects.postgresql import insert

from domain.kernel.errors import NotFound
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.queries import find_policy
from domain.payments.reconciliation.commands.compare_lines import compare_lines
from domain.payments.reconciliation.commands.match_lines import match, missing_since
from domain.payments.reconciliation.commands.open_discrepancies import Found, open_discrepancies
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.reconciliation.rules import judge_lines, totals_of
from domain.payments.reconciliation.settlement_file import read_settlement
from domain.payments.reconciliation.tables import settlement
from domain.payments.reconciliation.values import Judged, Line, LineVerdict, Totals
from domain.payments.tables import psp_connection
from domain.payments.values import DiscrepancyKind
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork

NAME_MAX = 200
_LOOK_BACK = timedelta(days=7)
_COLUMNS: dict[str, Any] = {
    "n": Integer, "ext_line_id": Text, "ext_settlement_id": Text, "date": Date, "type": Text,
    "psp_id": Text, "payment_reference": Text, "currency": Text, "gross_minor": Numeric,
    "fee_minor": Numeric, "net_minor": Numeric, "cleared_minor": Numeric, "verdict": Text,
    "subject": Text, "payment_id": PgUUID(as_uuid=True),
}  # fmt: skip
_KEEP = text(
    "insert into settlement_line (brand_id, settlement_id, connection_id, "  # noqa: S608 - ours
    f"{', '.join(_COLUMNS)}) select :brand_id, :settlement_id, :connection_id, l.*"
    f" from unnest({', '.join(':' + name for name in _COLUMNS)}) as l({', '.join(_COLUMNS)})"
).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file; `replayed` when the same file was imported before."""

    settlement_id: UUID
    replayed: bool


async def import_settlement(
    work: WriteWork,
    connection_id: UUID,
    *,
    name: str,
    content: str,
    refunds: Mapping[str, str] | None = None,
) -> Imported:
    """Import a settlement file of a connection: a file once, and each line once across files.
    A line that an earlier file had with other figures is told and books nothing. A fee that the PSP
    did not say before, or that none keeps, is booked as it is and told.

    Books per currency, in one transfer: PSP_FEES −fees, BANK −net, PSP_CLEARING +what we had
    booked, SUSPENSE + the rest. What we booked up to the file's last day, older than the policy's
    clearing hours, and no settlement has, is SETTLEMENT_MISSING; it is resolved when it comes.
    A deposit that was given up and is in a settlement all the same is OUTCOME_UNKNOWN until a round
    has asked the PSP and credited it.

    `refunds` has the PSP's payment of each refund that the PSP made by itself, whose lines name
    only themselves; without it they are SETTLEMENT_EXTRA.

    Refusals: NOT_FOUND, SETTLEMENT_MALFORMED (the whole file, with the line).
    Effects: rows, discrepancies with an event each, audit.
    """
    lines = read_settlement(content)
    await _lock_connection(work, connection_id)
    digest = hashlib.sha256(content.encode()).hexdigest()
    before = await _find(work, connection_id, digest)
    if before is not None:
        return Imported(before, replayed=True)
    fresh, restated = await compare_lines(work, connection_id, lines)
    judged = judge_lines(fresh, await match(work, connection_id, fresh, refunds or {}))
    actor = work.scope.actor
    row: dict[str, Any] = {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "connection_id": connection_id,
        "name": name.strip()[:NAME_MAX] or "settlement",
        "digest": digest,
        "lines": len(judged),
        "matched": sum(one.verdict is LineVerdict.MATCHED for one in judged),
        "differing": restated + sum(one.verdict is not LineVerdict.MATCHED for one in judged),
        "imported_by": actor.id if actor.kind is ActorKind.STAFF else None,
        "imported_at": work.now(),
    }
    await work.rows(insert(settlement).values(row))
    await _keep(work, row["id"], connection_id, judged)
    await _tell(work, connection_id, judged)
    await _tell_given_up(work, connection_id, judged)
    await _tell_missing(work, connection_id, lines)
    shown = {key: str(row[key]) for key in ("name", "digest", "lines", "matched", "differing")}
    work.audit(
        Change("settlement.import", object_kind="settlement", object_id=row["id"], after=shown)
    )
    await _book(work, row["id"], connection_id, totals_of(judged))
    return Imported(row["id"], replayed=False)


async def _lock_connection(work: WriteWork, connection_id: UUID) -> None:
    """Imports of one connection follow each other, so that each line is seen by the next."""
    row = await work.maybe(
        select(psp_connection.c.id)
        .where(
            psp_connection.c.brand_id == work.scope.brand_id, psp_connection.c.id == connection_id
        )
        .with_for_update(key_share=True)
    )
    if row is None:
        raise NotFound(path=("input", "merchantAccountId"))


async def _find(work: WriteWork, connection_id: UUID, digest: str) -> UUID | None:
    row = await work.maybe(
        select(settlement.c.id).where(
            settlement.c.brand_id == work.scope.brand_id,
            settlement.c.connection_id == connection_id,
            settlement.c.digest == digest,
        )
    )
    return None if row is None else row.id


def _of(work: WriteWork, connection_id: UUID) -> dict[str, Any]:
    return {"brand_id": work.scope.brand_id, "connection_id": connection_id}


async def _keep(
    work: WriteWork, settlement_id: UUID, connection_id: UUID, judged: Sequence[Judged]
) -> None:
    rows = [
        (
            one.line.n, one.line.ext_line_id, one.line.ext_settlement_id, one.line.date,
            one.line.type, one.line.psp_id, one.line.reference, one.line.currency,
            one.line.gross_minor, one.line.fee_minor, one.line.net_minor, one.cleared_minor,
            one.verdict, one.expected.subject if one.expected else "",
            one.expected.payment_id if one.expected else None,
        )
        for one in judged
    ]  # fmt: skip
    if not rows:
        return
    columns = {name: list(values) for name, values in zip(_COLUMNS, zip(*rows, strict=True),
                                                          strict=True)}  # fmt: skip
    await work.rows(_KEEP, {**_of(work, connection_id), "settlement_id": settlement_id} | columns)


async def _tell(work: WriteWork, connection_id: UUID, judged: Iterable[Judged]) -> None:
    """Discrepancies of lines; those that a subject's lines now make good are resolved."""
    found: dict[str, Found] = {}
    settled: set[str] = set()
    seen: set[str] = set()
    for one in judged:
        subject = one.expected.subject if one.expected else _stray(connection_id, one.line)
        if one.expected is not None:
            seen.add(one.expected.subject)
        if one.is_fee_wrong:
            found[_fee(subject)] = _fee_found(connection_id, _fee(subject), one)
        if one.is_whole:
            settled |= {subject, _fee(subject)}
            continue
        found[subject] = _found(connection_id, subject, one)
    settled -= found.keys()
    await settle_discrepancies(
        work,
        {
            DiscrepancyKind.SETTLEMENT_DIFFERS: sorted(settled),
            DiscrepancyKind.SETTLEMENT_MISSING: sorted(seen),
        },
        resolution="A later settlement has it.",
    )
    await open_discrepancies(work, [found[key] for key in sorted(found)])


def _stray(connection_id: UUID, line: Line) -> str:
    return f"line:{connection_id.hex}:{line.ext_line_id}"


def _fee(subject: str) -> str:
    return f"{subject}:psp_fee"


def _fee_found(connection_id: UUID, subject: str, one: Judged) -> Found:
    """A fee that no PSP keeps, or another than this one said."""
    about, currency = one.expected, one.line.currency
    assert about is not None, "only what is ours has a fee that we judge"
    return Found(
        DiscrepancyKind.SETTLEMENT_DIFFERS,
        subject,
        payment_id=about.payment_id,
        connection_id=connection_id,
        expected=None if about.fee_minor is None else Money(about.fee_minor, currency),
        actual=Money(about.fee_told_minor, currency),
        facts={"what": "fee"} | _facts(one.line),
    )


def _facts(line: Line) -> dict[str, Any]:
    return {
        "line": line.n, "type": line.type, "psp_id": line.psp_id,
        "reference": line.reference, "settlement": line.ext_settlement_id,
    }  # fmt: skip


def _found(connection_id: UUID, subject: str, one: Judged) -> Found:
    line, about = one.line, one.expected
    actual = line.gross_minor if about is None else about.told_minor
    same_currency = about is None or about.total.currency == line.currency
    return Found(
        DiscrepancyKind.SETTLEMENT_EXTRA if about is None else DiscrepancyKind.SETTLEMENT_DIFFERS,
        subject,
        payment_id=None if about is None else about.payment_id,
        connection_id=connection_id,
        expected=about.total if about is not None and same_currency else None,
        actual=Money(actual if same_currency else line.gross_minor, line.currency),
        facts=_facts(line),
    )


async def _tell_given_up(work: WriteWork, connection_id: UUID, judged: Iterable[Judged]) -> None:
    """Deposits that we gave up and their PSP was paid: it is asked until it is credited."""
    found = {
        one.expected.payment_id: Found(
            DiscrepancyKind.OUTCOME_UNKNOWN,
            f"deposit:{one.expected.payment_id.hex}",
            payment_id=one.expected.payment_id,
            connection_id=connection_id,
            expected=one.expected.total,
            facts={"line": one.line.n, "settlement": one.line.ext_settlement_id},
        )
        for one in judged
        if one.expected is not None and one.expected.is_given_up
    }
    await open_discrepancies(work, [found[key] for key in sorted(found)])


async def _tell_missing(work: WriteWork, connection_id: UUID, lines: Sequence[Line]) -> None:
    if not lines:
        return
    hours = (await find_policy(work)).clearing_hours
    start, last = min(line.date for line in lines), max(line.date for line in lines)
    ended = datetime.combine(last, time(), UTC) + timedelta(days=1)
    began = datetime.combine(start, time(), UTC) - _LOOK_BACK
    until = min(ended, work.now() - timedelta(hours=hours))
    missing = await missing_since(work, connection_id, began, until)
    await open_discrepancies(
        work,
        [
            Found(
                DiscrepancyKind.SETTLEMENT_MISSING,
                one.subject,
                payment_id=one.payment_id,
                connection_id=connection_id,
                expected=one.total,
                actual=Money(0, one.total.currency),
            )
            for one in missing
        ],
    )


async def _book(
    work: WriteWork, settlement_id: UUID, connection_id: UUID, totals: dict[str, Totals]
) -> None:
    """One transfer per currency, all in one call."""
    kinds = LedgerAccountKind
    moved: dict[str, list[tuple[AccountKey, int]]] = {}
    for currency, sums in sorted(totals.items()):
        legs = (
            (AccountKey.of(kinds.PSP_FEES, currency, connection_id), -sums.fees),
            (AccountKey.of(kinds.BANK, currency), -sums.net),
            (AccountKey.of(kinds.PSP_CLEARING, currency, connection_id), sums.cleared),
            (AccountKey.of(kinds.SUSPENSE, currency), sums.suspense),
        )
        some = [(key, minor) for key, minor in legs if minor]
        if some:
            moved[currency] = some
    accounts = await ledger_accounts(work, [key for legs in moved.values() for key, _ in legs])
    transfers = [
        Transfer(
            f"settlement:{settlement_id.hex}:{currency}",
            "SETTLEMENT",
            [Leg(accounts[key], Money(minor, currency)) for key, minor in legs],
            meta={"settlement_id": str(settlement_id), "connection_id": str(connection_id)},
        )
        for currency, legs in moved.items()
    ]
    await post(work, transfers)
