"""What leads ask of the worker: to be sorted out, and to follow the clients they become."""

from typing import Final

from api.worker import Worker
from domain.accounts.events import TOPIC as ACCOUNT
from domain.accounts.events import AccountEventKind
from domain.accounts.values import AccountKind
from domain.clients.leads.consumers import following, settling
from domain.clients.leads.values import LeadStage
from domain.compliance.events import TOPIC as COMPLIANCE
from domain.compliance.events import ComplianceEventKind
from domain.events.values import EventRow
from domain.ibs.queries import find_introducer
from domain.payments.events import DEPOSIT_TOPIC, PaymentEventKind

# Whoever hears of a case only once it is decided: the papers had come before.
_HANDED_IN: Final = (
    ComplianceEventKind.CASE_PENDING,
    ComplianceEventKind.CASE_HELD,
    ComplianceEventKind.CASE_APPROVED,
    ComplianceEventKind.CASE_REJECTED,
)
_STAGE_OF: Final = {
    **{(COMPLIANCE, kind.value): LeadStage.KYC for kind in _HANDED_IN},
    (DEPOSIT_TOPIC, PaymentEventKind.DEPOSIT_SETTLED.value): LeadStage.FTD,
    (ACCOUNT, AccountEventKind.DEAL_OPENED.value): LeadStage.ACTIVE,
}


def stage_of(event: EventRow) -> LeadStage | None:
    """The stage an event of a client brings its lead to: the papers it handed in, the first
    deposit, the first live deal."""
    if event.topic == ACCOUNT and event.payload.get("account_kind") != AccountKind.LIVE:
        return None
    if "purchase_id" in event.payload:  # paid for something, and no money of the client's with us
        return None
    return _STAGE_OF.get((event.topic, event.kind))


def register_leads(worker: Worker) -> None:
    """Both consumers of leads."""
    worker.consumers.append(settling(find_introducer))
    worker.consumers.append(following(frozenset(_STAGE_OF), stage_of))
