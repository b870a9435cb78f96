"""An introducing broker is kept out and let in again, by staff who may, with a reason."""

import pytest

from domain.clients.values import Introducer
from domain.ibs.queries import find_introducer
from domain.ibs.tables import ib as ib_table
from domain.kernel.ids import encode_id
from tenants.context import system_scope
from tenants.tables import audit, event
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, scope_of
from tests.schema.people import Ask

SUSPEND = """mutation ($input: IbSuspendInput!) { ibSuspend(input: $input) {
  ib { code status } errors { code path } } }"""
REINSTATE = """mutation ($input: IbReinstateInput!) { ibReinstate(input: $input) {
  ib { code status } errors { code path } } }"""


async def test_a_suspended_ib_introduces_nobody_until_it_is_reinstated(
    ask: Ask, make: Factory, brand: Brand, database: Database
) -> None:
    north = make.ib(brand)
    below = make.ib(brand, north)
    staff = scope_of(brand, "brand_admin")
    given = {"ibId": encode_id("ib", north.id), "reason": "A complaint is looked into."}

    async def introduces() -> bool:
        async def find(work: WriteWork) -> Introducer | None:
            return await find_introducer(work, north.code)

        return (await database.write(system_scope(brand.id), find)).value is not None

    assert await introduces()
    for document, status, refusal in (
        (SUSPEND, "SUSPENDED", "ALREADY_SUSPENDED"), (REINSTATE, "ACTIVE", "NOT_SUSPENDED"),
    ):  # fmt: skip
        done = (await ask(document, staff, input=given)).only()
        assert done["ib"] == {"code": north.code, "status": status}
        assert await introduces() is (status == "ACTIVE")
        again = await ask(document, staff, input=given)
        assert again.refused() == [(refusal, ["input", "ibId"])]
    assert [row.status for row in make.rows(ib_table, brand) if row.id == below.id] == ["ACTIVE"]
    told = [(row.action, row.reason) for row in make.rows(audit, brand)]
    for action in ("ib.suspend", "ib.reinstate"):
        assert told.count((action, given["reason"])) == 1
    kinds = [row.kind for row in make.rows(event, brand)]
    assert sorted(kinds) == ["reinstated", "suspended"]
    assert all(given["reason"] not in str(row.payload) for row in make.rows(event, brand))


@pytest.mark.parametrize("document", [SUSPEND, REINSTATE])
async def test_refusals_are_data_and_leave_nothing(
    document: str, ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    own, foreign = make.ib(brand), make.ib(brand_b)
    staff = scope_of(brand, "brand_admin")
    for ib_id, reason, refusal in (
        (own.id, " ", ("INVALID", ["input", "reason"])),
        (own.id, "x" * 501, ("INVALID", ["input", "reason"])),
        (foreign.id, "why", ("NOT_FOUND", ["input", "ibId"])),
    ):
        given = {"ibId": encode_id("ib", ib_id), "reason": reason}
        assert (await ask(document, staff, input=given)).refused() == [refusal]
    for role in ("sales", "auditor", None):
        given = {"ibId": encode_id("ib", own.id), "reason": "why"}
        answer = await ask(document, scope_of(brand, role), input=given)
        assert set(answer.codes) == {"UNAUTHENTICATED" if role is None else "FORBIDDEN"}
    assert [row.status for row in make.rows(ib_table, brand)] == ["ACTIVE"]
    assert not make.rows(event, brand)
