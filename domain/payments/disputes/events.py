"""Events of disputes on topic PAYMENT; whoever claws commission back follows them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind, as_text
from domain.payments.values import DisputeStatus
from tenants.log import Event

_KINDS = {
    DisputeStatus.OPEN: PaymentEventKind.DISPUTE_OPENED,
    DisputeStatus.UNDER_REVIEW: PaymentEventKind.DISPUTE_UNDER_REVIEW,
    DisputeStatus.WON: PaymentEventKind.DISPUTE_WON,
    DisputeStatus.LOST: PaymentEventKind.DISPUTE_LOST,
}
_SHOWN = ("reference", "currency", "amount_minor", "fee_minor", "held_minor", "reason_code")


def dispute_event(status: DisputeStatus, row: Mapping[str, Any]) -> Event:
    """That a dispute reached a status; `row` is the dispute's."""
    payload = {"dispute_id": str(row["id"]), "payment_id": str(row["payment_id"])}
    return Event(
        topic=PAYMENT_TOPIC,
        kind=_KINDS[status],
        object_id=row["id"],
        client_id=row["client_id"],
        ib_path=row["ib_path"],
        payload=payload | {name: as_text(row[name]) for name in _SHOWN},
    )


def evidence_event(dispute_id: UUID, evidence_id: UUID) -> Event:
    """That evidence waits to be sent. It names no client: only staff see evidence."""
    return Event(
        topic=PAYMENT_TOPIC,
        kind=PaymentEventKind.EVIDENCE_SUBMITTED,
        object_id=dispute_id,
        payload={"dispute_id": str(dispute_id), "evidence_id": str(evidence_id)},
    )
