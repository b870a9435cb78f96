"""Challenges through the schema: seen, bought, judged, explained, given back."""

import asyncio
from contextlib import aclosing
from typing import Any

from api.graphql.limits import EdgeLimits
from domain.challenges.commands.publish_program import publish_program
from domain.challenges.commands.trip_breaker import trip
from domain.challenges.tables import challenge_order
from domain.kernel.ids import encode_id, new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import AccountKey
from schema.shared.assemble import Assembled
from tenants.context import Scope
from tests.domain.challenges.firm import Firm, plan, quote, tick
from tests.factories import Account, rights_of, scope_of
from tests.schema.challenges.conftest import Asks, Window
from tests.schema.people import Answer

CATALOGUE = """{ challengePrograms { nodes { id code name status version versions { number
  balance { amount currencyCode } price { amount } leverage phases { number name rules {
    timeZone resetTime profitTarget { percent amount { amount } }
    maxLoss { kind share { percent } lock { percent } }
    dailyLoss { share { percent } base anchor severity }
    breachAtFloor minDays { count } maxDays maxDayShare cash } } } } } }"""
SHOP = CATALOGUE.replace("challengePrograms {", "challengePrograms(first: 20) {").replace(
    "versions {", "currentVersion {"
)
PRICE = """query($id: ID!, $client: ID) { challengePrice(programId: $id, clientId: $client) {
  programVersion net { amount } tax { amount } total { amount currencyCode } taxLabel
  taxPercent } }"""
BUY = """mutation($input: ChallengePurchaseInput!) { challengePurchase(input: $input) {
  purchase { id reference status net { amount } tax { amount } total { amount currencyCode }
    taxLabel taxPercent country version payment { id status } wallet { id }
    programVersion { number program { code } } challenge { id } }
  replayed errors { code path message } } }"""
REFUND = """mutation($input: ChallengeRefundInput!) { challengeRefund(input: $input) {
  purchase { status challenge { status } } errors { code path } } }"""
PUBLISH = """mutation($input: ChallengeProgramPublishInput!) {
  challengeProgramPublish(input: $input) { program { code version versions { number phases {
    name rules { maxLoss { kind share { amount { amount } } lock { percent } }
      dailyLoss { base anchor severity } minDays { count kind profitPercent } } } } }
  replayed errors { code path message } } }"""
CLOSE = """mutation($input: ChallengeProgramCloseInput!) { challengeProgramClose(input: $input) {
  program { status } errors { code } } }"""
TAX = """mutation($input: ChallengeTaxSetInput!) { challengeTaxSet(input: $input) {
  done errors { code path } } }"""
RESUME = """mutation($input: ChallengeLiquidationResumeInput!) {
  challengeLiquidationResume(input: $input) { done errors { code } } }"""
CHALLENGES = """{ challenges { nodes { id reference status programVersion phaseCount
  program { code } purchase { status } client { id }
  phases { number name status startBalance { amount } account { id challengePhase { id } }
    closing endsAt snapshot { timeZone } rules { rule status } }
  current { number } breach { rule } } } }"""
RULES = """query($id: ID!) { node(id: $id) { ... on Challenge { current { rules {
  rule status timeZone limit { amount } current { amount } distance { amount }
  afterReset { amount } nextResetAt nextResetLocal endsAt daysRequired daysDone asOf
  whatIf(symbol: "EURUSD", side: BUY, lots: "10", move: "-0.0050") { amount } } } } } }"""
BREACH = """query($id: ID!) { node(id: $id) { ... on Challenge { status breach { rule timeZone
  floor { amount } equity { amount } balance { amount } anchor { amount } source seenAt at
  prices { symbol bid source } positions { ticket lots }
  explanation { summary rule ruleVersion inputs { name value } steps replayDigest } } } } }"""


def key(n: str, **more: Any) -> dict[str, Any]:
    return {"idempotencyKey": n, **more}


def of_client(firm: Firm) -> Scope:
    return scope_of(firm.desk.brand, client=firm.desk.client)


def admin(firm: Firm) -> Scope:
    return scope_of(firm.desk.brand, "brand_admin")


def value(answer: Answer) -> Any:
    assert answer.errors == [], answer.errors
    (found,) = answer.data.values()
    return found


def codes(answer: Answer) -> list[str]:
    return [one["code"] for one in value(answer)["errors"]]


async def funded(firm: Firm, amount: int = 1_000_00) -> str:
    """The id of the client's dollar wallet, with so many cents."""
    deposit = await firm.desk.create(amount, "USD")
    await firm.hear(deposit, received=Money(amount, "USD"), amount=Money(amount, "USD"))
    reference = AccountKey.wallet(firm.desk.client.id, "USD").reference
    rows = firm.desk.make.rows(ledger_account, firm.desk.brand)
    return encode_id("wallet", next(row.id for row in rows if row.reference == reference))


def purchase(firm: Firm, pay: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "idempotencyKey": "one", "programId": encode_id("program", firm.program_id),
        "programVersion": 1, "total": {"amount": "595.00", "currencyCode": "USD"}, "pay": pay,
    } | more  # fmt: skip


async def test_a_client_sees_what_is_sold_and_what_it_costs_with_tax(firm: Firm, ask: Asks) -> None:
    (sold,) = value(await ask(CATALOGUE, of_client(firm)))["nodes"]
    assert (sold["code"], sold["status"], sold["version"]) == ("two-step-100k", "OPEN", 1)
    (version,) = sold["versions"]
    assert version["balance"] == {"amount": "100000.00", "currencyCode": "USD"}
    first = version["phases"][0]["rules"]
    assert (first["timeZone"], first["resetTime"]) == ("Europe/Prague", "00:00")
    assert first["dailyLoss"] == {
        "share": {"percent": "5"}, "base": "INITIAL", "anchor": "BALANCE", "severity": "HARD",
    }  # fmt: skip
    assert first["maxLoss"] == {"kind": "STATIC", "share": {"percent": "10"}, "lock": None}
    price = value(await ask(PRICE, of_client(firm), id=sold["id"]))
    assert price == {
        "programVersion": 1, "net": {"amount": "500.00"}, "tax": {"amount": "95.00"},
        "total": {"amount": "595.00", "currencyCode": "USD"}, "taxLabel": "VAT 19 %",
        "taxPercent": "19",
    }  # fmt: skip
    other = firm.desk.make.client(firm.desk.brand)
    foreign = encode_id("client", other.id)
    assert value(await ask(PRICE, of_client(firm), id=sold["id"], client=foreign)) is None
    unknown = encode_id("program", new_uuid())
    assert value(await ask(PRICE, of_client(firm), id=unknown)) is None


async def test_a_catalogue_shows_what_is_sold_now_within_what_a_visitor_may_spend(
    firm: Firm, ask: Asks, assembled: Assembled
) -> None:
    await firm.write(lambda work: publish_program(work, plan(price=600_00)))
    await firm.write(lambda work: publish_program(work, plan(code="second")))
    answer = await ask(SHOP, of_client(firm))
    sold = {one["code"]: one["currentVersion"] for one in value(answer)["nodes"]}
    assert {code: (one["number"], one["price"]["amount"]) for code, one in sold.items()} == {
        "second": (1, "500.00"),
        "two-step-100k": (2, "600.00"),
    }
    assert [one["name"] for one in sold["second"]["phases"]] == ["Phase 1", "Phase 2"]
    assert answer.statements == 2, "one for the programs, one for their versions"
    cost = assembled.schema.documents.prepare(SHOP).cost.cost(None, {})
    assert cost <= EdgeLimits().budget, cost


async def test_a_purchase_is_paid_at_a_psp_and_never_from_a_wallet_by_itself(
    firm: Firm, ask: Asks
) -> None:
    await funded(firm)
    method = {
        "methodId": encode_id("payment_method", firm.desk.method_id),
        "returnUrl": f"https://{firm.desk.brand.host}/thanks",
    }
    made = value(await ask(BUY, of_client(firm), input=purchase(firm, {"method": method})))
    bought = made["purchase"]
    assert (bought["status"], bought["wallet"]) == ("AWAITING_PAYMENT", None)
    assert bought["payment"]["status"] == "CREATED"
    assert (bought["taxPercent"], bought["country"]) == ("19", "CY")
    assert (await firm.desk.books())["CLIENT_WALLET USD"] == 1_000_00
    again = value(await ask(BUY, of_client(firm), input=purchase(firm, {"method": method})))
    assert (again["replayed"], again["purchase"]["id"]) == (True, bought["id"])
    assert len(firm.rows(challenge_order)) == 1


async def test_what_can_be_wrong_with_a_purchase_is_said(firm: Firm, ask: Asks) -> None:
    mine, whose = await funded(firm), of_client(firm)

    async def refused(n: str, scope: Scope = whose, **more: Any) -> list[str]:
        wanted = purchase(firm, {"walletId": mine}, idempotencyKey=n, **more)
        return codes(await ask(BUY, scope, input=wanted))

    assert await refused("price", total={"amount": "500.00", "currencyCode": "USD"}) == [
        "PRICE_CHANGED"
    ]
    assert await refused("version", programVersion=2) == ["PROGRAM_CHANGED"]
    assert await refused("unknown", programId=encode_id("program", new_uuid())) == ["NOT_FOUND"]
    client = encode_id("client", firm.desk.client.id)
    may = rights_of("brand_admin") | {"challenges:purchase"}
    agent = scope_of(firm.desk.brand, "brand_admin", permissions=may)
    assert await refused("not his", agent, clientId=client) == ["WALLET_NOT_YOURS"]
    assert await refused("whose", agent) == ["NOT_FOUND"]
    poor = scope_of(firm.desk.brand, client=firm.desk.make.client(firm.desk.brand))
    assert await refused("poor", poor) == ["NOT_FOUND"]
    assert await refused("one") == []
    assert await refused("two") == ["INSUFFICIENT_FUNDS"]


async def test_a_refused_purchase_says_which_of_its_fields_it_is_about(
    firm: Firm, ask: Asks
) -> None:
    good = {
        "methodId": encode_id("payment_method", firm.desk.method_id),
        "returnUrl": f"https://{firm.desk.brand.host}/thanks",
    }

    async def path(n: str, pay: dict[str, Any], scope: Scope | None = None, **more: Any) -> Any:
        wanted = purchase(firm, pay, idempotencyKey=n, **more)
        (one,) = value(await ask(BUY, scope or of_client(firm), input=wanted))["errors"]
        return one["path"]

    async def of_method(n: str, **wrong: str) -> Any:
        return await path(n, {"method": good | wrong})

    method = ["input", "pay", "method"]
    assert await of_method("a", returnUrl="https://elsewhere.example/") == [*method, "returnUrl"]
    assert await of_method("b", methodId="nothing") == [*method, "methodId"]
    unknown = encode_id("payment_method", new_uuid())
    assert await of_method("c", methodId=unknown) == [*method, "methodId"]
    wallet = ["input", "pay", "walletId"]
    assert await path("d", {"walletId": "nothing"}) == wallet
    assert await path("e", {"walletId": encode_id("wallet", new_uuid())}) == wallet
    dear = await firm.publish(plan(code="dear", price=10_000_000_00))
    total = {"amount": "11900000.00", "currencyCode": "USD"}
    asked = {"programId": encode_id("program", dear), "total": total}
    assert await path("f", {"method": good}, **asked) == ["input", "total"]
    assert firm.rows(challenge_order) == []


async def test_what_a_wallet_bought_becomes_a_challenge_after_it_is_paid(
    firm: Firm, ask: Asks
) -> None:
    pay = {"walletId": await funded(firm)}
    bought = value(await ask(BUY, of_client(firm), input=purchase(firm, pay)))["purchase"]
    assert (bought["status"], bought["challenge"]) == ("PAID", None)
    await firm.react()
    again = value(await ask(BUY, of_client(firm), input=purchase(firm, pay)))["purchase"]
    assert again["challenge"] is not None


async def test_everybody_sees_the_challenges_that_are_his_to_see(firm: Firm, ask: Asks) -> None:
    phase = await firm.trade()
    other = firm.desk.make.client(firm.desk.brand)
    await firm.trade(other)
    (mine,) = value(await ask(CHALLENGES, of_client(firm)))["nodes"]
    assert (mine["status"], mine["programVersion"], mine["phaseCount"]) == ("ACTIVE", 1, 2)
    (shown,) = mine["phases"]
    assert (shown["status"], shown["startBalance"]) == ("ACTIVE", {"amount": "100000.00"})
    assert shown["account"]["challengePhase"]["id"] == encode_id("challenge_phase", phase.id)
    assert [one["rule"] for one in shown["rules"]] == ["PROFIT_TARGET", "MAX_LOSS", "DAILY_LOSS"]
    assert mine["current"] == {"number": 1}
    both = value(await ask(CHALLENGES, admin(firm)))["nodes"]
    assert len(both) == 2
    theirs = scope_of(firm.desk.brand, client=other)
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert value(await ask(node, theirs, id=mine["id"])) is None


async def test_rules_say_where_one_stands_and_what_a_trade_would_do(
    firm: Firm, ask: Asks, window: Window
) -> None:
    phase = await firm.trade()
    firm.desk.make.symbol("EURUSD")
    account = Account(
        phase.brand_id, phase.account_id, phase.client_id, "", phase.server_id, phase.login
    )
    firm.desk.make.state(
        account, balance_minor=100_000_00, equity_minor=96_000_00,
        as_of=tick(phase, 0).as_of,
    )  # fmt: skip
    shown = encode_id("challenge", phase.challenge_id)
    rules = value(await ask(RULES, of_client(firm), id=shown))["current"]["rules"]
    target, total, daily = rules
    assert (target["status"], target["distance"]) == ("PENDING", {"amount": "-10000.00"})
    assert (total["limit"], total["distance"]) == (
        {"amount": "90000.00"}, {"amount": "6000.00"},
    )  # fmt: skip
    assert (daily["limit"], daily["current"], daily["distance"]) == (
        {"amount": "95000.00"}, {"amount": "96000.00"}, {"amount": "1000.00"},
    )  # fmt: skip
    assert daily["nextResetLocal"].endswith(("T00:00+01:00", "T00:00+02:00"))
    assert daily["whatIf"] == {"amount": "-4000.00"}, "10 lots, 50 pips: 5,000 more"
    assert (target["whatIf"], total["whatIf"]) == (None, {"amount": "1000.00"})


async def test_a_what_if_is_of_lots_that_an_order_could_have(firm: Firm, ask: Asks) -> None:
    phase = await firm.trade()
    firm.desk.make.symbol("EURUSD")
    shown = encode_id("challenge", phase.challenge_id)
    for lots in ("-1", "0.005", "0.015", "51"):
        answer = await ask(RULES.replace('"10"', f'"{lots}"'), of_client(firm), id=shown)
        told = answer.errors[0]
        assert (told.extensions["code"], told.message) == (
            "BAD_USER_INPUT", "0.01 to 50 lots in steps of 0.01.",
        )  # fmt: skip
    for lots in ("0", "0.01", "50"):
        assert (await ask(RULES.replace('"10"', f'"{lots}"'), of_client(firm), id=shown)).data


async def test_a_breach_shows_its_evidence_and_explains_itself_to_each_audience(
    firm: Firm, ask: Asks
) -> None:
    phase = await firm.trade()
    engine = firm.engine()
    await engine.round()
    seen = tick(phase, 100_000, 94_999)
    at = phase.started_at
    await engine.observe(
        firm.desk.brand.server_id, [seen], [quote("EURUSD", "1.1", "1.2", at)], dealt=frozenset()
    )
    shown = encode_id("challenge", phase.challenge_id)
    found = value(await ask(BREACH, of_client(firm), id=shown))["breach"]
    assert (found["rule"], found["timeZone"], found["source"]) == (
        "DAILY_LOSS", "Europe/Prague", "STREAM",
    )  # fmt: skip
    assert (found["floor"], found["equity"], found["anchor"]) == (
        {"amount": "95000.00"}, {"amount": "94999.00"}, {"amount": "100000.00"},
    )  # fmt: skip
    assert found["at"] == found["seenAt"] == seen.as_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    told = found["explanation"]
    assert told["summary"] == "Equity was 94999.00 USD, below the floor of 95000.00 USD."
    assert (told["rule"], told["ruleVersion"]) == ("DAILY_LOSS", "program version 1")
    assert told["steps"][0] == (
        "The day's floor is its anchor, the balance at the reset, 100000.00 USD, less 5000.00 USD "
        "(5 % of the initial balance): 95000.00 USD."
    )
    assert told["steps"][1].endswith("was 94999.00 USD: 1.00 USD under the floor.")
    assert [one["name"] for one in told["inputs"]][:4] == ["equity", "balance", "floor", "anchor"]
    inside = value(await ask(BREACH, admin(firm), id=shown))["breach"]["explanation"]
    assert inside["replayDigest"] == told["replayDigest"], "no second look was taken yet"


async def test_staff_sell_change_and_stop_selling(firm: Firm, ask: Asks) -> None:
    def program(n: str, **rules: Any) -> dict[str, Any]:
        return key(
            n, code="funded-50k", name="Fifty", leverage=50,
            balance={"amount": "50000", "currencyCode": "USD"},
            price={"amount": "300", "currencyCode": "USD"},
            phases=[{"name": "Only", "rules": {"profitTarget": {"percent": "6"}, **rules}}],
        )  # fmt: skip

    trailing = {
        "kind": "TRAIL_EOD_BALANCE", "share": {"amount": "2000"}, "lock": {"percent": "0"},
    }  # fmt: skip
    daily = {
        "share": {"percent": "5"}, "base": "ANCHOR", "anchor": "HIGHER", "severity": "SOFT",
    }  # fmt: skip
    days = {"count": 3, "kind": "PROFIT", "profitPercent": "0.5"}
    wanted = program("a", maxLoss=trailing, dailyLoss=daily, minDays=days, timeZone="NY_CLOSE")
    made = value(await ask(PUBLISH, admin(firm), input=wanted))["program"]
    assert (made["code"], made["version"]) == ("funded-50k", 1)
    rules = made["versions"][0]["phases"][0]["rules"]
    assert rules["maxLoss"] == {
        "kind": "TRAIL_EOD_BALANCE", "share": {"amount": {"amount": "2000.00"}},
        "lock": {"percent": "0"},
    }  # fmt: skip
    assert rules["dailyLoss"] == {"base": "ANCHOR", "anchor": "HIGHER", "severity": "SOFT"}
    assert rules["minDays"] == {"count": 3, "kind": "PROFIT", "profitPercent": "0.5"}
    second = value(await ask(PUBLISH, admin(firm), input=program("b", maxDays=30)))["program"]
    assert [one["number"] for one in second["versions"]] == [2, 1]
    odd = await ask(PUBLISH, admin(firm), input=program("c", timeZone="Mars/Olympus"))
    assert codes(odd) == ["INVALID"]
    clock = await ask(PUBLISH, admin(firm), input=program("d", resetTime="noon"))
    assert codes(clock) == ["INVALID"]
    price = {"amount": "300", "currencyCode": "EUR"}
    assert codes(await ask(PUBLISH, admin(firm), input=program("e") | {"price": price})) == [
        "INVALID"
    ]
    one = encode_id("program", firm.program_id)
    closed = value(await ask(CLOSE, admin(firm), input=key("f", programId=one)))
    assert closed["program"] == {"status": "CLOSED"}
    assert codes(await ask(CLOSE, admin(firm), input=key("g", programId=one))) == ["PROGRAM_CLOSED"]
    tax = key("h", country="CY", label="VAT", bps=500)
    assert value(await ask(TAX, admin(firm), input=tax)) == {"done": True, "errors": []}
    wrong = await ask(TAX, admin(firm), input=key("i", country="XX", label="VAT", bps=500))
    assert codes(wrong) == ["INVALID"]
    forbidden = await ask(PUBLISH, of_client(firm), input=program("j"))
    assert [one.extensions["code"] for one in forbidden.errors] == ["FORBIDDEN"]


async def test_staff_give_an_order_back(firm: Firm, ask: Asks) -> None:
    order_id = await firm.buy()
    shown = encode_id("challenge_order", order_id)
    wanted = key("a", purchaseId=shown, reason="He asked.", expectedVersion=1)
    assert codes(await ask(REFUND, admin(firm), input=wanted)) == ["VERSION_CONFLICT"]
    wanted = key("b", purchaseId=shown, reason="He asked.", expectedVersion=2)
    done = value(await ask(REFUND, admin(firm), input=wanted))["purchase"]
    assert done == {"status": "REFUNDING", "challenge": {"status": "CANCELLED"}}
    wanted = key("c", purchaseId=shown, reason="Again.")
    at = ["input", "purchaseId"]
    again = value(await ask(REFUND, admin(firm), input=wanted))
    assert again["errors"] == [{"code": "NOT_REFUNDABLE", "path": at}]
    wanted = key("d", purchaseId=encode_id("challenge_order", new_uuid()), reason="Who?")
    unknown = value(await ask(REFUND, admin(firm), input=wanted))
    assert unknown["errors"] == [{"code": "NOT_FOUND", "path": at}]


async def test_staff_see_why_accounts_are_held_back_and_let_them_go(firm: Firm, ask: Asks) -> None:
    halt = "{ liquidationHalt { reason } }"
    assert value(await ask(halt, admin(firm))) is None
    assert codes(await ask(RESUME, admin(firm), input=key("a", reason="Why not."))) == [
        "NOT_HALTED"
    ]
    await firm.write(lambda work: trip(work, "EURUSD was 1 and is 2"))
    assert value(await ask(halt, admin(firm))) == {"reason": "EURUSD was 1 and is 2"}
    done = await ask(RESUME, admin(firm), input=key("b", reason="It was."))
    assert value(done) == {"done": True, "errors": []}
    assert value(await ask(halt, admin(firm))) is None


async def test_events_come_to_whom_they_concern(firm: Firm, window: Window) -> None:
    document = """subscription($after: Cursor) { challengeEvents(after: $after) { __typename
      ... on FeedItem { cursor }
      ... on ChallengeEvent { kind objectId payload challenge { id } } } }"""
    kinds = []
    async with asyncio.timeout(20), aclosing(window.feed(document, of_client(firm))) as items:
        await anext(items)  # the beginning
        order_id = await firm.buy()
        window.bus.wake(firm.desk.brand.id)
        async for item in items:
            if item["__typename"] == "ChallengeEvent":
                kinds.append(item["kind"])
            if item.get("kind") == "CHALLENGE_STARTED":
                break
    assert kinds == ["ORDER_CREATED", "ORDER_PAID", "CHALLENGE_STARTED"]
    bought = firm.challenge(order_id)
    assert item["challenge"] == {"id": encode_id("challenge", bought.id)}
    assert item["objectId"] == encode_id("challenge", bought.id)
    assert item["payload"]["purchaseId"] == encode_id("challenge_order", order_id)


async def test_rules_move_with_the_account(firm: Firm, window: Window) -> None:
    phase = await firm.trade()
    document = """subscription($id: ID!) { ruleStates(challengeId: $id) {
      rule status current { amount } distance { amount } } }"""
    shown = encode_id("challenge", phase.challenge_id)
    seen: list[Any] = []
    async with asyncio.timeout(20):
        async with aclosing(window.feed(document, of_client(firm), id=shown)) as items:
            async for item in items:
                seen.append(item)
                if len(seen) == 3:
                    window.tick(firm.desk.brand.server_id, tick(phase, 100_000, 95_500))
                if item["rule"] == "DAILY_LOSS" and len(seen) > 3:
                    break
    assert [one["rule"] for one in seen[:3]] == ["PROFIT_TARGET", "MAX_LOSS", "DAILY_LOSS"]
    assert seen[-1] == {
        "rule": "DAILY_LOSS", "status": "KEPT", "current": {"amount": "95500.00"},
        "distance": {"amount": "500.00"},
    }  # fmt: skip
