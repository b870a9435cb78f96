"""The calls of merchants that change nothing."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.psp import bodies, shapes
from sandbox.psp.desk import Desk
from sandbox.psp.rules import show
from sandbox.psp.shapes import Json
from sandbox.psp.values import Dispute, Line, Payment, Payout, Refund, Refusal
from sandbox.psp.wire import guarded, merchant_of, psp_of
from sandbox.wire import answer, query_of

COLUMNS = (
    "settlement_id", "date", "type", "psp_id", "reference", "currency", "gross", "fee", "net",
    "line_id",
)  # fmt: skip
_LINES = """
select * from sandbox.psp_line where merchant = $1 and at >= $2 and at < $3 order by at, id
"""
_T = TypeVar("_T", Dispute, Payment, Payout, Refund)


async def show_payment(desk: Desk, item: Payment, request: Request) -> Json:
    disputes = await desk.find(Dispute, payment_id=item.id, order="created_at, id")
    return shapes.payment(item, disputes, url=psp_of(request).url)


async def _refund(desk: Desk, item: Refund, request: Request) -> Json:
    return shapes.refund(item)


async def _payout(desk: Desk, item: Payout, request: Request) -> Json:
    return shapes.payout(item)


async def _dispute(desk: Desk, item: Dispute, request: Request) -> Json:
    return shapes.dispute(item)


def _one(shape: type[_T], shown: Callable[[Desk, _T, Request], Awaitable[Json]]) -> Route:
    """One of the caller's own by its id."""
    name = shape.__name__.lower()

    async def one(request: Request) -> Response:
        key = request.path_params["key"]
        async with psp_of(request).desk() as desk:
            merchant = await merchant_of(request, desk)
            found = await desk.find(shape, id=key, merchant=merchant.name)
            if not found:
                raise Refusal(f"UNKNOWN_{name.upper()}", f"There is no {name} {key}.")
            return answer(await shown(desk, found[0], request))

    return Route(f"/v1/{name}s/{{key}}", guarded(one), methods=["GET"])


def _by_reference(shape: type[_T], shown: Callable[[Desk, _T, Request], Awaitable[Json]]) -> Route:
    """The caller's own with a reference: none or one (more only after keys were forgotten)."""
    name = f"{shape.__name__.lower()}s"

    async def listed(request: Request) -> Response:
        async with psp_of(request).desk() as desk:
            merchant = await merchant_of(request, desk)
            wanted = query_of(request, bodies.ReferenceQuery).reference
            found = await desk.find(
                shape, merchant=merchant.name, reference=wanted, order="created_at, id"
            )
            return answer({name: [await shown(desk, item, request) for item in found]})

    return Route(f"/v1/{name}", guarded(listed), methods=["GET"])


async def settlements(request: Request) -> Response:
    """The movements of whole UTC days, both ends included, oldest first."""
    async with psp_of(request).desk() as desk:
        merchant = await merchant_of(request, desk)
        wanted = query_of(request, bodies.SettlementQuery)
        start = datetime.combine(wanted.start, time(), UTC)
        end = datetime.combine(wanted.end, time(), UTC) + timedelta(days=1)
        rows = await desk.connection.fetch(_LINES, merchant.name, start, end)
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(Line(**row)) for row in rows)
    return Response(told.getvalue(), media_type="text/csv")


def _row(line: Line) -> list[str]:
    day = line.at.astimezone(UTC).date()
    gross, fee = line.gross, line.fee
    amounts = [show(each, line.currency) for each in (gross, fee, gross - fee)]
    batch = f"st_{day:%Y%m%d}_{line.currency}"
    named = [batch, day.isoformat(), line.type, line.psp_id, line.reference, line.currency]
    return [*named, *amounts, line.id]


ROUTES = [
    _by_reference(Payment, show_payment),
    _one(Payment, show_payment),
    _by_reference(Refund, _refund),
    _one(Refund, _refund),
    _by_reference(Payout, _payout),
    _one(Payout, _payout),
    _one(Dispute, _dispute),
    Route("/v1/settlements", guarded(settlements), methods=["GET"]),
]
