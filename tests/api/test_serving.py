"""What a server loads; whose word about an address counts, and how unknown callers are known."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from api.app import throttle_keys
from api.settings import Settings
from tenants.context import ANONYMOUS, NO_BRAND, Scope
from tests.api.embedded import ROOT


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


def test_a_server_imports_nothing_of_the_worker_the_demo_and_the_set_up() -> None:
    """Each of these takes megabytes of every process that serves."""
    asked = (
        "import sys, api.cli, api.database, api.serving, api.listening, api.app;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(told.stdout.split())
    assert {"sqlalchemy", "strawberry", "asyncpg"} <= loaded
    assert not loaded & {"procrastinate", "psycopg", "rapidfuzz", "numpy", "fpdf", "alembic"}
    assert not loaded & {"simulator", "sandbox"}
