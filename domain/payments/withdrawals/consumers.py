"""What waits is judged anew when more is known of its client."""

from uuid import UUID

from domain.clients.events import TOPIC as CLIENT_TOPIC
from domain.clients.events import ClientEventKind
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.withdrawals.commands.rejudge_withdrawals import rejudge_withdrawals
from tenants.work import WriteWork


async def _rejudge(work: WriteWork, event: EventRow) -> None:
    is_risk = event.kind == ClientEventKind.RISK_SET
    client_id = UUID(event.payload["client_id"]) if is_risk else event.client_id
    assert client_id is not None, "a dispute is of a client"
    await rejudge_withdrawals(work, client_id)


RISKS = Consumer(
    "payments.risks",
    frozenset({CLIENT_TOPIC, PAYMENT_TOPIC}),
    _rejudge,
    kinds=frozenset({
        ClientEventKind.RISK_SET.value,
        PaymentEventKind.DISPUTE_OPENED.value,
        PaymentEventKind.DISPUTE_LOST.value,
    }),
)  # fmt: skip
