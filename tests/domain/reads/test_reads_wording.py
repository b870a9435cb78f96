"""What SQL writes is what Python writes: texts of values, and cursors, over many values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
)

from domain.clients import masks
from domain.kernel.money import from_minor, odd_scales
from domain.reads import wording
from domain.reads.keyset import Cursors, Plan
from schema.shared.scalars import show_instant
from tests.domain.reads.asking import TEXTS, Ask, asker, bound
from tests.domain.reads.zoo import RED

_blanks = st.text(" \t\n\x0b\x1c\x1f\x85\xa0\u1680\u2003\u2028\u3000ab\u200bé", max_size=12)
_instants = st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000).map(
    lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)
)
CURRENCIES = (*odd_scales(), "USD", "EUR", "XYZ")


@pytest.fixture(scope="module")
def ask(superuser: psycopg.Connection[Any]) -> Ask:
    return asker(superuser)


@given(at=_instants)
def test_instants(ask: Ask, at: datetime) -> None:
    assert ask(wording.instant(bound("at", DateTime(True))), at=at) == show_instant(at)


@given(minor=st.integers(-(10**37), 10**37), currency=st.sampled_from(CURRENCIES))
def test_amounts_have_exactly_the_decimals_of_their_currency(
    ask: Ask, minor: int, currency: str
) -> None:
    written = wording.amount(bound("minor", Numeric()), bound("currency", Text()))
    found = ask(written, minor=Decimal(minor), currency=currency)
    assert found == format(from_minor(minor, currency), "f")


@pytest.mark.parametrize("currency", CURRENCIES)
def test_amounts_are_exact_at_every_scale(ask: Ask, currency: str) -> None:
    written = wording.amount(bound("minor", BigInteger()), bound("currency", Text()))
    for minor in (-(2**63), -100, -99, -1, 0, 1, 5, 99, 100, 101, 2**63 - 1):
        found = ask(written, minor=minor, currency=currency)
        assert found == format(from_minor(minor, currency), "f"), minor


TYPES = {
    "instant": DateTime(True), "text": Text(), "integer": BigInteger(), "date": Date(),
    "decimal": Numeric(), "uuid": Uuid(),
}  # fmt: skip
_sorts = st.tuples(
    st.none() | _instants,
    st.none() | TEXTS,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.dates(),
    st.none() | st.decimals(-100, 100, places=4),
    st.uuids(),
)


@given(sorts=_sorts)
def test_cursors(ask: Ask, sorts: tuple[Any, ...]) -> None:
    cursors, plan = Cursors(b"k" * 32), Plan("pet", "-NAME", tuple(TYPES))
    columns = [bound(name, type_) for name, type_ in TYPES.items()]
    written = wording.cursor(bound("tag", LargeBinary()), plan.kinds, columns)
    values = dict(zip(TYPES, sorts, strict=True))
    found = ask(written, tag=cursors.tag_key(plan, RED), **values)
    assert found == cursors.write(plan, RED, sorts)


@given(text=TEXTS | _blanks)
def test_masks_say_the_same_twice(ask: Ask, text: str) -> None:
    column = bound("text", Text())
    assert ask(masks.said_name(column), text=text) == masks.mask_name(text)
    assert ask(masks.said_email(column), text=text) == masks.mask_email(text)
    assert ask(masks.said_phone(column), text=text) == masks.mask_phone(text)


def test_nothing_stays_nothing_under_a_mask(ask: Ask) -> None:
    column = bound("text", Text())
    for said in (masks.said_name, masks.said_email, masks.said_phone):
        assert ask(said(column), text=None) is None


def test_a_refusal_fails_only_where_it_is_reached(ask: Ask) -> None:
    reached = wording.refusal(bound("key", Text()), Text())
    with pytest.raises(psycopg.errors.SubstringError):
        ask(reached, key="1")
