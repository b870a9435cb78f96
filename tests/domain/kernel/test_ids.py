"""Ids made here sort by their instant, and of one instant by their place."""

from uuid import UUID

from domain.kernel.ids import new_hex, new_uuid

NOW_MS = 1_790_000_000_000


def test_ids_of_one_instant_sort_by_their_place() -> None:
    made = [new_uuid(NOW_MS, place=n) for n in range(4_096)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert made[-1] < new_uuid(NOW_MS + 1, place=0)


def test_more_than_fit_come_last_and_are_distinct() -> None:
    late = [new_uuid(NOW_MS, place=n) for n in (4_095, 4_096, 10_000)]
    assert len(set(late)) == 3
    assert all(new_uuid(NOW_MS, place=4_094) < one < new_uuid(NOW_MS + 1, place=0) for one in late)


def test_an_id_that_is_only_a_text_is_one_all_the_same() -> None:
    before, made, after = new_uuid(), [new_hex() for _ in range(100)], new_uuid()
    assert len(set(made)) == 100
    assert all(len(one) == 32 and UUID(one).version == 7 for one in made)
    assert all(before.hex[:12] <= one[:12] <= after.hex[:12] for one in made)
