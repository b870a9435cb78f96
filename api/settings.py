"""Settings, read once from the environment. Every name here is an environment variable in capitals.

A wrong value refuses the start in one line (`api.cli` turns the error into it).
"""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.embedded.cluster import Cluster
from api.embedded.endpoints import DEFAULT_PREFIX, Endpoints, endpoints_of
from api.embedded.home import Home

ROOT = Path(__file__).parents[1]
LAST_PORT = 65535
MOST_WORKERS = 64
SANDBOX_HOST = "127.0.0.1"  # it pretends to be a bank, to this machine only
RECORDED_PRICES = ROOT.parent / "shared" / "data" / "fx"
SANCTIONS_LISTS = ROOT.parent / "shared" / "data" / "sanctions"


def beside(port: int) -> int:
    """The port next to one: above it, or below the last one."""
    return port + 1 if port < LAST_PORT else port - 1


class Settings(BaseSettings):
    """What an operator may set. Defaults serve a laptop."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    backdesk_home: Path = Field(default=ROOT / ".backdesk", description="folder of everything kept")
    host: str = Field(default="127.0.0.1", description="address the API listens on")
    port: int = Field(default=8000, ge=1, le=65535, description="TCP port the API listens on")
    sandbox_port: int = Field(
        default_factory=lambda told: beside(told["port"]),
        ge=1,
        le=65535,
        description="TCP port of the sandbox vendors, on this machine only; PORT + 1 when unset",
    )
    database_url: SecretStr | None = Field(
        default=None, description="the owner's URL of an own Postgres"
    )
    environment: Literal["development", "production"] = "development"
    role_prefix: str = Field(
        default=DEFAULT_PREFIX, pattern=r"^[a-z][a-z0-9_]{0,39}$", description="of database roles"
    )
    workers: int = Field(default=1, ge=1, le=MOST_WORKERS, description="processes that serve")
    pool_size: int = Field(default=8, ge=1, le=80, description="connections of each process")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses or networks, by commas, whose X-Forwarded-For and "
        "X-Forwarded-Proto count; by default nobody's",
    )
    backdesk_prices: Path | None = Field(
        default=None,
        description="folder of recorded prices; without one a seeded generator moves them",
    )
    price_speed: float = Field(
        default=15.0, gt=0, le=10_000, description="market seconds per second"
    )
    backdesk_sanctions: Path | None = Field(
        default=None, description="folder of sanctions lists as published, which the demo imports"
    )

    demo_scale: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="how much of the demo's past is told: 1 is 3,000 leads and 600 clients, 0 none",
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        proxies = tuple(one.strip() for one in value.split(",") if one.strip())
        for one in proxies:
            ip_network(one)
        return proxies

    @field_validator("backdesk_home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @cached_property
    def home(self) -> Home:
        return Home(self.backdesk_home)

    @property
    def prices(self) -> Path | None:
        """The folder of recorded prices: the one set, else the one beside the checkout."""
        if self.backdesk_prices is not None:
            return self.backdesk_prices.expanduser().absolute()
        return RECORDED_PRICES if RECORDED_PRICES.is_dir() else None

    @property
    def sanctions(self) -> Path | None:
        """The folder of sanctions lists: the one set, else the one beside the checkout."""
        if self.backdesk_sanctions is not None:
            return self.backdesk_sanctions.expanduser().absolute()
        return SANCTIONS_LISTS if SANCTIONS_LISTS.is_dir() else None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the API."""
        host = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else self.host  # noqa: S104
        return f"http://{host}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox vendors answer, for us and for a browser on this machine."""
        return f"http://{SANDBOX_HOST}:{self.sandbox_port}"

    @property
    def simulator_socket(self) -> Path:
        return self.home.run_dir() / "simulator.sock"

    @property
    def states_socket(self) -> Path:
        return self.home.run_dir() / "states.sock"

    @cached_property
    def cluster(self) -> Cluster | None:
        """The embedded cluster of the home, or None when `DATABASE_URL` names another database."""
        if self.database_url is not None:
            return None
        return Cluster.at(self.home, prefix=self.role_prefix)

    def endpoints(self) -> Endpoints:
        """How each role reaches the database; starts and connects nothing."""
        if self.database_url is not None:
            self.home.create()
            url = self.database_url.get_secret_value()
            return endpoints_of(url, self.home, prefix=self.role_prefix)
        assert self.cluster is not None
        return self.cluster.endpoints
