"""One snapshot per result of a subscription, given back before the result is sent."""

from collections.abc import AsyncIterator

from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult


class SnapshotPerResult(SchemaExtension):
    """Gives the snapshot's connection back before a result is sent.

    Without it a subscription whose client reads slowly would hold a connection of the pool.
    """

    async def on_stream_result(self, result: StreamExecutionResult) -> AsyncIterator[None]:
        await self.execution_context.context.refresh()
        yield
