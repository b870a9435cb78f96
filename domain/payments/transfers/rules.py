"""Pure verdicts on transfers and conversions. Amounts are minor units, prices exact decimals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Context, Decimal, localcontext
from typing import Any, Final
from uuid import UUID

from domain.accounts.rules import decide_is_active, withdrawable
from domain.accounts.trading import Quote
from domain.accounts.values import AccountAccess, AccountKind, AccountStatus
from domain.kernel.errors import Conflict, Invalid, Refused
from domain.kernel.money import (
    EXACT,
    Money,
    from_minor,
    most_minor,
    round_down_to_minor,
    round_to_minor,
    scale_of,
)
from domain.payments.ledger.errors import InsufficientFunds
from domain.payments.transfers.values import Attempt, Converted, End, Hop, Pair, Price
from domain.payments.values import TransferEndKind

CROSS: Final = "USD"
STALE_AFTER: Final = timedelta(seconds=60)
QUIET_LOOKS: Final = 3
LOOKS_MAX: Final = 60
ATTEMPTS_MAX: Final = 32
_AGAIN = timedelta(minutes=1)
_AGAIN_MAX = timedelta(hours=1)
_MID = Context(prec=15, rounding=ROUND_DOWN)
_BPS = 10_000
_AMOUNT = ("input", "amount")
_TO = ("input", "to")
_QUOTE = ("input", "quoteId")
_TO_CURRENCY = ("input", "toCurrency")


def decide_amount(amount: Money, currency: str) -> None:
    """Whether that can leave something of this currency. Refusals: CURRENCY_MISMATCH, INVALID."""
    if amount.currency != currency:
        message = f"Say the amount in {currency}, which is what leaves."
        raise Refused("CURRENCY_MISMATCH", message, path=_AMOUNT)
    if amount.amount_minor <= 0:
        raise Invalid("INVALID", "Move more than zero.", path=_AMOUNT)


def decide_currency(wanted: str, held: str, offered: Collection[str]) -> None:
    """Whether a wallet in `held` can be converted to that. Refusals: INVALID,
    CURRENCY_UNAVAILABLE when the brand offers no wallets in it."""
    if wanted == held:
        raise Invalid("INVALID", "The wallet is in that currency.", path=_TO_CURRENCY)
    if wanted not in offered:
        message = "This brand keeps no wallets in that currency."
        raise Refused("CURRENCY_UNAVAILABLE", message, path=_TO_CURRENCY)


def decide_ends(source: End, target: End, *, has_quote: bool) -> None:
    """Whether money may go from one end to the other.

    Both belong to one client and one of them is a wallet. Another currency takes a quote, which is
    made for wallets. Refusals: INVALID, QUOTE_REQUIRED, CURRENCY_MISMATCH.
    """
    if source.client_id != target.client_id:
        raise Invalid("INVALID", "Both ends belong to the same client.", path=_TO)
    is_wallet = source.kind is TransferEndKind.WALLET
    if not is_wallet and target.kind is TransferEndKind.ACCOUNT:
        raise Invalid("INVALID", "Between accounts, go by way of a wallet.", path=_TO)
    if source.currency == target.currency:
        if source.kind is target.kind:
            raise Invalid("INVALID", "The money is there already.", path=_TO)
        if has_quote:
            raise Invalid("INVALID", "Nothing is converted here.", path=_QUOTE)
    elif not is_wallet:
        message = f"Move it to the wallet in {source.currency} and convert it there."
        raise Refused("CURRENCY_MISMATCH", message, path=_TO)
    elif not has_quote:
        message = f"Get a quote of {source.currency} in {target.currency} first."
        raise Refused("QUOTE_REQUIRED", message, path=_QUOTE)


def decide_account(account: Any, *, path: tuple[str, ...]) -> None:
    """Whether client money may go onto a trading account or off it.

    Refusals: ACCOUNT_NOT_LIVE, ACCOUNT_NOT_ACTIVE, ACCOUNT_LOCKED.
    """
    if AccountKind(account.kind) is not AccountKind.LIVE:
        raise Refused("ACCOUNT_NOT_LIVE", "Only live accounts hold client money.", path=path)
    decide_is_active(AccountStatus(account.status))
    if AccountAccess(account.access) is AccountAccess.NO_LOGIN:
        raise Refused("ACCOUNT_LOCKED", "The account is locked.", path=path)


def decide_leaving(amount: Money, state: Any) -> None:
    """Whether an account had that much to give when its `state` was known last.

    The platform, which knows it to the tick, has the last word. Refusals: INSUFFICIENT_FUNDS.
    """
    if state is None:
        return
    most = withdrawable(
        balance=int(state.balance_minor),
        free_margin=int(state.free_margin_minor),
        credit=int(state.credit_minor),
    )
    if amount.amount_minor > most:
        raise InsufficientFunds(*_AMOUNT)


def decide_quote(
    quote: Any, *, client_id: UUID, amount: Money, to_currency: str, now: datetime
) -> None:
    """Whether a quote is for this conversion, and still good.

    Refusals: QUOTE_MISMATCH, QUOTE_USED, QUOTE_EXPIRED.
    """
    asked = (client_id, amount.amount_minor, amount.currency, to_currency)
    if asked != (quote.client_id, int(quote.from_minor), quote.from_currency, quote.to_currency):
        message = "The quote is for another conversion; get one for this."
        raise Refused("QUOTE_MISMATCH", message, path=_QUOTE)
    if quote.used_by is not None:
        raise Conflict("QUOTE_USED", "The quote was used; get a new one.", path=_QUOTE)
    if quote.expires_at <= now:
        raise Refused("QUOTE_EXPIRED", "The quote has expired; get a new one.", path=_QUOTE)


def convert(amount: Money, to_currency: str, *, mid: Decimal, spread_bps: int) -> Converted:
    """Both totals of a conversion at a mid price less our spread.

    What the client gets is rounded down, so that no way of cutting an amount into conversions, or
    of going round through currencies, ever gains. 1,000.00 EUR at 1.0850 with 100 bps: rate
    1.07415, the client gets 1,074.15 USD, we 10.85 (domain facts D4).
    Refusals: AMOUNT_TOO_LOW when nothing would come out, AMOUNT_TOO_HIGH when more would than an
    amount can be.
    """
    with localcontext(EXACT):
        rate = mid * (_BPS - spread_bps) / _BPS
        whole = from_minor(amount.amount_minor, amount.currency)
        at_mid, at_rate = whole * mid, whole * rate
    got = round_down_to_minor(at_rate, to_currency)
    if got <= 0:
        least = from_minor(_least_minor(amount.currency, to_currency, rate), amount.currency)
        message = f"Convert at least {least} {amount.currency}: less comes to nothing."
        raise Refused("AMOUNT_TOO_LOW", message, path=_AMOUNT)
    spread = round_to_minor(at_mid, to_currency) - got
    if got + spread > most_minor(to_currency):
        message = f"That is more than an amount of {to_currency} can be."
        raise Refused("AMOUNT_TOO_HIGH", message, path=_AMOUNT)
    return Converted(rate.normalize(EXACT), amount.amount_minor, got, spread)


def _least_minor(currency: str, to_currency: str, rate: Decimal) -> int:
    """The fewest minor units that come to one of the other currency."""
    with localcontext(EXACT):
        wanted = from_minor(1, to_currency) / rate
        return int(wanted.scaleb(scale_of(currency)).to_integral_value(ROUND_CEILING))


def choose_route(pairs: Sequence[Pair], source: str, target: str) -> tuple[Hop, ...]:
    """The symbols whose prices make one of `source` in `target`: directly, upside down, or by way
    of US dollars. Refusals: PRICE_UNAVAILABLE."""
    known = {(one.base, one.quote): Hop(one.symbol, is_inverted=False) for one in pairs}
    turned = {(one.quote, one.base): Hop(one.symbol, is_inverted=True) for one in pairs}
    hops = turned | known
    if (source, target) in hops:
        return (hops[source, target],)
    if (source, CROSS) in hops and (CROSS, target) in hops:
        return hops[source, CROSS], hops[CROSS, target]
    message = f"Nobody here prices {source} in {target}."
    raise Refused("PRICE_UNAVAILABLE", message, path=_TO_CURRENCY)


def price_of(route: Sequence[Hop], quotes: Mapping[str, Quote], *, now: datetime) -> Price:
    """The mid price along a route, to fifteen digits; `now` is the platform's clock.

    Rounded down, so that there and back is never more than there was.

    Refusals: PRICE_UNAVAILABLE, PRICE_STALE when a part of it is older than a minute; both
    `retryable`.
    """
    mid, oldest = Decimal(1), now
    for hop in route:
        quote = quotes.get(hop.symbol)
        if quote is None:
            message = f"{hop.symbol} has no price at present; try again."
            raise Refused("PRICE_UNAVAILABLE", message, retryable=True)
        if now - quote.at > STALE_AFTER:
            message = f"{hop.symbol} has had no new price; is it trading?"
            raise Refused("PRICE_STALE", message, retryable=True)
        oldest = min(oldest, quote.at)
        with localcontext(EXACT):
            step = (quote.bid + quote.ask) / 2
            mid = mid / step if hop.is_inverted else mid * step
    rounded = _MID.plus(mid).normalize(EXACT)
    source = " ".join(f"1/{hop.symbol}" if hop.is_inverted else hop.symbol for hop in route)
    return Price(rounded, source, oldest)


def is_lasting(looks: int, *, is_quiet: bool) -> bool:
    """Whether a difference between ledger and platform that was seen so often is one to tell.

    `is_quiet`: nothing is on its way for the account. Something always on its way is told too.
    """
    return looks >= (QUIET_LOOKS if is_quiet else LOOKS_MAX)


def may_try_again(attempts: Sequence[Attempt], now: datetime) -> bool:
    """Whether a platform may be asked to lift a balance, after these attempts, oldest first.

    Never while one is open or after it did; after a refusal in a minute, then at double distances
    up to an hour, `ATTEMPTS_MAX` times. Staff see each refusal as a discrepancy.
    """
    if not attempts:
        return True
    if not all(one.is_refused for one in attempts) or len(attempts) >= ATTEMPTS_MAX:
        return False
    wait: timedelta = min(_AGAIN * 2 ** (len(attempts) - 1), _AGAIN_MAX)
    return now - attempts[-1].at >= wait
