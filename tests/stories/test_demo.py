"""What the demo looks back on, seen through the API, and reckoned again from its first day."""

import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from api.demo.identity import STATES
from api.demo.past.fates import Fate, purchases
from api.demo.past.people import DAYS, Crowd, Person
from api.demo.past.proofs import Provings
from api.demo.story import BRANDS, clients_of
from domain.compliance.identity.values import KycStatus
from tests.api.embedded import ROOT
from tests.stories.conftest import PAST, Installation
from tests.stories.telling import ask, http

CHALLENGES = """query($after: Cursor) { challenges(first: 10, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { reference status client { id } program { code }
  breach { rule source at floor { amount } equity { amount } verifiedAt disabledAt
    prices { symbol } positions { ticket } explanation { summary } }
  current { status closing account { access } snapshot { maxLoss { share { percent } } }
    startBalance { amount } rules { rule distance { amount } } } } } }"""
COUNTS = "{ %s(first: 1) { totalCount { value } } }"
IBS = """{ ibs(first: 50) { nodes { code level } } }"""
WALLETS = """{ clients(first: 50) { nodes { accounts { nodes { currency } } } } }"""
KYC = """query($after: Cursor) { clients(first: 50, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { email kyc { status tier }
    accounts(filter: {kind: {eq: LIVE}}) { nodes { id } }
    payments(first: 20) { nodes { __typename } } } } }"""
LEADS = """query($emails: [String!]) { leads(first: 50, filter: {email: {in: $emails}}) { nodes {
  stage } } }"""
WAITING = """{ approvals { nodes { level withdrawal { approvals { level status } } } } }"""
DISPUTES = "{ disputes { nodes { reference status } } }"
STANDS = {
    **dict.fromkeys(("address", "identity"), "APPROVED"),
    **dict.fromkeys(("pep", "proposed", "papers", "hold", "sanctions"), "ON_HOLD"),
    "retry": "REJECTED_RETRY",
    "final": "REJECTED_FINAL",
    "pending": "PENDING",
    "waiting": "AWAITING_DOCS",
    "expired": "EXPIRED",
}
"""Where a client stands of whom the story tells this."""
BOARD = """{ dashboard { leadsByStage { count } clientsInKyc { count }
  depositsClearedToday { count } withdrawalsPending { count } ibVolume { deals accrued { amount } }
  challengesNearFloor { rule } withheld { field } } }"""
FIRM = next(one for one in BRANDS if one.is_prop)


def told(installation: Installation, *words: str) -> str:
    """What a verb of the console says of the home, which must be content."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *words],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def asked(installation: Installation, slug: str, role: str, query: str, **more: Any) -> Any:
    token = installation.brand(slug)["tokens"][role]
    return await ask(http(installation, token), query, **more)


async def all_of(installation: Installation, slug: str, role: str, query: str) -> list[Any]:
    """Every node of a connection."""
    nodes: list[Any] = []
    after = None
    while True:
        page = await asked(installation, slug, role, query, after=after)
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes


def share_left(one: Any) -> Decimal:
    """How much of the room above its lowest floor a running challenge has left, from 0 to 1."""
    phase = one["current"]
    percent = Decimal(phase["snapshot"]["maxLoss"]["share"]["percent"])
    room = Decimal(phase["startBalance"]["amount"]) * percent / 100
    left = next(each for each in phase["rules"] if each["rule"] == "MAX_LOSS")
    return Decimal(left["distance"]["amount"]) / room


@pytest.mark.parametrize("slug", [story.plan.slug for story in BRANDS])
async def test_leads_and_clients_are_as_many_as_the_story_has(
    installation: Installation, slug: str
) -> None:
    crowd = Crowd(next(one for one in BRANDS if one.plan.slug == slug), float(PAST))
    leads = sum(len(crowd.leads_of(day)) for day in range(DAYS))
    clients = len(list(crowd.clients_until(DAYS - 1))) + crowd.story.clients
    for name, least in (("leads", leads), ("clients", clients)):
        found = await asked(installation, slug, "brand_admin", COUNTS % name)
        assert found["totalCount"]["value"] >= least, name


async def test_a_board_has_every_figure_at_first_sight(installation: Installation) -> None:
    seen = await asked(installation, "aurora", "brand_admin", BOARD)
    assert seen["withheld"] == []
    volume = seen.pop("ibVolume")
    assert volume["deals"] > 0
    assert all(Decimal(one["amount"]) > 0 for one in volume["accrued"])
    del seen["withheld"]
    assert [name for name, figure in seen.items() if not figure] == []


async def test_challenges_came_to_what_the_rules_made_of_them(installation: Installation) -> None:
    planned = purchases(Crowd(FIRM, float(PAST)))
    fates = Counter(one.fate for one in planned)
    found = await all_of(installation, "cirrus", "brand_admin", CHALLENGES)
    assert len(found) == len(planned)
    assert len({one["client"]["id"] for one in found}) == len(planned)
    status = Counter(one["status"] for one in found)
    assert status == {
        "ACTIVE": fates[Fate.RUNNING] + fates[Fate.NEAR] + fates[Fate.SECOND],
        "FAILED": fates[Fate.DAILY] + fates[Fate.MAX],
        "REVIEW": fates[Fate.PASSED],
        "EXPIRED": fates[Fate.EXPIRED],
    }
    running = [one for one in found if one["status"] == "ACTIVE"]
    near = [one for one in running if share_left(one) <= Decimal("0.1")]
    assert len(near) == 3
    assert all(share_left(one) > 0 for one in near)
    assert sum(one["current"]["status"] == "ACTIVE" for one in running) == len(running)


async def test_a_broken_rule_shows_its_evidence(installation: Installation) -> None:
    found = await all_of(installation, "cirrus", "auditor", CHALLENGES)
    broken = [one for one in found if one["status"] == "FAILED"]
    assert {one["breach"]["rule"] for one in broken} == {"DAILY_LOSS", "MAX_LOSS"}
    for one in broken:
        breach, phase = one["breach"], one["current"]
        assert Decimal(breach["equity"]["amount"]) < Decimal(breach["floor"]["amount"])
        assert (len(breach["prices"]), len(breach["positions"])) == (1, 1)
        assert "below the floor of" in breach["explanation"]["summary"]
        assert breach["at"] <= breach["verifiedAt"] <= breach["disabledAt"]
        assert (phase["closing"], phase["account"]["access"]) == ("DISABLED", "NO_TRADING")


def expected_identities(crowd: Crowd) -> dict[str, str]:
    """Where each client that the story tells of stands, by address."""
    states = STATES[crowd.story.plan.slug]
    kept = {one.email: "NOT_STARTED" for one in clients_of(crowd.story)}
    kept |= {
        one.email: STANDS[state]
        for one, state in zip(clients_of(crowd.story), states, strict=False)
    }
    ends = {one.person.id: one.ends for one in Provings(crowd).of(people_of(crowd))}
    leads = [lead for day in range(DAYS) for lead in crowd.leads_of(day)]
    for lead in leads:
        if lead.client is not None:
            kept[lead.email] = ends.get(lead.client.id, "NOT_STARTED")
    return kept


def people_of(crowd: Crowd) -> list[Person]:
    return list(crowd.clients_until(DAYS - 1))


@pytest.mark.parametrize("slug", [story.plan.slug for story in BRANDS])
async def test_identities_are_in_every_state_as_the_story_says(
    installation: Installation, slug: str
) -> None:
    crowd = Crowd(next(one for one in BRANDS if one.plan.slug == slug), float(PAST))
    expected = expected_identities(crowd)
    nodes = await all_of(installation, slug, "brand_admin", KYC)
    found = {one["email"]: one["kyc"]["status"] for one in nodes if one["email"] in expected}
    assert found == expected
    assert set(found.values()) == {one.value for one in KycStatus}
    assert len(found) == crowd.story.clients + len(people_of(crowd))


@pytest.mark.parametrize("slug", ["aurora", "borealis"])
async def test_nobody_has_more_than_is_proven(installation: Installation, slug: str) -> None:
    """Nothing real before the identity, and nothing out; at the first brand nothing in, either."""
    nodes = await all_of(installation, slug, "brand_admin", KYC)
    told = expected_identities(Crowd(next(one for one in BRANDS if one.plan.slug == slug),
                                     float(PAST))).keys()  # fmt: skip
    checked = 0
    for one in nodes:
        if one["email"] not in told or one["kyc"]["tier"] > 0:
            continue
        checked += 1
        kinds = {each["__typename"] for each in one["payments"]["nodes"]}
        assert one["accounts"]["nodes"] == [], one
        assert "Withdrawal" not in kinds, one
        assert slug == "borealis" or "Deposit" not in kinds, one
    assert checked > 0


async def test_who_handed_in_papers_is_a_lead_of_that_stage(installation: Installation) -> None:
    crowd = Crowd(BRANDS[0], float(PAST))
    handed_in = {
        one.person.id
        for one in Provings(crowd).of(people_of(crowd))
        if one.ends not in ("DRAFT", "AWAITING_DOCS") and one.person.pays_on is None
    }
    leads = [lead for day in range(DAYS) for lead in crowd.leads_of(day)]
    emails = [one.email for one in leads if one.client and one.client.id in handed_in]
    assert emails
    found = await asked(installation, "aurora", "brand_admin", LEADS, emails=emails)
    assert [one["stage"] for one in found["nodes"]] == ["KYC"] * len(emails)


async def test_ibs_and_money_are_in_every_state(installation: Installation) -> None:
    ibs = (await asked(installation, "aurora", "brand_admin", IBS))["nodes"]
    assert {one["level"] for one in ibs if one["code"].lower().startswith("aurora-north")} == {
        1,
        2,
        3,
    }
    for slug in ("aurora", "borealis"):
        assert (await asked(installation, slug, "finance", DISPUTES))["nodes"], slug
    waiting = (await asked(installation, "borealis", "finance", WAITING))["nodes"]
    levels = [Counter(one["status"] for one in each["withdrawal"]["approvals"]) for each in waiting]
    assert any(one["APPROVED"] == 1 and one["PENDING"] == 1 for one in levels), levels


def test_ninety_days_reckoned_from_zero_come_to_the_same(installation: Installation) -> None:
    """Every accrual to the cent, every verdict to the tick, every book to the minor unit."""
    accruals = told(installation, "ibs", "replay")
    for slug in ("aurora", "borealis"):
        line = next(one for one in accruals.splitlines() if one.startswith(slug))
        assert line.split()[-1] == "none", line
        assert int(line.split()[1]) > 0, line
    verdicts = told(installation, "challenges", "replay", "--brand", FIRM.plan.slug)
    phases = sum(1 + (one.fate in (Fate.SECOND, Fate.PASSED) and one.program.startswith("two"))
                 for one in purchases(Crowd(FIRM, float(PAST))))  # fmt: skip
    assert verdicts.startswith(f"{phases} phases, ")
    assert verdicts.strip().endswith(" verdicts: the same")
    told(installation, "ledger", "verify")
