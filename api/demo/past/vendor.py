"""What was said of the identities of the past: by the KYC vendor before this one, and by staff.

As with the cashier before this one, its connection is paused: nothing new goes through it.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from api.adapters import SANDBOX
from api.demo.identity import PAPER, former_vendor_id
from api.demo.past.people import Stretch
from api.demo.past.proofs import Proving
from api.demo.people import staff_email
from api.demo.story import BrandStory
from api.settings import Settings
from domain.compliance.identity.commands.import_proofs import import_proofs
from domain.compliance.identity.commands.record_decision import Said
from domain.compliance.identity.commands.save_connection import KycConnectionPlan, save_connection
from domain.compliance.identity.proofs import PaperRecord, ProofRecord
from domain.compliance.identity.queries import find_connection
from domain.compliance.identity.values import (
    CaseStatus,
    DecisionSource,
    DocumentKind,
    KycConnectionStatus,
    KycStatus,
    KycVendorKind,
    MediaType,
)
from domain.compliance.risk.values import Flag
from tenants.founding import find_staff
from tenants.secrets import Vault
from tenants.values import Role
from tenants.work import WriteWork

IDENTITY = "IDENTITY"
_PAPERS: Final = {
    "ADDRESS": (DocumentKind.UTILITY_BILL, "bill.pdf"),
    "FUNDS": (DocumentKind.SOURCE_OF_FUNDS, "salary.pdf"),
}
_S = CaseStatus
_BEGIN_MINUTE, _BRING_MINUTE = 10 * 60 + 6, 10 * 60 + 35
"""When of its first day a person proves who it is, and the rest: before it has an account, and
before it pays."""
_LEISURE: Final = 8 * 60
_READ, _SENT, _DECIDED, _CONFIRMED = (timedelta(minutes=n) for n in (1, 8, 20, 18))
_ENDS: Final = {
    KycStatus.ON_HOLD: _S.ON_HOLD,
    KycStatus.APPROVED: _S.APPROVED,
    KycStatus.EXPIRED: _S.APPROVED,
    KycStatus.REJECTED_RETRY: _S.REJECTED_RETRY,
    KycStatus.REJECTED_FINAL: _S.REJECTED_FINAL,
}
_TOLD: Final = {
    _S.REJECTED_RETRY: ("UNSATISFACTORY_PHOTOS", "The photos can't be read. Take them again."),
    _S.REJECTED_FINAL: ("FORGERY", "We could not verify you."),
}


async def save_former_vendor(work: WriteWork, settings: Settings, story: BrandStory) -> None:
    """Add the former vendor's connection, for what it has decided; once."""
    if await find_connection(work, former_vendor_id(story)) is not None:
        return
    plan = KycConnectionPlan(
        former_vendor_id(story),
        story.plan.legal_entity_id,
        "Former vendor",
        KycVendorKind.SANDBOX,
        SANDBOX,
        api_key=secrets.token_urlsafe(32),
        notice_secrets=(secrets.token_urlsafe(32),),
        status=KycConnectionStatus.PAUSED,
    )
    await save_connection(work, Vault(settings.home.secrets().master_key), plan)


async def prove(
    work: WriteWork,
    settings: Settings,
    story: BrandStory,
    provings: Sequence[Proving],
    stretch: Stretch,
) -> None:
    """Take over what the people of a stretch have proven, and what they tried to."""
    staff = [
        await find_staff(work, staff_email(story, role))
        for role in (Role.COMPLIANCE, Role.BRAND_ADMIN)
    ]
    records = []
    for one in provings:
        records.append(_identity(story, one, stretch))
        records += [
            _by_papers(one, requirement, stretch, staff)
            for requirement in sorted(one.tier.requires - {IDENTITY})
        ]
    await import_proofs(work, Vault(settings.home.secrets().master_key), records)


def _identity(story: BrandStory, one: Proving, stretch: Stretch) -> ProofRecord:
    # Whoever needs it for what comes next does it at once, the others when they have time.
    later = 0 if one.is_needed else one.person.n * 37 % _LEISURE
    at = stretch.at(one.person.day, _BEGIN_MINUTE + later)
    case_id = one.case_id(IDENTITY)
    until = None if one.lapses_on is None else stretch.at(one.lapses_on, 0)
    return ProofRecord(
        case_id, one.person.id, IDENTITY, at, _words(one, at), former_vendor_id(story),
        None if one.ends is KycStatus.DRAFT else f"former_{case_id.hex}", until=until,
    )  # fmt: skip


def _words(one: Proving, at: datetime) -> list[Said]:
    """What the vendor said, in its order."""
    vendor = DecisionSource.VENDOR
    said = [
        Said(vendor, _S.AWAITING_DOCS, at + _READ, 1),
        Said(vendor, _S.PENDING, at + _SENT, 2),
    ]
    match one.ends:
        case KycStatus.DRAFT:
            return []
        case KycStatus.AWAITING_DOCS:
            return said[:1]
        case KycStatus.PENDING:
            return said
        case KycStatus.ON_HOLD if one.person.n % 2:  # approved, but for what only people may accept
            found = ("PEP",), frozenset({Flag.PEP})
            return [*said, Said(vendor, _S.APPROVED, at + _DECIDED, 3, *found)]
    outcome = _ENDS[one.ends]
    label, message = _TOLD.get(outcome, (None, None))
    labels = () if label is None else (label,)
    last = Said(vendor, outcome, at + _DECIDED, 3, labels, client_message=message)
    return [*said, last]


def _by_papers(
    one: Proving, requirement: str, stretch: Stretch, staff: Sequence[UUID | None]
) -> ProofRecord:
    """A paper, which an officer has looked at, and another member of staff after that."""
    at = stretch.at(one.person.day, _BRING_MINUTE)
    issued = stretch.date_of(one.person.day) - timedelta(days=10 + one.person.n % 50)
    kind, name = _PAPERS[requirement]
    said = Said(
        DecisionSource.STAFF,
        _S.APPROVED,
        at + _CONFIRMED,
        comment="Compared with what the client told us.",
        proposed_by=staff[0],
        decided_by=staff[1],
    )
    paper = PaperRecord(kind, name, MediaType.PDF, PAPER, issued)
    return ProofRecord(
        one.case_id(requirement), one.person.id, requirement, at, [said], papers=[paper]
    )
