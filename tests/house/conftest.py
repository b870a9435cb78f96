"""What house tests look at: every table that is declared."""

import importlib

import pytest
from sqlalchemy import MetaData

from tenants.database import metadata as declared
from tests.house.sources import ROOT


@pytest.fixture(scope="session")
def metadata() -> MetaData:
    """All tables, whichever context declares them."""
    importlib.import_module("tenants.tables")
    for path in sorted(ROOT.glob("domain/*/tables.py")):
        importlib.import_module(f"domain.{path.parent.name}.tables")
    return declared
