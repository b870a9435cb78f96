"""Where a front end sends a browser next."""

import strawberry

from schema.shared.permission import public
from schema.shared.scalars import URL


@strawberry.type(description="Send the browser to this page.", directives=public())
class RedirectStep:
    url: URL = strawberry.field(description="The page, of a payment provider or of a KYC vendor.")
