"""One transaction of the KYC vendor. Every change raises a version and leaves a notice."""

import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.kernel.ids import new_uuid
from sandbox.kyc import outbox
from sandbox.kyc.faults import Faults
from sandbox.kyc.rules import PERSONS, TURNED
from sandbox.kyc.values import (
    Account,
    Answer,
    Applicant,
    Finding,
    Refusal,
    RejectType,
    ReviewStatus,
    Verdict,
)
from sandbox.store import Connection

_COLUMNS = tuple(field.name for field in fields(Applicant))
_NAMED = ", ".join(_COLUMNS)
_VALUES = ", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))
_UPSERT = (
    f"insert into sandbox.kyc_applicant ({_NAMED}) values ({_VALUES})"  # noqa: S608 - our own names
    " on conflict (id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "id")
)
_SELECT = f"select {_NAMED} from sandbox.kyc_applicant"  # noqa: S608 - our own names
_TURN = "turn"


class Desk:
    """A transaction at work. `now` is the vendor's clock, the same for all of it."""

    def __init__(self, connection: Connection, *, now: datetime, faults: Faults) -> None:
        self.connection = connection
        self.now = now
        self.faults = faults
        self.has_news = False

    async def account_by_key(self, key_hash: str) -> Account | None:
        row = await self.connection.fetchrow(
            "select name, key_hash, notice_url, notice_secret from sandbox.kyc_account"
            " where key_hash = $1",
            key_hash,
        )
        return Account(**row) if row else None

    async def keep_account(self, item: Account) -> None:
        await self.connection.execute(
            "insert into sandbox.kyc_account (name, key_hash, notice_url, notice_secret)"
            " values ($1, $2, $3, $4) on conflict (name) do update set"
            " key_hash = excluded.key_hash, notice_url = excluded.notice_url,"
            " notice_secret = excluded.notice_secret",
            item.name,
            item.key_hash,
            item.notice_url,
            item.notice_secret,
        )

    async def find(self, applicant_id: str, *, account: str | None = None) -> Applicant | None:
        """An applicant, locked; None for another account's."""
        row = await self.connection.fetchrow(f"{_SELECT} where id = $1 for update", applicant_id)
        found = None if row is None else _read(row)
        return None if found is None or account not in (None, found.account) else found

    async def find_by_reference(self, account: str, reference: str) -> Applicant | None:
        row = await self.connection.fetchrow(
            f"{_SELECT} where account = $1 and reference = $2 for update", account, reference
        )
        return None if row is None else _read(row)

    async def take(self, applicant_id: str) -> Applicant:
        """An applicant, locked. Refusals: UNKNOWN_APPLICANT."""
        found = await self.find(applicant_id)
        if found is None:
            raise Refusal("UNKNOWN_APPLICANT", f"There is no applicant {applicant_id}.")
        return found

    async def create(
        self, account: Account, *, reference: str, level: str, return_url: str
    ) -> tuple[Applicant, bool]:
        """The applicant of a reference, and whether it is new. Refusals: REFERENCE_IN_USE."""
        # Whoever uses the same reference at the same time waits for the end of this work.
        await self.connection.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 20261))",
            f"{account.name}\n{reference}",
        )
        known = await self.find_by_reference(account.name, reference)
        if known is not None:
            if known.level != level:
                raise Refusal("REFERENCE_IN_USE", f"{reference} is of another level.")
            return known, False
        auto = self.faults.knobs.auto
        made = Applicant(
            id=f"app_{new_uuid().hex}",
            account=account.name,
            reference=reference,
            level=level,
            return_url=return_url,
            form_token=secrets.token_urlsafe(24),
            due_at=self._later(self.faults.knobs.review_delay_ms) if auto else None,
            due={"person": auto} if auto else None,
            created_at=self.now,
            updated_at=self.now,
        )
        await self._keep(made)
        return made, True

    async def submit(self, item: Applicant, person: str) -> Applicant:
        """Somebody has shown papers and face: it is looked at. Refusals: NOT_WAITING,
        UNKNOWN_PERSON."""
        if item.status is not ReviewStatus.INIT:
            raise Refusal("NOT_WAITING", "This was handed in before.")
        if person not in PERSONS:
            raise Refusal("UNKNOWN_PERSON", "Choose one of the persons.")
        endless = PERSONS[person][1] is None
        return await self._change(
            item,
            status=ReviewStatus.PENDING,
            due_at=None if endless else self._later(self.faults.knobs.review_delay_ms),
            due=None if endless else {"person": person},
        )

    async def decide(self, item: Applicant, verdict: Verdict) -> Applicant:
        """Decide, whatever was decided before; an approval may turn by itself later."""
        held = verdict.answer is None
        turns = verdict.answer is Answer.GREEN and self.faults.turns()
        return await self._change(
            item,
            status=ReviewStatus.ON_HOLD if held else ReviewStatus.COMPLETED,
            answer=verdict.answer,
            reject_type=verdict.reject_type,
            labels=verdict.labels,
            flags=verdict.flags,
            moderation_comment=verdict.moderation_comment,
            client_comment=verdict.client_comment,
            due_at=self._later(self.faults.knobs.then_red_delay_ms) if turns else None,
            due={"person": _TURN} if turns else None,
        )

    async def do_due(self, item: Applicant) -> None:
        """What was to happen by itself."""
        if item.due is None:
            return
        person = str(item.due["person"])
        verdict = TURNED if person == _TURN else PERSONS[person][1]
        assert verdict is not None, "nothing is due of who waits without end"
        await self.decide(item, verdict)

    async def list_due(self, *, limit: int) -> list[str]:
        rows = await self.connection.fetch(
            "select id from sandbox.kyc_applicant where due_at <= clock_timestamp()"
            " order by due_at limit $1",
            limit,
        )
        return [row["id"] for row in rows]

    async def _change(self, item: Applicant, **changes: Any) -> Applicant:
        made = replace(item, version=item.version + 1, updated_at=self.now, **changes)
        await self._keep(made)
        due = datetime.now(UTC) + self.faults.notice_delay()
        await outbox.put(self.connection, made, due=due)
        return made

    async def _keep(self, item: Applicant) -> None:
        self.has_news = True
        values = [getattr(item, name) for name in _COLUMNS]
        await self.connection.execute(
            _UPSERT, *(list(one) if isinstance(one, tuple) else one for one in values)
        )

    def _later(self, milliseconds: int) -> datetime:
        # Promised in moments, so due by the machine's own clock.
        return datetime.now(UTC) + timedelta(milliseconds=milliseconds)


def _read(row: Mapping[str, Any]) -> Applicant:
    values = dict(row)
    values["status"] = ReviewStatus(values["status"])
    values["answer"] = values["answer"] and Answer(values["answer"])
    values["reject_type"] = values["reject_type"] and RejectType(values["reject_type"])
    values["labels"] = tuple(values["labels"])
    values["flags"] = tuple(Finding(one) for one in values["flags"])
    return Applicant(**values)
