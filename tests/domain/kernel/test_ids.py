"""Ids made here sort by their instant, and of one instant by their place."""

from domain.kernel.ids import new_uuid

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
