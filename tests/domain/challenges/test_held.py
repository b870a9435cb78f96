"""A client whose name is on a list buys nothing, and gets nothing back, until compliance looked."""

import pytest

from domain.challenges.commands.refund_order import refund_order
from domain.challenges.tables import challenge_order
from domain.compliance.screening.values import Disposition
from domain.kernel.errors import Refused
from tests.domain.challenges.firm import TOTAL, Firm, wallet
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
