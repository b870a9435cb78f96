"""Notices of the outside world, kept as they came before anything acts on them."""

from sqlalchemy import Column, LargeBinary, Text

from domain.events.values import InboxState
from tenants.database import brand_index, brand_table, one_of, text_column, time_column, uuid_column

# One row per event of a provider's endpoint, however often it is delivered.
inbox = brand_table(
    "inbox",
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    uuid_column("endpoint_id"),
    text_column("state"),
    Column("raw", LargeBinary, nullable=False),
    # Which of the endpoint's secrets signed it: 0 is the present one.
    Column("verified_with", Text, nullable=False),
    time_column("received_at"),
    time_column("handled_at", nullable=True),
    one_of("state", InboxState),
    brand_index("state", "received_at"),
    visible_to="log",
)
