"""Rules of the tree of ibs, every branch."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ibs.rules import DEEPEST, Place, normalise_code, place_below
from domain.ibs.values import IbStatus
from domain.kernel.errors import DomainError

IB = UUID(int=7)


@pytest.mark.parametrize(("typed", "stored"), [(" north-1 ", "NORTH-1"), ("ABC", "ABC")])
def test_a_code_is_kept_in_capitals(typed: str, stored: str) -> None:
    assert normalise_code(typed) == stored


@pytest.mark.parametrize("typed", ["", "AB", "-ABC", "A B C", "Ä123", "X" * 33, "AB/C"])
def test_a_code_that_no_link_can_carry_is_refused(typed: str) -> None:
    with pytest.raises(DomainError) as caught:
        normalise_code(typed)
    assert (caught.value.code, caught.value.path) == ("INVALID", ("input", "code"))


def test_without_parent_an_ib_stands_at_the_top() -> None:
    assert place_below(None, None, IB) == Place(1, f"{IB.hex}/")


@given(st.lists(st.uuids(), min_size=1, max_size=DEEPEST))
def test_a_path_is_its_line_of_ids(line: list[UUID]) -> None:
    place = place_below(None, None, line[0])
    for ib_id in line[1:]:
        below = place_below(place, IbStatus.ACTIVE, ib_id)
        assert below.path.startswith(place.path)
        assert below.level == place.level + 1
        place = below
    assert place.path == "".join(f"{ib_id.hex}/" for ib_id in line)


@pytest.mark.parametrize(
    ("parent", "status", "code"),
    [
        (Place(1, "a/"), IbStatus.SUSPENDED, "PARENT_SUSPENDED"),
        (Place(DEEPEST, "a/"), IbStatus.ACTIVE, "TREE_TOO_DEEP"),
    ],
)
def test_nobody_hangs_below_a_suspended_or_the_deepest_ib(
    parent: Place, status: IbStatus, code: str
) -> None:
    with pytest.raises(DomainError) as caught:
        place_below(parent, status, IB)
    assert (caught.value.code, caught.value.path) == (code, ("input", "parentId"))
