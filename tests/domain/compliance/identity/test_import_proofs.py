"""Proofs of another system, taken over in batches: each as its words make it, told, and once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.clients import tables as clients
from domain.compliance.identity import tables
from domain.compliance.identity.commands.import_proofs import import_proofs
from domain.compliance.identity.commands.read_document import read_document
from domain.compliance.identity.commands.record_decision import Said
from domain.compliance.identity.commands.restand import restand
from domain.compliance.identity.proofs import PaperRecord, ProofRecord
from domain.compliance.identity.queries import list_silent
from domain.compliance.identity.values import CaseStatus, DecisionSource, DocumentKind, MediaType
from domain.compliance.risk.values import Flag
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.context import system_scope
from tenants.tables import audit, event
from tests.domain.compliance.identity.desk import VAULT, Desk

THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
S = CaseStatus
BILL = PaperRecord(
    DocumentKind.UTILITY_BILL, "bill.pdf", MediaType.PDF, b"%PDF-1.4 bill", THEN.date()
)  # fmt: skip


def words(*outcomes: CaseStatus, flags: frozenset[Flag] = frozenset()) -> list[Said]:
    """What a vendor said, a minute after another; `flags` with the last word."""
    return [
        Said(
            DecisionSource.VENDOR, one, THEN + timedelta(minutes=n), n, labels=('a"b\\c,{d}',),
            flags=flags if n == len(outcomes) else frozenset(),
        )
        for n, one in enumerate(outcomes, 1)
    ]  # fmt: skip


def identity(desk: Desk, client_id: UUID, *outcomes: CaseStatus, **more: Any) -> ProofRecord:
    flags = more.pop("flags", frozenset())
    key = new_uuid()
    return ProofRecord(
        key, client_id, "IDENTITY", THEN, words(*outcomes, flags=flags), desk.connection_id,
        key.hex if outcomes else None, **more,
    )  # fmt: skip


async def taken(desk: Desk, *records: ProofRecord) -> int:
    done = await desk.database.write(
        system_scope(desk.brand.id), lambda work: import_proofs(work, VAULT, records)
    )
    return done.value


def standings(desk: Desk) -> dict[UUID, Any]:
    return {row.client_id: row for row in desk.make.rows(tables.kyc_standing, desk.brand)}


async def test_each_stands_as_its_words_make_it(desk: Desk) -> None:
    ways = (
        (), (S.AWAITING_DOCS,), (S.AWAITING_DOCS, S.PENDING), (S.PENDING, S.ON_HOLD),
        (S.PENDING, S.APPROVED), (S.PENDING, S.REJECTED_RETRY), (S.PENDING, S.REJECTED_FINAL),
    )  # fmt: skip
    records = [identity(desk, desk.make.client(desk.brand).id, *way) for way in ways]
    assert await taken(desk, *records) == len(ways)
    found = standings(desk)
    assert [found[one.client_id].status for one in records] == [
        "DRAFT", "AWAITING_DOCS", "PENDING", "ON_HOLD", "APPROVED", "REJECTED_RETRY",
        "REJECTED_FINAL",
    ]  # fmt: skip
    assert [desk.status(one.id) for one in records] == [
        found[one.client_id].status for one in records
    ]
    assert [found[one.client_id].tier for one in records] == [0, 0, 0, 0, 1, 0, 0]
    assert found[records[4].client_id].missing == ["ADDRESS"]
    case = desk.case(records[4].id)
    assert (case.created_at, case.decided_at) == (THEN, THEN + timedelta(minutes=2))
    assert case.expires_at == case.decided_at + timedelta(days=1095)
    assert desk.decisions(records[4].id) == [("VENDOR", "PENDING"), ("VENDOR", "APPROVED")]
    kept = desk.make.rows(tables.kyc_decision, desk.brand)
    assert {tuple(row.labels) for row in kept} == {('a"b\\c,{d}',)}
    assert desk.events().count("tier_changed") == 1
    assert sum(kind.startswith("case_") for kind in desk.events()) == len(ways) - 1
    assert "case_submitted" not in desk.events(), "nothing is begun at a vendor"
    actions = [row.action for row in desk.make.rows(audit, desk.brand)]
    assert (actions.count("kyc_case.import"), actions.count("client.tier")) == (len(ways), 1)


async def test_saying_it_anew_comes_to_the_same(desk: Desk) -> None:
    others = [desk.make.client(desk.brand, country="DE").id for _ in range(2)]
    pep = frozenset({Flag.PEP})
    records = [
        identity(desk, others[0], S.PENDING, S.APPROVED, flags=pep),
        identity(desk, others[1], S.PENDING, S.APPROVED),
        ProofRecord(
            new_uuid(), others[1], "ADDRESS", THEN,
            [Said(DecisionSource.STAFF, S.APPROVED, THEN + timedelta(hours=1), comment="Seen.")],
            papers=[BILL],
        ),
    ]  # fmt: skip
    await taken(desk, *records)
    shown = ("status", "tier", "missing", "risk_points", "risk_parts", "risk_level", "due_at",
             "decided_at", "policy_version")  # fmt: skip
    before = {key: [getattr(row, name) for name in shown] for key, row in standings(desk).items()}
    told = len(desk.make.rows(event, desk.brand))
    for client_id in others:
        await desk.database.write(
            system_scope(desk.brand.id), lambda work, key=client_id: restand(work, key)
        )
    after = {key: [getattr(row, name) for name in shown] for key, row in standings(desk).items()}
    assert after == before
    assert len(desk.make.rows(event, desk.brand)) == told
    assert [before[key][0] for key in others] == ["ON_HOLD", "APPROVED"]
    assert before[others[1]][1] == 2


async def test_a_risk_is_raised_and_told(desk: Desk) -> None:
    one = identity(desk, desk.client.id, S.PENDING, S.APPROVED, flags=frozenset({Flag.PEP}))
    await taken(desk, one)
    assert desk.status(one.id) == "ON_HOLD"
    assert (standings(desk)[desk.client.id].risk_level, desk.risk()) == ("MEDIUM", "MEDIUM")
    kinds = [row.kind for row in desk.make.rows(event, desk.brand)]
    assert kinds.count("risk_computed") == kinds.count("risk_set") == 1
    raised = [r for r in desk.make.rows(audit, desk.brand) if r.action == "client.raise_risk"]
    assert [(row.before, row.after) for row in raised] == [({"risk": "LOW"}, {"risk": "MEDIUM"})]
    versions = {row.id: row.version for row in desk.make.rows(clients.client, desk.brand)}
    assert versions[desk.client.id] == 2


async def test_who_is_known_stays_as_it_is(desk: Desk) -> None:
    known = await desk.submit()
    events = len(desk.make.rows(event, desk.brand))
    assert await taken(desk, identity(desk, desk.client.id, S.APPROVED)) == 0
    assert [row.id for row in desk.make.rows(tables.kyc_case, desk.brand)] == [known]
    assert len(desk.make.rows(event, desk.brand)) == events


async def test_what_nobody_asks_for_refuses_the_batch(desk: Desk) -> None:
    other = desk.make.client(desk.brand).id
    asked = ProofRecord(new_uuid(), other, "COMPANY", THEN)
    with pytest.raises(DomainError) as caught:
        await taken(desk, identity(desk, desk.client.id, S.APPROVED), asked)
    assert caught.value.code == "REQUIREMENT_UNKNOWN"
    assert desk.make.rows(tables.kyc_case, desk.brand) == []
    assert desk.make.rows(tables.kyc_standing, desk.brand) == []


async def test_papers_can_be_read_and_two_people_stand_in_the_file(desk: Desk) -> None:
    first, second = (desk.brand.staff[role] for role in ("compliance", "brand_admin"))  # type: ignore[index] # roles are text
    said = Said(
        DecisionSource.STAFF, S.APPROVED, THEN + timedelta(hours=1), comment="Compared.",
        proposed_by=first, decided_by=second,
    )  # fmt: skip
    one = ProofRecord(new_uuid(), desk.client.id, "ADDRESS", THEN, [said], papers=[BILL])
    await taken(desk, one)
    (paper,) = desk.make.rows(tables.kyc_document, desk.brand)
    assert (paper.case_id, paper.status, paper.issued_on) == (one.id, "STORED", BILL.issued_on)
    read = await desk.database.write(
        system_scope(desk.brand.id), lambda work: read_document(work, VAULT, paper.id)
    )
    assert read.value.content == BILL.content
    (proposal,) = desk.make.rows(tables.kyc_proposal, desk.brand)
    assert (proposal.status, proposal.proposed_by, proposal.reviewed_by) == (
        "CONFIRMED", first, second,
    )  # fmt: skip


async def test_a_draft_is_not_begun_at_a_vendor_that_is_paused(desk: Desk) -> None:
    recent = datetime.now(UTC) - timedelta(days=1)
    draft = ProofRecord(new_uuid(), desk.client.id, "IDENTITY", recent, (), desk.connection_id)
    await taken(desk, draft)

    async def silent(work: Any) -> list[UUID]:
        return [row.id for row in await list_silent(work, older_than=timedelta(minutes=1))]

    scope = system_scope(desk.brand.id)
    assert (await desk.worker.write(scope, silent)).value == [draft.id]
    desk.make.run(desk.brand, update(tables.kyc_connection).values(status="PAUSED"))
    assert (await desk.worker.write(scope, silent)).value == []
