"""The fixtures themselves: what other tests stand on must not be taken on trust."""

import socket

import pytest
from sqlalchemy import func, select

from tenants.tables import brand_state, staff
from tests import loopback
from tests.factories import STAFF_ROLES


async def test_database_serves_a_brand_as_the_role_app(database, brand, scope_for, make):
    async with database.read(scope_for(brand, "sales")) as work:
        (row,) = await work.rows(select(brand_state).where(brand_state.c.brand_id == brand.id))
        (who,) = await work.rows(select(func.current_user()))
    assert row.policy_version == 1
    assert who[0].endswith("_app")
    assert len(make.rows(staff, brand)) == len(STAFF_ROLES)


async def test_statements_are_counted(database, brand, scope_for, count_statements):
    query = select(brand_state.c.policy_version).where(brand_state.c.brand_id == brand.id)
    with count_statements() as counted:
        async with database.read(scope_for(brand)) as work:
            await work.rows(query)
            await work.rows(query)
    assert counted.total == 2, str(counted)
    assert work.statements == 2


def test_objects_of_two_brands_share_nothing(make, brand, brand_b):
    ib = make.ib(brand, make.ib(brand))
    one, two = make.client(brand, ib), make.client(brand_b)
    assert ib.level == 2
    assert one.ib_path.count("/") == 2
    assert {one.email, one.reference, one.name}.isdisjoint({two.email, two.reference, two.name})
    account = make.account(brand, one)
    make.state(account)
    make.deal(account)
    make.position(account)
    make.note(one, brand.staff["sales"])
    for token in (
        make.client_token(brand, one), make.staff_token(brand, "sales"), make.ib_token(brand, ib),
        make.api_token(brand, ib), make.api_token(brand),
    ):  # fmt: skip
        assert token.text.count("_") >= 4
        assert token.text.split("_", 4)[2] == brand.id.hex
    assert make.operator_token().brand_id is None


def test_only_this_machine_is_reachable():
    with pytest.raises(loopback.OutsideCall):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(loopback.OutsideCall):
        socket.getaddrinfo("backdesk.example", 443)
    assert socket.getaddrinfo("localhost", 80)
