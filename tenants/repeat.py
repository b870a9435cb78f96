"""Idempotency keys: the same key gives the same answer, whatever crashed in between.

The row is written in the transaction of the effect, so that both stand or fall together. A key
belongs to (brand, actor, operation): otherwise a stored answer could be read by guessing.
Business refusals are answers and are stored; time-outs are not.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Busy, Conflict, DomainError
from tenants.bulk import Inserting, Statements
from tenants.context import Scope
from tenants.fixed import Fixed
from tenants.values import Outcome

_NOBODY = UUID(int=0)
_KEY_LENGTH_MAX = 200
_PATH = ("input", "idempotencyKey")
# Written out, since each write sends two of them and building a statement takes longer than that.
_KEY = ("brand_id", "actor_kind", "actor_id", "operation", "key")
_MINE = " and ".join(f"{name} = :{name}" for name in _KEY)
_TAKE = Fixed(
    text(
        f"insert into idempotency ({', '.join(_KEY)}, fingerprint, outcome, created_at)"  # noqa: S608
        f" values ({', '.join(f':{name}' for name in _KEY)}, :fingerprint, :outcome, :at)"
        " on conflict do nothing returning key"
    )
)
_FIND = Fixed(text(f"select fingerprint, outcome, answer from idempotency where {_MINE}"))  # noqa: S608
_SETTLE = Fixed(
    text(
        f"update idempotency set outcome = :outcome, answer = :answer where {_MINE}"  # noqa: S608
    )
)


class Working(Inserting, Protocol):
    """The part of a write work that keys need."""

    scope: Scope

    def now(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Repeat:
    """A caller's key for one operation, with the fingerprint of what was asked."""

    operation: str
    key: str
    fingerprint: bytes

    @classmethod
    def of(cls, operation: str, key: str, asked: Any) -> "Repeat":
        """The key of an operation over its canonical input (anything orjson can write)."""
        if not 1 <= len(key) <= _KEY_LENGTH_MAX:
            raise Conflict("INVALID", "An idempotency key has 1 to 200 characters.", path=_PATH)
        body = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS, default=str)
        return cls(operation, key, hashlib.sha256(body).digest())


@dataclass(frozen=True, slots=True)
class Replay:
    """What was answered the first time: a value or a refusal."""

    answer: Any = None
    refusal: DomainError | None = None

    def told(self) -> Any:
        """The answer again; the refusal is raised again."""
        if self.refusal is not None:
            self.refusal.replayed = True
            raise self.refusal
        return self.answer


async def claim(work: Working, repeat: Repeat) -> Replay | None:
    """Take the key for this work; the earlier answer when it was taken before.

    A racing twin waits on the unique index for as long as the lock time-out (2 s).
    Refusals: IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED.
    """
    row = _row(work.scope, repeat)
    given = {"fingerprint": repeat.fingerprint, "outcome": Outcome.DONE, "at": work.now()}
    try:
        if await work.rows(_TAKE, {**row, **given}):
            return None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        raise Busy("IDEMPOTENCY_IN_PROGRESS", "The same request is still running.") from error
    found = await work.rows(_FIND, row)
    return _judge(found[0], repeat)


async def find_answer(work: Statements, scope: Scope, repeat: Repeat) -> Replay | None:
    """What is stored under the key, for whoever must ask somebody else before they write.

    Refusals: IDEMPOTENCY_KEY_REUSED.
    """
    found = await work.rows(_FIND, _row(scope, repeat))
    return _judge(found[0], repeat) if found else None


async def settle(
    work: Working, repeat: Repeat, *, answer: Any = None, refusal: DomainError | None = None
) -> None:
    """Store the answer or the refusal under the claimed key."""
    if refusal is None:
        outcome, body = Outcome.DONE, orjson.dumps(answer)
    else:
        outcome, body = Outcome.REFUSED, orjson.dumps(_written(refusal))
    await work.later(_SETTLE, {**_row(work.scope, repeat), "outcome": outcome, "answer": body})


def _row(scope: Scope, repeat: Repeat) -> dict[str, Any]:
    return {
        "brand_id": scope.brand_id,
        "actor_kind": scope.actor.kind,
        "actor_id": scope.actor.id or _NOBODY,
        "operation": repeat.operation,
        "key": repeat.key,
    }


def _judge(row: Any, repeat: Repeat) -> Replay:
    if bytes(row.fingerprint) != repeat.fingerprint:
        raise Conflict("IDEMPOTENCY_KEY_REUSED", "This key was used with other input.", path=_PATH)
    body = orjson.loads(row.answer)
    if row.outcome == Outcome.REFUSED:
        return Replay(refusal=_read(body))
    return Replay(answer=body)


def _written(refusal: DomainError) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "message": refusal.message,
        "path": refusal.path,
        "retryable": refusal.retryable,
    }


def _read(body: dict[str, Any]) -> DomainError:
    return DomainError(
        body["code"], body["message"], path=tuple(body["path"]), retryable=body["retryable"]
    )
