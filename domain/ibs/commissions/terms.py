"""Terms of a plan: judged when they are typed, stored as JSON, compared with those above."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from domain.ibs.commissions.errors import SymbolUnknown, TermsWrong
from domain.ibs.commissions.rules import rate_of
from domain.ibs.commissions.values import (
    EVERY_OTHER,
    Component,
    Excess,
    Gates,
    Rate,
    SymbolGroup,
    Terms,
)
from domain.ibs.values import CloseBy, ComponentKind, Convention
from domain.kernel.money import parse_decimal

MOST_COMPONENTS = 10
MOST_RATES = 200
MOST_GROUPS = 50
MOST_SYMBOLS = 500
MOST_HOLD_DAYS = 365
MOST_SHARES = 10
_LONGEST_NAME = 40
_HIGHEST_RATE = Decimal(1_000_000)
_MOST_DECIMALS = 8
_LONGEST_TRADE_S = 30 * 86_400


def check_terms(terms: Terms) -> None:
    """Refuses with INVALID terms that can't be meant."""
    _require(0 < len(terms.components) <= MOST_COMPONENTS, "components", "Name 1 to 10 components.")
    _require(
        _are_names(one.name for one in terms.components),
        "components",
        "Give each component another name; capitals do not tell them apart.",
    )
    _check_groups(terms.groups)
    _check_gates(terms.gates)
    days = f"A hold has 0 to {MOST_HOLD_DAYS} days."
    _require(0 <= terms.hold_days <= MOST_HOLD_DAYS, "holdDays", days)
    for component in terms.components:
        _check_component(component, terms)


def check_symbols(terms: Terms, listed: Collection[str]) -> None:
    """Refuses symbols that no server of the brand lists: their rates would never be paid.

    `listed` are the names there, to the letter; none are no list to look in. Refusals:
    SYMBOL_UNKNOWN.
    """
    if not listed:
        return
    alike = {name.casefold(): name for name in sorted(listed)}
    for field, symbol in _fields_of_symbols(terms):
        if symbol != EVERY_OTHER and symbol not in listed:
            raise SymbolUnknown(field, symbol, alike.get(symbol.casefold()))


def exceeds(terms: Terms, above: Terms) -> Excess | None:
    """Where a plan first pays more per lot for a symbol than the one above it; None for nowhere.

    Only plans that override share by difference; a symbol that neither names counts as `*`.
    """
    named = {symbol for each in (terms, above) for symbol in _symbols(each)} | {EVERY_OTHER}
    uppers = {one.name: one for one in above.components}
    for component in terms.components:
        upper = uppers.get(component.name)
        for symbol in sorted(named):
            own = rate_of(terms, component, symbol)
            if own is None or own.per_lot == 0:
                continue
            limit = None if upper is None else rate_of(above, upper, symbol)
            if limit is None or own.per_lot > limit.per_lot:
                most = None if limit is None else limit.per_lot
                return Excess(component.name, symbol, own.per_lot, most, upper is not None)
    return None


def is_alike(terms: Terms, above: Terms) -> bool:
    """Whether two plans may stand in one line: the same convention, counted in one currency."""
    return terms.convention is above.convention and terms.currency == above.currency


def to_json(terms: Terms) -> dict[str, Any]:
    """Terms as they are stored: decimals as text, minor units as text."""
    gates = terms.gates
    return {
        "currency": terms.currency,
        "convention": terms.convention.value,
        "hold_days": terms.hold_days,
        "groups": [{"name": one.name, "symbols": list(one.symbols)} for one in terms.groups],
        "gates": {
            "min_seconds": gates.min_seconds,
            "min_pips": str(gates.min_pips),
            "close_by": gates.close_by.value,
            "pays_hedged": gates.pays_hedged,
            "pays_own_accounts": gates.pays_own_accounts,
        },
        "components": [
            {
                "name": one.name,
                "kind": one.kind.value,
                "rates": [
                    {"per_lot": str(rate.per_lot), "symbol": rate.symbol, "group": rate.group}
                    for rate in one.rates
                ],
                "shares": [str(share) for share in one.shares],
                "max_lots": None if one.max_lots is None else str(one.max_lots),
                "max_minor": None if one.max_minor is None else str(one.max_minor),
            }
            for one in terms.components
        ],
    }


def from_json(stored: dict[str, Any]) -> Terms:
    """What `to_json` wrote."""
    gates = stored["gates"]
    return Terms(
        stored["currency"],
        Convention(stored["convention"]),
        tuple(_component(one) for one in stored["components"]),
        tuple(SymbolGroup(one["name"], tuple(one["symbols"])) for one in stored["groups"]),
        Gates(
            gates["min_seconds"],
            parse_decimal(gates["min_pips"]),
            CloseBy(gates["close_by"]),
            gates["pays_hedged"],
            gates["pays_own_accounts"],
        ),
        stored["hold_days"],
    )


def _component(stored: dict[str, Any]) -> Component:
    max_lots, max_minor = stored["max_lots"], stored["max_minor"]
    return Component(
        stored["name"],
        ComponentKind(stored["kind"]),
        tuple(
            Rate(parse_decimal(one["per_lot"]), one["symbol"], one["group"])
            for one in stored["rates"]
        ),
        tuple(parse_decimal(one) for one in stored["shares"]),
        None if max_lots is None else parse_decimal(max_lots),
        None if max_minor is None else int(max_minor),
    )


def _check_groups(groups: Sequence[SymbolGroup]) -> None:
    _require(len(groups) <= MOST_GROUPS, "symbolGroups", f"At most {MOST_GROUPS} groups.")
    _require(
        _are_names(one.name for one in groups),
        "symbolGroups",
        "Give each group another name; capitals do not tell them apart.",
    )
    for one in groups:
        _check_name(one.name, "symbolGroups")
        for symbol in one.symbols:
            _check_name(symbol, "symbolGroups")
    symbols = [symbol for one in groups for symbol in one.symbols]
    _require(len(symbols) <= MOST_SYMBOLS, "symbolGroups", f"At most {MOST_SYMBOLS} symbols.")
    _require(_are_names(symbols), "symbolGroups", "A symbol is in one group at most.")


def _check_gates(gates: Gates) -> None:
    most = f"A trade can be asked to last 0 to {_LONGEST_TRADE_S} seconds."
    _require(0 <= gates.min_seconds <= _LONGEST_TRADE_S, "gates", most)
    _require(
        0 <= gates.min_pips <= _HIGHEST_RATE and _is_short(gates.min_pips),
        "gates",
        "The least move is a number of pips from 0.",
    )


def _check_component(component: Component, terms: Terms) -> None:
    _check_name(component.name, "components")
    rates, named = component.rates, {one.name for one in terms.groups}
    _require(0 < len(rates) <= MOST_RATES, "components", f"Give 1 to {MOST_RATES} rates.")
    for rate in rates:
        _require(
            (rate.symbol is None) is not (rate.group is None),
            "components",
            "A rate is for a symbol or for a symbol group.",
        )
        _require(
            rate.group is None or rate.group in named,
            "components",
            "A rate names a symbol group that the plan lacks.",
        )
        if rate.symbol is not None:
            _check_name(rate.symbol, "components")
            _require(rate.symbol != EVERY_OTHER, "components", "Use a group for every symbol.")
        _require(
            0 <= rate.per_lot <= _HIGHEST_RATE and _is_short(rate.per_lot),
            "components",
            f"A rate is from 0 to {_HIGHEST_RATE}, with at most {_MOST_DECIMALS} decimals.",
        )
    _require(
        _are_distinct(((one.symbol or "").casefold(), one.group) for one in rates),
        "components",
        "A symbol or group has one rate.",
    )
    _check_caps(component)
    _check_shares(component, terms.convention)


def _check_caps(component: Component) -> None:
    lots, minor = component.max_lots, component.max_minor
    _require(
        lots is None or (0 < lots <= _HIGHEST_RATE and _is_short(lots)),
        "components",
        "A cap of lots is above 0.",
    )
    _require(minor is None or minor > 0, "components", "A cap of money is above 0.")


def _check_shares(component: Component, convention: Convention) -> None:
    shares = component.shares
    if convention is Convention.OVERRIDE:
        _require(not shares, "components", "Shares belong to plans that pool.")
        return
    whole = sum(shares, Decimal(0)) == 100 and all(one > 0 and _is_short(one) for one in shares)
    _require(
        whole and len(shares) <= MOST_SHARES,
        "components",
        "A pool has shares in percent, each above 0, 100 in all.",
    )


def _check_name(name: str, field: str) -> None:
    _require(
        0 < len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip(),
        field,
        f"A name has 1 to {_LONGEST_NAME} printable characters.",
    )


def _is_short(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_MOST_DECIMALS


def _symbols(terms: Terms) -> Iterable[str]:
    return (symbol for _, symbol in _fields_of_symbols(terms))


def _fields_of_symbols(terms: Terms) -> Iterable[tuple[str, str]]:
    """Every symbol that is named, with the field that names it."""
    yield from (("symbolGroups", symbol) for group in terms.groups for symbol in group.symbols)
    for component in terms.components:
        yield from (("components", one.symbol) for one in component.rates if one.symbol is not None)


def _are_distinct(items: Iterable[object]) -> bool:
    listed = list(items)
    return len(set(listed)) == len(listed)


def _are_names(items: Iterable[str]) -> bool:
    """Whether nobody takes one for another: capitals do not tell names apart."""
    return _are_distinct(one.casefold() for one in items)


def _require(condition: bool, field: str, message: str) -> None:
    if not condition:
        raise TermsWrong(field, message)
