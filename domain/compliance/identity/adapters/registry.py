"""Which adapter speaks to which kind of KYC vendor, and how its notices are proven."""

from collections.abc import Callable

from domain.compliance.identity.adapters.sandbox import SandboxKyc
from domain.compliance.identity.adapters.sandbox_notices import SandboxKycNotices
from domain.compliance.identity.ports import KycNotices, KycVendor
from domain.compliance.identity.values import KycVendorKind

_ADAPTERS: dict[KycVendorKind, Callable[[str, str], KycVendor]] = {
    KycVendorKind.SANDBOX: lambda endpoint, api_key: SandboxKyc(endpoint, api_key=api_key),
}
_NOTICES: dict[KycVendorKind, KycNotices] = {KycVendorKind.SANDBOX: SandboxKycNotices()}


def open_vendor(kind: KycVendorKind, endpoint: str, *, api_key: str) -> KycVendor:
    """The adapter of an account; connects at its first call. Close it when done."""
    return _ADAPTERS[kind](endpoint, api_key)


def notices_of(kind: KycVendorKind) -> KycNotices:
    """How notices of a kind of vendor are proven and read."""
    return _NOTICES[kind]
