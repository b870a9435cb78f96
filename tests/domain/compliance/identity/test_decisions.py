"""Decisions that come late, twice and in any order; and those that people take, two at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from domain.clients import tables as clients
from domain.compliance.identity import tables
from domain.compliance.identity.commands.decide_case import Verdict, decide_case
from domain.compliance.identity.commands.expire_proofs import expire_proofs
from domain.compliance.identity.commands.record_applicant import record_applicant
from domain.compliance.identity.ports import Applicant
from domain.compliance.identity.values import CaseStatus
from domain.compliance.risk.values import Flag
from domain.kernel.errors import DomainError
from tenants.context import system_scope
from tests.domain.compliance.identity.desk import Desk
from tests.domain.compliance.kyc import ask_for
from tests.factories import scope_of

BEGUN = datetime.now(UTC)


def told(case_id: UUID, status: str, version: int, **more: Any) -> Applicant:
    """What the vendor says of a case, a second later with each version."""
    at = more.pop("at", BEGUN + timedelta(seconds=version))
    return Applicant(
        f"app_{case_id.hex}", case_id.hex, CaseStatus(status), version, at, "http://kyc/p", **more
    )


async def record(desk: Desk, applicant: Applicant, connection_id: UUID | None = None) -> bool:
    done = await desk.worker.write(
        system_scope(desk.brand.id),
        lambda work: record_applicant(work, connection_id or desk.connection_id, applicant),
    )
    return done.value


async def held(desk: Desk, **more: Any) -> UUID:
    """A case that the vendor puts into our hands."""
    case_id = await desk.submit()
    await record(desk, told(case_id, "ON_HOLD", 1, **more))
    return case_id


async def refused(call: Any) -> str:
    with pytest.raises(DomainError) as raised:
        await call
    return raised.value.code


# Order ----------------------------------------------------------------------------------------


async def test_what_comes_late_changes_nothing_and_is_kept(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 3))
    await record(desk, told(case_id, "PENDING", 2))
    await record(desk, told(case_id, "AWAITING_DOCS", 1))
    assert (desk.status(case_id), desk.standing().tier) == ("APPROVED", 1)
    assert [outcome for _, outcome in desk.decisions(case_id)] == [
        "AWAITING_DOCS", "PENDING", "APPROVED",
    ]  # fmt: skip
    assert desk.events().count("tier_changed") == 1


async def test_what_comes_twice_is_recorded_once(desk: Desk):
    case_id = await desk.submit()
    for _ in range(3):
        assert await record(desk, told(case_id, "APPROVED", 1)) is True
    assert desk.decisions(case_id) == [("VENDOR", "APPROVED")]
    assert desk.events().count("case_approved") == 1


async def test_nobody_else_speaks_for_a_case(desk: Desk):
    case_id = await desk.submit()
    assert await record(desk, told(case_id, "APPROVED", 1), uuid4()) is False
    assert await record(desk, told(uuid4(), "APPROVED", 1)) is False
    await record(desk, told(case_id, "PENDING", 1))
    impostor = Applicant("app_x", case_id.hex, CaseStatus.APPROVED, 9, BEGUN, "http://kyc/p")
    assert await record(desk, impostor) is False
    assert desk.status(case_id) == "PENDING"


async def test_a_reference_that_is_none_of_ours_is_none(desk: Desk):
    odd = Applicant("app_y", "no id of ours", CaseStatus.APPROVED, 1, BEGUN, "http://kyc/p")
    assert await record(desk, odd) is False


# Flags and risk -------------------------------------------------------------------------------


async def test_a_pep_waits_for_people_and_raises_the_risk(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1, flags=frozenset({Flag.PEP})))
    assert (desk.status(case_id), desk.standing().tier) == ("ON_HOLD", 0)
    assert (desk.standing().risk_points, desk.standing().risk_level) == (45, "MEDIUM")
    assert desk.risk() == "MEDIUM"
    await desk.decide(case_id, "APPROVED")
    await desk.review(case_id)
    assert (desk.status(case_id), desk.standing().tier) == ("APPROVED", 1)
    lapses = desk.case(case_id).expires_at - desk.case(case_id).decided_at
    assert lapses == timedelta(days=730), "as MEDIUM risk asks"


async def test_a_high_risk_closes_without_no_person(desk: Desk):
    ask_for(desk.make, desk.brand, version=2, risk={"countries": {"CY": 40},
            "other_countries": 0, "product": 10, "remote": 10})  # fmt: skip
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1))
    assert (desk.status(case_id), desk.standing().risk_level) == ("ON_HOLD", "HIGH")
    assert desk.risk() == "HIGH"


async def test_a_sanctions_match_is_a_stop_until_two_people_clear_it(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1, flags=frozenset({Flag.SANCTIONS})))
    assert (desk.status(case_id), desk.standing().risk_level) == ("ON_HOLD", "PROHIBITED")
    await desk.decide(case_id, "APPROVED")
    assert desk.standing().tier == 0
    await desk.review(case_id)
    standing = desk.standing()
    assert (standing.tier, standing.risk_level) == (1, "LOW")
    assert desk.risk() == "HIGH", "what was raised stays until staff lower it"


async def test_staff_may_lower_a_risk_and_only_a_new_reason_raises_it_again(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1, flags=frozenset({Flag.PEP})))
    desk.make.run(
        desk.brand,
        update(clients.client).where(clients.client.c.brand_id == desk.brand.id).values(risk="LOW"),
    )
    await record(desk, told(case_id, "APPROVED", 2, flags=frozenset({Flag.PEP})))
    assert desk.risk() == "LOW"
    more = frozenset({Flag.PEP, Flag.ADVERSE_MEDIA})
    await record(desk, told(case_id, "APPROVED", 3, flags=more))
    assert desk.risk() == "HIGH"


# Four eyes ------------------------------------------------------------------------------------


async def test_one_proposes_another_confirms(desk: Desk):
    case_id = await held(desk)
    made = await desk.decide(case_id, "APPROVED")
    assert set(made) == {"case", "proposal"}
    assert (desk.status(case_id), desk.standing().tier) == ("ON_HOLD", 0)
    same = scope_of(desk.brand, "compliance")
    assert await refused(desk.review(case_id, who=same)) == "FOUR_EYES"
    assert await refused(desk.decide(case_id, "APPROVED")) == "KYC_PROPOSAL_WAITS"
    await desk.review(case_id)
    assert (desk.status(case_id), desk.standing().tier) == ("APPROVED", 1)
    (row,) = [r for r in desk.make.rows(tables.kyc_decision, desk.brand) if r.source == "STAFF"]
    assert (row.proposed_by, row.decided_by) == (
        desk.brand.staff["compliance"], desk.brand.staff["brand_admin"],
    )  # fmt: skip
    assert desk.case(case_id).client_message == "You are told this."


async def test_what_was_proposed_for_other_papers_can_not_be_confirmed(desk: Desk):
    first = await desk.bring()
    case_id = await desk.submit("ADDRESS", document_ids=[first], return_url=None)
    await desk.decide(case_id, "APPROVED")
    second = await desk.bring()
    assert await desk.submit("ADDRESS", document_ids=[second], return_url=None) == case_id
    assert await refused(desk.review(case_id)) == "KYC_NOTHING_PROPOSED"
    await desk.decide(case_id, "APPROVED")
    rows = desk.make.rows(tables.kyc_proposal, desk.brand)
    assert sorted(row.status for row in rows) == ["OPEN", "OUTDATED"]
    await desk.review(case_id)
    assert desk.status(case_id) == "APPROVED"


async def test_who_declines_leaves_the_case_as_it_was(desk: Desk):
    case_id = await held(desk)
    await desk.decide(case_id, "REJECTED_FINAL")
    await desk.review(case_id, confirm=False)
    assert desk.status(case_id) == "ON_HOLD"
    assert await refused(desk.review(case_id)) == "KYC_NOTHING_PROPOSED"
    await desk.decide(case_id, "APPROVED")


async def test_sending_somebody_back_takes_one(desk: Desk):
    case_id = await held(desk)
    await desk.decide(case_id, "REJECTED_RETRY")
    assert desk.status(case_id) == "REJECTED_RETRY"
    again = await desk.submit()
    assert again != case_id


async def test_a_final_rejection_is_taken_back_by_two(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "REJECTED_FINAL", 1))
    assert await refused(desk.submit()) == "KYC_REJECTED_FINAL"
    await desk.decide(case_id, "APPROVED")
    assert desk.status(case_id) == "REJECTED_FINAL"
    await desk.review(case_id)
    assert (desk.status(case_id), desk.standing().tier) == ("APPROVED", 1)


async def test_a_vendor_that_moves_on_outdates_what_was_proposed(desk: Desk):
    case_id = await held(desk)
    await desk.decide(case_id, "APPROVED")
    await record(desk, told(case_id, "REJECTED_FINAL", 2, at=datetime.now(UTC)))
    assert await refused(desk.review(case_id)) == "KYC_NOTHING_PROPOSED"
    assert desk.status(case_id) == "REJECTED_FINAL"


async def test_people_decide_later_than_all_they_have_seen(desk: Desk):
    """A vendor's clock that goes ahead does not undo what people decided after it spoke."""
    case_id = await desk.submit()
    ahead = datetime.now(UTC) + timedelta(hours=3)
    await record(desk, told(case_id, "ON_HOLD", 1, at=ahead))
    await desk.decide(case_id, "APPROVED")
    await desk.review(case_id)
    assert desk.status(case_id) == "APPROVED"


async def test_a_program_and_a_stale_reader_decide_nothing(desk: Desk):
    case_id = await held(desk)
    version = desk.case(case_id).version
    program = replace(system_scope(desk.brand.id), permissions=frozenset({"kyc:decide"}))
    with pytest.raises(DomainError) as raised:
        await desk.worker.write(program, lambda work: _decided(work, case_id, version))
    assert raised.value.code == "FOUR_EYES"
    assert await refused(desk.decide(case_id, "APPROVED", version=version - 1)) == (
        "VERSION_CONFLICT"
    )


async def _decided(work: Any, case_id: UUID, version: int) -> Any:
    verdict = Verdict(CaseStatus.APPROVED, "By a program.")
    return await decide_case(work, case_id, verdict, version=version)


async def test_another_brands_case_does_not_exist(desk: Desk, brand_b):
    case_id = await held(desk)
    foreign = scope_of(brand_b, "compliance")
    with pytest.raises(DomainError) as raised:
        await desk.database.write(foreign, lambda work: _decided(work, case_id, 1))
    assert raised.value.code == "NOT_FOUND"


# Time -----------------------------------------------------------------------------------------


def move(desk: Desk, case_id: UUID, **columns: Any) -> None:
    desk.make.run(
        desk.brand,
        update(tables.kyc_case)
        .where(tables.kyc_case.c.brand_id == desk.brand.id, tables.kyc_case.c.id == case_id)
        .values(**columns),
    )


async def test_a_proof_lapses_and_is_given_anew(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1))
    now = datetime.now(UTC)
    move(desk, case_id, expires_at=now + timedelta(days=20))
    assert await expire_proofs(desk.worker, desk.brand.id) == 1
    assert await expire_proofs(desk.worker, desk.brand.id) == 0, "reminded once"
    assert desk.events().count("proof_lapsing") == 1
    move(desk, case_id, expires_at=datetime.now(UTC))
    assert await expire_proofs(desk.worker, desk.brand.id) >= 1
    standing = desk.standing()
    assert (desk.status(case_id), standing.tier, standing.status) == ("EXPIRED", 0, "EXPIRED")
    assert desk.decisions(case_id)[-1] == ("SYSTEM", "EXPIRED")
    assert await desk.submit() != case_id


async def test_another_version_of_the_policy_is_followed(desk: Desk):
    case_id = await desk.submit()
    await record(desk, told(case_id, "APPROVED", 1))
    assert desk.standing().policy_version == 1
    tiers = {
        "INDIVIDUAL": [
            {"requires": [], "deposits": {"EUR": "0"}, "live": False, "withdrawals": False},
            {"requires": ["IDENTITY", "ADDRESS"], "deposits": None, "live": True,
             "withdrawals": True},
        ]
    }  # fmt: skip
    ask_for(desk.make, desk.brand, version=2, tiers=tiers)
    assert await expire_proofs(desk.worker, desk.brand.id) == 1
    standing = desk.standing()
    assert (standing.tier, standing.missing, standing.policy_version) == (0, ["ADDRESS"], 2)
