"""What is stored for search finds every part it should, within its bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients import search
from domain.clients.values import SearchKind

LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)


@given(LETTERS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert search.fold(search.fold(text)) == search.fold(text)


@given(LETTERS, st.integers(0, 70), st.integers(2, 50))
def test_every_part_of_a_name_is_found(name: str, start: int, length: int) -> None:
    folded = search.fold(name)[: search.TEXT_LENGTH_MAX]
    part = folded[start : start + length]
    if len(part.strip()) < search.SUFFIX_LENGTH_MIN or search._NUMBER.fullmatch(part):
        return
    term = search.read_term(part)
    if len(term) < search.SUFFIX_LENGTH_MIN:
        return
    found = search.entries(name, "x@y.example", None)
    assert any(suffix.startswith(term) for kind, suffix in found if kind is SearchKind.NAME)


@given(LETTERS, st.emails(), st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_client_takes_a_bounded_number_of_bounded_rows(name: str, email: str, phone: str) -> None:
    found = search.entries(name, email, phone)
    assert len(found) <= 59 + 59 + 14
    assert all(2 <= len(suffix) <= search.SUFFIX_LENGTH_MAX for _, suffix in found)


@pytest.mark.parametrize(
    ("term", "read"),
    [("  MÜLLER ", "muller"), ("Ann  Lee", "ann lee"), ("+357 (99) 12", "3579912"),
     ("99-12", "9912"), ("ann@x", "ann@x"), ("x" * 60, "x" * 40), ("+", "+")],
)  # fmt: skip
def test_a_term_is_read_as_what_was_stored(term: str, read: str) -> None:
    assert search.read_term(term) == read


def test_each_field_is_stored_under_its_own_kind() -> None:
    found = search.entries("Bo", "bo@x.io", "+4930")
    assert {suffix for kind, suffix in found if kind is SearchKind.NAME} == {"bo"}
    assert {suffix for kind, suffix in found if kind is SearchKind.PHONE} == {"4930", "930", "30"}
    assert (SearchKind.EMAIL, "o@x.io") in found
    assert not {kind for kind, _ in search.entries("Bo", "bo@x.io", None)} & {SearchKind.PHONE}
