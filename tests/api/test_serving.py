"""Whose word about a caller's address counts, and by which address anonymous callers are known."""

import pytest
from pydantic import ValidationError

from api.app import throttle_keys
from api.settings import Settings
from tenants.context import ANONYMOUS, NO_BRAND, Scope


def own_key(ip: str) -> str:
    return throttle_keys(Scope(brand_id=NO_BRAND, actor=ANONYMOUS, ip=ip))[0]


def test_a_network_of_ipv6_has_one_bucket() -> None:
    assert own_key("2001:db8::1") == own_key("2001:db8::ffff:1:2:3")
    assert own_key("2001:db8::1") != own_key("2001:db8:0:1::1")
    assert own_key("192.0.2.1") != own_key("192.0.2.2")
    assert own_key("192.0.2.1") == own_key("::ffff:192.0.2.1")


def test_proxies_are_trusted_by_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUSTED_PROXIES", raising=False)
    assert Settings().trusted_proxies == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert Settings().trusted_proxies == ("10.0.0.0/8", "::1")
    for wrong in ("proxy.example", "*", "10.0.0.1/8"):
        monkeypatch.setenv("TRUSTED_PROXIES", wrong)
        with pytest.raises(ValidationError):
            Settings()
