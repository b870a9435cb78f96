"""Whether a brand's ledger is what it must be: all of it, or what is new since the last time.

Everything is read in one snapshot, in stretches small enough for the time limit of a statement,
and explained by ids. `Mark` says how far it is verified; the next round goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, DateTime, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.payments.ledger.ageing import AgedBalance, clearing_ages
from domain.payments.ledger.checks import ACCOUNTS, RECENT, TRANSFERS, Invariant
from domain.payments.ledger.guards import GUARDS
from domain.payments.queries import find_policy
from tenants.context import system_scope
from tenants.work import Database, ReadWork

_STRETCH = 20_000
_ACCOUNTS_AT_ONCE = 500
_ANSWERS_AT_ONCE = 5_000
# A transfer commits within a minute, or not at all (`ledger.judge`).
_SETTLED = timedelta(minutes=2)
_IDS = bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True)))
_START = bindparam("start", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))

_NOW = text(
    "select clock_timestamp() as now, coalesce(max(event_seq), 0) as seq from brand_head"
    " where brand_id = :brand_id"
)
_CUT = text(
    "select recorded_at from ledger_transfer where brand_id = :brand_id and recorded_at >= :start"
    " and recorded_at < :until order by recorded_at offset :size limit 1"
).bindparams(_START, _UNTIL)
_SOME_ACCOUNTS = text(
    "select id from ledger_account where brand_id = :brand_id and id > :after order by id limit :n"
).bindparams(bindparam("after", type_=PgUUID(as_uuid=True)))
_TOUCHED = text(
    "select distinct l.account_id as id from ledger_transfer t"
    " cross join lateral (select p.account_id from ledger_posting p"
    "   where p.brand_id = :brand_id and p.transfer_id = t.id"
    "  union all select h.account_id from ledger_hold_leg h"
    "   where h.brand_id = :brand_id and h.transfer_id in (t.id, t.resolves_id)) l"
    " where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until"
).bindparams(_START, _UNTIL)
# The same transfers and events, each once: equal counts and equal sums of their hashes.
_BOTH = text(
    "select t.n = e.n and t.sum is not distinct from e.sum as same from"
    " (select count(*) as n, sum(hashtextextended(id::text, 0)::numeric) as sum"
    "  from ledger_transfer where brand_id = :brand_id) t,"
    " (select count(*) as n, sum(hashtextextended(object_id::text, 0)::numeric) as sum"
    "  from event where brand_id = :brand_id and topic = 'LEDGER') e"
)
# Numbers are gapless, from 1 to that of the head.
_GAPS = text(
    "select g.seq from (select e.seq - 1 as seq,"
    "   e.seq - coalesce(lag(e.seq) over (order by e.seq), 0) as step from event e"
    "  where e.brand_id = :brand_id) g where g.step <> 1"
    " union all"
    " select h.event_seq from brand_head h where h.brand_id = :brand_id and h.event_seq > 0"
    "  and not exists (select 1 from event e where e.brand_id = :brand_id"
    "   and e.seq = h.event_seq) order by 1 limit 100"
)
_UNEVEN = text(
    "select coalesce(t.id, e.object_id) as id"
    " from (select id from ledger_transfer where brand_id = :brand_id) t"
    " full join (select object_id, seq from event"
    "  where brand_id = :brand_id and topic = 'LEDGER') e on e.object_id = t.id"
    " group by t.id, e.object_id having count(e.seq) <> 1 or t.id is null limit 100"
)
# A full join is never made by looking through one side for each row of the other.
_UNEVEN_RECENT = text(
    "select coalesce(t.id, e.object_id) as id"
    " from (select id from ledger_transfer"
    "  where brand_id = :brand_id and recorded_at >= :start and recorded_at < :until) t"
    " full join (select object_id, seq from event"
    "  where brand_id = :brand_id and topic = 'LEDGER' and seq > :seq) e on e.object_id = t.id"
    " group by t.id, e.object_id"
    " having t.id is not null and count(e.seq) <> 1"
    "  or t.id is null and not exists (select 1 from ledger_transfer o"
    "   where o.brand_id = :brand_id and o.id = e.object_id offset 0)"
).bindparams(_START, _UNTIL)
_ANSWERS = text(
    "select actor_kind, actor_id, operation, key, outcome, answer, created_at from idempotency"
    " where brand_id = :brand_id and created_at >= :start"
    "  and (created_at, actor_id, operation, key) > (:at, :actor_id, :operation, :key)"
    " order by created_at, actor_id, operation, key limit :n"
).bindparams(
    _START,
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("actor_id", type_=PgUUID(as_uuid=True)),
)
_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: which invariant, what, and the id of what."""

    invariant: Invariant
    what: str
    id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Verified up to `at`; every event of a later transfer has a `seq` behind this one.

    `heads` are heads of the event log not old enough to be such a `seq` yet.
    """

    at: datetime
    seq: int
    heads: tuple[tuple[datetime, int], ...] = ()

    def moved(self, at: datetime, now: datetime, head: int) -> "Mark":
        """The mark behind a round that saw `head` at `now` and verified up to `at`."""
        heads = (*self.heads, (now, head))
        old = [one for one in heads if one[0] <= at]
        return Mark(at, old[-1][1] if old else self.seq, heads[max(len(old) - 1, 0) :])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a round found, the clearing accounts that are not zero, and how far it came.

    Of I9 every round tells all there is, of the others an incremental one what is new.
    """

    findings: tuple[Finding, ...]
    clearing: tuple[AgedBalance, ...]
    mark: Mark


async def verify(database: Database, brand_id: UUID, *, since: Mark | None = None) -> Verdict:
    """Verify a brand's ledger: all of it, or with `since` what was added behind that mark.

    The last two minutes are left to the next incremental round; a full one looks at everything.
    Needs a role that reads the whole brand (`app` or `worker`) and writes nothing.
    """
    async with database.read(system_scope(brand_id)) as work:
        return await _Round(work, brand_id).run(since)


class _Round:
    """One look at a brand, in one snapshot."""

    def __init__(self, work: ReadWork, brand_id: UUID) -> None:
        self.work, self.brand_id = work, brand_id
        self.findings: list[Finding] = []

    async def run(self, since: Mark | None) -> Verdict:
        (row,) = await self.ask(_NOW)
        settled = row.now - _SETTLED
        for statement in GUARDS:
            for guard in await self.work.rows(text(statement)):
                self.found(Invariant.I4, "a guard is missing, or a right too many", guard.missing)
        if since is None:
            await self._everything(row.now)
            mark = Mark(settled, 0).moved(settled, row.now, row.seq)
        else:
            await self._recent(since, max(settled, since.at))
            mark = since.moved(max(settled, since.at), row.now, row.seq)
        clearing = await self._clearing(row.now)
        return Verdict(tuple(self.findings), tuple(clearing), mark)

    async def _everything(self, now: datetime) -> None:
        await self._transfers(_BEGINNING, now + timedelta(days=1))
        after = _NOBODY
        while ids := [
            row.id for row in await self.ask(_SOME_ACCOUNTS, after=after, n=_ACCOUNTS_AT_ONCE)
        ]:
            await self._checked(ACCOUNTS, ids=ids)
            after = ids[-1]
        (both,) = await self.ask(_BOTH)
        if not both.same:
            for row in await self.ask(_UNEVEN):
                self.found(Invariant.I7, "a transfer without exactly one event", row.id)
        for row in await self.ask(_GAPS):
            self.found(Invariant.I7, "an event is missing from the brand's log", row.seq)
        await self._answers(_BEGINNING)

    async def _clearing(self, now: datetime) -> list[AgedBalance]:
        """I9: money may be on its way for as long as the brand's policy says."""
        limit = now - timedelta(hours=(await find_policy(self.work)).clearing_hours)
        aged = await clearing_ages(self.work)
        for one in aged:
            if one.since < limit:
                self.found(Invariant.I9, "a clearing account not zero for too long", one.account_id)
        return aged

    async def _recent(self, since: Mark, until: datetime) -> None:
        stretch = {"start": since.at, "until": until}
        await self._transfers(since.at, until)
        touched = [row.id for row in await self.ask(_TOUCHED, **stretch)]
        for n in range(0, len(touched), _ACCOUNTS_AT_ONCE):
            await self._checked(RECENT, ids=touched[n : n + _ACCOUNTS_AT_ONCE], **stretch)
        for row in await self.ask(_UNEVEN_RECENT, seq=since.seq, **stretch):
            self.found(Invariant.I7, "a transfer without exactly one event", row.id)
        await self._answers(since.at)

    async def _transfers(self, start: datetime, until: datetime) -> None:
        """All transfers of a time, a stretch after the other."""
        while start < until:
            cut = await self.ask(_CUT, start=start, until=until, size=_STRETCH)
            end = max(cut[0].recorded_at, start + timedelta(microseconds=1)) if cut else until
            await self._checked(TRANSFERS, start=start, until=end)
            start = end

    async def _checked(self, checks: Sequence[tuple[Invariant, str, str]], **given: Any) -> None:
        for invariant, what, statement in checks:
            for row in await self.ask(_bound(statement), **given):
                self.found(invariant, what, row.id)

    async def _answers(self, start: datetime) -> None:
        """I10: an answer that can't be read again would make a repetition fail."""
        at: dict[str, Any] = {"at": start, "actor_id": _NOBODY, "operation": "", "key": ""}
        while rows := await self.ask(_ANSWERS, start=start, n=_ANSWERS_AT_ONCE, **at):
            for row in rows:
                if not _can_be_given(row.outcome, row.answer):
                    name = f"{row.actor_kind}:{row.operation}:{row.key}"
                    self.found(Invariant.I10, "an answer that can't be given again", name)
            last = rows[-1]
            at = {
                "at": last.created_at,
                "actor_id": last.actor_id,
                "operation": last.operation,
                "key": last.key,
            }

    async def ask(self, statement: Any, **given: Any) -> Sequence[Any]:
        return await self.work.rows(statement, {"brand_id": self.brand_id, **given})

    def found(self, invariant: Invariant, what: str, key: Any) -> None:
        one = Finding(invariant, what, str(key))
        if one not in self.findings:
            self.findings.append(one)


def _bound(statement: str) -> Any:
    """The statement with its parameters typed, those that it has."""
    made = text(statement)
    return made.bindparams(*(p for p in (_IDS, _START, _UNTIL) if f":{p.key}" in statement))


def _can_be_given(outcome: str, answer: bytes | None) -> bool:
    try:
        body = orjson.loads(answer or b"")
    except orjson.JSONDecodeError:
        return False
    wanted = {"code", "message", "path", "retryable"}
    return outcome != "REFUSED" or (isinstance(body, dict) and wanted <= body.keys())
