"""What holds for every rule set and every history."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.challenges.rules import begin, evaluate, replay, to_keep
from domain.challenges.snapshot import (
    dump_event,
    dump_rules,
    dump_state,
    dump_verdict,
    load_event,
    load_rules,
    load_state,
    load_verdict,
)
from domain.challenges.values import (
    CashEffect,
    CashMoved,
    EquitySampled,
    FloorBroken,
    MaxLossKind,
    RuleSet,
    Severity,
    Standing,
    TimePassed,
)
from tests.domain.challenges.phases import START, histories, max_losses, rule_sets
from tests.domain.challenges.steps import NOON

many = settings(max_examples=100, deadline=None)


@many
@given(rules=rule_sets, events=histories())
def test_what_was_kept_gives_the_same_verdicts(rules, events):
    """A replay of the record alone: each verdict at its instant, with its figures."""
    state = begin(rules, start_minor=START, at=NOON)
    live, record = [], []
    for event in events:
        after, verdicts = evaluate(rules, state, event)
        record.extend(to_keep(state, event, after, verdicts))
        live.extend(verdicts)
        state = after
    again, verdicts = replay(rules, begin(rules, start_minor=START, at=NOON), record)
    assert list(verdicts) == live
    assert (again.standing, again.days, again.floor_total_minor) == (
        state.standing,
        state.days,
        state.floor_total_minor,
    )


@many
@given(rules=rule_sets, events=histories())
def test_an_event_told_again_at_once_changes_nothing(rules, events):
    state = begin(rules, start_minor=START, at=NOON)
    for event in events:
        state, _ = evaluate(rules, state, event)
        assert evaluate(rules, state, event) == (state, ())


@many
@given(rules=rule_sets, events=histories(), seconds=st.lists(st.integers(0, 86_400), max_size=5))
def test_it_does_not_matter_who_looks_at_the_clock(rules, events, seconds):
    """Time that passes between two events decides what the later event would decide."""
    begun = begin(rules, start_minor=START, at=NOON)
    ordered = sorted(events, key=lambda one: one.at)
    looks = [TimePassed(NOON + timedelta(seconds=n)) for n in seconds]
    looked = sorted([*ordered, *looks], key=lambda one: one.at)
    last = TimePassed(ordered[-1].at + timedelta(days=2))
    assert replay(rules, begun, [*ordered, last]) == replay(rules, begun, [*looked, last])


@many
@given(loss=max_losses, events=histories(cash=False))
def test_a_floor_never_falls(loss, events):
    rules = RuleSet(max_loss=loss)
    state = begin(rules, start_minor=START, at=NOON)
    floor = state.floor_total_minor
    for event in events:
        state, _ = evaluate(rules, state, event)
        assert state.floor_total_minor >= floor
        floor = state.floor_total_minor
    if loss.kind is MaxLossKind.STATIC:
        assert floor == begin(rules, start_minor=START, at=NOON).floor_total_minor


@many
@given(rules=rule_sets, events=histories(cash=False), moved=st.integers(1, 50_000))
def test_money_that_comes_and_goes_leaves_no_trace(rules, events, moved):
    """In and out again, each told before figures that hold it: verdicts are the same."""
    begun = begin(rules, start_minor=START, at=NOON)
    begun, _ = evaluate(rules, begun, events[0])
    if begun.is_over or rules.cash is not CashEffect.SHIFT:
        return
    sequence, balance = begun.sequence, begun.balance_minor
    at = begun.seen_at
    there = [
        CashMoved(sequence + 1, at, moved, balance + moved),
        CashMoved(sequence + 2, at, -moved, balance),
    ]
    # More money is more room for a loss of fixed size: that may only ever help for the moment.
    after, verdicts = replay(rules, begun, there)
    assert (after.is_over, [one for one in verdicts if isinstance(one, FloorBroken)]) == (
        False,
        [],
    )
    for name in ("floor_daily_minor", "floor_total_minor", "anchor_minor", "peak_minor"):
        assert getattr(after, name) == getattr(begun, name)
    assert (after.cash_minor, after.balance_minor) == (0, balance)


@many
@given(rules=rule_sets, events=histories())
def test_a_breach_is_exact(rules, events):
    """Broken means below, standing means not below: to the minor unit, at each event."""
    state = begin(rules, start_minor=START, at=NOON)
    room = 1 if rules.breach_at_floor else 0
    for event in events:
        state, verdicts = evaluate(rules, state, event)
        for one in verdicts:
            if isinstance(one, FloorBroken):
                assert one.equity_minor < one.floor_minor + room
        if state.standing is Standing.ACTIVE:
            for floor in (state.floor_daily_minor, state.floor_total_minor):
                assert floor is None or state.equity_minor >= floor + room
        if state.standing is Standing.PAUSED:
            assert rules.daily_loss.severity is Severity.SOFT


@many
@given(rules=rule_sets, events=histories())
def test_everything_survives_being_stored(rules, events):
    assert load_rules(dump_rules(rules)) == rules
    state = begin(rules, start_minor=START, at=NOON)
    for event in events:
        assert load_event(dump_event(event)) == event
        stored = load_state(dump_state(state))
        assert stored == state
        state, verdicts = evaluate(rules, stored, event)
        assert [load_verdict(dump_verdict(one)) for one in verdicts] == list(verdicts)


def test_stored_percentages_are_text():
    rules = load_rules({"profit_target": {"percent": "7.5"}, "reset_time": "17:00:00"})
    assert dump_rules(rules)["profit_target"] == {"percent": "7.5", "amount_minor": None}


def test_figures_know_their_source():
    event = EquitySampled(NOON, 1, 1)
    assert dump_event(event)["source"] == "STREAM"
