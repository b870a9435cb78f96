"""Rounds over the ledger: snapshots of the house's balances, and the running verification."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Gauge
from sqlalchemy import DateTime, bindparam, text

from domain.payments.ledger.checks import Invariant
from domain.payments.ledger.verify import Mark, Verdict, verify
from tenants.context import system_scope
from tenants.work import Database, WriteWork

# Two minutes, as `ledger.snapshot` wants, and a little more.
_BACK = timedelta(seconds=125)
_WHOLE_EVERY = timedelta(hours=24)
_SNAPSHOT = text("select ledger.snapshot(:brand_id, :upto) as made").bindparams(
    bindparam("upto", type_=DateTime(timezone=True))
)
_findings = Gauge("backdesk_ledger_findings", "What verification found last", ["invariant"])
_verified_at = Gauge(
    "backdesk_ledger_verified_at",
    "When the brand was verified for which that is longest ago, Unix time",
)
_snapshot_at = Gauge("backdesk_ledger_snapshot_at", "Up to when balances are folded, Unix time")
_log = structlog.get_logger(__name__)


async def take_snapshots(database: Database, brand_id: UUID) -> int:
    """Fold what was posted on a brand's accounts without a floor; how many. Needs `worker`.

    So the sum of a hot account stays short, although no transfer ever writes its balance.
    """

    async def fold(work: WriteWork) -> tuple[int, datetime]:
        upto = work.database_now() - _BACK
        row = await work.one(_SNAPSHOT, {"brand_id": work.scope.brand_id, "upto": upto})
        return int(row.made), upto

    made, upto = (await database.write(system_scope(brand_id), fold)).value
    _snapshot_at.set(upto.timestamp())
    return made


class RunningVerification:
    """Verifies each brand whole at first and once a day, and in between what is new.

    What a whole look found stays told until the next whole look finds it no more; clearing accounts
    are looked at each time.
    """

    def __init__(self) -> None:
        self._marks: dict[UUID, Mark] = {}
        self._whole_at: dict[UUID, datetime] = {}
        self._found: dict[UUID, dict[str, set[str]]] = {}
        self._at: dict[UUID, datetime] = {}

    async def __call__(self, database: Database, brand_id: UUID) -> int:
        """Verify a brand; how many findings there are. They are logged when they are new."""
        now = datetime.now(UTC)
        # A brand that fails stays as old as it is; one that was never verified, as its first try.
        self._at.setdefault(brand_id, now)
        whole = now - self._whole_at.get(brand_id, datetime.min.replace(tzinfo=UTC)) > _WHOLE_EVERY
        since = None if whole else self._marks.get(brand_id)
        verdict = await verify(database, brand_id, since=since)
        self._marks[brand_id] = verdict.mark
        if since is None:
            self._whole_at[brand_id] = now
        self._at[brand_id] = now
        self._tell(brand_id, verdict, whole=since is None)
        return sum(len(ids) for ids in self._found[brand_id].values())

    def _tell(self, brand_id: UUID, verdict: Verdict, *, whole: bool) -> None:
        before = self._found.get(brand_id, {})
        found: dict[str, set[str]] = {} if whole else {key: set(ids) for key, ids in before.items()}
        found.pop(Invariant.I9, None)
        for one in verdict.findings:
            found.setdefault(one.invariant, set()).add(one.id)
            if one.id not in before.get(one.invariant, set()):
                _log.error(
                    "ledger_finding",
                    brand=brand_id.hex,
                    invariant=one.invariant,
                    what=one.what,
                    id=one.id,
                )
        self._found[brand_id] = found
        for invariant in Invariant:
            count = sum(len(brand.get(invariant, ())) for brand in self._found.values())
            _findings.labels(invariant).set(count)
        _verified_at.set(min(self._at.values()).timestamp())
