"""The sealer of the audit trail: a hash chain made off the hot path, in the order of `seq`.

`hash = SHA256(previous ‖ seq ‖ row_hash)`, the first row following 32 zero bytes and `seq` being
eight bytes, big-endian; `row_hash` is the SHA-256 of the row's canonical JSON. A chain made inside
the acting transactions would serialise a brand's commits; here one sealer per brand, held by an
advisory lock, follows a second behind.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, insert, select

from tenants.context import NO_BRAND, system_scope
from tenants.tables import audit, audit_seal, brand_head
from tenants.work import Database, ReadWork, WriteWork

BEGINNING = bytes(32)
SEALED_WITHIN = timedelta(seconds=5)
_BATCH = 2_000
_SEALED = (
    "id", "at", "actor_kind", "actor_id", "on_behalf_of", "token_id", "action", "object_kind",
    "object_id", "outcome", "repeats", "reason", "before", "after", "ip", "request_id",
)  # fmt: skip


class FaultKind(StrEnum):
    """What can be wrong with a trail. Every kind but UNSEALED is somebody's doing."""

    EDITED = "EDITED"
    REORDERED = "REORDERED"
    MISSING = "MISSING"
    SEAL_MISSING = "SEAL_MISSING"
    UNSEALED = "UNSEALED"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at a position of the trail; for MISSING, of the first that is not there."""

    kind: FaultKind
    seq: int


async def seal(database: Database, brand_id: UUID, *, at_most: int = _BATCH) -> int:
    """Seal what was audited since the last time; how many rows. Nothing while another sealer works.

    Stops at a gap, which only tampering makes: `verify` names it. Needs the role `worker`.
    """

    async def extend(work: WriteWork) -> int:
        locked = await work.one(
            select(func.pg_try_advisory_xact_lock(_lock_key(brand_id)).label("got"))
        )
        if not locked.got:
            return 0
        last = await work.maybe(
            select(audit_seal)
            .where(audit_seal.c.brand_id == brand_id)
            .order_by(audit_seal.c.seq.desc())
            .limit(1)
        )
        at, previous = (last.seq, bytes(last.hash)) if last else (0, BEGINNING)
        rows = await work.rows(
            select(audit)
            .where(audit.c.brand_id == brand_id, audit.c.seq > at)
            .order_by(audit.c.seq)
            .limit(at_most)
        )
        sealed = list(_chain(rows, at, previous, brand_id))
        if sealed:
            await work.rows(insert(audit_seal).values(sealed))
        return len(sealed)

    return (await database.write(system_scope(brand_id), extend)).value


async def verify(
    database: Database, brand_id: UUID, *, now: datetime | None = None
) -> Sequence[Fault]:
    """Every fault of a brand's trail, in one snapshot: edits, deletions, gaps, reordering.

    A trail cut at its end is told from `brand_head`, which counts what was ever written.
    """
    examined = _Examined(now or datetime.now(UTC))
    async with database.read(system_scope(brand_id)) as work:
        head = await work.rows(
            select(brand_head.c.audit_seq).where(brand_head.c.brand_id == brand_id)
        )
        sealed_upto = await _sealed_upto(work, brand_id)
        while rows := await _batch(work, brand_id, examined.at):
            for row in rows:
                examined.take(row, sealed_upto)
    written = head[0].audit_seq if head else 0
    if examined.at < written:
        examined.faults.append(Fault(FaultKind.MISSING, examined.at + 1))
    return tuple(sorted(examined.settled(), key=lambda one: one.seq))


def row_hash(row: Any) -> bytes:
    """SHA-256 of an audit row's canonical JSON, keys sorted. The columns never change."""
    content = {name: row._mapping[name] for name in _SEALED}
    options = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
    content["at"] = row.at.astimezone(UTC)
    return hashlib.sha256(orjson.dumps(content, option=options, default=str)).digest()


def link(previous: bytes, seq: int, hash_of_row: bytes) -> bytes:
    """The hash of a position, given that of the one before."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + hash_of_row).digest()


@dataclass(slots=True)
class _Examined:
    """What was seen so far, row by row in the order of `seq`."""

    now: datetime
    at: int = 0
    previous: bytes = BEGINNING
    faults: list[Fault] = field(default_factory=list)
    broken: dict[int, tuple[bytes, bytes, bytes]] = field(default_factory=dict)

    def take(self, row: Any, sealed_upto: int) -> None:
        if row.seq != self.at + 1:
            self.faults.append(Fault(FaultKind.MISSING, self.at + 1))
        content = row_hash(row)
        if row.hash is not None:
            stored = bytes(row.hash)
            follows = row.seq == self.at + 1
            if follows and link(self.previous, row.seq, content) != stored:
                self.broken[row.seq] = (self.previous, stored, content)
            self.previous = stored
        else:
            self._unsealed(row, sealed_upto)
            self.previous = link(self.previous, row.seq, content)
        self.at = row.seq

    def _unsealed(self, row: Any, sealed_upto: int) -> None:
        if row.seq <= sealed_upto:
            self.faults.append(Fault(FaultKind.SEAL_MISSING, row.seq))
        elif self.now - row.at > SEALED_WITHIN:
            self.faults.append(Fault(FaultKind.UNSEALED, row.seq))

    def settled(self) -> Iterator[Fault]:
        """Faults with the broken links told apart: a row whose seal fits another one has moved."""
        yield from self.faults
        contents = [content for _, _, content in self.broken.values()]
        for seq, (previous, stored, own) in self.broken.items():
            moved = any(link(previous, seq, each) == stored for each in contents if each != own)
            yield Fault(FaultKind.REORDERED if moved else FaultKind.EDITED, seq)


def _chain(
    rows: Sequence[Any], at: int, previous: bytes, brand_id: UUID
) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.seq != at + 1:
            return
        at, previous = row.seq, link(previous, row.seq, row_hash(row))
        yield {"brand_id": brand_id, "seq": at, "hash": previous}


async def _batch(work: ReadWork, brand_id: UUID, after: int) -> Sequence[Any]:
    source = audit.outerjoin(
        audit_seal,
        (audit_seal.c.brand_id == audit.c.brand_id) & (audit_seal.c.seq == audit.c.seq),
    )
    return await work.rows(
        select(audit, audit_seal.c.hash)
        .select_from(source)
        .where(audit.c.brand_id == brand_id, audit.c.seq > after)
        .order_by(audit.c.seq)
        .limit(_BATCH)
    )


async def _sealed_upto(work: ReadWork, brand_id: UUID) -> int:
    rows = await work.rows(
        select(func.coalesce(func.max(audit_seal.c.seq), 0).label("seq")).where(
            audit_seal.c.brand_id == brand_id
        )
    )
    return int(rows[0].seq)


def _lock_key(brand_id: UUID) -> int:
    """A signed 64-bit key of the brand's sealer; advisory locks are global."""
    digest = hashlib.sha256(b"seal|" + brand_id.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class Sealer:
    """Seals every brand whose trail has grown since the last round."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[UUID, int] = {}

    async def round(self) -> int:
        """Seal what is new in all brands; how many rows. For the worker's role, each second."""
        async with self._database.read(system_scope(NO_BRAND)) as work:
            heads = await work.rows(select(brand_head.c.brand_id, brand_head.c.audit_seq))
        sealed = 0
        for head in heads:
            if self._seen.get(head.brand_id) != head.audit_seq:
                new = await seal(self._database, head.brand_id)
                if new < _BATCH:
                    self._seen[head.brand_id] = head.audit_seq
                sealed += new
        return sealed
