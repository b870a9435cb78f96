"""The last step: the database, killed without harm."""

from api.demo.crash import LIVE_BEHIND, PAYERS, crash
from api.demo.tour.guide import Guide, check

LAST = """{ viewer { client { payments(first: 4) { nodes { reference status
  amount { amount currencyCode } } } } } }"""


async def the_database_is_killed(guide: Guide) -> None:
    """The database, killed in the middle of deposits
    Two clients pay in, sockets follow, and Postgres gets kill -9. Whoever was not answered asks
    again under the same key, sockets go on behind their last cursor: every deposit is there once,
    was told once, and the books hold."""
    if guide.settings.cluster is None:
        guide.say("left out: DATABASE_URL names a database of yours, which is not ours to kill")
        return
    guide.say(f"what each socket follows: {' '.join(LIVE_BEHIND.split())}")
    check(await crash(guide.settings, guide.console), "a deposit or an event was lost or doubled")
    await guide.show(PAYERS[0], LAST)


STEPS = (the_database_is_killed,)
