"""Inputs of which exactly one key is given: what else comes is the caller's mistake, not ours."""

from typing import Any

import pytest

from api.graphql.errors import code_of
from tests.factories import Brand, Factory, scope_of
from tests.schema.people import Ask

TRANSFER = """mutation ($input: TransferCreateInput!) { transferCreate(input: $input) {
  errors { code } } }"""


@pytest.mark.parametrize(
    "end", [{}, {"walletId": "wallet_0", "accountId": "account_0"}], ids=["none", "two"]
)
async def test_an_end_is_exactly_one(end: Any, ask: Ask, make: Factory, brand: Brand) -> None:
    scope = scope_of(brand, client=make.client(brand))
    amount = {"amount": "1.00", "currencyCode": "USD"}
    given = {"idempotencyKey": "one", "from": end, "to": {"currencyCode": "USD"}, "amount": amount}
    answer = await ask(TRANSFER, scope, input=given)
    assert [code_of(error) for error in answer.errors] == ["BAD_USER_INPUT"]
    assert (answer.data, answer.statements) == (None, 0)
