"""What mutations that ask a platform have in common: keys, waiting, codes.

Each commits a request to the platform, waits up to two seconds for its outcome, and shows the
object as it is then (docs/decisions/0003).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import strawberry

from domain.accounts.queries import find_request
from domain.accounts.waiting import settled
from domain.kernel.errors import NotFound, Refused
from domain.kernel.ids import decode_id_of
from schema.shared.bind import Info
from tenants.repeat import Repeat
from tenants.work import Done, WriteWork

SHARED: Final = {
    "NOT_FOUND": "No such object, or none that you may see.",
    "INVALID": "A value is impossible, see `path` and `message`.",
    "IDEMPOTENCY_IN_PROGRESS": "The same request is still running; ask again in a moment.",
    "IDEMPOTENCY_KEY_REUSED": "The key was used with other input.",
}
KEY: Final = (
    "Your key for this request, 1 to 200 characters. Repeating it with the same input gives the "
    "first answer; with other input it is refused. Input that can't be read, such as an impossible "
    "amount or no id at all, is refused before, and takes no key."
)
CLIENT: Final = {
    "CLIENT_RESTRICTED": "The client may not begin anything new.",
    "EMAIL_NOT_VERIFIED": "The client has not verified the e-mail address.",
}
NOT_ACTIVE: Final = {"ACCOUNT_NOT_ACTIVE": "The account is not open on its platform."}
DISABLED: Final = {"TRADING_DISABLED": "Trading is switched off for this account."}
PLATFORM: Final = {"PLATFORM_REFUSED": "The platform said no; `message` has its code."}
TOO_HIGH: Final = {"LEVERAGE_TOO_HIGH": "More than group and jurisdiction allow."}
VERSION: Final = {"VERSION_CONFLICT": "The account has changed since you read it."}
LOTS: Final = {"LOTS_INVALID": "Outside the symbol's limits or off its step."}
PRICE: Final = {"PRICE_INVALID": "A price is missing, misplaced or has too many decimals."}
PENDING: Final = {"ORDER_NOT_PENDING": "The order does not wait on the platform."}


def replayed() -> Any:
    """The field of a payload that says whether the answer is a repeated one."""
    return strawberry.field(
        description="Whether an earlier request with this key was answered again.", default=False
    )


async def ask(
    info: Info,
    asked: Any,
    command: Callable[[WriteWork], Awaitable[dict[str, str]]],
    *,
    hidden: Mapping[str, str] | None = None,
) -> Done[dict[str, str]]:
    """Run a command under the caller's key; the fingerprint is the whole input.

    `hidden` has what stands in the fingerprint instead of fields that hold secrets.
    """
    return await info.context.write(command, repeat=key_for(info, asked, hidden))


def key_for(info: Info, asked: Any, hidden: Mapping[str, str] | None = None) -> Repeat:
    """The caller's key over the whole input. Refusals: INVALID."""
    body = {
        name: _canonical(value) for name, value in vars(asked).items() if name != "idempotency_key"
    }
    return Repeat.of(info.field_name, asked.idempotency_key, body | dict(hidden or {}))


def _canonical(value: Any) -> str:
    """A value in one spelling: 0.1 and 0.10 lots are the same input, within other inputs too."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if is_dataclass(value):
        return str({name: _canonical(each) for name, each in sorted(vars(value).items())})
    return str(value)


async def finished(info: Info, done: Done[dict[str, str]]) -> None:
    """Wait for the outcome, whatever it is: the object itself tells it."""
    context = info.context
    await settled(context.database, context.scope, UUID(done.value["request"]))


async def accepted(info: Info, done: Done[dict[str, str]], *, own: Collection[str] = ()) -> None:
    """Wait for the outcome.

    Refusals: PLATFORM_REFUSED with the platform's code in words; the codes in `own` as they are.
    """
    await finished(info, done)
    request = await find_request(info.context.work, UUID(done.value["request"]))
    if request is None or request.reason_code is None:
        return
    reason = str(request.reason_code)
    code = reason if reason in own else "PLATFORM_REFUSED"
    raise Refused(code, f"The platform refused: {reason}.")


def key_of(kind: str, given: strawberry.ID, *field: str) -> UUID:
    """The key of an id; `field` is where in the input it stands, outermost first.

    Refusals: NOT_FOUND, for malformed ids and other types' alike.
    """
    key = decode_id_of(kind, given)
    if key is None:
        raise NotFound(path=("input", *field))
    return key


def optional_key(kind: str, given: strawberry.ID | None, field: str) -> UUID | None:
    """The key of an id that may be left out. Refusals: NOT_FOUND, as `key_of`."""
    return None if given is None else key_of(kind, given, field)
