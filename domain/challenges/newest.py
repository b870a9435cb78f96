"""A phase's rules and memory out of its record, with figures that no verdict has counted yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.accounts.values import StateSource
from domain.challenges.lifecycle import JUDGED
from domain.challenges.rules import evaluate
from domain.challenges.snapshot import load_rules, load_state
from domain.challenges.values import EquitySampled, PhaseState, RuleSet


def newest_of(record: Any) -> tuple[RuleSet, PhaseState]:
    """The rules of a phase and what they remember, the account's newest figures counted as the
    engine does while the phase is open. The record has `rules`, `state`, `status`, `figures`."""
    rules, state = load_rules(record.rules), load_state(record.state)
    told: Mapping[str, Any] | None = record.figures
    if told is None or record.status not in JUDGED:
        return rules, state
    at, source = datetime.fromisoformat(told["as_of"]), StateSource(told["source"])
    sample = EquitySampled(at, int(told["balance"]), int(told["equity"]), source)
    return rules, evaluate(rules, state, sample)[0]
