"""Test controls: faults, the market by hand, a past. Served only when the process was told to."""

import asyncio
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import accounts, bodies, shapes
from simulator.aiming import PastAim
from simulator.book import Draft
from simulator.faults import Fault, FaultKind, Faults
from simulator.market import check_manual, manual_quote
from simulator.past import Past, PastAccount, PastTrade, PastTransfer, tell
from simulator.prices import find_symbol
from simulator.shapes import Json
from simulator.wire import answer, body_of, engine_of, guarded, write


def _faults(request: Request) -> Faults:
    faults: Faults = request.app.state.faults
    return faults


async def arm_fault(request: Request) -> Response:
    asked = await body_of(request, bodies.FaultBody)
    if asked.kind is FaultKind.CUT_STREAM:
        request.app.state.hub.cut("cut on demand")
    else:
        _faults(request).armed.append(Fault(**dict(asked)))
    return answer({})


async def disarm_faults(request: Request) -> Response:
    _faults(request).armed.clear()
    return answer({})


async def step(request: Request) -> Response:
    asked = await body_of(request, bodies.StepBody)
    quotes = await engine_of(request).step(asked.ticks)
    return answer({"quotes": [shapes.plain(quote) for quote in quotes]})


async def set_speed(request: Request) -> Response:
    asked = await body_of(request, bodies.SpeedBody)
    await engine_of(request).change_speed(asked.speed)
    return answer({})


async def set_quote(request: Request) -> Response:
    asked, engine = await body_of(request, bodies.QuoteBody), engine_of(request)
    symbol = find_symbol(asked.symbol)
    quote = manual_quote(asked.symbol, bid=asked.bid, ask=asked.ask, at=engine.look().now)
    check_manual(quote, symbol.digits, engine.prices.quotes.get(symbol.name))
    await engine.set_quote(quote)
    return answer(shapes.plain(quote))


async def roll_over(request: Request) -> Response:
    asked = await body_of(request, bodies.DayBody)
    await engine_of(request).roll_day(asked.day)
    return answer({})


async def tell_past(request: Request) -> Response:
    """Once under its operation id, so that a story interrupted is told on, and not twice."""
    asked, market = await body_of(request, bodies.PastBody), engine_of(request).market
    past = Past(
        [PastAccount(**dict(one)) for one in asked.accounts],
        [PastTransfer(**dict(one)) for one in asked.transfers],
        [PastTrade(**dict(one)) for one in asked.trades],
        [PastAim(**dict(one)) for one in asked.aims],
    )
    nobodys = await asyncio.to_thread(accounts.hash_password, secrets.token_urlsafe())

    def play(draft: Draft, _op_id: str) -> Json:
        return shapes.past(tell(draft, market, past, nobodys))

    return await write(request, play)


async def cancel_deal(request: Request) -> Response:
    cancelled = await engine_of(request).cancel_deal(request.path_params["deal_id"])
    return answer(shapes.deal(cancelled))


ROUTES = [
    Route("/v1/controls/faults", guarded(arm_fault), methods=["POST"]),
    Route("/v1/controls/faults", guarded(disarm_faults), methods=["DELETE"]),
    Route("/v1/controls/market/step", guarded(step), methods=["POST"]),
    Route("/v1/controls/market/speed", guarded(set_speed), methods=["POST"]),
    Route("/v1/controls/market/quotes", guarded(set_quote), methods=["POST"]),
    Route("/v1/controls/past", guarded(tell_past), methods=["POST"]),
    Route("/v1/controls/deals/{deal_id:int}/cancel", guarded(cancel_deal), methods=["POST"]),
    Route("/v1/controls/rollover", guarded(roll_over), methods=["POST"]),
]
