"""What Postgres did for a page: its plans as it ran them, and what of them does not scale."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.reads.keyset import MAX_SIZE

MOST = 1_000
"""So many rows may be sorted or looked at in vain for one page."""
SETTINGS: Mapping[str, str] = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}


@dataclass(frozen=True)
class Fault:
    """A node of a plan that grows with the brand. `is_vain`: by what it looks at for nothing."""

    what: str
    is_vain: bool = False

    def __str__(self) -> str:
        return self.what


class Plans:
    """The plans of what an engine sends, by the database's own module that explains."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def listen(self, engine: AsyncEngine) -> None:
        """Hear the notices of every connection of the pool."""

        def connected(connection: Any, _record: Any) -> None:
            raw = connection.driver_connection
            raw.add_log_listener(lambda _raw, message: self._told.append(message.message))

        event.listen(engine.sync_engine, "connect", connected)

    @contextmanager
    def collected(self) -> Iterator[list[dict[str, Any]]]:
        """What is told meanwhile; filled when the block ends."""
        self._told.clear()
        found: list[dict[str, Any]] = []
        yield found
        found += [
            json.loads(message.partition("plan:\n")[2])
            for message in self._told
            if "plan:\n" in message
        ]


def is_kept(statement: str) -> bool:
    """Whether a compiled statement is planned once: a constant limits each page before its size."""
    pages = statement.count("LIMIT $")
    return 0 < pages == statement.count(f"LIMIT {MAX_SIZE + 1})")


def faults(plan: dict[str, Any], large: Mapping[str, int]) -> Iterator[Fault]:
    """What of a plan does not scale; `large` are the tables with many rows, and how many."""
    for node in _nodes(plan["Plan"]):
        yield from _wrong(node, large)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _wrong(node: dict[str, Any], large: Mapping[str, int]) -> Iterator[Fault]:
    kind, loops = node["Node Type"], node.get("Actual Loops", 0)
    relation = node.get("Relation Name", "")
    if not loops:
        return
    if kind == "Seq Scan" and relation in large:
        yield Fault(f"Seq Scan on {relation}")
    if kind in ("Sort", "Incremental Sort"):
        rows = max((one.get("Actual Rows", 0) for one in node.get("Plans", ())), default=0)
        if rows > MOST:
            yield Fault(f"{kind} of {rows:.0f} rows by {', '.join(node['Sort Key'])}")
    vain = sum(
        node.get(name, 0) * loops
        for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck",
                     "Rows Removed by Join Filter")
    )  # fmt: skip
    if vain > max(MOST, node.get("Actual Rows", 0) * loops):
        where = node.get("Filter") or node.get("Recheck Cond") or node.get("Join Filter")
        at = f"{relation} {node.get('Index Name', '')}".strip()
        yield Fault(f"{kind} on {at}: {vain:.0f} rows looked at in vain: {where}", is_vain=True)
