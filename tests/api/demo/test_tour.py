"""Every query of the tour and the crash is of this schema, and every step says what it shows."""

from types import ModuleType

import pytest
from graphql import parse, validate

from api.demo import crash
from api.demo.tour import STEPS, cashier, oversight, people, trading
from schema.root import schema

MODULES = (people, oversight, cashier, trading, crash)


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
