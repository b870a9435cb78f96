"""`python -m bench challenges`: all ways are measured, say the same, and end in time."""

import pytest

from bench import challenges

WAYS = [challenges.PEER, challenges.ARRAYS, challenges.STATES]


def test_each_way_is_measured_as_often_as_asked() -> None:
    rates, verdicts = challenges.run(40, 3, seed=1)
    assert {name: len(found) for name, found in rates.items()} == dict.fromkeys(WAYS, 3)
    assert verdicts > 0, "an account in each tick falls, so that the ways have something to say"


def test_no_tick_begins_after_the_time_is_over() -> None:
    rates, _ = challenges.run(40, 1_000_000, seed=1, seconds=0)
    assert {name: len(found) for name, found in rates.items()} == dict.fromkeys(WAYS, 1)


def test_ways_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges.Ways, "judge_states", lambda _ways, _tick: [])
    with pytest.raises(SystemExit, match="do not say the same"):
        challenges.run(40, 3, seed=1)


def test_a_table_is_printed_of_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    challenges.main(["--accounts", "40", "--rounds", "2"])
    told = capsys.readouterr().out
    assert "40 accounts, 2 ticks" in told
    assert "per core" in told
    assert all(name in told for name in WAYS)
