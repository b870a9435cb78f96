"""Whose approvals a withdrawal needs, from what is known of it and of its client just now."""

from domain.clients.standing import ClientStanding
from domain.kernel.money import Money
from domain.payments.approvals.queries import AnyWork, is_in_debt, list_rules, sums_of_day
from domain.payments.approvals.rules import required_levels
from domain.payments.approvals.values import Asked, Case
from domain.payments.values import ApprovalLevel


async def judge(work: AnyWork, payer: ClientStanding, asked: Asked) -> tuple[ApprovalLevel, ...]:
    """The levels in the order of the chain; none when it goes by itself.

    The client's other withdrawals of 24 hours count, in any currency, so that many small ones are
    not less looked at than one. A work that writes has locked the client: nobody asks for another
    meanwhile.
    """
    currency = asked.amount.currency
    of_day = await sums_of_day(work, payer.id, asked)
    own = of_day.pop(currency, Money(0, currency))
    case = Case(
        amount=asked.amount + own,
        risk=payer.risk,
        is_by_others=bool(asked.makers - {payer.id}),
        is_in_debt=await is_in_debt(work, payer.id),
        leaves_source=asked.leaves_source,
    )
    others = [(await list_rules(work, each, payer.risk), of_day[each]) for each in sorted(of_day)]
    return required_levels(await list_rules(work, currency, payer.risk), case, others)
