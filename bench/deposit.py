"""The statements of a deposit's command, written down while one runs, for pgbench to run again.

What differs between two deposits (its key, its ids, the accounts) is drawn by pgbench; every other
value is bound as it was.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

from bench import pgbench
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.post import post
from domain.payments.ledger.values import Leg, Transfer
from tenants import ahead
from tenants.held import Held
from tenants.log import Change
from tenants.repeat import Repeat
from tenants.work import Database, Scope, WriteWork

Statement = tuple[str, Sequence[Any]]


async def deposit(database: Database, scope: Scope, transfers: Sequence[Transfer]) -> int:
    """A whole command: idempotency key, ledger, an event a transfer, a line of the audit trail."""

    async def command(work: WriteWork) -> int:
        posted = await post(work, transfers)
        work.audit(Change("deposit.credit", object_kind="payment", object_id=posted[0].id))
        return len(posted)

    repeat = Repeat.of("bench", transfers[0].key, {})
    return (await database.write(scope, command, repeat=repeat)).value


async def script(database: Database, scope: Scope, *, hot: bool) -> tuple[str, dict[str, str]]:
    """The same command as pgbench runs it, and the values that it binds."""
    accounts = [UUID(int=0 if hot else 1), UUID(int=2)]
    legs = tuple(
        Leg(one, Money(cents, "USD")) for one, cents in zip(accounts, (-5, 5), strict=True)
    )
    made = new_uuid()
    transfer = Transfer(made.hex, "TEST", legs, id=made)
    # The line of the audit trail gets the same id, so that pgbench draws it, too.
    with _written_down() as sent, patch("tenants.log.new_uuid", lambda: made):
        await deposit(database, scope, [transfer])
    first, second = ("0", ":a") if hot else (":a", ":b")
    drawn = {
        repr(transfer.key): pgbench.NEW_ID,
        repr([transfer.key]): f"array[{pgbench.NEW_ID}]",
        repr(transfer.id): f"{pgbench.NEW_ID}::uuid",
        repr([transfer.id]): f"array[{pgbench.NEW_ID}::uuid]",
        repr(accounts): f"array[{pgbench.account(first)}, {pgbench.account(second)}]",
    }
    values: dict[str, str] = {}
    lines = pgbench.drawn()
    for text, arguments in sent:
        lines.append(_bound(text, [_sql(one, drawn, values) for one in arguments]) + ";")
    return "\n".join([*lines, "commit;", ""]), values


def _sql(value: Any, drawn: Mapping[str, str], values: dict[str, str]) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return "now()"
    if repr(value) in drawn:
        return drawn[repr(value)]
    told = _told(value)
    if not told:  # pgbench takes no empty value
        return "''"
    name = f"v{len(values)}"
    values[name] = told
    return f":{name}"


def _told(value: Any) -> str:
    if not isinstance(value, list):
        return ahead.written(value)[4:].decode()
    parts = (
        "NULL" if one is None else '"' + re.sub(r'(["\\])', r"\\\1", _told(one)) + '"'
        for one in value
    )
    return "{" + ",".join(parts) + "}"


def _bound(text: str, values: Sequence[str]) -> str:
    # From the last on, so that $1 is not taken for the beginning of $12.
    for number in range(len(values), 0, -1):
        text = text.replace(f"${number}", values[number - 1])
    return " ".join(text.split())


@contextmanager
def _written_down() -> Iterator[list[Statement]]:
    """What works send meanwhile, in order."""
    sent: list[Statement] = []

    def noting(name: str) -> Callable[..., Any]:
        real = getattr(Held, name)

        async def note(held: Held, statement: Any, parameters: Any = None) -> Any:
            if name == "begin_with":
                sent.extend((one, ()) for one in statement)
                sent.append((parameters.text, parameters.arguments({})))
            else:
                sent.append((statement.text, statement.arguments(parameters)))
            return await real(held, statement, parameters)

        return note

    names = ("begin_with", "rows", "later", "commit_with")
    with patch.multiple(Held, **{name: noting(name) for name in names}):
        yield sent
