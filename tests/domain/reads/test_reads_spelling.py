"""JSON that is joined as text is the JSON that a library reads: over many values, nulls between."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql

from domain.reads import spelling, wording
from domain.reads.spelling import list_of, object_of, plain_text, sure, text_of, value_of
from tenants.database import one_of
from tests.domain.reads.asking import TEXTS, Ask, asker, bound

_words = st.none() | TEXTS
KINDS = Table(
    "kind",
    MetaData(),
    Column("plain", Text),
    Column("odd", Text),
    Column("any", Text),
    one_of("plain", ["NEW", "at.work-2"]),
    one_of("odd", ["NEW", 'say "no"']),
)


@pytest.fixture(scope="module", params=[15, 17])
def ask(superuser: psycopg.Connection[Any], request: pytest.FixtureRequest) -> Ask:
    """Asks as an older Postgres may be asked, and as a newer one."""
    return asker(superuser, request.param)


@given(
    text=_words, number=st.none() | st.integers(-(2**63), 2**63 - 1), flag=st.none() | st.booleans()
)
@example(text='\x01\x1f"\\/\b\f\n\r\t\x7f\u2028é名😀', number=-(2**63), flag=False)
@example(text="':text %s %%", number=2**63 - 1, flag=True)
def test_an_object_is_read_as_what_went_in(
    ask: Ask, text: str | None, number: int | None, flag: bool | None
) -> None:
    made = object_of(
        [
            ("text", sure(value_of(bound("text", Text())))),
            ("number", sure(value_of(bound("number", BigInteger())))),
            ("below", object_of([("flag", sure(value_of(bound("flag", Boolean()))))])),
            ("nothing", object_of([])),
        ]
    )
    found = json.loads(ask(text_of(made), text=text, number=number, flag=flag))
    assert found == {"text": text, "number": number, "below": {"flag": flag}, "nothing": {}}
    assert list(found) == ["text", "number", "below", "nothing"]


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        (Uuid(), UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        (Date(), date(2026, 2, 28), '"2026-02-28"'),
        (ARRAY(Text()), ['a"b', "c\\"], r'["a\"b","c\\"]'),
        (Numeric(), 1, "1"),
    ],
)
def test_values_are_written_as_the_database_writes_them(
    ask: Ask, type_: Any, value: Any, written: str
) -> None:
    shown = value_of(bound("value", type_))
    assert ask(text_of(shown), value=value) == written
    assert ask(cast(func.to_json(bound("value", type_)), Text()), value=value) == written
    assert ask(text_of(shown), value=None) is None


@given(rows=st.lists(_words, max_size=6))
def test_a_list_has_each_row_in_order(ask: Ask, rows: list[str | None]) -> None:
    given_rows = (
        func.unnest(bound("rows", ARRAY(Text())))
        .table_valued(column("text", Text()), with_ordinality="n")
        .render_derived(name="given")
    )
    each = object_of([("text", sure(value_of(given_rows.c.text)))])
    for order, expected in ((given_rows.c.n, rows), (given_rows.c.n.desc(), rows[::-1])):
        made = select(list_of(each, order)).scalar_subquery()
        found = json.loads(ask(made, rows=rows))
        assert found == [{"text": text} for text in expected]


def test_only_what_a_check_holds_to_plain_words_is_not_escaped() -> None:
    """A column that is masked, aliased or free text may hold anything."""
    for name, is_plain in (("plain", True), ("odd", False), ("any", False)):
        source = KINDS.c[name]
        assert (value_of(source, source) == plain_text(source)) is is_plain
        assert value_of(source) != plain_text(source)
        assert value_of(KINDS.alias().c[name], KINDS.alias().c[name]) != plain_text(source)
    digits = cast(column("n", BigInteger()), Text())
    assert value_of(digits, digits) == plain_text(digits)
    words = cast(column("t", Text()), Text())
    assert value_of(words, words) != plain_text(words)


def test_an_instant_without_a_text_is_said(ask: Ask) -> None:
    at = wording.instant(bound("at", DateTime(True)))
    absent = spelling.quoted('"never"')
    assert ask(text_of(sure(plain_text(at), absent)), at="infinity") == '"never"'
    assert ask(text_of(sure(plain_text(at))), at="-infinity") == "null"


def test_an_older_database_is_not_asked_what_it_does_not_know() -> None:
    """json_scalar is new in 17; before the first connection no version is known."""
    shown = text_of(value_of(column("x", Text())))
    for version, function in (((16, 4), "to_json"), ((17,), "json_scalar"), (None, "to_json")):
        dialect = postgresql.psycopg.dialect()
        dialect.server_version_info = version
        assert str(shown.compile(dialect=dialect)) == f"CAST({function}(x) AS TEXT)"


def testTEXTS_of_ours_are_one_between_values() -> None:
    shown = text_of(("a", "b", column("x", Text()), "c'", "d"))
    assert str(shown.compile(dialect=postgresql.dialect())) == "'ab'::text || (x || 'c''d'::text)"
