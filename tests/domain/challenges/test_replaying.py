"""A phase judged again from its rows says the same, to the tick; another record does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.challenges.engine import RESET_GRACE
from domain.challenges.replaying import judge_again, replay_phases
from domain.challenges.rules import begin, to_keep
from domain.challenges.snapshot import dump_event, dump_verdict, load_state
from domain.challenges.values import EquitySampled, MaxLoss, MaxLossKind, RuleEvent, RuleSet
from domain.challenges.vector import Book, Figures, Step
from tests.domain.challenges.firm import RULES, Firm, tick
from tests.domain.challenges.phases import START, histories, rule_sets
from tests.domain.challenges.steps import NOON, amount
from tests.domain.payments.deposits.desk import Desk


async def test_days_a_trailing_peak_and_the_breach_come_out_again(desk: Desk) -> None:
    trails = MaxLoss(MaxLossKind.TRAIL_INTRADAY_EQUITY, amount(6_000))
    firm = await Firm(desk).open(replace(RULES, max_loss=trails))
    phase = await firm.trade()
    times = [datetime.now(UTC)]
    engine = firm.engine(clock=lambda: times[0])
    await engine.round()

    async def see(*states: Any) -> None:
        await engine.observe(desk.brand.server_id, states, (), dealt=frozenset())

    await see(tick(phase, 100_000, 103_000), tick(phase, 102_000, after=2))
    reset = load_state(phase.state).next_reset_at
    times[0] = reset + RESET_GRACE
    await engine.round()
    later = (reset - phase.started_at).total_seconds() + 60
    await see(tick(phase, 102_000, 104_500, after=later))
    await see(tick(phase, 102_000, 98_499, after=later + 1))
    (breach,) = firm.breaches()
    assert (breach.rule, breach.floor_minor) == ("MAX_LOSS", 98_500_00)
    (done,) = await replay_phases(desk.worker, desk.brand.id)
    assert (done.phase_id, done.differences) == (phase.id, ())
    assert done.verdicts == 2
    (one,) = await replay_phases(desk.worker, desk.brand.id, phase_id=phase.id)
    assert one == done
    assert await replay_phases(desk.worker, desk.brand.id, phase_id=UUID(int=1)) == []


def test_a_record_that_was_changed_is_found() -> None:
    event = EquitySampled(NOON + timedelta(seconds=1), 100_000_00, 94_000_00)
    row = SimpleNamespace(n=1, event=dump_event(event), verdicts=[])
    state = begin(RULES, start_minor=100_000_00, at=NOON)
    done = judge_again(UUID(int=1), RULES, state, [row])
    (difference,) = done.differences
    assert (difference.n, difference.recorded) == (1, ())
    assert [type(one).__name__ for one in difference.replayed] == ["FloorBroken"]


def kept_of(book: Book, step: Step) -> list[Any]:
    """What the engine records of a step."""
    kept = to_keep(step.before, step.event, step.after, step.verdicts)
    if not kept:
        return []
    peak = book.take_peak(step.row)
    *before, last = kept
    quiet: list[tuple[RuleEvent, Any]] = [(one, ()) for one in ([peak] if peak else []) + before]
    return [*quiet, (last, step.verdicts)]


@given(rules=rule_sets, events=histories(), looks=st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_what_the_engine_records_of_any_history_replays_the_same(
    rules: RuleSet, events: list[RuleEvent], looks: int
) -> None:
    book = Book([(rules, begin(rules, start_minor=START, at=NOON))])
    kept: list[Any] = []
    for n, event in enumerate(events):
        if isinstance(event, EquitySampled):
            for step in book.steps(Figures.of([(0, event)])):
                kept += kept_of(book, step)
        else:
            kept += kept_of(book, book.step(0, event))
        if n % looks == 0 and (peak := book.take_peak(0)):
            kept.append((peak, ()))
    rows = [
        SimpleNamespace(
            n=n, event=dump_event(event), verdicts=[dump_verdict(one) for one in verdicts]
        )
        for n, (event, verdicts) in enumerate(kept, 1)
    ]
    state = begin(rules, start_minor=START, at=NOON)
    assert judge_again(UUID(int=1), rules, state, rows).differences == ()
