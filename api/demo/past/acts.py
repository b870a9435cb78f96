"""What people of the past did, as the commands and the platform take it: many at once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from api.demo.past.people import OPEN_MINUTE, PAY_MINUTE, Person, Somebody, Stretch, is_weekend
from api.demo.people import agents_of
from api.demo.story import BrandStory
from domain.accounts.commands.import_accounts import AccountRecord, import_accounts
from domain.accounts.values import AccountKind
from domain.clients.commands.import_clients import ClientRecord, import_clients
from domain.clients.leads.commands.import_leads import LeadRecord, import_leads
from domain.ibs.queries import find_introducer
from tenants.work import WriteWork

Json = dict[str, Any]


async def arrive(
    work: WriteWork, story: BrandStory, leads: Sequence[Somebody], stretch: Stretch
) -> None:
    """Leads leave their details; some of them are clients by now."""
    agents = await agents_of(work, story)
    introducers = {code: await find_introducer(work, code) for code in story.ib_codes}

    def owner(one: Somebody) -> UUID | None:
        return None if one.agent is None else agents[one.agent % len(agents)]

    clients = [
        ClientRecord(
            one.name, one.email, one.phone, one.country, one.language,
            introducers.get(one.client.ib or ""), owner(one), one.client.id,
            stretch.at(one.day, one.minute + 5),
        )
        for one in leads
        if one.client is not None
    ]  # fmt: skip
    await import_clients(work, clients)
    records = [
        LeadRecord(
            one.name, one.email, one.phone, one.country, one.language, one.source, one.campaign,
            one.stage, one.lost_reason, owner(one), one.client.id if one.client else None,
            stretch.at(one.day, one.minute),
        )
        for one in leads
    ]  # fmt: skip
    await import_leads(work, records)


async def open_accounts(
    work: WriteWork, story: BrandStory, newcomers: Sequence[Person], stretch: Stretch
) -> None:
    """Those of the new clients who will trade have an account."""
    records = [
        AccountRecord(
            one.id, AccountKind.LIVE, one.currency, story.leverage, one.account_id,
            stretch.at(one.day, OPEN_MINUTE),
        )
        for one in newcomers
        if one.trades
    ]  # fmt: skip
    await import_accounts(work, records)


def on_platform(
    story: BrandStory, traders: Sequence[Person], logins: Mapping[UUID, int], stretch: Stretch
) -> dict[str, list[Json]]:
    """Accounts, money and trades of a stretch, as the simulator's control takes them."""
    accounts = [
        {
            "at": stretch.at(one.day, OPEN_MINUTE).isoformat(),
            "login": logins[one.account_id],
            "group": f"live-{one.currency.lower()}",
            "leverage": story.leverage,
            "currency": one.currency,
            "client_ref": one.account_id.hex,
        }
        for one in traders
        if one.day in stretch.days
    ]
    transfers = [
        {
            "at": stretch.at(one.pays_on, PAY_MINUTE + 15).isoformat(),
            "login": logins[one.account_id],
            "amount": str(one.on_account),
            "op_id": str(one.payment_id("transfer")),
        }
        for one in traders
        if one.pays_on is not None and one.pays_on in stretch.days
    ]
    trades = [
        {
            "at": stretch.at(day, trade.opened).isoformat(),
            "closed_at": stretch.at(day, trade.closed).isoformat(),
            "login": logins[one.account_id],
            "symbol": trade.symbol,
            "side": "BUY" if trade.is_buy else "SELL",
            "lots": str(trade.lots),
        }
        for day in stretch.days
        if not is_weekend(stretch.date_of(day))
        for one in traders
        for trade in one.trades_of(day)
    ]
    return {"accounts": accounts, "transfers": transfers, "trades": trades}
