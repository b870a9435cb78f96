"""From the first click to a decision, over the vendor's real wire and its faults."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from domain.compliance.identity import jobs, tables
from domain.compliance.identity.adapters.sandbox_notices import sign
from domain.compliance.identity.commands.submit_case import SubmitWish, submit_case
from domain.compliance.identity.ports import ApplicantRequest, KycUnavailable
from domain.compliance.identity.queries import WAITED_FOR
from domain.events.jobs import JobRun
from domain.kernel.errors import DomainError
from domain.kernel.ids import encode_id
from tests.domain.compliance.identity.desk import SECRET, Desk
from tests.factories import scope_of
from tests.psp import RunningPsp


async def begun(desk: Desk) -> tuple[UUID, str]:
    """A case that the vendor has, and its applicant's id there."""
    case_id = await desk.submit()
    assert await desk.work() == 1
    return case_id, desk.case(case_id).ext_id


async def test_a_client_is_verified_and_everything_is_said_once(live: Desk, sandbox: RunningPsp):
    case_id = await live.submit()
    assert (live.status(case_id), live.standing().status) == ("DRAFT", "DRAFT")
    await live.work()
    case = live.case(case_id)
    assert case.status == "AWAITING_DOCS"
    assert case.page_url == f"{sandbox.url}/verify/{case.ext_id}"
    await sandbox.kyc.submit(case.ext_id)
    await live.until(lambda: live.status(case_id) == "APPROVED")
    assert live.decisions(case_id)[0] == ("VENDOR", "AWAITING_DOCS")
    assert live.decisions(case_id)[-1] == ("VENDOR", "APPROVED")
    standing = live.standing()
    assert (standing.tier, standing.status, standing.missing) == (1, "APPROVED", ["ADDRESS"])
    assert (standing.risk_points, standing.risk_level) == (15, "LOW")
    events = live.events()
    assert events[0] == "case_submitted"
    assert events.count("tier_changed") == events.count("case_approved") == 1


async def test_going_on_is_the_same_case_however_often(live: Desk):
    case_id = await live.submit()
    assert await live.submit() == case_id
    await live.work()
    assert await live.submit() == case_id
    assert live.events().count("case_submitted") == 1


async def given_up(desk: Desk, case_id: UUID) -> None:
    """Nobody has gone on for longer than rounds ask."""
    long_ago = datetime.now(UTC) - WAITED_FOR - timedelta(days=1)
    changed = update(tables.kyc_case).values(created_at=long_ago, updated_at=long_ago)
    desk.make.run(desk.brand, changed.where(tables.kyc_case.c.id == case_id))


async def test_a_draft_of_last_month_is_begun_at_the_vendor_after_all(live: Desk):
    case_id = await live.submit()
    await given_up(live, case_id)
    polls = jobs.Polls()
    assert await polls(live.database, live.brand.id) == 0, "nobody asks about it any more"
    url = f"https://{live.brand.host}/elsewhere"
    assert await live.submit(return_url=url) == case_id
    assert live.case(case_id).return_url == url
    assert live.events().count("case_submitted") == 2
    assert await live.submit() == case_id
    assert live.events().count("case_submitted") == 2, "once is enough"
    await live.work()
    assert live.status(case_id) == "AWAITING_DOCS"
    assert live.case(case_id).page_url is not None


async def test_who_goes_on_after_a_month_is_asked_about_again(live: Desk):
    case_id, applicant = await begun(live)
    await given_up(live, case_id)
    assert await live.submit() == case_id
    assert live.events().count("case_submitted") == 1, "the vendor has it"
    assert live.case(case_id).ext_id == applicant
    assert live.case(case_id).updated_at > datetime.now(UTC) - timedelta(minutes=5)


async def test_a_draft_of_last_month_needs_a_vendor_too(live: Desk):
    case_id = await live.submit()
    await given_up(live, case_id)
    paused = update(tables.kyc_connection).values(status="PAUSED")
    live.make.run(live.brand, paused)
    with pytest.raises(DomainError) as caught:
        await live.submit()
    assert caught.value.code == "KYC_VENDOR_UNAVAILABLE"


async def test_a_page_in_the_browser_leads_back_to_the_portal(live: Desk):
    case_id, _ = await begun(live)
    async with httpx.AsyncClient(trust_env=False) as browser:
        url = live.case(case_id).page_url
        page = await browser.get(url)
        assert page.status_code == 200
        assert "script" not in page.text
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        back = await browser.post(url, data={"token": token, "person": "approve"})
        assert back.status_code == 303
        shown = encode_id("kyc_case", case_id)
        assert back.headers["location"].startswith(
            f"https://{live.brand.host}/back?case={shown}&reference="
        )
        forged = await browser.post(url, data={"token": "x", "person": "approve"})
        assert forged.status_code == 403
    await live.until(lambda: live.status(case_id) == "APPROVED")


async def test_five_copies_in_any_order_with_forgeries_between_have_one_effect(
    live: Desk, sandbox: RunningPsp
):
    await sandbox.kyc.faults(
        review_delay_ms=0, duplicate_notices=4, shuffle_notices=True, forge_notices=0.5, seed=7
    )
    case_id, applicant = await begun(live)
    await sandbox.kyc.submit(applicant)
    await live.until(lambda: live.status(case_id) == "APPROVED")
    await live.until(
        lambda: len(live.kept_notices()) == 2 and set(live.kept_notices()) == {"HANDLED"}
    )
    assert live.events().count("case_approved") == live.events().count("tier_changed") == 1


async def test_an_approved_client_that_turns_red_loses_its_tier(live: Desk, sandbox: RunningPsp):
    await sandbox.kyc.faults(review_delay_ms=0, approve_then_red=1, then_red_delay_ms=0)
    case_id, applicant = await begun(live)
    await sandbox.kyc.submit(applicant)
    await live.until(lambda: live.status(case_id) == "REJECTED_FINAL")
    assert (live.standing().tier, live.standing().status) == (0, "REJECTED_FINAL")
    assert live.case(case_id).client_message == "We could not verify you."


async def test_a_notice_that_says_green_grants_nothing_when_the_vendor_does_not(
    live: Desk, sandbox: RunningPsp, door: str
):
    """Signed with the right secret even: what it says is pulled, not believed."""
    case_id, applicant = await begun(live)
    body = (
        b'{"id":"kevt_1","applicantId":"%s","reviewStatus":"completed",'
        b'"reviewResult":{"reviewAnswer":"GREEN"}}' % applicant.encode()
    )
    address = f"{door}/{live.brand.id.hex}_{live.connection_id.hex}"
    headers = {"x-payload-digest": sign(SECRET, body), "x-payload-digest-alg": "HMAC_SHA256_HEX"}
    async with httpx.AsyncClient(trust_env=False) as vendor:
        assert (await vendor.post(address, content=body, headers=headers)).status_code == 200
        # A weaker algorithm, another secret and none at all prove nothing.
        for wrong in (
            headers | {"x-payload-digest-alg": "HMAC_SHA1_HEX"},
            headers | {"x-payload-digest": sign("another", body)},
            {},
        ):
            answer = await vendor.post(address, content=body, headers=wrong)
            assert answer.status_code == 401
        elsewhere = f"{door}/{live.brand.id.hex}_{live.brand.id.hex}"
        assert (await vendor.post(elsewhere, content=body, headers=headers)).status_code == 404
    await live.work()
    assert live.kept_notices() == ["HANDLED"]
    assert (live.status(case_id), live.standing().tier) == ("AWAITING_DOCS", 0)


async def test_a_notice_of_nobody_of_ours_is_unknown(live: Desk, sandbox: RunningPsp):
    request = ApplicantRequest("somebody else", "basic", "https://elsewhere.example/")
    stranger = await live.vendor.create_applicant(request)
    await sandbox.kyc.decide(stranger.id, "GREEN")
    await live.until(lambda: live.kept_notices() == ["UNKNOWN"])
    assert live.events() == []


async def test_what_nobody_tells_is_asked_for(live: Desk, sandbox: RunningPsp):
    await sandbox.kyc.faults(review_delay_ms=0, delay_notices_ms=(600_000, 600_000))
    case_id, applicant = await begun(live)
    await sandbox.kyc.decide(applicant, "GREEN")
    older = tables.kyc_case.c.updated_at - timedelta(minutes=2)
    live.make.run(
        live.brand,
        update(tables.kyc_case)
        .where(tables.kyc_case.c.brand_id == live.brand.id)
        .values(updated_at=older),
    )
    polls = jobs.Polls()
    assert await polls(live.worker, live.brand.id) == 1
    assert await polls(live.worker, live.brand.id) == 0, "its turn has not come"
    await live.work()
    assert live.status(case_id) == "APPROVED"


async def test_a_vendor_that_answers_500_is_asked_again_and_has_one_applicant(
    live: Desk, sandbox: RunningPsp
):
    """Done and answered 500: the next try finds what the first one made."""
    await sandbox.kyc.faults(answer_500=1, seed=1)
    case_id = await live.submit()
    with pytest.raises(KycUnavailable):
        await live.work()
    assert live.status(case_id) == "DRAFT"
    await sandbox.kyc.faults()
    kinds = {one.name: one for one in jobs.jobs_over(live.connected)}
    run = JobRun(jobs.START, live.brand.id, str(case_id), 2, live.worker)
    await kinds[jobs.START].handle(run, {"case_id": str(case_id)})
    found = await live.vendor.find_by_reference(case_id.hex)
    assert found is not None
    assert (live.status(case_id), found.id) == ("AWAITING_DOCS", live.case(case_id).ext_id)


async def test_where_nothing_is_asked_nothing_can_be_proven(make, database, brand):
    client = make.client(brand)
    wish = SubmitWish(client.id, "IDENTITY", f"https://{brand.host}/")
    with pytest.raises(DomainError) as raised:
        await database.write(scope_of(brand, client=client), lambda work: submit_case(work, wish))
    assert raised.value.code == "REQUIREMENT_UNKNOWN"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"requirement": "UNHEARD"}, "REQUIREMENT_UNKNOWN"),
        ({"return_url": "https://evil.example/"}, "INVALID"),
        ({"return_url": None}, "INVALID"),
        ({"requirement": "ADDRESS"}, "DOCUMENT_INVALID"),
    ],
)
async def test_what_can_not_be_is_refused(desk: Desk, wish, code):
    with pytest.raises(DomainError) as raised:
        await desk.submit(**wish)
    assert raised.value.code == code
    assert desk.events() == []
