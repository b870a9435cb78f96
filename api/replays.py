"""`backdesk challenges replay`: what was decided about phases, decided again from the record."""

import asyncio
from uuid import UUID

from rich.console import Console

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from domain.challenges.replaying import replay_phases
from domain.kernel.ids import decode_id_of, encode_id
from tenants import brands
from tenants.database import make_engine
from tenants.work import Database


def replay(urls: Endpoints, brand: str | None, phase: str | None, console: Console) -> bool:
    """Judge phases of one brand or of all again and print what differs; whether nothing does."""
    phase_id = None if phase is None else decode_id_of("challenge_phase", phase)
    if phase is not None and phase_id is None:
        raise SetupError(f"{phase} is no id of a phase", "copy it from the API")
    return asyncio.run(_replay(urls, brand, phase_id, console))


async def _replay(
    urls: Endpoints, brand: str | None, phase_id: UUID | None, console: Console
) -> bool:
    engine = make_engine(urls.url("worker", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        known = (await brands.load(database)).by_slug
        if brand is not None and brand not in known:
            raise SetupError(f"no brand is called {brand}", f"one of: {', '.join(sorted(known))}")
        phases = events = verdicts = differing = 0
        for slug in sorted(known) if brand is None else [brand]:
            for one in await replay_phases(database, known[slug].id, phase_id=phase_id):
                phases, events = phases + 1, events + one.events
                verdicts, differing = verdicts + one.verdicts, differing + len(one.differences)
                for each in one.differences:
                    shown = encode_id("challenge_phase", each.phase_id)
                    console.print(f"{slug}: {shown}, event {each.n}")
                    console.print(f"  then: {list(each.recorded)}")
                    console.print(f"  now:  {list(each.replayed)}")
    finally:
        await engine.dispose()
    if phase_id is not None and not phases:
        raise SetupError("there is no such phase, or it never began", "look in the API")
    told = f"{phases} phases, {events} events, {verdicts} verdicts"
    console.print(f"{told}: {'the same' if not differing else f'{differing} differ'}")
    return not differing
