"""What the back office may do with accounts and groups: create, change, move money."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from simulator import rules
from simulator.book import Draft
from simulator.prices import Prices
from simulator.symbols import CURRENCIES
from simulator.values import (
    ZERO,
    Access,
    Account,
    BalanceKind,
    Deal,
    Entry,
    Group,
    Reason,
    Refusal,
)

_AMOUNT_MAX = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """A new account as it was asked for; passwords are hashed already."""

    login: int
    group: str
    leverage: int
    currency: str
    client_ref: str
    main_hash: str
    investor_hash: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money to put in or, with a negative amount, to take out."""

    kind: BalanceKind
    amount: Decimal
    comment: str
    op_id: str


def ensure_groups(draft: Draft, groups: Iterable[Group]) -> list[Group]:
    """Creates or changes groups; the currency of an existing one is fixed.

    Refusals: UNSUPPORTED_CURRENCY, GROUP_CURRENCY_MISMATCH, INVALID_GROUP.
    """
    wanted = list(groups)
    for group in wanted:
        if group.currency not in CURRENCIES:
            raise Refusal("UNSUPPORTED_CURRENCY", f"Groups are in {', '.join(CURRENCIES)}.")
        old = draft.groups.get(group.name) or draft.book.groups.get(group.name)
        if old is not None and old.currency != group.currency:
            raise Refusal("GROUP_CURRENCY_MISMATCH", f"{group.name} is in {old.currency}.")
        if group.leverage_max < 1 or group.commission_per_lot < 0 or group.stop_out_level < 0:
            raise Refusal("INVALID_GROUP", "Leverage is at least 1, levels and fees not negative.")
        draft.groups[group.name] = group
    return wanted


def create(draft: Draft, spec: AccountSpec) -> Account:
    """Opens an account. The same client reference on the same login gets the account again.

    Refusals: LOGIN_TAKEN, UNKNOWN_GROUP, GROUP_CURRENCY_MISMATCH, INVALID_LEVERAGE.
    """
    old = draft.find_account(spec.login)
    if old is not None:
        if old.client_ref != spec.client_ref:
            raise Refusal("LOGIN_TAKEN", f"The login {spec.login} is taken.")
        return old
    group = draft.group(spec.group)
    _check_currency(group, spec.currency)
    _check_leverage(group, spec.leverage)
    account = Account(
        spec.login, spec.group, spec.leverage, spec.currency, spec.client_ref, Access.FULL,
        ZERO, ZERO, draft.now, False, spec.main_hash, spec.investor_hash,
    )  # fmt: skip
    draft.accounts[spec.login] = account
    return account


def change(
    draft: Draft,
    login: int,
    *,
    group: str | None = None,
    leverage: int | None = None,
    access: Access | None = None,
) -> Account:
    """Changes group, leverage and access, each when given. Margins follow at once.

    Refusals: UNKNOWN_LOGIN, UNKNOWN_GROUP, GROUP_CURRENCY_MISMATCH, INVALID_LEVERAGE.
    """
    account = draft.account(login)
    if group is not None:
        _check_currency(draft.group(group), account.currency)
        account = replace(account, group=group)
    if leverage is not None:
        account = replace(account, leverage=leverage)
    _check_leverage(draft.group(account.group), account.leverage)
    if access is not None:
        account = replace(account, access=access)
    draft.accounts[login] = account
    return account


def set_passwords(draft: Draft, login: int, *, main_hash: str, investor_hash: str) -> None:
    """Refusals: UNKNOWN_LOGIN."""
    changed = replace(draft.account(login), main_hash=main_hash, investor_hash=investor_hash)
    draft.accounts[login] = changed


def may_log_in(account: Account) -> bool:
    return account.access is not Access.NO_LOGIN


def _check_currency(group: Group, currency: str) -> None:
    if group.currency != currency:
        raise Refusal("GROUP_CURRENCY_MISMATCH", f"{group.name} is in {group.currency}.")


def _check_leverage(group: Group, leverage: int) -> None:
    if not 1 <= leverage <= group.leverage_max:
        raise Refusal("INVALID_LEVERAGE", f"{group.name} allows 1 to {group.leverage_max}.")


def transfer(draft: Draft, prices: Prices, login: int, wanted: Transfer) -> Deal:
    """Moves balance or credit. A withdrawal takes at most what is withdrawable; NEGATIVE_BALANCE
    lifts a balance below zero to at most zero.

    Refusals: UNKNOWN_LOGIN, INVALID_AMOUNT, NO_MONEY.
    """
    account = draft.account(login)
    amount, unit = wanted.amount, rules.money_unit(account.currency)
    if not 0 < abs(amount) < _AMOUNT_MAX or amount % unit:
        raise Refusal("INVALID_AMOUNT", f"{account.currency} moves in steps of {unit}.")
    _check_direction(account, wanted)
    if wanted.kind is BalanceKind.WITHDRAWAL:
        if rules.withdrawable(prices.funds_of(draft, login)) + amount < 0:
            raise Refusal("NO_MONEY", "The withdrawable amount is smaller.")
    elif wanted.kind is BalanceKind.CREDIT and account.credit + amount < 0:
        raise Refusal("NO_MONEY", "The credit is smaller.")
    entry = Entry.CREDIT if wanted.kind is BalanceKind.CREDIT else Entry.BALANCE
    return draft.record(
        Deal(
            login, draft.now, entry, Reason.REQUEST,
            amount=amount, op_id=wanted.op_id, kind=wanted.kind, comment=wanted.comment,
        )
    )  # fmt: skip


def _check_direction(account: Account, wanted: Transfer) -> None:
    match wanted.kind:
        case BalanceKind.DEPOSIT:
            is_right = wanted.amount > 0
        case BalanceKind.WITHDRAWAL:
            is_right = wanted.amount < 0
        case BalanceKind.NEGATIVE_BALANCE:
            is_right = 0 < wanted.amount <= -account.balance
        case BalanceKind.CREDIT | BalanceKind.CORRECTION:
            is_right = True
    if not is_right:
        raise Refusal("INVALID_AMOUNT", f"{wanted.amount} is no amount for a {wanted.kind}.")


def hash_password(password: str) -> str:
    """A salted scrypt hash; takes some 50 ms, so call it on a thread."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(password, salt).hex()}"


def is_password(password: str, stored: str) -> bool:
    salt, _, wanted = stored.partition(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), wanted)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
