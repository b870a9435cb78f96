"""No list of the API reads or sorts more than it shows, however large a brand grows."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests import postgres
from tests.schema.paths.conftest import Desk
from tests.schema.paths.judge import Fault
from tests.schema.paths.walk import Asked, Listing, listings, pages

pytestmark = pytest.mark.timeout(600)
ACTORS = ("staff", "sales", "client", "ib")
# Where rows may be looked at in vain, each with its reason. None may scan or sort a table.
QUEUE = "what waits for somebody is judged one by one, and is as much as waits"
LABELS = "an array has no path under row-level security; few staff look by label"
SUBTREE = "who has a thousand of them is one client, found before its rows are: no subtree is"
EXCEPTIONS: Mapping[str, str] = {
    "Query.approvals": QUEUE,
    "Query.kycQueue": QUEUE,
    "Query.clients(filter: {tags": LABELS,
}
# Lists that an ib may have sorted, with the reason.
SORTED_FOR_IBS: Mapping[str, str] = {
    "Query.challenges": SUBTREE,
    "Query.challengePurchases": SUBTREE,
}
UNSEEN = frozenset({"FORBIDDEN", "NOT_FOUND"})


def is_excepted(asked: Asked) -> bool:
    """Whether rows may be looked at in vain for it."""
    return bool({str(asked.listing), str(asked).partition(": {contains")[0]} & EXCEPTIONS.keys())


async def wrong(desk: Desk, asked: Asked, parent: str | None, actor: str) -> list[str]:
    """What of a list's plans does not scale, asked of the compiled path and of the executor."""
    found: list[Fault] = []
    for with_plans in (True, False):
        body, faults = await desk.ask(asked.document(parent), actor, with_plans=with_plans)
        errors = body.get("errors", [])
        assert {one["extensions"]["code"] for one in errors} <= UNSEEN, (str(asked), errors)
        found += faults
    found += await desk.ask_again(asked.document(parent), actor)
    counts = actor == "staff" and asked.is_of_few and not is_excepted(asked)
    may_sort = actor == "ib" and str(asked.listing) in SORTED_FOR_IBS
    return [
        f"{asked} as {actor}: {one}"
        for one in found
        if (counts or not one.is_vain) and not (may_sort and one.what.startswith("Sort"))
    ]


async def next_of(desk: Desk, asked: Asked, parent: str | None, actor: str) -> Asked | None:
    """The page behind a page of the whole list, when there is one."""
    if not asked.listing.is_paged or "filter:" in asked.arguments or "last:" in asked.arguments:
        return None
    body, _ = await desk.ask(asked.document(parent), actor, with_plans=False)
    page = _page(asked.listing, body)
    if not page or not page["pageInfo"]["hasNextPage"]:
        return None
    behind = f'after: "{page["pageInfo"]["endCursor"]}"'
    return Asked(asked.listing, ", ".join(filter(None, [asked.arguments, behind])))


async def seen(desk: Desk, listing: Listing, parent: str | None, actor: str) -> int:
    """How many rows the first page shows."""
    body, _ = await desk.ask(Asked(listing).document(parent), actor, with_plans=False)
    page = _page(listing, body)
    return len(page["nodes"] if listing.is_paged and page else page)


def _page(listing: Listing, body: Any) -> Any:
    """What an answer says of the list; empty when it is not to be seen."""
    found = body.get("data") or {}
    if listing.relation is not None:
        found = found.get("node") or {}
    if listing.within:
        found = found.get(listing.within.split(".")[1]) or {}
    return found.get("page") or []


async def test_every_list_is_met(desk: Desk) -> None:
    """A list that nobody fills would prove nothing: fill it in `tests.schema.paths.crowded`."""
    empty = [
        str(listing)
        for listing in listings(desk.assembled)
        if not await seen(desk, listing, desk.parent(listing, "staff"), "staff")
    ]
    assert not empty


@pytest.mark.parametrize("actor", ACTORS)
async def test_every_list_has_a_path(desk: Desk, actor: str) -> None:
    found: list[str] = []
    for listing in listings(desk.assembled):
        parent = desk.parent(listing, actor)
        if (listing.relation is not None and parent is None) or not await seen(
            desk, listing, parent, actor
        ):
            continue
        for asked in pages(listing):
            found += await wrong(desk, asked, parent, actor)
            if behind := await next_of(desk, asked, parent, actor):
                found += await wrong(desk, behind, parent, actor)
    assert not found, "\n".join(["declare an index, or say why there is none:", *found])


@pytest.mark.parametrize(
    "text",
    [
        "{ dashboard { leadsByStage { stage } clientsInKyc { status } ibVolume { lots }"
        " depositsClearedToday { count } withdrawalsPending { count }"
        " challengesNearFloor { phase } } }",
        '{ chargebackRatios(from: "2026-01-01", to: "2026-02-01") { month } }',
    ],
)
async def test_reports_read_the_rows_they_sum_up(desk: Desk, text: str) -> None:
    for with_plans in (True, False):
        body, faults = await desk.ask(text, "staff", with_plans=with_plans)
        assert "errors" not in body
        assert [one for one in faults if one.is_vain or one.what.startswith("Seq")] == []


@pytest.mark.parametrize(
    ("index", "root", "arguments", "fault"),
    [
        ("ix_client_brand_id_country_created_at_id", "clients",
         'filter: {country: {eq: "XX"}}', "looked at in vain"),
        ("ix_payment_brand_id_created_at_id", "payments", "", "Sort"),
        ("ix_lead_brand_id_touched_at_id", "leads",
         "orderBy: {field: TOUCHED_AT, direction: DESC}", "Sort"),
    ],
)  # fmt: skip
async def test_a_path_that_is_missing_is_found(
    desk: Desk, index: str, root: str, arguments: str, fault: str
) -> None:
    listing = next(one for one in listings(desk.assembled) if str(one) == f"Query.{root}")
    asked = Asked(listing, arguments)
    assert not await wrong(desk, asked, None, "staff")
    with postgres.superuser(desk.endpoints) as connection:
        row = connection.execute("select pg_get_indexdef(%s::regclass)", [index]).fetchone()
        assert row is not None
        connection.execute(f"drop index {index}")
        try:
            found = await wrong(desk, asked, None, "staff")
            again = await desk.ask_again(asked.document(None), "staff")
        finally:
            connection.execute(row[0])
    assert any(fault in one for one in found), found
    # A statement whose path its values decide is planned for each call, and not judged again.
    assert any(fault in one.what for one in again) is ("filter" not in arguments)
