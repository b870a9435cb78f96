"""Say anew where a client stands, from its cases and hits: after each change of one of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.clients.commands.raise_risk import raise_risk
from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.compliance.events import ComplianceEventKind, of_client, of_staff
from domain.compliance.identity.queries import find_policy, list_cases, list_decisions
from domain.compliance.identity.rules import derive, stand
from domain.compliance.identity.tables import kyc_standing
from domain.compliance.identity.values import KycPolicy, Standing
from domain.compliance.risk.rules import as_client_risk, has_risen, score
from domain.compliance.risk.values import Flag, RiskFacts, RiskLevel, Score
from domain.compliance.screening.queries import is_matched
from tenants.log import Change
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Known:
    """A client with what its legal entity asks, and how risky it is held to be."""

    standing: ClientStanding
    policy: KycPolicy
    score: Score


async def find_known(
    work: WriteWork, client_id: UUID, *, added: Iterable[Flag] = ()
) -> Known | None:
    """What is known of a client, its score included; None where nothing is asked of it.

    `added` are flags that are being recorded just now.
    """
    standing = await find_standing(work, client_id)
    policy = None if standing is None else await find_policy(work, standing.legal_entity_id)
    if standing is None or policy is None:
        return None
    flags = await _flags(work, client_id) | frozenset(added)
    return Known(standing, policy, score(RiskFacts(standing.country, flags), policy.risk))


async def _flags(work: WriteWork, client_id: UUID) -> frozenset[Flag]:
    """What vendors and screening found of a client. A sanctions match that people have cleared is
    none; a hit of screening is one once somebody has decided that it is true."""
    if work.scope.client_id is not None:
        # A client's own session sees no decisions: what is known of them stands in its standing.
        return frozenset()
    found: set[Flag] = set()
    for decisions in (await list_decisions(work, client_id)).values():
        state = derive(decisions)
        found |= state.flags - ({Flag.SANCTIONS} & state.cleared)
    if await is_matched(work, client_id):
        found.add(Flag.SANCTIONS)
    return frozenset(found - {Flag.HIGH_RISK})


async def restand(work: WriteWork, client_id: UUID) -> Standing | None:
    """Write down where a client stands now; None where nothing is asked of it.

    A client's own work changes its status alone: the risk stays as it was found.
    Effects: events `tier_changed` and `risk_computed`, a raised risk of the client, audit.
    """
    await lock_client(work, client_id)
    known = await find_known(work, client_id)
    if known is None:
        return None
    before = await work.maybe(
        select(kyc_standing).where(
            kyc_standing.c.brand_id == work.scope.brand_id, kyc_standing.c.client_id == client_id
        )
    )
    is_own = work.scope.client_id is not None and before is not None
    level = RiskLevel(before.risk_level) if is_own and before else known.score.level
    now = stand(
        known.policy,
        known.standing.kind,
        await list_cases(work, client_id),
        risk=level,
        at=work.now(),
    )
    await _write(work, known, now, keeps_risk=is_own)
    tell_tier(work, client_id, 0 if before is None else before.tier, now)
    if not is_own:
        was = None if before is None else RiskLevel(before.risk_level)
        await _hold_risk(work, client_id, was, known.score)
    return now


def standing_row(
    work: WriteWork, owner: ClientStanding, policy: KycPolicy, now: Standing
) -> dict[str, Any]:
    """Where a client stands, as columns."""
    return {
        "ib_path": owner.ib_path,
        "status": now.status,
        "tier": now.tier.number,
        "missing": list(now.missing),
        "policy_version": policy.version,
        "decided_at": now.decided_at,
        "due_at": now.due_at,
        "updated_at": work.now(),
    }


def risk_row(now: Score) -> dict[str, Any]:
    """How risky it is held to be, as columns."""
    return {
        "risk_points": now.points,
        "risk_parts": dict(now.parts),
        "risk_level": now.level,
    }


async def _write(work: WriteWork, known: Known, now: Standing, *, keeps_risk: bool) -> None:
    risk = risk_row(known.score)
    shown = standing_row(work, known.standing, known.policy, now)
    upsert = insert(kyc_standing).values(
        brand_id=work.scope.brand_id, client_id=known.standing.id, **shown, **risk
    )
    changed = shown if keeps_risk else shown | risk
    await work.rows(
        upsert.on_conflict_do_update(
            index_elements=["brand_id", "client_id"],
            set_={name: upsert.excluded[name] for name in changed},
        )
    )


def tell_tier(work: WriteWork, client_id: UUID, before: int, now: Standing) -> None:
    """Tell that a client may do more or less by now; nothing while that is the same."""
    if now.tier.number == before:
        return
    moved = {"from": before, "to": now.tier.number}
    work.emit(of_client(ComplianceEventKind.TIER_CHANGED, client_id, client_id, moved))
    work.audit(
        Change(
            "client.tier",
            object_kind="client",
            object_id=client_id,
            before={"tier": before},
            after={"tier": now.tier.number},
        )
    )


async def _hold_risk(
    work: WriteWork, client_id: UUID, before: RiskLevel | None, now: Score
) -> None:
    if before == now.level:
        return
    tell_risk(work, client_id, now)
    if has_risen(before, now.level):
        await raise_risk(work, client_id, as_client_risk(now.level), reason_of(now))


def tell_risk(work: WriteWork, client_id: UUID, now: Score) -> None:
    """Tell staff how risky a client is held to be by now."""
    told = {"level": now.level, "points": now.points}
    work.emit(of_staff(ComplianceEventKind.RISK_COMPUTED, client_id, client_id, told))


def reason_of(now: Score) -> str:
    """Why a client's risk is what it is, for the file."""
    parts = ", ".join(f"{name} {points}" for name, points in now.parts.items())
    return f"Computed {now.points} points, {now.level}: {parts}."
