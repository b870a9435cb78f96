"""The client of the bridge wire (`docs/bridge.openapi.yaml`): the simulator, and sidecars of MT4
and MT5 servers that speak it.

A write goes out with its `op_id` in `Idempotency-Key`. When the answer is lost, the platform is
asked what became of the id before anything else: a stored answer settles it, refusals too. Only if
nothing was begun, and the platform itself applies an id once, is the write sent again within the
same call. Whatever is still unproven then is OutcomeUnknown. A platform that does not apply ids
once by itself (MT4, MT5) is searched before every first send as well.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote as escaped

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from domain.accounts.adapters.bridge_stream import follow
from domain.accounts.ports import OutcomeUnknown, PlatformRefused, PlatformUnavailable
from domain.accounts.trading import (
    AccountRequest,
    AccountSettings,
    AccountState,
    BalanceKind,
    Capability,
    CloseResult,
    Deal,
    Group,
    Interval,
    Order,
    OrderRequest,
    Passwords,
    Placed,
    Position,
    PriceBar,
    Quote,
    ServerClock,
    StreamItem,
    Symbol,
)
from domain.accounts.values import AccountAccess, StateSource
from domain.outbound.client import Lost, NeverSent, Outbound, Patience, Unanswered

_T = TypeVar("_T")
_LOGINS_MAX = 5_000
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


class BridgePlatform:
    """One platform server behind the bridge wire. See `domain.accounts.ports.Platform`.

    `endpoint` is `unix:///path/to/socket` or an https address.
    """

    def __init__(
        self, endpoint: str, *, token: str | None = None, patience: Patience | None = None
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._out = Outbound(endpoint, token=token, patience=patience or Patience())
        self._capabilities: frozenset[Capability] | None = None

    async def aclose(self) -> None:
        await self._out.aclose()

    async def capabilities(self) -> frozenset[Capability]:
        """Names this version does not know are left out."""
        if self._capabilities is None:
            named = (await self._read("/capabilities"))["capabilities"]
            self._capabilities = frozenset(c for c in Capability if c in named)
        return self._capabilities

    async def server_clock(self) -> ServerClock:
        return _decode(ServerClock, await self._read("/clock"))

    async def groups(self) -> list[Group]:
        return _decode(list[Group], (await self._read("/groups"))["groups"])

    async def ensure_groups(self, groups: Sequence[Group]) -> list[Group]:
        body = {"groups": _encode(list(groups))}
        answer = await self._safely("PUT", "/v1/groups", json=body)
        return _decode(list[Group], _content(answer)["groups"])

    async def symbols(self, group: str | None = None) -> list[Symbol]:
        params = {} if group is None else {"group": group}
        return _decode(list[Symbol], (await self._read("/symbols", params))["symbols"])

    async def quotes(self, symbols: Sequence[str] = ()) -> list[Quote]:
        params = {"symbols": ",".join(symbols)} if symbols else {}
        return _decode(list[Quote], (await self._read("/quotes", params))["quotes"])

    async def price_history(
        self, symbol: str, *, start: datetime, end: datetime, interval: Interval
    ) -> list[PriceBar]:
        params = {
            "symbol": symbol,
            "from": start.isoformat(),
            "to": end.isoformat(),
            "interval": interval.value,
        }
        return _decode(list[PriceBar], (await self._read("/price-history", params))["bars"])

    async def account(self, login: int) -> AccountSettings:
        return _decode(AccountSettings, await self._read(f"/accounts/{login}"))

    async def account_states(self, logins: Sequence[int]) -> list[AccountState]:
        body = {"logins": list(logins)}
        answer = await self._safely("POST", "/v1/account-states", json=body)
        states = _content(answer)["states"]
        return _decode(
            list[AccountState], [{**state, "source": StateSource.POLL} for state in states]
        )

    async def positions(self, login: int) -> list[Position]:
        found = await self._read(f"/accounts/{login}/positions")
        return _decode(list[Position], found["positions"])

    async def positions_of(self, logins: Sequence[int]) -> dict[int, list[Position]]:
        held: dict[int, list[Position]] = {login: [] for login in logins}
        asked = list(held)
        for begin in range(0, len(asked), _LOGINS_MAX):
            body = {"logins": asked[begin : begin + _LOGINS_MAX]}
            answer = await self._out.safely("POST", "/v1/positions", json=body)
            for one in _decode(list[Position], _content(answer)["positions"]):
                held[one.login].append(one)
        return held

    async def orders(self, login: int) -> list[Order]:
        return _decode(list[Order], (await self._read(f"/accounts/{login}/orders"))["orders"])

    async def deals_since(self, cursor: str, *, limit: int = 500) -> tuple[list[Deal], str]:
        found = await self._read("/deals", {"after": cursor, "limit": str(limit)})
        return _decode(list[Deal], found["deals"]), _decode(str, found["cursor"])

    async def check_password(self, login: int, password: str, *, investor: bool) -> bool:
        path = f"/v1/accounts/{login}/password-checks"
        body = {"password": password, "investor": investor}
        return _decode(bool, _content(await self._safely("POST", path, json=body))["accepted"])

    async def create_account(self, request: AccountRequest, *, op_id: str) -> AccountSettings:
        answer = await self._write("POST", "/accounts", _encode(request), op_id=op_id)
        return _decode(AccountSettings, answer)

    async def set_group(self, login: int, group: str, *, op_id: str) -> AccountSettings:
        return await self._change(login, {"group": group}, op_id)

    async def set_leverage(self, login: int, leverage: int, *, op_id: str) -> AccountSettings:
        return await self._change(login, {"leverage": leverage}, op_id)

    async def set_access(self, login: int, access: AccountAccess, *, op_id: str) -> AccountSettings:
        return await self._change(login, {"access": access}, op_id)

    async def _change(self, login: int, body: dict[str, Any], op_id: str) -> AccountSettings:
        answer = await self._write("PATCH", f"/accounts/{login}", body, op_id=op_id)
        return _decode(AccountSettings, answer)

    async def set_passwords(self, login: int, passwords: Passwords, *, op_id: str) -> None:
        path = f"/accounts/{login}/passwords"
        await self._write("PUT", path, _encode(passwords), op_id=op_id)

    async def balance_op(
        self, login: int, *, kind: BalanceKind, amount: Decimal, comment: str, op_id: str
    ) -> str:
        body = {"kind": kind, "amount": _text(amount), "comment": comment}
        path = f"/accounts/{login}/balance-operations"
        return _decode(str, (await self._write("POST", path, body, op_id=op_id))["ticket"])

    async def place_order(self, login: int, request: OrderRequest) -> Placed:
        body = _encode(request)
        op_id = body.pop("client_order_id")
        path = f"/accounts/{login}/orders"
        return _decode(Placed, await self._write("POST", path, body, op_id=op_id))

    async def modify_order(
        self,
        login: int,
        order_id: str,
        *,
        price: Decimal,
        sl: Decimal | None,
        tp: Decimal | None,
        op_id: str,
    ) -> Order:
        body = {"price": _text(price), "sl": _text(sl), "tp": _text(tp)}
        path = f"/accounts/{login}/orders/{escaped(order_id)}"
        return _decode(Order, await self._write("PATCH", path, body, op_id=op_id))

    async def cancel_order(self, login: int, order_id: str, *, op_id: str) -> Order:
        path = f"/accounts/{login}/orders/{escaped(order_id)}"
        return _decode(Order, await self._write("DELETE", path, None, op_id=op_id))

    async def modify_position(
        self, login: int, position_id: str, *, sl: Decimal | None, tp: Decimal | None, op_id: str
    ) -> Position:
        path = f"/accounts/{login}/positions/{escaped(position_id)}"
        body = {"sl": _text(sl), "tp": _text(tp)}
        return _decode(Position, await self._write("PATCH", path, body, op_id=op_id))

    async def close_position(
        self, login: int, position_id: str, *, lots: Decimal | None = None, op_id: str
    ) -> Deal:
        path = f"/accounts/{login}/positions/{escaped(position_id)}/close"
        answer = await self._write("POST", path, {"lots": _text(lots)}, op_id=op_id)
        return _decode(Deal, answer)

    async def close_all(self, login: int, *, reason: str, op_id: str) -> list[CloseResult]:
        path = f"/accounts/{login}/close-all"
        answer = await self._write("POST", path, {"reason": reason}, op_id=op_id)
        return _decode(list[CloseResult], answer["results"])

    def stream(self, after: str) -> AsyncIterator[StreamItem]:
        return follow(self._endpoint, after, token=self._token)

    async def _read(self, path: str, params: dict[str, str] | None = None) -> Any:
        return _content(await self._safely("GET", f"/v1{path}", params=params))

    async def _safely(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._out.safely(method, path, **options)
        except Unanswered as error:
            raise _silent(error) from error

    async def _write(
        self, method: str, path: str, body: dict[str, Any] | None, *, op_id: str
    ) -> Any:
        """Sends a write until its outcome is proven. Refusals: the platform's, OUTCOME_UNKNOWN,
        PLATFORM_UNAVAILABLE when it was never sent."""
        is_idempotent = Capability.IDEMPOTENT_OPERATIONS in await self.capabilities()
        was_sent = False

        async def attempt(_: int) -> httpx.Response:
            nonlocal was_sent
            is_doubtful = was_sent or not is_idempotent
            if is_doubtful and (settled := await self._search(op_id)) is not None:
                return settled
            if was_sent and not is_idempotent:
                raise Lost("sent once already")
            try:
                return await self._out.once(
                    method, f"/v1{path}", json=body, headers={"Idempotency-Key": op_id}
                )
            except Lost:
                was_sent = True
                raise

        try:
            return _content(await self._out.again(attempt))
        except (Unanswered, PlatformUnavailable) as error:
            settled = await self._last_search(op_id) if was_sent else None
            if settled is not None:
                return _content(settled)
            if was_sent:
                raise OutcomeUnknown(op_id) from None
            if isinstance(error, Unanswered):
                raise _silent(error) from error
            raise

    async def _search(self, op_id: str) -> httpx.Response | None:
        """The stored answer to an id, or None when the platform has begun nothing under it."""
        found = await self._out.once("GET", f"/v1/operations/{escaped(op_id, safe='')}")
        if found.status_code == 200:
            stored = _content(found)
            return httpx.Response(stored["status"], content=orjson.dumps(stored["answer"]))
        if found.status_code == 404:
            return None
        raise Lost(f"the search answered {found.status_code}")

    async def _last_search(self, op_id: str) -> httpx.Response | None:
        try:
            return await self._search(op_id)
        except (Lost, NeverSent):
            return None


def _silent(error: Unanswered) -> PlatformUnavailable:
    return PlatformUnavailable(f"The trading platform does not answer: {error}")


def _content(answer: httpx.Response) -> Any:
    """The body of a good answer. Refusals: the platform's code; PLATFORM_UNAVAILABLE for 401, 403
    and for what is no JSON."""
    try:
        body = orjson.loads(answer.content)
        if answer.status_code == 200:
            return body
        code, message = body["error"]["code"], body["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise PlatformUnavailable(f"The platform answered {answer.status_code}.") from error
    if answer.status_code in (401, 403):
        raise PlatformUnavailable(f"The platform refuses our credentials: {message}")
    raise PlatformRefused(code, message)


def _decode(shape: type[_T], body: object) -> _T:
    """A value from JSON. Refusals: PLATFORM_UNAVAILABLE when it has not the published shape."""
    adapter = _ADAPTERS.get(shape)
    if adapter is None:
        adapter = _ADAPTERS[shape] = TypeAdapter(shape)
    try:
        decoded: _T = adapter.validate_python(body)
    except ValidationError as error:
        raise PlatformUnavailable("The platform's answer has not the published shape.") from error
    return decoded


def _encode(value: object) -> Any:
    """JSON of a dataclass or a list of them; decimals become plain text without an exponent."""
    return orjson.loads(orjson.dumps(value, default=_default))


def _default(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
