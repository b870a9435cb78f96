"""Where the database is, and the connection string of each role.

The strings start with `postgresql://`; add a driver for SQLAlchemy (`driver="asyncpg"` gives
`postgresql+asyncpg://`). psycopg, asyncpg and SQLAlchemy all understand them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from api.embedded.home import Home
from api.embedded.problems import SetupError

Role = Literal["superuser", "owner", "app", "worker", "platform", "simulator", "sandbox"]
Driver = Literal["", "asyncpg", "psycopg"]

ROLES: tuple[Role, ...] = get_args(Role)
SERVING_ROLES: tuple[Role, ...] = ("app", "worker", "platform", "simulator", "sandbox")
DEFAULT_PREFIX = "backdesk"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One database and the accounts to reach it with.

    `address` is what stands after the `@` of a URL (empty for a socket), `options` its query
    (`host` names the socket directory). `names` overrides a role's name: the owner of an
    external database is whoever `DATABASE_URL` says.
    """

    database: str
    passwords: Mapping[str, str]
    prefix: str = DEFAULT_PREFIX
    address: str = ""
    options: Mapping[str, str] | None = None
    names: Mapping[str, str] | None = None

    def name(self, role: Role) -> str:
        """The database's name of a role."""
        if self.names and role in self.names:
            return self.names[role]
        return "postgres" if role == "superuser" else f"{self.prefix}_{role}"

    def url(self, role: Role, *, driver: Driver = "", database: str | None = None) -> str:
        """The connection string of `role`; another database of the same server on demand."""
        if role not in self.passwords:
            raise SetupError(f"no {role} account is known here", "use the embedded database")
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        user = quote(self.name(role), safe="")
        password = quote(self.passwords[role], safe="")
        credentials = f"{user}:{password}" if password else user
        query = f"?{urlencode(dict(self.options), safe='/')}" if self.options else ""
        place = quote(self.database if database is None else database, safe="")
        return f"{scheme}://{credentials}@{self.address}/{place}{query}"

    def within(self, database: str) -> Endpoints:
        """The same server and accounts, another database (tests clone theirs)."""
        return replace(self, database=database)


def endpoints_of(url: str, home: Home, *, prefix: str = DEFAULT_PREFIX) -> Endpoints:
    """The endpoints of the database that somebody else runs at `url`; connects to nothing."""
    user, password, address, database, query = read_url(url)
    made = home.secrets().passwords
    passwords: dict[str, str] = {role: made[role] for role in SERVING_ROLES}
    passwords["owner"] = unquote(password)
    return Endpoints(
        database=unquote(database),
        passwords=passwords,
        prefix=prefix,
        address=address,
        options=dict(parse_qsl(query)),
        names={"owner": unquote(user)},
    )


def read_url(text: str) -> tuple[str, str, str, str, str]:
    """Split a `postgres://` or `postgresql://` URL: user, password, address, database, query."""
    parts = urlsplit(text.strip())
    scheme = parts.scheme.split("+")[0]
    if scheme not in ("postgres", "postgresql"):
        raise SetupError(
            "DATABASE_URL is not a Postgres URL", "write postgresql://owner:password@host/database"
        )
    credentials, _, address = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    database = parts.path.lstrip("/")
    if not user or not database:
        raise SetupError(
            "DATABASE_URL names no account or no database",
            "write postgresql://owner:password@host/database",
        )
    return user, password, address, database, parts.query
