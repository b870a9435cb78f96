"""The schema: every context's roots put together, linked with every context's declarations."""

from functools import cache
from typing import Any

import strawberry

from domain.accounts.reads import READS as ACCOUNTS
from domain.challenges.reads import READS as CHALLENGES
from domain.clients.leads.reads import READS as LEADS
from domain.clients.reads import READS as CLIENTS
from domain.compliance.identity.reads import READS as IDENTITY
from domain.compliance.screening.reads import READS as SCREENING
from domain.ibs.reads import READS as IBS
from domain.payments.reads import READS as PAYMENTS
from domain.reads import Cursors, Registry
from schema.access.documents import DocumentMutations, DocumentQueries
from schema.access.mutations import AccessMutations
from schema.access.queries import AccessQueries
from schema.accounts.mutations import AccountMutations
from schema.accounts.queries import AccountQueries
from schema.accounts.subscriptions import AccountSubscriptions
from schema.challenges.mutations import ChallengeMutations
from schema.challenges.queries import ChallengeQueries
from schema.challenges.subscriptions import ChallengeSubscriptions
from schema.clients.lead_feed import LeadSubscriptions
from schema.clients.lead_mutations import LeadMutations
from schema.clients.leads import LeadQueries
from schema.clients.mutations import ClientMutations
from schema.clients.queries import ClientQueries
from schema.clients.subscriptions import ClientSubscriptions
from schema.compliance.mutations import ComplianceMutations
from schema.compliance.queries import ComplianceQueries
from schema.compliance.screening import ScreeningMutations, ScreeningQueries
from schema.compliance.subscriptions import ComplianceSubscriptions
from schema.events.queries import EventQueries
from schema.ibs.commission_mutations import CommissionMutations
from schema.ibs.mutations import IbMutations
from schema.ibs.queries import IbQueries
from schema.ibs.status_mutations import IbStatusMutations
from schema.ibs.subscriptions import IbSubscriptions
from schema.payments.deposits import DepositMutations, DepositQueries
from schema.payments.destinations import DestinationMutations
from schema.payments.disputes import DisputeMutations, DisputeQueries
from schema.payments.queries import PaymentQueries
from schema.payments.reconciliation import ReconciliationMutations, ReconciliationQueries
from schema.payments.subscriptions import PaymentSubscriptions
from schema.payments.transfers import TransferMutations, TransferQueries
from schema.payments.types import Deposit, Transfer, Withdrawal
from schema.payments.withdrawals import WithdrawalMutations, WithdrawalQueries
from schema.reporting.queries import ReportingQueries
from schema.sandbox.mutations import SandboxMutations
from schema.shared.assemble import Assembled, assemble
from schema.shared.documents import ExecutableSchema
from schema.shared.nodes import NodeQueries
from schema.shared.permission import OnDenied
from tenants.reads import READS as ACCESS


@strawberry.type(description="Everything that can be read.")
class Query(
    AccessQueries,
    AccountQueries,
    ChallengeQueries,
    ClientQueries,
    ComplianceQueries,
    DepositQueries,
    DisputeQueries,
    DocumentQueries,
    EventQueries,
    IbQueries,
    LeadQueries,
    NodeQueries,
    PaymentQueries,
    ReconciliationQueries,
    ReportingQueries,
    ScreeningQueries,
    TransferQueries,
    WithdrawalQueries,
): ...


@strawberry.type(description="Everything that can be done.")
class Mutation(
    AccessMutations,
    AccountMutations,
    ChallengeMutations,
    ClientMutations,
    CommissionMutations,
    IbStatusMutations,
    ComplianceMutations,
    DepositMutations,
    DestinationMutations,
    DisputeMutations,
    DocumentMutations,
    IbMutations,
    LeadMutations,
    ReconciliationMutations,
    SandboxMutations,
    ScreeningMutations,
    TransferMutations,
    WithdrawalMutations,
): ...


@strawberry.type(description="Everything that can be followed live.")
class Subscription(
    AccountSubscriptions,
    ChallengeSubscriptions,
    ClientSubscriptions,
    ComplianceSubscriptions,
    IbSubscriptions,
    LeadSubscriptions,
    PaymentSubscriptions,
): ...


READS = (
    *ACCESS, *CLIENTS, *LEADS, *IDENTITY, *SCREENING, *IBS, *ACCOUNTS, *PAYMENTS, *CHALLENGES,
)  # fmt: skip
"""Everything that any context declares to be readable."""

TYPES: tuple[Any, ...] = (Deposit, Transfer, Withdrawal)


def build(cursor_key: bytes, *, on_denied: OnDenied | None = None) -> Assembled:
    """The schema of a process. `cursor_key` (32 bytes or more) makes the cursors of lists."""
    registry = Registry(*READS).link()
    return assemble(
        registry,
        Cursors(cursor_key),
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=TYPES,
        on_denied=on_denied,
    )


@cache
def plain() -> ExecutableSchema:
    """The schema for tools that only look at it: printing, checks, tests."""
    return build(bytes(32)).schema


def __getattr__(name: str) -> ExecutableSchema:
    """`schema.root:schema`, as tools name a schema; building it takes seconds, so only then."""
    if name == "schema":
        return plain()
    raise AttributeError(name)
