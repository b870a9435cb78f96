"""What leads react to: touches, registrations, and what their clients reach."""

from collections.abc import Callable, Sequence
from uuid import UUID

from domain.clients.events import TOPIC as CLIENT
from domain.clients.events import ClientEventKind
from domain.clients.leads.commands.convert_lead import convert_lead
from domain.clients.leads.commands.move_lead import advance_leads
from domain.clients.leads.commands.settle_touch import settle_touch
from domain.clients.leads.events import TOPIC, LeadEventKind
from domain.clients.leads.values import LeadStage
from domain.clients.ports import FindIntroducer
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from tenants.work import WriteWork


def settling(find_introducer: FindIntroducer) -> Consumer:
    """Finds out whose each touch is, in the order they came."""

    async def settle(work: WriteWork, event: EventRow) -> None:
        assert event.object_id is not None, "a touch has an id"
        await settle_touch(work, event.object_id, find_introducer=find_introducer)

    return Consumer(
        "leads.touches", frozenset({TOPIC}), settle, kinds=frozenset({LeadEventKind.RECEIVED.value})
    )


def following(
    milestones: frozenset[tuple[str, str]], stage_of: Callable[[EventRow], LeadStage | None]
) -> Consumer:
    """Ties leads to the clients they become and moves them on as those reach something.

    `milestones` are topic and kind of the events that `stage_of` knows a stage for. One consumer
    for both, so that nothing is reached before it registered.
    """
    registered = (CLIENT, ClientEventKind.REGISTERED.value)
    told = {registered, *milestones}

    async def wait(_work: WriteWork, _event: EventRow) -> None:
        """Followed together, at the end: who trades all day reaches the same thing each time."""

    async def follow(work: WriteWork, events: Sequence[EventRow]) -> None:
        reached: dict[UUID, list[LeadStage]] = {}
        for event in events:
            stage = stage_of(event)
            if event.client_id is None:
                continue
            if (event.topic, event.kind) == registered:
                await convert_lead(work, event.client_id)
            elif stage is not None:
                stages = reached.setdefault(event.client_id, [])
                stages += [stage] if stage not in stages else []
        if reached:
            await advance_leads(work, reached)

    return Consumer(
        "leads.clients",
        frozenset(topic for topic, _ in told),
        wait,
        kinds=frozenset(kind for _, kind in told),
        finish=follow,
    )
