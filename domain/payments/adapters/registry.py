"""Which adapter speaks to which kind of PSP, and how its notices are proven."""

from collections.abc import Callable

from domain.payments.adapters.sandbox import SandboxPsp
from domain.payments.adapters.sandbox_notices import SandboxNotices
from domain.payments.ports import Notices, Psp
from domain.payments.values import PspKind

_ADAPTERS: dict[PspKind, Callable[[str, str], Psp]] = {
    PspKind.SANDBOX: lambda endpoint, api_key: SandboxPsp(endpoint, api_key=api_key),
}
_NOTICES: dict[PspKind, Notices] = {PspKind.SANDBOX: SandboxNotices()}


def open_psp(kind: PspKind, endpoint: str, *, api_key: str) -> Psp:
    """The adapter of a merchant account; connects at its first call. Close it when done."""
    return _ADAPTERS[kind](endpoint, api_key)


def notices_of(kind: PspKind) -> Notices:
    """How notices of a kind of PSP are proven and read."""
    return _NOTICES[kind]
