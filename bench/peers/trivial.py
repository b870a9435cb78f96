"""The least a Python web server does for a request: a Starlette route with a fixed answer."""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def answer(_request: Request) -> Response:
    """Always the same."""
    return Response(b'{"data":{"__typename":"Query"}}', media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
