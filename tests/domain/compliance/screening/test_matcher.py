"""What is looked at for one name, counted, on invented lists."""

from itertools import product
from uuid import UUID

import pytest

from domain.compliance.screening import matcher as module
from domain.compliance.screening.matcher import WORDS_LOOKED_FOR, Matcher
from domain.compliance.screening.name_rules import POSSIBLE_FROM, STRONG_FROM, Word, read_name
from domain.compliance.screening.values import HitStrength

LETTERS = "abdeiklmnorstu"
LISTED = (
    *("Velmir Anton DARGOV", "Ostrava KESSLER", "B R C S.A.", "E. S. Co.", "Q"),
    *(f"{one} {other}" for one, other in product(LETTERS, repeat=2)),
    *(f"{one}{other} {other}{one}" for one, other in product(LETTERS, repeat=2)),
    *(f"{one}a {other}o {one}{other}" for one, other in product(LETTERS, repeat=2)),
    *(f"Bo Ana {one}a{other}" for one, other in product(LETTERS, repeat=2)),
)
LONGEST = 98


class Counting(Matcher):
    """Counts the words it looks for and the names it compares."""

    def __init__(self) -> None:
        super().__init__((UUID(int=n), name) for n, name in enumerate(LISTED))
        self.words = self.compared = 0

    def _near(self, word: Word) -> list[int]:
        self.words += 1
        return super()._near(word)


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting, compare = Counting(), module.compare

    def counted(*given: object) -> int:
        counting.compared += 1
        return compare(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "compare", counted)
    return counting


@pytest.mark.parametrize(
    "name",
    [
        " ".join("a" * 49),
        " ".join("opqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"),
        "V e l m i r A n t o n D a r g o v",
        "V.e.l.m.i.r A.n.t.o.n D.a.r.g.o.v",
        "x",
    ],
)
def test_letters_that_stand_alone_cost_no_more_than_a_word(matcher: Counting, name: str) -> None:
    matcher.find(name)
    assert matcher.words <= 5
    assert matcher.compared <= 10


@pytest.mark.parametrize(
    "name",
    [
        "V e l m i r A n t o n D a r g o v",
        "V.e.l.m.i.r A.n.t.o.n D.a.r.g.o.v",
        "V e l m i r Anton D a r g o v",
        "V.e.l.m.i.r.A n.t.o.n D a r g o v",
        "VelmirAntonDargov",
        "DargovVelmirAnton",
    ],
)
def test_who_is_spelt_out_or_written_as_one_word_is_found_and_nobody_else(
    matcher: Counting, name: str
) -> None:
    assert [(hit.name, hit.score) for hit in matcher.find(name)] == [("Velmir Anton DARGOV", 100)]


@pytest.mark.parametrize(
    ("name", "score"), [("B R C S.A.", 100), ("BRC SA", 100), ("B. R. C.", 85)]
)
def test_a_listed_name_of_letters_is_found(matcher: Counting, name: str, score: int) -> None:
    assert ("B R C S.A.", score) in [(hit.name, hit.score) for hit in matcher.find(name)]


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("T.D.G.", ".D.G."), ("GAD S.A.", "GADS.A."), ("Vilas SA'B", "Vilas AS'B"),
        ("R D I S.A.", "D I S.A. R"), ("I.C.I.C. LTD.", "I.C.I.C. LDT."),
        ("OOO ROSTSHIPSERVIS", "uuu rustschipservis"),
        ("長安海連技術有限公司", "長安連海技術有限公司"),
        ("سيف الدين المشهداني", "سيف الدين الشمهداني"),
    ],
)  # fmt: skip
def test_short_names_bear_one_slip_of_all_their_letters(listed: str, asked: str) -> None:
    """Words of two or three letters bear none each; a character of Chinese is a whole syllable,
    and one of Arabic may be two Latin letters."""
    one = Matcher([(UUID(int=1), listed)])
    (hit,) = one.find(asked)
    assert (hit.name, hit.score >= POSSIBLE_FROM) == (listed, True)
    assert one.find(listed)[0].score >= STRONG_FROM


@pytest.mark.parametrize(
    ("listed", "asked"),
    [("So", "S"), ("LJ", "J"), ("“1-P”", "“-P”"), ("G-9", "-9"), ("香港", "港")],
)
def test_what_a_slip_leaves_of_two_letters_is_found(listed: str, asked: str) -> None:
    one = Matcher([(UUID(int=1), listed), (UUID(int=2), "Q")])
    assert [(hit.name, hit.strength) for hit in one.find(asked)] == [(listed, HitStrength.POSSIBLE)]
    assert one.find("Z") == []


def test_one_letter_is_compared_with_names_of_two_and_no_others(matcher: Counting) -> None:
    matcher.find("a")
    assert matcher.words <= 5
    assert matcher.compared <= 2 * len(LETTERS) + 10


@pytest.mark.parametrize(("listed", "asked"), [("T.D.G.", "T.X.A."), ("GAD S.A.", "GET SA")])
def test_two_slips_of_a_short_name_are_another_name(listed: str, asked: str) -> None:
    assert Matcher([(UUID(int=1), listed)]).find(asked) == []


def test_what_is_looked_for_and_compared_is_bounded(
    matcher: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(LISTED) > 50
    monkeypatch.setattr(module, "CANDIDATES_MAX", 50)
    words = [one + other for one, other in product(LETTERS, repeat=2)]
    name = " ".join(words)[:LONGEST].strip()
    assert len(matcher._candidates(read_name(name))) > 50
    matcher.words = 0
    matcher.find(name)
    assert matcher.compared == 50
    assert matcher.words == 2 * WORDS_LOOKED_FOR
    # Who hides among them is among the nearest.
    hidden = f"{' '.join(words[:10])} Velmir Anton Dargov"
    assert read_name("Velmir Anton Dargov") == read_name(hidden)[10:]
    places = matcher._candidates(read_name(hidden))[:50]
    assert 0 in places


def test_a_name_without_end_is_cut_off(matcher: Counting) -> None:
    assert matcher.find("ab " * 100_000) == matcher.find("ab " * 50)
