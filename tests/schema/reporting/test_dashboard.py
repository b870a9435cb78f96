"""The dashboard: each figure exact, by the viewer's own permissions and rows, in one statement."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from domain.challenges.rules import begin
from domain.challenges.snapshot import dump_rules, dump_state
from domain.challenges.tables import challenge, challenge_phase
from domain.challenges.values import DailyLoss, MaxLoss, MaxLossKind, RuleSet
from domain.clients.leads.tables import lead
from domain.compliance.identity.tables import kyc_standing
from domain.kernel.ids import new_uuid
from domain.payments.values import PaymentKind
from schema.reporting.queries import PERMISSION_OF
from tenants.tables import brand as brand_table
from tenants.tables import brand_state
from tenants.work import Database
from tests.domain.challenges.steps import percent
from tests.domain.ibs.commissions.desk import Desk
from tests.domain.ibs.commissions.plans import terms
from tests.domain.payments.till import Till
from tests.factories import Account, Brand, Client, Factory, rights_of, scope_of
from tests.prop import Shop, open_shop, sell
from tests.schema.payments.window import begin as begin_payment
from tests.schema.people import Ask

LEADS = "leadsByStage { stage count }"
KYC = "clientsInKyc { status count }"
SUM = "{ amount { amount currencyCode } count oldestAt }"
CLEARED, PENDING = f"depositsClearedToday {SUM}", f"withdrawalsPending {SUM}"
VOLUME = "ibVolume { lots deals tradingClients accrued { amount currencyCode } }"
NEAR = """challengesNearFloor { rule phase floor { amount } equity { amount }
  distance { amount currencyCode } distancePercent nextResetAt asOf challenge { reference } }"""
DAY = "day dayBeganAt dayEndsAt timeZone asOf"
WITHHELD = "withheld { field permission }"
FIGURES = (LEADS, KYC, CLEARED, PENDING, VOLUME, NEAR)
EVERYTHING = f"{{ dashboard {{ {DAY} {' '.join(FIGURES)} {WITHHELD} }} }}"
NICOSIA = ZoneInfo("Europe/Nicosia")


def one(figure: str) -> str:
    return f"query($on: Date) {{ dashboard(on: $on) {{ {figure} }} }}"


def add_lead(make: Factory, brand: Brand, stage: str, owner: UUID | None = None) -> None:
    now, number = datetime.now(UTC), new_uuid().hex
    make.insert(
        lead, brand, id=new_uuid(), reference=f"L-{number[-9:]}", version=1, stage=stage,
        lost_reason="OTHER" if stage == "LOST" else None, email=f"{number}@leads.example",
        source="google", last_source="google", owner_id=owner, created_at=now, touched_at=now,
        stage_since=now,
    )  # fmt: skip


def stands(make: Factory, client: Client, status: str) -> None:
    make.insert(
        kyc_standing, client, client_id=client.id, ib_path=client.ib_path, status=status, tier=0,
        missing=[], policy_version=1, risk_points=0, risk_parts={}, risk_level="LOW",
        updated_at=datetime.now(UTC),
    )  # fmt: skip


def shown(sums: list[Any]) -> list[tuple[str, str, int]]:
    return [(s["amount"]["amount"], s["amount"]["currencyCode"], s["count"]) for s in sums]


def midnight(at: datetime) -> datetime:
    """The beginning of the brand's day that an instant lies in."""
    local = at.astimezone(NICOSIA)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


async def test_nothing_is_there_yet(ask: Ask, brand: Brand) -> None:
    found = (await ask(EVERYTHING, scope_of(brand, "brand_admin"))).only()
    assert {name: found[name] for name in ("leadsByStage", "clientsInKyc")} == {
        "leadsByStage": [], "clientsInKyc": [],
    }  # fmt: skip
    assert found["depositsClearedToday"] == found["withdrawalsPending"] == []
    assert found["ibVolume"] == {"lots": "0", "deals": 0, "tradingClients": 0, "accrued": []}
    assert found["challengesNearFloor"] == found["withheld"] == []


async def test_leads_are_counted_by_stage_and_by_whose_they_are(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    agent = brand.staff["sales"]  # type: ignore[index] # by its name
    for stage in ("LOST", "NEW", "KYC", "NEW"):
        add_lead(make, brand, stage)
    add_lead(make, brand, "CONTACTED", agent)
    add_lead(make, brand, "KYC", agent)
    add_lead(make, brand_b, "NEW")
    seen = {}
    for role in ("brand_admin", "marketing", "sales"):
        found = (await ask(one(LEADS), scope_of(brand, role))).only()["leadsByStage"]
        seen[role] = [(each["stage"], each["count"]) for each in found]
    whole = [("NEW", 2), ("CONTACTED", 1), ("KYC", 2), ("LOST", 1)]
    assert seen == {
        "brand_admin": whole, "marketing": whole, "sales": [("CONTACTED", 1), ("KYC", 1)],
    }  # fmt: skip


async def test_clients_in_kyc_are_those_under_way(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    agent = brand.staff["sales"]  # type: ignore[index] # by its name
    statuses = ("PENDING", "PENDING", "ON_HOLD", "APPROVED", "REJECTED_FINAL", "EXPIRED", "DRAFT")
    for status in statuses:
        stands(make, make.client(brand), status)
    stands(make, make.client(brand, owner_id=agent), "REJECTED_RETRY")
    stands(make, make.client(brand_b), "PENDING")
    make.client(brand)  # has not begun
    whole = [("DRAFT", 1), ("PENDING", 2), ("ON_HOLD", 1), ("REJECTED_RETRY", 1)]
    for role, expected in (("compliance", whole), ("sales", [("REJECTED_RETRY", 1)])):
        found = (await ask(one(KYC), scope_of(brand, role))).only()["clientsInKyc"]
        assert [(each["status"], each["count"]) for each in found] == expected


async def test_deposits_of_the_day_are_added_up_by_currency(
    ask: Ask, make: Factory, till: Till
) -> None:
    now = datetime.now(UTC)
    agent = till.brand.staff["sales"]  # type: ignore[index] # by its name
    mine, other = make.client(till.brand, owner_id=agent), make.client(till.brand)
    till.payment(mine, 100_00)
    till.payment(other, 50_50, status="DISPUTED")
    till.payment(other, 7_00, credited_currency="EUR", credited_minor=6_50)
    till.payment(other, 900, status="PENDING", settled_at=None, credited_minor=None)
    till.payment(other, 595_00, purchase_id=new_uuid(), wallet_id=None)
    before = midnight(now) - timedelta(microseconds=1)
    till.payment(other, 33_00, settled_at=before, updated_at=before)
    # It cleared before today and something became of it today.
    till.payment(other, 44_00, settled_at=before, updated_at=now, status="REFUNDED")
    admin = scope_of(till.brand, "brand_admin")
    found = (await ask(one(CLEARED), admin)).only()["depositsClearedToday"]
    assert shown(found) == [("6.50", "EUR", 1), ("150.50", "USD", 2)]
    own = await ask(one(CLEARED), scope_of(till.brand, "sales"))
    assert shown(own.only()["depositsClearedToday"]) == [("100.00", "USD", 1)]
    yesterday = before.astimezone(NICOSIA).date().isoformat()
    past = (await ask(one(CLEARED), admin, on=yesterday)).only()["depositsClearedToday"]
    assert shown(past) == [("77.00", "USD", 2)]


async def test_withdrawals_wait_until_they_are_decided(
    ask: Ask, make: Factory, database: Database, till: Till
) -> None:
    client, by = make.client(till.brand), scope_of(till.brand, "system")
    asked = [
        await begin_payment(database, client, PaymentKind.WITHDRAWAL, by, amount_minor=minor)
        for minor in (10_00, 20_00)
    ]
    for status, currency in (("APPROVED", "USD"), ("REQUESTED", "EUR")):
        await begin_payment(
            database, client, PaymentKind.WITHDRAWAL, by, status=status, currency=currency
        )
    await begin_payment(database, client, PaymentKind.DEPOSIT, by)
    answer = await ask(one(PENDING), scope_of(till.brand, "finance"))
    found = answer.only()["withdrawalsPending"]
    assert shown(found) == [("100.00", "EUR", 1), ("30.00", "USD", 2)]
    first = asked[0]["created_at"].astimezone(UTC)
    assert datetime.fromisoformat(found[1]["oldestAt"]) == first


async def test_ib_volume_counts_a_deal_once_and_what_was_taken_back(
    ask: Ask, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database)
    desk.plans(terms("5"), terms("8"), terms("10"))
    now = datetime.now(UTC)
    await desk.trade("2.35", at=now)
    taken = await desk.trade("1.00", at=now)
    await desk.trade("4.00", at=midnight(now) - timedelta(seconds=1))
    await desk.consume()
    await desk.cancel(taken)
    await desk.consume()
    found = (await ask(one(VOLUME), scope_of(brand, "finance"))).only()["ibVolume"]
    assert Decimal(found.pop("lots")) == Decimal("2.35")
    assert found == {
        "deals": 1, "tradingClients": 1, "accrued": [{"amount": "23.50", "currencyCode": "USD"}],
    }  # fmt: skip
    other = make.brand()
    found = (await ask(one(VOLUME), scope_of(other, "finance"))).only()["ibVolume"]
    assert (found["deals"], found["accrued"]) == (0, [])


RULES = RuleSet(max_loss=MaxLoss(MaxLossKind.STATIC, percent("10")), daily_loss=None)
DAILY = RuleSet(
    max_loss=MaxLoss(MaxLossKind.STATIC, percent("10")), daily_loss=DailyLoss(percent("5"))
)


def trading(
    make: Factory, shop: Shop, client: Client, equity: int, *, rules: RuleSet = RULES,
    start: int = 100_000_00, status: str = "ACTIVE",
) -> Account:  # fmt: skip
    """A challenge under way whose account has that equity, told after the last verdict."""
    account = make.account(shop.brand, client)
    key, now = sell(make, shop, client, account), datetime.now(UTC)
    state = dump_state(begin(rules, start_minor=start, at=now - timedelta(minutes=1)))
    make.run(shop.brand, update(challenge).where(
        challenge.c.brand_id == shop.brand.id, challenge.c.id == key
    ).values(status="ACTIVE"))  # fmt: skip
    make.run(shop.brand, update(challenge_phase).where(
        challenge_phase.c.brand_id == shop.brand.id, challenge_phase.c.challenge_id == key
    ).values(
        status=status, closing=None, ended_at=None, rules=dump_rules(rules), state=state,
        start_minor=start,
    ))  # fmt: skip
    make.state(account, balance_minor=start, equity_minor=equity, as_of=now)
    return account


async def test_challenges_are_told_nearest_to_their_floor_first(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    shop, agent = open_shop(make, brand), brand.staff["sales"]  # type: ignore[index] # by its name
    mine, other = make.client(brand, owner_id=agent), make.client(brand)
    trading(make, shop, mine, 92_000_00)
    trading(make, shop, other, 96_000_00, rules=DAILY)
    # A tenth of the money is nearer, as a share of a tenth of the account, than it looks.
    trading(make, shop, other, 9_150_00, start=10_000_00)
    trading(make, shop, other, 90_500_00, status="PASSED")
    found = (await ask(one(NEAR), scope_of(brand, "brand_admin"))).only()["challengesNearFloor"]
    told = [
        (each["rule"], each["floor"]["amount"], each["distance"]["amount"], each["distancePercent"])
        for each in found
    ]
    assert told == [
        ("DAILY_LOSS", "95000.00", "1000.00", "1.00"),
        ("MAX_LOSS", "9000.00", "150.00", "1.50"),
        ("MAX_LOSS", "90000.00", "2000.00", "2.00"),
    ]
    assert found[0]["equity"] == {"amount": "96000.00"}
    assert len({each["challenge"]["reference"] for each in found}) == 3
    own = (await ask(one(NEAR), scope_of(brand, "sales"))).only()["challengesNearFloor"]
    assert [each["distancePercent"] for each in own] == ["2.00"]


async def test_ten_challenges_are_told(ask: Ask, make: Factory, brand: Brand) -> None:
    shop, client = open_shop(make, brand), make.client(brand)
    for n in range(12):
        trading(make, shop, client, 91_000_00 + n * 100_00)
    answer = await ask(one(NEAR), scope_of(brand, "dealing"))
    found = answer.only()["challengesNearFloor"]
    assert [each["distance"]["amount"] for each in found] == [
        f"{1000 + n * 100}.00" for n in range(10)
    ]


async def test_the_day_is_the_brand_s_own(ask: Ask, make: Factory, brand: Brand) -> None:
    document, admin = one(f"{DAY} "), scope_of(brand, "brand_admin")
    zone = (brand_table.c.id == brand.id, "Pacific/Auckland")
    make.run(brand, update(brand_table).where(zone[0]).values(time_zone=zone[1]))
    found = (await ask(document, admin)).only()
    now = datetime.fromisoformat(found["asOf"])
    began, ends = (datetime.fromisoformat(found[name]) for name in ("dayBeganAt", "dayEndsAt"))
    assert began <= now < ends
    local = began.astimezone(ZoneInfo("Pacific/Auckland"))
    assert (local.hour, local.minute, local.date().isoformat()) == (0, 0, found["day"])
    assert found["timeZone"] == "Pacific/Auckland"
    ahead = timedelta(days=3)
    make.run(brand, update(brand_state).where(brand_state.c.brand_id == brand.id).values(
        clock_offset_ms=ahead // timedelta(milliseconds=1)
    ))  # fmt: skip
    later = (await ask(document, admin)).only()
    assert date.fromisoformat(later["day"]) - date.fromisoformat(found["day"]) >= ahead
    spring = (await ask(document, admin, on="2026-04-05")).only()
    lasted = datetime.fromisoformat(spring["dayEndsAt"]) - datetime.fromisoformat(
        spring["dayBeganAt"]
    )
    assert lasted == timedelta(hours=25), "clocks go back that night"
    for wrong in ("2100-01-01", "0001-01-01"):
        answer = await ask(document, admin, on=wrong)
        assert answer.codes == ["BAD_USER_INPUT"]
        assert answer.errors[0].message.startswith("Name a day from 1970-01-01 to today, ")


@pytest.mark.parametrize("name", PERMISSION_OF)
async def test_a_figure_is_there_with_its_permission_and_null_without(
    ask: Ask, brand: Brand, name: str
) -> None:
    whole = rights_of("brand_admin") | {"dashboard:read"}
    field = next(each for each in FIGURES if _camel(name) == each.split()[0])
    permission = PERMISSION_OF[name]
    document = one(f"{field} {WITHHELD}")
    held = scope_of(brand, "brand_admin", permissions=whole)
    answer = (await ask(document, held)).only()
    assert answer[_camel(name)] is not None
    assert answer["withheld"] == []
    lacking = scope_of(brand, "brand_admin", permissions=whole - {permission})
    answer = await ask(document, lacking)
    assert answer.statements == 1, "the day; nothing of the figure is looked at"
    assert answer.only() == {
        _camel(name): None, "withheld": [{"field": _camel(name), "permission": permission}],
    }  # fmt: skip


async def test_each_role_sees_what_it_may(ask: Ask, brand: Brand) -> None:
    seen = {}
    for role in ("brand_admin", "sales", "compliance", "finance", "support", "marketing"):
        answer = (await ask(one(WITHHELD), scope_of(brand, role))).only()
        seen[role] = {each["field"] for each in answer["withheld"]}
    assert seen == {
        "brand_admin": set(),
        "sales": {"withdrawalsPending", "ibVolume"},
        "compliance": {"leadsByStage"},
        "finance": {"leadsByStage"},
        "support": {"leadsByStage", "withdrawalsPending", "ibVolume"},
        "marketing": {
            "clientsInKyc", "depositsClearedToday", "withdrawalsPending", "ibVolume",
            "challengesNearFloor",
        },
    }  # fmt: skip


async def test_clients_ibs_and_strangers_have_no_dashboard(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    document = one("asOf")
    ib = make.ib(brand)
    assert (await ask(document, scope_of(brand, client=make.client(brand)))).codes == ["FORBIDDEN"]
    assert (await ask(document, scope_of(brand, ib=ib))).codes == ["FORBIDDEN"]
    assert (await ask(document, scope_of(brand))).codes == ["UNAUTHENTICATED"]


async def test_every_figure_is_one_statement(ask: Ask, make: Factory, till: Till) -> None:
    shop, client = open_shop(make, till.brand), make.client(till.brand)
    for n in range(3):
        trading(make, shop, client, 91_000_00 + n)
        till.payment(client, 100_00)
        add_lead(make, till.brand, "NEW")
    answer = await ask(EVERYTHING, scope_of(till.brand, "brand_admin"))
    assert answer.statements == 8, "the day, six figures, the challenges of the last"
    found = answer.only()
    assert len(found["challengesNearFloor"]) == 3
    challenges = {each["challenge"]["reference"] for each in found["challengesNearFloor"]}
    assert len(challenges) == 3


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
