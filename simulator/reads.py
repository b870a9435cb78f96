"""Calls of the bridge wire that change nothing."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import bodies, shapes
from simulator.symbols import SYMBOLS
from simulator.values import Refusal
from simulator.wire import Malformed, answer, body_of, engine_of, guarded, login_of, query_of

CAPABILITIES = (
    "IDEMPOTENT_OPERATIONS",
    "ORDERS",
    "PASSWORD_CHECK",
    "PRICE_HISTORY",
    "STREAM",
    "STREAM_REPLAY",
)


async def capabilities(request: Request) -> Response:
    return answer({"platform": "backdesk-simulator", "capabilities": CAPABILITIES})


async def clock(request: Request) -> Response:
    now = engine_of(request).look().now
    return answer({"now": shapes.plain(now), "time_zone": "UTC", "is_epoch_local": False})


async def symbols(request: Request) -> Response:
    """All groups trade all symbols; an unknown group is refused."""
    group = query_of(request, bodies.SymbolsQuery).group
    if group is not None:
        engine_of(request).look().group(group)
    return answer({"symbols": [shapes.plain(symbol) for symbol in SYMBOLS.values()]})


async def groups(request: Request) -> Response:
    known = engine_of(request).book.groups
    return answer({"groups": [shapes.plain(known[name]) for name in sorted(known)]})


async def quotes(request: Request) -> Response:
    asked = query_of(request, bodies.QuotesQuery).symbols
    engine = engine_of(request)
    names = [name for name in asked.split(",") if name] or sorted(engine.prices.quotes)
    return answer({"quotes": [shapes.plain(engine.prices.quote(name)) for name in names]})


_FIRST_YEAR, _LAST_YEAR = 1970, 9000


async def price_history(request: Request) -> Response:
    asked = query_of(request, bodies.HistoryQuery)
    if asked.end <= asked.start:
        raise Malformed("to: must be after from")
    if not _FIRST_YEAR <= asked.start.year <= asked.end.year <= _LAST_YEAR:
        raise Malformed(f"from, to: must be within {_FIRST_YEAR} and {_LAST_YEAR}")
    bars = await asyncio.to_thread(
        engine_of(request).market.history,
        asked.symbol,
        start=asked.start,
        end=asked.end,
        interval=asked.interval,
    )
    return answer({"bars": [shapes.plain(bar) for bar in bars]})


async def account(request: Request) -> Response:
    return answer(shapes.account(engine_of(request).look().account(login_of(request))))


async def account_states(request: Request) -> Response:
    asked = await body_of(request, bodies.StatesBody)
    return answer({"states": engine_of(request).states(asked.logins)})


async def positions(request: Request) -> Response:
    engine, login = engine_of(request), login_of(request)
    draft = engine.look()
    owner = draft.account(login)
    held = engine.prices.values(draft.positions_of(login), owner.currency)
    return answer({"positions": [shapes.position(item, owner, engine.prices) for item in held]})


async def positions_of(request: Request) -> Response:
    asked = await body_of(request, bodies.StatesBody)
    engine = engine_of(request)
    draft, shown = engine.look(), []
    for login in sorted(set(asked.logins)):
        owner = draft.find_account(login)
        if owner is not None:
            held = engine.prices.values(draft.positions_of(login), owner.currency)
            shown += [shapes.position(item, owner, engine.prices) for item in held]
    return answer({"positions": shown})


async def orders(request: Request) -> Response:
    draft = engine_of(request).look()
    draft.account(login_of(request))
    return answer({"orders": [shapes.order(item) for item in draft.orders_of(login_of(request))]})


async def deals(request: Request) -> Response:
    asked = query_of(request, bodies.DealsQuery)
    found = await request.app.state.store.deals_after(int(asked.after or 0), limit=asked.limit)
    cursor = str(found[-1].deal_id) if found else asked.after
    return answer({"deals": [shapes.deal(item) for item in found], "cursor": cursor})


async def operation(request: Request) -> Response:
    known = await engine_of(request).operation(request.path_params["op_id"])
    if known is None:
        raise Refusal("UNKNOWN_OPERATION", "Nothing was begun under this operation id.")
    body = {"op_id": known.op_id, "status": known.status, "answer": known.answer}
    return answer(body | {"at": shapes.plain(known.at)})


ROUTES = [
    Route("/v1/capabilities", guarded(capabilities), methods=["GET"]),
    Route("/v1/clock", guarded(clock), methods=["GET"]),
    Route("/v1/symbols", guarded(symbols), methods=["GET"]),
    Route("/v1/groups", guarded(groups), methods=["GET"]),
    Route("/v1/quotes", guarded(quotes), methods=["GET"]),
    Route("/v1/price-history", guarded(price_history), methods=["GET"]),
    Route("/v1/account-states", guarded(account_states), methods=["POST"]),
    Route("/v1/positions", guarded(positions_of), methods=["POST"]),
    Route("/v1/deals", guarded(deals), methods=["GET"]),
    Route("/v1/operations/{op_id}", guarded(operation), methods=["GET"]),
    Route("/v1/accounts/{login:int}", guarded(account), methods=["GET"]),
    Route("/v1/accounts/{login:int}/orders", guarded(orders), methods=["GET"]),
    Route("/v1/accounts/{login:int}/positions", guarded(positions), methods=["GET"]),
]
