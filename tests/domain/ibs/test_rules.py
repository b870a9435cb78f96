"""Rules of the tree of ibs, every branch."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ibs.rules import (
    DEEPEST,
    Place,
    check_depth,
    made_code,
    normalise_campaign,
    normalise_code,
    place_below,
)
from domain.ibs.values import IbStatus
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid

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


def test_a_branch_ends_on_the_last_level() -> None:
    check_depth(10)
    with pytest.raises(DomainError) as caught:
        check_depth(11)
    assert caught.value.code == "TREE_TOO_DEEP"


def test_a_campaign_is_one_line_of_text() -> None:
    assert normalise_campaign("  Spring   fair ") == "Spring fair"
    assert normalise_campaign("x" * 60) == "x" * 60
    wrongs = {"": "1 to 60", "   ": "1 to 60", "x" * 61: "1 to 60", "a\x00b": "printable"}
    for wrong, told in wrongs.items():
        with pytest.raises(DomainError, match=told) as caught:
            normalise_campaign(wrong)
        assert (caught.value.code, caught.value.path) == ("INVALID", ("input", "campaign"))


def test_a_made_code_comes_out_of_the_random_part_of_an_id() -> None:
    assert made_code(UUID(int=0)) == "0000000000"
    assert made_code(UUID(int=31)) == "Z000000000"
    assert len({made_code(new_uuid()) for _ in range(1_000)}) == 1_000
