"""Payout destinations: permission and shape here, the rest in the commands."""

from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.kernel.errors import NotFound
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
)
from domain.payments.withdrawals.commands.remove_destination import remove_destination
from schema.accounts.asking import CLIENT, SHARED, ask, key_of, replayed
from schema.payments.wallets import PayoutDestination
from schema.payments.withdrawal_inputs import (
    PayoutDestinationCreateInput,
    PayoutDestinationRemoveInput,
)
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.secrets import Vault


class DestinationServices(Protocol):
    """What these mutations need of the application's services."""

    @property
    def vault(self) -> Vault: ...


@payload(
    errors={
        **SHARED,
        **CLIENT,
        "METHOD_UNAVAILABLE": "The method is switched off, or pays nothing out.",
        "ACCOUNT_INVALID": "It is no IBAN with right check digits, or no e-mail address.",
        "HOLDER_DIFFERS": "The account must be in the client's own name.",
        "DESTINATION_EXISTS": "The account is among the client's destinations already.",
    }
)
class PayoutDestinationCreatePayload:
    destination: PayoutDestination | None = result("The destination; see `usableFrom`.")
    replayed: bool = replayed()


@payload(errors={**SHARED, "DESTINATION_IN_USE": "A withdrawal to it is open: cancel that first."})
class PayoutDestinationRemovePayload:
    destination: PayoutDestination | None = result("The destination as it is now.")
    replayed: bool = replayed()


_Add = Annotated[
    PayoutDestinationCreateInput, strawberry.argument(description="The account to add.")
]
_Remove = Annotated[
    PayoutDestinationRemoveInput, strawberry.argument(description="What to remove.")
]


@strawberry.type
class DestinationMutations:
    @mutation(
        "Add an account that withdrawals can be paid to, once its cooling-off is over.",
        needs="destinations:manage",
    )
    async def payout_destination_create(
        self, info: Info, input: _Add
    ) -> PayoutDestinationCreatePayload:
        services: DestinationServices = info.context.services
        vault, brand_id = services.vault, info.context.scope.brand_id
        wish = DestinationWish(
            method_id=key_of("payment_method", input.method_id, "methodId"),
            client_id=_client_id(info, input.client_id),
            holder_name=input.holder_name,
            account=input.account,
        )
        hidden = {"account": vault.digest(brand_id, input.account.encode())}
        done = await ask(
            info, input, lambda work: create_destination(work, vault, wish), hidden=hidden
        )
        key = UUID(done.value["destination"])
        made = await fetch_below(info, "destination", "payout_destination", key)
        return PayoutDestinationCreatePayload(destination=made, replayed=done.replayed)

    @mutation("Take a payout destination out of use.", needs="destinations:manage")
    async def payout_destination_remove(
        self, info: Info, input: _Remove
    ) -> PayoutDestinationRemovePayload:
        key = key_of("payout_destination", input.destination_id, "destinationId")
        done = await ask(info, input, lambda work: remove_destination(work, key))
        made = await fetch_below(info, "destination", "payout_destination", key)
        return PayoutDestinationRemovePayload(destination=made, replayed=done.replayed)


def _client_id(info: Info, given: strawberry.ID | None) -> UUID:
    """The client named, or whoever asks. Refusals: NOT_FOUND."""
    if given is not None:
        return key_of("client", given, "clientId")
    own = info.context.scope.client_id
    if own is None:
        raise NotFound(path=("input", "clientId"))
    return own
