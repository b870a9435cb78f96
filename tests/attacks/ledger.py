"""What the database holds, brand by brand and table by table, as one digest each."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tests.declared import brand_tables, declared

Digest = dict[tuple[UUID | None, str], str]
# Written when somebody is recognised, whatever is asked then.
NOTED = {"token": {"used_at"}}


class Books:
    """Reads the rows of some brands past every policy, so that nothing written can hide."""

    def __init__(self, superuser: psycopg.Connection[Any], brands: Sequence[UUID]) -> None:
        self._superuser = superuser
        self._brands = list(brands)
        self._query = sql.SQL(" union all ").join([*_of_brands(), *_shared(), _jobs()])

    def read(self) -> Digest:
        """A digest of each brand's rows in each table, of shared tables and of the queue."""
        rows = self._superuser.execute(self._query, {"brands": self._brands}).fetchall()
        return {(brand_id, table): digest for table, brand_id, digest in rows}

    def changed(self, before: Digest) -> dict[UUID | None, set[str]]:
        """Which tables of which brand are not as they were."""
        return changes(before, self.read())

    def denials(self, brand_id: UUID) -> int:
        """Denied attempts in a brand's audit trail."""
        row = self._superuser.execute(
            "select count(*) from audit where brand_id = %s and outcome = 'DENIED'", [brand_id]
        ).fetchone()
        assert row is not None
        return int(row[0])


def changes(before: Digest, after: Digest) -> dict[UUID | None, set[str]]:
    """Which tables of which brand differ."""
    found: dict[UUID | None, set[str]] = defaultdict(set)
    for (brand_id, table), _ in before.items() ^ after.items():
        found[brand_id].add(table)
    return dict(found)


def _of_brands() -> list[sql.Composed]:
    return [
        sql.SQL(
            "select {n}, brand_id, {d} from {t} t where brand_id = any(%(brands)s) group by 2"
        ).format(n=sql.Literal(table.name), t=sql.Identifier(table.name), d=_digest(table.name))
        for table in brand_tables()
    ]


def _shared() -> list[sql.Composed]:
    return [
        sql.SQL("select {n}, null::uuid, {d} from {t} t").format(
            n=sql.Literal(table.name), t=sql.Identifier(table.name), d=_digest(table.name)
        )
        for table in declared().sorted_tables
        if table.info["place"] != "brand"
    ]


def _digest(table: str) -> sql.Composable:
    """One number for all rows in any order, without what is noted about whoever asks."""
    without = sorted(NOTED.get(table, set()))
    row = sql.SQL("t::text")
    if without:
        row = sql.SQL("(to_jsonb(t) - {}::text[])::text").format(sql.Literal(without))
    return sql.SQL("concat(count(*), ':', sum(hashtextextended({}, 0)))").format(row)


def _jobs() -> sql.Composed:
    return sql.SQL(
        "select 'jobs', null::uuid, count(*)::text from jobs.procrastinate_jobs"
    ).format()
