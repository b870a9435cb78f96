"""Every table that any context declares, found by looking, so that a new context is covered."""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sqlalchemy import MetaData, Table

from tenants.database import metadata

ROOT = Path(__file__).parents[1]


@cache
def declared() -> MetaData:
    """All tables of all contexts."""
    importlib.import_module("tenants.tables")
    for path in sorted(ROOT.glob("domain/**/tables.py")):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return metadata


def brand_tables() -> Iterator[Table]:
    """Tables whose rows each belong to one brand, referenced ones first."""
    return (table for table in declared().sorted_tables if table.info["place"] == "brand")
