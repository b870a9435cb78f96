"""Runs migrations on the connection that the caller opened as the owner.

`config.attributes` carries `connection` (a sync SQLAlchemy connection of the owner) and
`role_prefix`. Each revision runs in its own transaction with a lock time-out, so that a migration
waits one second for a busy table and then gives up whole instead of queueing everybody behind it.
What a revision does outside (indexes beside writers, rows filled in brand by brand) it does so that
it may be run again.
"""

from sqlalchemy import text

from alembic import context
from domain.accounts import tables as accounts
from domain.challenges import tables as challenges
from domain.clients import tables as clients
from domain.compliance.identity import tables as identity
from domain.compliance.screening import tables as screening
from domain.events import tables as events
from domain.ibs import tables as ibs
from domain.payments import tables as payments
from domain.payments.disputes import tables as disputes
from domain.payments.ledger import tables as ledger
from domain.payments.reconciliation import tables as reconciliation
from tenants import tables as brands
from tenants.database import metadata

# The imports fill the metadata; naming them keeps them.
TABLES = (
    accounts, brands, challenges, clients, disputes, events, ibs, identity, ledger, payments,
    reconciliation, screening,
)  # fmt: skip

connection = context.config.attributes["connection"]
connection.execute(text("set lock_timeout = '1s'"))
connection.execute(text("set search_path = public"))
connection.commit()
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
