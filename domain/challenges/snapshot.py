"""Rule sets, states, events and verdicts as JSON values, and back: what rows and evidence keep.

Percentages and lots travel as text, so that they stay exact; instants in RFC 3339.
"""

from typing import Any

from pydantic import TypeAdapter

from domain.challenges.values import (
    CashMoved,
    DayBegan,
    Dealt,
    EquitySampled,
    FloorBroken,
    PhaseExpired,
    PhasePassed,
    PhaseState,
    RuleEvent,
    RuleSet,
    TimePassed,
    Verdict,
)

_RULES: TypeAdapter[RuleSet] = TypeAdapter(RuleSet)
_STATE: TypeAdapter[PhaseState] = TypeAdapter(PhaseState)
_EVENTS: dict[str, TypeAdapter[Any]] = {
    one.__name__: TypeAdapter(one) for one in (EquitySampled, Dealt, CashMoved, TimePassed)
}
_VERDICTS: dict[str, TypeAdapter[Any]] = {
    one.__name__: TypeAdapter(one) for one in (DayBegan, FloorBroken, PhasePassed, PhaseExpired)
}


def dump_rules(rules: RuleSet) -> dict[str, Any]:
    """A rule set as a JSON object."""
    return _object(_RULES.dump_python(rules, mode="json"))


def load_rules(data: Any) -> RuleSet:
    """A rule set as `dump_rules` wrote it; ValidationError (pydantic) for any other shape."""
    return _RULES.validate_python(data)


def dump_state(state: PhaseState) -> dict[str, Any]:
    """A state as a JSON object."""
    return _object(_STATE.dump_python(state, mode="json"))


def load_state(data: Any) -> PhaseState:
    """A state as `dump_state` wrote it."""
    return _STATE.validate_python(data)


def dump_event(event: RuleEvent) -> dict[str, Any]:
    """An event as a JSON object that names its kind."""
    return _named(_EVENTS, event)


def load_event(data: dict[str, Any]) -> RuleEvent:
    """An event as `dump_event` wrote it."""
    return _unnamed(_EVENTS, data)  # type: ignore[no-any-return]  # by name


def dump_verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a JSON object that names its kind."""
    return _named(_VERDICTS, verdict)


def load_verdict(data: dict[str, Any]) -> Verdict:
    """A verdict as `dump_verdict` wrote it."""
    return _unnamed(_VERDICTS, data)  # type: ignore[no-any-return]  # by name


def _named(known: dict[str, TypeAdapter[Any]], one: RuleEvent | Verdict) -> dict[str, Any]:
    name = type(one).__name__
    return {"kind": name, **_object(known[name].dump_python(one, mode="json"))}


def _unnamed(known: dict[str, TypeAdapter[Any]], data: dict[str, Any]) -> Any:
    rest = {key: value for key, value in data.items() if key != "kind"}
    return known[data["kind"]].validate_python(rest)


def _object(dumped: Any) -> dict[str, Any]:
    assert isinstance(dumped, dict)
    return dumped
