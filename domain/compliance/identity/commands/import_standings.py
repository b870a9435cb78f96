"""Say where clients stand whose proofs were taken over, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.clients.commands.raise_risk import Raised, raise_risks
from domain.clients.standing import ClientStanding
from domain.compliance.identity.commands.restand import (
    reason_of,
    risk_row,
    standing_row,
    tell_risk,
    tell_tier,
)
from domain.compliance.identity.rules import stand
from domain.compliance.identity.tables import kyc_standing
from domain.compliance.identity.values import CaseFacts, KycPolicy, Standing
from domain.compliance.risk.rules import as_client_risk, has_risen
from domain.compliance.risk.values import Score
from tenants.bulk import insert_new
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Proven:
    """A client of whom nothing was known: its cases, and how risky it is held to be."""

    owner: ClientStanding
    policy: KycPolicy
    score: Score
    cases: Sequence[CaseFacts]


async def import_standings(work: WriteWork, several: Sequence[Proven]) -> None:
    """Write down where each of them stands, as `restand` would.

    Effects: events `tier_changed` and `risk_computed`, raised risks of the clients, audit.
    """
    stood = {
        one.owner.id: (
            one,
            stand(one.policy, one.owner.kind, one.cases, risk=one.score.level, at=work.now()),
        )
        for one in several
    }
    rows = [_row(work, *each) for each in stood.values()]
    added = await insert_new(work, kyc_standing, rows, returning="client_id")
    raised = []
    for client_id, (one, now) in stood.items():
        if client_id not in added:
            continue
        tell_tier(work, client_id, 0, now)
        tell_risk(work, client_id, one.score)
        if has_risen(None, one.score.level):
            raised.append(Raised(client_id, as_client_risk(one.score.level), reason_of(one.score)))
    await raise_risks(work, raised)


def _row(work: WriteWork, one: Proven, now: Standing) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "client_id": one.owner.id,
        **standing_row(work, one.owner, one.policy, now),
        **risk_row(one.score),
    }
