"""Why a figure is what it is: the rule, what went into it, and the steps, told per audience.

An explanation is made from stored evidence only, so that whoever has the evidence gets the same
one. Its digest is over the rule, its version and the inputs: equal digests mean that the same rule
was given the same inputs, and whoever sees the inputs can work it out again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID


class Audience(StrEnum):
    """Who is told. COMPLIANCE is told everything."""

    CLIENT = "CLIENT"
    IB = "IB"
    STAFF = "STAFF"
    COMPLIANCE = "COMPLIANCE"


EVERYONE = frozenset(Audience)
INSIDE = frozenset({Audience.STAFF, Audience.COMPLIANCE})


@dataclass(frozen=True, slots=True)
class Source:
    """The stored row that a fact was read from: its entity, as ids show it, and its key."""

    entity: str
    key: UUID


@dataclass(frozen=True, slots=True)
class Fact:
    """One input, as text with its unit; `at` is when it was so."""

    name: str
    value: str
    source: Source | None = None
    at: datetime | None = None
    audiences: frozenset[Audience] = EVERYONE


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of the reckoning, with its figures."""

    text: str
    audiences: frozenset[Audience] = EVERYONE


@dataclass(frozen=True, slots=True)
class Explanation:
    """A figure or a verdict with its grounds. `summary` and `rule` are for every audience."""

    summary: str
    rule: str
    rule_version: str
    inputs: tuple[Fact, ...]
    steps: tuple[Step, ...]

    @property
    def replay_digest(self) -> str:
        """SHA-256 over the rule, its version and these inputs; the text around them is free."""
        return digest_of(self.rule, self.rule_version, self.inputs)

    def told_to(self, audience: Audience) -> "Explanation":
        """What an audience may know of it, with the digest of just that."""
        if audience is Audience.COMPLIANCE:
            return self
        return replace(
            self,
            inputs=tuple(one for one in self.inputs if audience in one.audiences),
            steps=tuple(one for one in self.steps if audience in one.audiences),
        )


def digest_of(rule: str, rule_version: str, inputs: Sequence[Fact]) -> str:
    """Hex SHA-256 of canonical JSON: sorted keys, no spaces, instants in UTC, inputs in order."""
    told = {
        "rule": rule,
        "rule_version": rule_version,
        "inputs": [_canonical(one) for one in inputs],
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(fact: Fact) -> dict[str, str | None]:
    source = fact.source
    return {
        "name": fact.name,
        "value": fact.value,
        "source": None if source is None else f"{source.entity}_{source.key.hex}",
        "at": None if fact.at is None else fact.at.astimezone(UTC).isoformat(),
    }
