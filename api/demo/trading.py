"""Accounts of the demo's clients on the simulator, some of them with open trades."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from api.demo.people import People
from api.demo.story import SERVER, BrandStory
from api.settings import Settings
from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.carry_out import carry_out
from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.place_order import place_order
from domain.accounts.commands.save_server import save_symbols
from domain.accounts.ports import OutcomeUnknown, PlatformUnavailable
from domain.accounts.rules import OpenWish, OrderWish
from domain.accounts.trading import Group
from domain.accounts.values import AccountKind, OrderType, Side
from domain.kernel.errors import Refused
from tenants.context import system_scope
from tenants.work import Database

TRADERS = 4
_SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")


async def seed_platform(settings: Settings, database: Database) -> bool:
    """Groups and symbols of the simulator, which every brand shares; False while it is away."""
    platform = BridgePlatform(f"unix://{settings.simulator_socket}")
    try:
        await platform.ensure_groups(_groups())
        await save_symbols(database, SERVER.id, await platform.symbols())
    except PlatformUnavailable:
        return False
    finally:
        await platform.aclose()
    return True


async def seed_trading(
    settings: Settings,
    database: Database,
    story: BrandStory,
    people: People,
    *,
    is_running: bool,
) -> None:
    """Open accounts for the first clients and place a few orders.

    Without a running simulator the accounts stay OPENING; the worker opens them once it runs.
    """
    platform = BridgePlatform(f"unix://{settings.simulator_socket}")
    try:
        trade = _Trade(database, platform, story.plan.id) if is_running else None
        for n, client_id in enumerate(people.clients[:TRADERS]):
            account = await _open(database, story, client_id, n)
            if trade is not None:
                await trade.run(account, n)
    finally:
        await platform.aclose()


def _groups() -> Sequence[Group]:
    return [
        Group(
            name=terms.name,
            currency=terms.currency,
            leverage_max=terms.leverage_max,
            commission_per_lot=Decimal(0 if terms.kind is AccountKind.DEMO else 7),
            margin_call_level=Decimal(100),
            stop_out_level=Decimal(50),
            swap_free=terms.swap_free,
        )
        for terms in SERVER.groups
    ]


async def _open(database: Database, story: BrandStory, client_id: UUID, n: int) -> dict[str, str]:
    wish = OpenWish(
        AccountKind.DEMO,
        story.currency,
        leverage=100,
        initial_balance=Decimal(10_000 + 1_000 * n),
    )
    scope = system_scope(story.plan.id)
    return (await database.write(scope, lambda work: open_account(work, client_id, wish))).value


class _Trade:
    """Carries requests out at once, as the worker would a moment later."""

    def __init__(self, database: Database, platform: BridgePlatform, brand_id: UUID) -> None:
        self._database = database
        self._platform = platform
        self._brand_id = brand_id

    async def run(self, opened: dict[str, str], n: int) -> None:
        await self._carry_out(opened)
        wish = OrderWish(
            _SYMBOLS[n % len(_SYMBOLS)],
            OrderType.MARKET,
            Side.BUY if n % 2 == 0 else Side.SELL,
            Decimal("0.10"),
        )
        account_id = UUID(opened["account"])
        scope = system_scope(self._brand_id)
        with suppress(Refused):  # still OPENING: no trade for this one
            placed = await self._database.write(
                scope, lambda work: place_order(work, account_id, wish)
            )
            await self._carry_out(placed.value)

    async def _carry_out(self, asked: dict[str, str]) -> None:
        """Carry a request out; what fails now, the worker tries again."""
        request = UUID(asked["request"])
        with suppress(PlatformUnavailable, OutcomeUnknown):
            await carry_out(self._database, lambda _server: self._platform, self._brand_id, request)
