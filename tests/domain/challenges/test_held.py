"""A client whose name is on a list buys nothing, and gets nothing back, until compliance looked."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects.postgresql import insert

from domain.challenges.commands.refund_order import refund_order
from domain.challenges.tables import challenge_order
from domain.compliance.identity.tables import kyc_standing
from domain.compliance.risk.values import RiskLevel
from domain.compliance.screening.values import Disposition
from domain.kernel.errors import Refused
from tests.domain.challenges.firm import TOTAL, Firm, wallet
from tests.domain.compliance.kyc import ask_for
from tests.factories import scope_of
from tests.sanctions import hit, put


async def refused(call: object) -> str:
    with pytest.raises(Refused) as raised:
        await call  # type: ignore[misc]
    return raised.value.code


async def test_a_held_client_buys_nothing_by_card_or_from_a_wallet(firm: Firm) -> None:
    mine = await wallet(firm, 1_000_00)
    books, events = await firm.desk.books(), firm.events()
    found = hit(firm.desk.make, firm.desk.brand, firm.desk.client)
    assert await refused(firm.order()) == "CLIENT_RESTRICTED"
    assert await refused(firm.order_from(mine)) == "CLIENT_RESTRICTED"
    assert (firm.rows(challenge_order), firm.events()) == ([], events)
    assert await firm.desk.books() == books, "nothing was taken"
    put(firm.desk.make, firm.desk.brand, found, Disposition.FALSE_POSITIVE)
    made = await firm.order_from(mine)
    assert firm.the_order(made["order"]).status == "PAID"
    left = (await firm.desk.books())["CLIENT_WALLET USD"]
    assert left == 1_000_00 - TOTAL.amount_minor


async def test_nobody_alone_gives_a_held_clients_money_back(firm: Firm) -> None:
    order_id = await firm.buy()
    books, events = await firm.desk.books(), firm.events()
    found = hit(firm.desk.make, firm.desk.brand, firm.desk.client)
    staff = scope_of(firm.desk.brand, "brand_admin")

    async def refund() -> None:
        await firm.write(
            lambda work: refund_order(work, order_id, reason="Asked.", expected_version=None),
            scope=staff,
        )

    assert await refused(refund()) == "CLIENT_RESTRICTED"
    assert (firm.the_order(order_id).status, firm.events()) == ("PAID", events)
    assert firm.challenge(order_id).status == "ACTIVE"
    assert await firm.desk.books() == books
    put(firm.desk.make, firm.desk.brand, found, Disposition.FALSE_POSITIVE)
    await refund()
    assert firm.the_order(order_id).status == "REFUNDING"


async def test_a_price_is_no_deposit_and_a_prohibited_client_buys_nothing(firm: Firm) -> None:
    make, brand, client = firm.desk.make, firm.desk.brand, firm.desk.client
    ask_for(make, brand)
    order_id = await firm.buy()
    assert firm.the_order(order_id).status == "PAID", "the lowest tier takes no deposit"
    changed = {"risk_level": RiskLevel.PROHIBITED, "risk_points": 100}
    row = {
        "client_id": client.id, "status": "APPROVED", "tier": 0, "missing": [],
        "policy_version": 1, "risk_parts": {}, "updated_at": datetime.now(UTC), **changed,
    }  # fmt: skip
    upsert = insert(kyc_standing).values(brand_id=brand.id, **row)
    of_client = ["brand_id", "client_id"]
    make.run(brand, upsert.on_conflict_do_update(index_elements=of_client, set_=changed))
    assert await refused(firm.order()) == "CLIENT_RESTRICTED"
    assert [one.id for one in firm.rows(challenge_order)] == [order_id]
