"""What resolvers may use beside the database: made once per process, put into every context."""

from dataclasses import dataclass

from api.platforms import Platforms
from domain.compliance.identity.links import PaperLinks
from domain.events.states import States
from domain.events.stream import Feeds
from domain.payments.sandbox import Levers
from domain.payments.statements.links import StatementLinks
from tenants.api_tokens import ApiTokens
from tenants.brands import Directory
from tenants.denials import Denials
from tenants.password_reset import PasswordReset
from tenants.passwords import Passwords
from tenants.secrets import Vault
from tenants.sign_in import SignIn
from tenants.trusted_lists import TrustedLists


@dataclass(frozen=True, slots=True)
class Services:
    """The process's ports. Each context of the schema names the part it needs as a Protocol.

    `allow_local_pages`: payers may be sent back to pages of this machine, for development.
    """

    feeds: Feeds
    states: States
    directory: Directory
    passwords: Passwords
    sign_in: SignIn
    password_reset: PasswordReset
    api_tokens: ApiTokens
    denials: Denials
    trusted: TrustedLists
    vault: Vault
    platforms: Platforms
    allow_local_pages: bool
    statements: StatementLinks
    papers: PaperLinks
    levers: Levers
