"""Events of topic COMPLIANCE: ids and states, no personal data and nothing that was found out.

Those of `of_client` are seen by the client and by staff, not by ibs; those of `of_staff` by staff
alone: they carry their client in the payload only.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from tenants.log import Event

TOPIC = "COMPLIANCE"


class ComplianceEventKind(StrEnum):
    """What happened, in the past tense."""

    CASE_SUBMITTED = "case_submitted"
    CASE_READY = "case_ready"
    CASE_PENDING = "case_pending"
    CASE_HELD = "case_held"
    CASE_APPROVED = "case_approved"
    CASE_REJECTED = "case_rejected"
    CASE_EXPIRED = "case_expired"
    PROOF_LAPSING = "proof_lapsing"
    DOCUMENT_STORED = "document_stored"
    TIER_CHANGED = "tier_changed"
    DECISION_PROPOSED = "decision_proposed"
    DECISION_DECLINED = "decision_declined"
    RISK_COMPUTED = "risk_computed"


def of_client(
    kind: ComplianceEventKind,
    client_id: UUID,
    object_id: UUID,
    payload: dict[str, Any] | None = None,
) -> Event:
    """An event that the client and staff may see."""
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=object_id,
        client_id=client_id,
        payload={"client_id": str(client_id), **(payload or {})},
    )


def of_staff(
    kind: ComplianceEventKind,
    client_id: UUID,
    object_id: UUID,
    payload: dict[str, Any] | None = None,
) -> Event:
    """An event for staff alone."""
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=object_id,
        payload={"client_id": str(client_id), **(payload or {})},
    )
