"""Cursors: equal positions are equal text, and nothing else reads them."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.cursor import FeedCursors
from domain.kernel.errors import Invalid

SECRET = b"s" * 32
CURSORS = FeedCursors(SECRET)
positions = st.integers(0, 2**63 - 1)
feeds = st.binary(max_size=80)


@given(st.uuids(), feeds, positions)
def test_a_position_comes_back_and_is_always_the_same_text(brand: UUID, feed: bytes, seq: int):
    shown = CURSORS.write(brand, feed, seq)
    assert CURSORS.read(brand, feed, shown) == seq
    assert FeedCursors(SECRET).write(brand, feed, seq) == shown
    assert len(shown) == 32


@given(st.uuids(), st.uuids(), feeds, feeds, positions)
def test_another_brand_or_feed_does_not_read_it(
    brand: UUID, other: UUID, feed: bytes, other_feed: bytes, seq: int
):
    shown = CURSORS.write(brand, feed, seq)
    if (brand, feed) != (other, other_feed):
        with pytest.raises(Invalid):
            CURSORS.read(other, other_feed, shown)


@given(positions, st.integers(0, 31), st.sampled_from("ABCabc012-_"))
def test_a_changed_character_is_refused(seq: int, place: int, put: str):
    brand = uuid4()
    shown = CURSORS.write(brand, b"f", seq)
    changed = shown[:place] + put + shown[place + 1 :]
    if changed != shown:
        with pytest.raises(Invalid) as refused:
            CURSORS.read(brand, b"f", changed)
        assert refused.value.code == "BAD_USER_INPUT"
        assert refused.value.path == ("after",)


@given(st.text(max_size=60))
def test_any_text_is_refused_and_never_breaks(text: str):
    with pytest.raises(Invalid):
        CURSORS.read(UUID(int=1), b"f", text)


def test_neighbours_share_no_visible_order():
    brand = uuid4()
    shown = [CURSORS.write(brand, b"f", seq) for seq in range(200)]
    assert len(set(shown)) == 200
    assert shown != sorted(shown)
    assert len({one[:4] for one in shown}) > 150


def test_another_installation_does_not_read_it():
    shown = CURSORS.write(UUID(int=1), b"f", 7)
    with pytest.raises(Invalid):
        FeedCursors(b"t" * 32).read(UUID(int=1), b"f", shown)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 32"):
        FeedCursors(b"short")
