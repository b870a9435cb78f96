"""The PSPs this process speaks to."""

from api.adapters import Adapters
from domain.payments.adapters.registry import open_psp
from domain.payments.ports import Psp
from domain.payments.queries import Connection
from domain.payments.secrets import open_api_key
from tenants.secrets import Vault

Psps = Adapters[Connection, Psp]


def open_psps(vault: Vault, *, sandbox_url: str) -> Psps:
    """Adapters of merchant accounts, with the keys that the vault opens."""

    def made(connection: Connection, endpoint: str) -> Psp:
        return open_psp(connection.kind, endpoint, api_key=open_api_key(vault, connection))

    return Adapters(made, sandbox_url=sandbox_url)
