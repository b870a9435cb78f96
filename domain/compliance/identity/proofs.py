"""What follows from proofs that another system kept: the state of each, the risk of each client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from domain.clients.standing import ClientStanding
from domain.compliance.identity.commands.record_decision import Said
from domain.compliance.identity.errors import NotRequired
from domain.compliance.identity.rules import derive, lapses_at, tiers_of
from domain.compliance.identity.values import (
    CaseFacts,
    CaseState,
    CaseStatus,
    Decision,
    DecisionSource,
    DocumentKind,
    KycPolicy,
    MediaType,
)
from domain.compliance.risk.rules import score
from domain.compliance.risk.values import Flag, RiskFacts, RiskLevel, Score

Policies = Mapping[UUID, KycPolicy | None]
"""What each legal entity asks."""


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A paper of a proof, with its bytes."""

    kind: DocumentKind
    name: str
    media_type: MediaType
    content: bytes
    issued_on: date | None = None
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """A proof as the other system has it: begun `at`, with all that was said about it since.

    `connection_id` and `ext_id` are where a vendor's proof is to be found. `until` is when it
    lapses at the latest, where the other system knows of it.
    """

    id: UUID
    client_id: UUID
    requirement: str
    at: datetime
    said: Sequence[Said] = ()
    connection_id: UUID | None = None
    ext_id: str | None = None
    papers: Sequence[PaperRecord] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A record with what follows from it."""

    record: ProofRecord
    owner: ClientStanding
    policy: KycPolicy
    said: Sequence[Said]
    state: CaseState
    lapses: datetime | None

    @property
    def facts(self) -> CaseFacts:
        """The case as far as the client's tier depends on it."""
        one, state = self.record, self.state
        return CaseFacts(
            one.id, one.requirement, state.status, state.decided_at, self.lapses, one.at
        )


def scores_of(
    records: Sequence[ProofRecord],
    owners: Mapping[UUID, ClientStanding],
    policies: Policies,
) -> dict[UUID, Score]:
    """How risky each client is held to be, by what was found of it. Refusals:
    REQUIREMENT_UNKNOWN."""
    found: dict[UUID, set[Flag]] = {one.client_id: set() for one in records}
    for one in records:
        state = _derived(one.said)
        found[one.client_id] |= state.flags - ({Flag.SANCTIONS} & state.cleared)
    made = {}
    for client_id, flags in found.items():
        owner = owners[client_id]
        policy = policies[owner.legal_entity_id]
        if policy is None:
            raise NotRequired()
        facts = RiskFacts(owner.country, frozenset(flags - {Flag.HIGH_RISK}))
        made[client_id] = score(facts, policy.risk)
    return made


def _derived(said: Sequence[Said]) -> CaseState:
    return derive(
        Decision(one.outcome, one.at, one.source, one.version or 0, one.flags) for one in said
    )


def take_over(
    one: ProofRecord,
    owner: ClientStanding,
    policies: Policies,
    risk: Score,
) -> TakenOver:
    """What follows from a record. Refusals: REQUIREMENT_UNKNOWN."""
    policy = policies[owner.legal_entity_id]
    if policy is None or one.requirement not in tiers_of(policy, owner.kind)[-1].requires:
        raise NotRequired()
    is_watched = risk.level in (RiskLevel.HIGH, RiskLevel.PROHIBITED)
    said = [_watched(each) if is_watched else each for each in one.said]
    state = _derived(said)
    lapses = None
    if state.status is CaseStatus.APPROVED and state.decided_at is not None:
        papers = [each.expires_on for each in one.papers if each.expires_on is not None]
        lapses = lapses_at(state.decided_at, risk.level, policy, papers)
        lapses = min(lapses, one.until or lapses)
    return TakenOver(one, owner, policy, said, state, lapses)


def _watched(one: Said) -> Said:
    """What a vendor approves of somebody whose risk is high waits for people, here too."""
    if one.source is DecisionSource.VENDOR and one.outcome is CaseStatus.APPROVED:
        return replace(one, flags=one.flags | {Flag.HIGH_RISK})
    return one
