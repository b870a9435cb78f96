"""The platform itself: one book, one market, one writer.

Everything that changes runs one after the other behind one lock: decide on a draft, save it in one
transaction, apply it, announce it. When the database does not confirm, nothing is applied and the
book is loaded again before the next change, so memory never holds what the database may not.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import structlog

from domain.kernel.clock import Clock
from simulator import dealing, shapes
from simulator.book import Book, Draft, Operation, touched
from simulator.history import Anchor
from simulator.hub import Hub
from simulator.market import Market
from simulator.prices import Prices
from simulator.recordings import Series
from simulator.shapes import Json
from simulator.store import AlreadyRunning, Store, StoreDown
from simulator.values import Deal, Funds, Quote, Refusal

_DAY = timedelta(days=1)
_RETRY_SECONDS = 0.5
_REPLAY_PAGE = 1_000
log = structlog.get_logger("simulator")


@dataclass(frozen=True, slots=True)
class Ask:
    """The identity of a write: its operation id and what it asks for, to tell two uses apart."""

    op_id: str
    fingerprint: str


class Engine:
    """Owns book, market and prices. `perform` changes, `look` reads, `play` moves the market."""

    book: Book
    market: Market

    def __init__(self, store: Store, hub: Hub, clock: Clock) -> None:
        self.prices = Prices()
        self._store = store
        self._hub = hub
        self._clock = clock
        self._lock = asyncio.Lock()
        self._is_stale = False
        self._retry_at = 0.0
        self._announced = 0
        # Money as the newest price has left it; what is missing is computed when asked for.
        self._funds: dict[int, Funds] = {}
        self._dirty_logins: set[int] = set()
        self._dirty_symbols: set[str] = set()

    async def start(self, series: dict[str, Series], speed: Decimal) -> None:
        """Takes the database, loads the book, and enters the market at its place of now."""
        await self._store.open()
        now = self._clock.now()
        self.book = await self._store.load(now.date() - _DAY)
        self._announced = self.book.last_deal
        anchors = await self._store.anchors()
        is_new = not anchors
        self.market = Market(series, anchors or [Anchor(now, 0, speed)])
        self._show(self.market.start(now))
        if is_new:
            await self._store.save_anchor(0, self.market.anchor)
        elif self.market.anchor.speed != speed:
            await self.change_speed(speed)
        await self.roll_over()

    async def stop(self) -> None:
        await self._store.close()

    async def perform(self, ask: Ask | None, action: Callable[[Draft], Json]) -> tuple[int, Json]:
        """Does a write at most once: status and answer, stored with its effect under the
        operation id; a repeat gets the stored answer, a refusal too.

        Refusals: OP_ID_REUSED. Raises StoreDown when the outcome is not known.
        """
        async with self._lock:
            await self._ready()
            known = await self._store.operation(ask.op_id) if ask else None
            if ask and known:
                if known.fingerprint != ask.fingerprint:
                    raise Refusal("OP_ID_REUSED", "This operation id was used for something else.")
                return known.status, known.answer
            draft = Draft(self.book, self._clock.now())
            try:
                status, answer = 200, action(draft)
                for login in sorted(touched(draft)):
                    dealing.watch_margin(draft, self.prices, login)
            except Refusal as refusal:
                draft = Draft(self.book, draft.now)
                status, answer = refused(refusal)
            if ask:
                draft.operation = Operation(ask.op_id, ask.fingerprint, status, answer, draft.now)
            await self._commit(draft)
            return status, answer

    async def operation(self, op_id: str) -> Operation | None:
        """What was answered to an operation id. Behind the lock: what is under way is waited for,
        so that None means it was never begun."""
        async with self._lock:
            await self._ready()
            return await self._store.operation(op_id)

    def look(self) -> Draft:
        """The book of now, to read; a draft that is never saved."""
        return Draft(self.book, self._clock.now())

    async def play(self) -> None:
        """Shows every tick that is due."""
        await self._take(self.market.due(self._clock.now()))

    async def step(self, ticks: int) -> list[Quote]:
        """Manual mode: the next ticks, their consequences, and all states at once."""
        quotes = self.market.step(self._clock.now(), ticks=ticks)
        await self._take(quotes)
        async with self._lock:
            await self._ready()
            await self._store.save_anchor(len(self.market.anchors) - 1, self.market.anchor)
        self.flush()
        return quotes

    async def set_quote(self, quote: Quote) -> None:
        """Shows a price set by hand."""
        self.market.show(quote)
        await self._take([quote])
        self.flush()

    async def change_speed(self, speed: Decimal) -> None:
        """Refusals: INVALID_SPEED."""
        async with self._lock:
            await self._ready()
            anchor = self.market.change_speed(self._clock.now(), speed)
            await self._store.save_anchor(len(self.market.anchors) - 1, anchor)

    async def _take(self, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            async with self._lock:
                self._show([quote])
                try:
                    await self._ready()
                    draft = Draft(self.book, self._clock.now())
                    self._dirty_logins |= dealing.react(draft, self.prices, quote.symbol)
                    await self._commit(draft)
                except StoreDown:
                    # The price is shown; what it sets off is done by the next price.
                    self._funds.clear()

    def _show(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            self.prices.show(quote)
            self._dirty_symbols.add(quote.symbol)

    async def roll_over(self) -> None:
        """Charges the swap of every day that has ended and was not charged, each once."""
        async with self._lock:
            await self._ready()
            while (day := self.book.rolled_day + _DAY) < self._clock.now().date():
                await self._roll(day)

    async def roll_day(self, day: date) -> None:
        """Test control: ends a day now. Refusals: INVALID_REQUEST for a day charged already."""
        async with self._lock:
            await self._ready()
            if day <= self.book.rolled_day:
                raise Refusal("INVALID_REQUEST", f"{day} has been charged.")
            await self._roll(day)
        self.flush()

    async def cancel_deal(self, deal_id: int) -> Deal:
        """Test control: takes a closing deal back. Refusals: INVALID_REQUEST."""
        async with self._lock:
            await self._ready()
            draft = Draft(self.book, self._clock.now())
            cancelled = dealing.cancel(draft, await self._store.deal_with_cancel(deal_id))
            await self._commit(draft)
        self.flush()
        return cancelled

    async def _roll(self, day: date) -> None:
        draft = Draft(self.book, self._clock.now())
        dealing.roll_over(draft, self.prices, day)
        for login in sorted(touched(draft)):
            dealing.watch_margin(draft, self.prices, login)
        await self._commit(draft)

    async def _ready(self) -> None:
        """Connects and loads again when the database has failed. Raises StoreDown."""
        if self._store.is_open and not self._is_stale:
            return
        now = asyncio.get_running_loop().time()
        if now < self._retry_at:
            raise StoreDown("the database was away a moment ago")
        self._retry_at = now + _RETRY_SECONDS
        try:
            if not self._store.is_open:
                await self._store.open()
            self.book = await self._store.load(self._clock.now().date() - _DAY)
            self._funds.clear()
            await self._catch_up()
        except AlreadyRunning as error:
            raise StoreDown(str(error)) from error
        self._is_stale = False
        self._retry_at = 0.0
        log.info("database is back", deals=self.book.last_deal)

    async def _catch_up(self) -> None:
        """Announces deals that were saved although nobody could tell."""
        while deals := await self._store.deals_after(self._announced, limit=_REPLAY_PAGE):
            for deal in deals:
                self._announce_deal(deal)
        self._dirty_logins |= self.book.accounts.keys()

    async def _commit(self, draft: Draft) -> None:
        if not draft.is_empty:
            try:
                await self._store.save(draft)
            except (StoreDown, asyncio.CancelledError):
                self._is_stale = True
                raise
            self.book.apply(draft)
            self._announce(draft)
        self._funds.update(draft.funds)

    def _announce(self, draft: Draft) -> None:
        for deal in draft.deals:
            self._announce_deal(deal)
        for kind, body in announcements(draft, self.prices):
            self._hub.publish(shapes.message(kind, body))
        self._dirty_logins |= touched(draft)

    def _announce_deal(self, deal: Deal) -> None:
        self._announced = deal.deal_id
        self._hub.publish(shapes.message("deal", shapes.deal(deal)), deal_id=deal.deal_id)

    def states(self, logins: Iterable[int]) -> list[Json]:
        """Money of the accounts at the prices of now; unknown logins are left out."""
        draft = self.look()
        known = [login for login in logins if draft.find_account(login) is not None]
        return [self.state(draft, login) for login in known]

    def state(self, draft: Draft, login: int) -> Json:
        money = self._funds.get(login) or self.prices.funds_of(draft, login)
        return shapes.state(draft.account(login), money, draft.now)

    def snapshot(self) -> list[Json]:
        """What a new listener is told first: all quotes, and accounts with open positions."""
        held = {position.login for position in self.book.positions.values()}
        return _batches(map(shapes.plain, self.prices.quotes.values()), self.states(sorted(held)))

    def flush(self) -> None:
        """Sends the newest quote of each symbol and state of each account that has changed."""
        symbols, logins = self._dirty_symbols, self._dirty_logins
        self._dirty_symbols, self._dirty_logins = set(), set()
        if self._hub.has_listeners:
            quotes = (shapes.plain(self.prices.quotes[name]) for name in sorted(symbols))
            for batch in _batches(quotes, self.states(sorted(logins))):
                self._hub.publish(batch)


def refused(refusal: Refusal) -> tuple[int, Json]:
    """Status and body of a refusal: 404 for what is unknown, else 409."""
    status = 404 if refusal.code.startswith("UNKNOWN_") else 409
    return status, {"error": {"code": refusal.code, "message": refusal.message}}


def _batches(quotes: Iterable[Json], states: Sequence[Json]) -> list[Json]:
    batches: list[Json] = []
    if shown := list(quotes):
        batches.append(shapes.message("quotes", {"items": shown}))
    if states:
        batches.append(shapes.message("account_states", {"items": states}))
    return batches


def announcements(draft: Draft, prices: Prices) -> list[tuple[str, Json]]:
    """What an applied draft tells listeners beside its deals."""
    said = [("order_change", shapes.order_step(step, draft.now)) for step in draft.order_steps]
    for position_id, position in draft.positions.items():
        said.append(("position_change", shapes.position_step(draft, prices, position_id, position)))
    said.extend(
        ("balance_change", shapes.balance_step(deal, draft.account(deal.login)))
        for deal in draft.deals
        if deal.kind is not None
    )
    said.extend(
        ("margin_call", shapes.margin_call(draft, prices, login)) for login in draft.margin_calls
    )
    return said
