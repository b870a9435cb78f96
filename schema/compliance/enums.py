"""Closed lists of identity with their meanings."""

from enum import Enum

import strawberry
from strawberry import enum_value

from domain.compliance.events import ComplianceEventKind as Kind
from domain.compliance.identity import values
from domain.compliance.risk import values as risk
from schema.shared.enums import shows


@shows(values.CaseStatus, "Where a proof stands. Every decision can be taken back by a later one.")
class KycCaseStatus(Enum):
    DRAFT = enum_value("DRAFT", description="The vendor has not been told of it.")
    AWAITING_DOCS = enum_value("AWAITING_DOCS", description="It waits for the client, see `next`.")
    PENDING = enum_value("PENDING", description="It is looked at.")
    ON_HOLD = enum_value("ON_HOLD", description="People have to look.")
    APPROVED = enum_value("APPROVED", description="Proven.")
    REJECTED_RETRY = enum_value("REJECTED_RETRY", description="Not proven; try again.")
    REJECTED_FINAL = enum_value("REJECTED_FINAL", description="Rejected for good.")
    EXPIRED = enum_value("EXPIRED", description="It was proven, and has to be proven anew.")


@shows(values.KycStatus, "Where a client stands with all of its proofs.")
class KycStatus(Enum):
    NOT_STARTED = enum_value("NOT_STARTED", description="Nothing was begun.")
    DRAFT = enum_value("DRAFT", description="Something is begun.")
    AWAITING_DOCS = enum_value("AWAITING_DOCS", description="It waits for the client.")
    PENDING = enum_value("PENDING", description="Something is looked at.")
    ON_HOLD = enum_value("ON_HOLD", description="People have to look.")
    APPROVED = enum_value("APPROVED", description="What was begun is proven.")
    REJECTED_RETRY = enum_value("REJECTED_RETRY", description="Not proven; try again.")
    REJECTED_FINAL = enum_value("REJECTED_FINAL", description="Rejected for good.")
    EXPIRED = enum_value("EXPIRED", description="Something has to be proven anew.")


@shows(values.How, "How a requirement is met.")
class KycMethod(Enum):
    VENDOR = enum_value("VENDOR", description="At a page of a KYC vendor.")
    DOCUMENTS = enum_value("DOCUMENTS", description="By documents that staff look at.")


@shows(values.DecisionSource, "Who said something about a case.")
class KycDecisionSource(Enum):
    VENDOR = enum_value("VENDOR", description="The KYC vendor.")
    STAFF = enum_value("STAFF", description="People.")
    SYSTEM = enum_value("SYSTEM", description="Time, or a vendor that took it not.")


@shows(values.ProposalStatus, "What became of a proposed decision.")
class KycProposalStatus(Enum):
    OPEN = enum_value("OPEN", description="It waits for a second person.")
    CONFIRMED = enum_value("CONFIRMED", description="A second person agreed.")
    DECLINED = enum_value("DECLINED", description="A second person did not agree.")
    OUTDATED = enum_value("OUTDATED", description="The case moved on before.")


@shows(values.DocumentKind, "What a document is. Expect values you don't know.")
class KycDocumentKind(Enum):
    PASSPORT = enum_value("PASSPORT", description="A passport.")
    ID_CARD = enum_value("ID_CARD", description="An identity card.")
    RESIDENCE_PERMIT = enum_value("RESIDENCE_PERMIT", description="A residence permit.")
    UTILITY_BILL = enum_value("UTILITY_BILL", description="A bill for water, power or telephone.")
    BANK_STATEMENT = enum_value("BANK_STATEMENT", description="A statement of a bank.")
    SOURCE_OF_FUNDS = enum_value("SOURCE_OF_FUNDS", description="Where money comes from.")
    COMPANY_REGISTER = enum_value("COMPANY_REGISTER", description="An extract of a register.")
    OWNERSHIP = enum_value("OWNERSHIP", description="Who owns a company.")
    OTHER = enum_value("OTHER", description="Anything else.")


@shows(values.DocumentStatus, "Whether a document has come.")
class KycDocumentStatus(Enum):
    EXPECTED = enum_value("EXPECTED", description="Its bytes have not come.")
    STORED = enum_value("STORED", description="It is kept, encrypted.")


@shows(risk.RiskLevel, "How risky a client is computed to be.")
class RiskLevel(Enum):
    LOW = enum_value("LOW", description="0 to 29 points.")
    MEDIUM = enum_value("MEDIUM", description="30 to 59 points.")
    HIGH = enum_value("HIGH", description="60 to 99 points: people decide.")
    PROHIBITED = enum_value("PROHIBITED", description="100 points, or a sanctions match.")


@shows(risk.Flag, "What somebody who looked found. Expect values you don't know.")
class KycFlag(Enum):
    PEP = enum_value("PEP", description="Politically exposed.")
    SANCTIONS = enum_value("SANCTIONS", description="On a sanctions list.")
    ADVERSE_MEDIA = enum_value("ADVERSE_MEDIA", description="In the news for the wrong reasons.")
    HIGH_RISK = enum_value("HIGH_RISK", description="The computed risk is high.")


@strawberry.enum(description="What staff can decide about a proof.")
class KycDecision(Enum):
    APPROVED = enum_value("APPROVED", description="Proven. Takes two people.")
    REJECTED_RETRY = enum_value("REJECTED_RETRY", description="Not proven; the client tries again.")
    REJECTED_FINAL = enum_value(
        "REJECTED_FINAL", description="Rejected for good. Takes two people."
    )


@shows(Kind, "What happened to an identity. Expect values you don't know.")
class ComplianceEventKind(Enum):
    CASE_SUBMITTED = enum_value("case_submitted", description="A proof was begun.")
    CASE_READY = enum_value("case_ready", description="The vendor's page waits for the client.")
    CASE_PENDING = enum_value("case_pending", description="It is looked at.")
    CASE_HELD = enum_value("case_held", description="People have to look.")
    CASE_APPROVED = enum_value("case_approved", description="It is proven.")
    CASE_REJECTED = enum_value("case_rejected", description="It is not proven; see its status.")
    CASE_EXPIRED = enum_value("case_expired", description="It has to be proven anew.")
    PROOF_LAPSING = enum_value("proof_lapsing", description="It lapses within a month.")
    DOCUMENT_STORED = enum_value("document_stored", description="A document has come.")
    TIER_CHANGED = enum_value("tier_changed", description="The client may do more, or less.")
    DECISION_PROPOSED = enum_value(
        "decision_proposed", description="A decision waits for a second person. For staff."
    )
    DECISION_DECLINED = enum_value(
        "decision_declined", description="A second person did not agree. For staff."
    )
    RISK_COMPUTED = enum_value(
        "risk_computed", description="The computed risk has another level. For staff."
    )
