"""Every query of the tour and the crash is of this schema, and every step says what it shows."""

from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from graphql import parse, validate
from rich.console import Console

from api.demo import crash, paying
from api.demo.asking import Asker
from api.demo.tour import (
    STEPS,
    board,
    cashier,
    identity,
    joining,
    killed,
    oversight,
    people,
    prop,
    trading,
)
from api.demo.tour.guide import Guide
from schema.root import schema

MODULES = (
    board, cashier, crash, identity, joining, killed, oversight, paying, people, prop, trading,
)  # fmt: skip


def queries(module: ModuleType) -> list[str]:
    """The texts of a module that are GraphQL."""
    texts = [value for value in vars(module).values() if isinstance(value, str)]
    begins = ("{", "query", "mutation", "subscription")
    return [text for text in texts if text.strip().startswith(begins)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_queries_are_of_this_schema(module: ModuleType) -> None:
    found = queries(module)
    assert found
    for text in found:
        assert validate(schema._schema, parse(text)) == [], text


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_each_step_has_a_title_and_says_why(step: object) -> None:
    title, _, told = (step.__doc__ or "").partition("\n")
    assert title.strip()
    assert told.strip()


async def test_a_database_of_somebody_else_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> bool:
        raise AssertionError("it was asked to")

    monkeypatch.setattr(killed, "crash", crash)
    console = Console(record=True, file=StringIO())
    settings: Any = SimpleNamespace(cluster=None)
    await killed.the_database_is_killed(Guide(settings, console, cast(Asker, None)))
    assert "not ours to kill" in console.export_text()
