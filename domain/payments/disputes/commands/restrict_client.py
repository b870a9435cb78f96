"""While a deposit is disputed its client may only close positions, where the brand wants it so."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.accounts.commands.restrict_trading import lift_restriction, restrict_trading
from domain.payments.disputes.queries import list_restrictions
from domain.payments.disputes.tables import dispute, dispute_restriction
from domain.payments.queries import find_policy
from tenants.work import WriteWork


async def restrict_for(work: WriteWork, row: Mapping[str, Any]) -> None:
    """CLOSE_ONLY on the client's live accounts, remembered as this dispute's doing."""
    if not (await find_policy(work)).dispute_closes_trading:
        return
    reason = f"Dispute {row['reference']}"
    asked = await restrict_trading(work, row["client_id"], reason=reason)
    await _remember(work, row["id"], asked)


async def lift_for(work: WriteWork, row: Mapping[str, Any]) -> None:
    """Full access again on what this dispute closed; while another dispute of the client is open,
    the restriction becomes that one's."""
    asked = await list_restrictions(work, row["id"])
    if not asked:
        return
    others = await work.rows(
        select(dispute.c.id)
        .where(
            dispute.c.brand_id == work.scope.brand_id,
            dispute.c.client_id == row["client_id"],
            dispute.c.id != row["id"],
            dispute.c.closed_at.is_(None),
        )
        .order_by(dispute.c.opened_at, dispute.c.id)
        .limit(1)
    )
    if others:
        await _remember(work, others[0].id, asked)
    else:
        await lift_restriction(work, asked, reason=f"Dispute {row['reference']} is won")


async def _remember(work: WriteWork, dispute_id: UUID, asked: Mapping[UUID, UUID]) -> None:
    for account_id, request_id in asked.items():
        row = {
            "brand_id": work.scope.brand_id, "dispute_id": dispute_id, "account_id": account_id,
            "request_id": request_id,
        }  # fmt: skip
        made = insert(dispute_restriction).values(row)
        await work.rows(
            made.on_conflict_do_update(
                index_elements=["brand_id", "dispute_id", "account_id"],
                set_={"request_id": made.excluded.request_id},
            )
        )
