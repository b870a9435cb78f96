"""Calls of the bridge wire that change something, each once under its operation id."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import accounts, bodies, dealing, shapes
from simulator.book import Draft
from simulator.dealing import Closing, OrderSpec
from simulator.shapes import Json
from simulator.values import Account, Group, Reason
from simulator.wire import answer, body_of, engine_of, guarded, login_of, write


async def ensure_groups(request: Request) -> Response:
    """Creates or changes groups. Needs no operation id: repeating it changes nothing."""
    wanted = await body_of(request, bodies.GroupsBody)
    made = [Group(**dict(group)) for group in wanted.groups]
    status, body = await engine_of(request).perform(
        None,
        lambda draft: {"groups": [shapes.plain(g) for g in accounts.ensure_groups(draft, made)]},
    )
    return answer(body, status)


async def create_account(request: Request) -> Response:
    asked = await body_of(request, bodies.AccountBody)
    main, investor = await _hashes(asked.passwords)
    spec = accounts.AccountSpec(
        **asked.model_dump(exclude={"passwords"}), main_hash=main, investor_hash=investor
    )
    return await write(request, lambda draft, _: shapes.account(accounts.create(draft, spec)))


async def change_account(request: Request) -> Response:
    asked, login = await body_of(request, bodies.AccountChangeBody), login_of(request)
    return await write(
        request, lambda draft, _: shapes.account(accounts.change(draft, login, **dict(asked)))
    )


async def set_passwords(request: Request) -> Response:
    asked, login = await body_of(request, bodies.PasswordsBody), login_of(request)
    main, investor = await _hashes(asked)

    def change(draft: Draft, _: str) -> Json:
        accounts.set_passwords(draft, login, main_hash=main, investor_hash=investor)
        return {}

    return await write(request, change)


async def _hashes(passwords: bodies.PasswordsBody) -> tuple[str, str]:
    return (
        await asyncio.to_thread(accounts.hash_password, passwords.main),
        await asyncio.to_thread(accounts.hash_password, passwords.investor),
    )


async def check_password(request: Request) -> Response:
    asked = await body_of(request, bodies.PasswordCheckBody)
    owner: Account = engine_of(request).look().account(login_of(request))
    stored = owner.investor_hash if asked.investor else owner.main_hash
    is_right = await asyncio.to_thread(accounts.is_password, asked.password, stored)
    return answer({"accepted": is_right and accounts.may_log_in(owner)})


async def transfer(request: Request) -> Response:
    asked, login = await body_of(request, bodies.TransferBody), login_of(request)
    prices = engine_of(request).prices

    def move(draft: Draft, op_id: str) -> Json:
        wanted = accounts.Transfer(asked.kind, asked.amount, asked.comment, op_id)
        return {"ticket": str(accounts.transfer(draft, prices, login, wanted).deal_id)}

    return await write(request, move)


async def place_order(request: Request) -> Response:
    asked, login = await body_of(request, bodies.OrderBody), login_of(request)
    prices = engine_of(request).prices
    return await write(
        request,
        lambda draft, op_id: shapes.placed(
            dealing.place(draft, prices, login, OrderSpec(op_id, **dict(asked)))
        ),
    )


async def modify_order(request: Request) -> Response:
    asked, login = await body_of(request, bodies.OrderChangeBody), login_of(request)
    prices, order_id = engine_of(request).prices, request.path_params["order_id"]

    def modify(draft: Draft, _: str) -> Json:
        order = draft.order(login, order_id)
        moved = dealing.modify_order(
            draft, prices, order, price=asked.price, stops=(asked.sl, asked.tp)
        )
        return shapes.order(moved)

    return await write(request, modify)


async def cancel_order(request: Request) -> Response:
    login, order_id = login_of(request), request.path_params["order_id"]
    return await write(
        request,
        lambda draft, _: shapes.order(dealing.cancel_order(draft, draft.order(login, order_id))),
    )


async def modify_position(request: Request) -> Response:
    asked, login = await body_of(request, bodies.PositionChangeBody), login_of(request)
    engine, position_id = engine_of(request), request.path_params["position_id"]

    def modify(draft: Draft, _: str) -> Json:
        position, owner = draft.position(login, position_id), draft.account(login)
        moved = dealing.modify_position(draft, engine.prices, position, stops=(asked.sl, asked.tp))
        valued = engine.prices.value(moved, owner.currency)
        return shapes.position(valued, owner, engine.prices)

    return await write(request, modify)


async def close_position(request: Request) -> Response:
    asked, login = await body_of(request, bodies.CloseBody), login_of(request)
    prices, position_id = engine_of(request).prices, request.path_params["position_id"]

    def close(draft: Draft, op_id: str) -> Json:
        dealing.check_may_close(draft.account(login))
        position = draft.position(login, position_id)
        why = Closing(Reason.REQUEST, op_id)
        return shapes.deal(dealing.close(draft, prices, position, why, lots=asked.lots))

    return await write(request, close)


async def close_all(request: Request) -> Response:
    asked, login = await body_of(request, bodies.CloseAllBody), login_of(request)
    prices = engine_of(request).prices

    def close(draft: Draft, op_id: str) -> Json:
        draft.account(login)
        why = Closing(Reason.CLOSE_ALL, op_id, asked.reason)
        closed = dealing.close_all(draft, prices, login, why)
        return {"results": [_closed(shapes.deal(deal)) for deal in closed]}

    return await write(request, close)


def _closed(deal: Mapping[str, Any]) -> Json:
    return {"position_id": deal["position_id"], "deal": deal, "refusal": None}


ROUTES = [
    Route("/v1/groups", guarded(ensure_groups), methods=["PUT"]),
    Route("/v1/accounts", guarded(create_account), methods=["POST"]),
    Route("/v1/accounts/{login:int}", guarded(change_account), methods=["PATCH"]),
    Route("/v1/accounts/{login:int}/passwords", guarded(set_passwords), methods=["PUT"]),
    Route("/v1/accounts/{login:int}/password-checks", guarded(check_password), methods=["POST"]),
    Route("/v1/accounts/{login:int}/balance-operations", guarded(transfer), methods=["POST"]),
    Route("/v1/accounts/{login:int}/orders", guarded(place_order), methods=["POST"]),
    Route(
        "/v1/accounts/{login:int}/orders/{order_id:int}", guarded(modify_order), methods=["PATCH"]
    ),
    Route(
        "/v1/accounts/{login:int}/orders/{order_id:int}", guarded(cancel_order), methods=["DELETE"]
    ),
    Route(
        "/v1/accounts/{login:int}/positions/{position_id:int}",
        guarded(modify_position),
        methods=["PATCH"],
    ),
    Route(
        "/v1/accounts/{login:int}/positions/{position_id:int}/close",
        guarded(close_position),
        methods=["POST"],
    ),
    Route("/v1/accounts/{login:int}/close-all", guarded(close_all), methods=["POST"]),
]
