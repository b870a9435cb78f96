"""`backdesk documents add`: trust what a front end's build wrote down, in one transaction.

Three forms are read: Apollo's manifest, the flat `{hash: text}` of graphql-codegen and Relay, and
nothing else. The hash in a file has to be ours, the SHA-256 of the text.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from domain.kernel.errors import DomainError
from schema.access.documents import DocumentInvalid, plan_of
from schema.root import plain
from tenants import brands
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.trusted_documents import Added, DocumentPlan, add_documents, document_id_of, sha256_of
from tenants.work import Database, WriteWork

BYTES_MAX = 64 * 1024 * 1024
_APOLLO = "apollo-persisted-query-manifest"
_SHA256 = (
    "let the build write SHA-256: hashAlgorithm: 'sha256' of codegen's persistedDocuments, "
    "algorithm: 'SHA256' of Relay's persistConfig"
)
_FORMS = "give Apollo's manifest or a JSON object of hashes and texts"


def add_files(urls: Endpoints, files: Sequence[Path], *, brand: str, console: Console) -> None:
    """Trust every document of the files in a brand, or none of them; print what became of each."""
    texts = dict.fromkeys(text for file in files for text in read_manifest(file))
    plans = _plans(texts)
    added = asyncio.run(_add(urls, brand, plans))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("documentId", "operations", "cost", ""):
        table.add_column(heading, overflow="fold")
    for plan, one in zip(plans, added.ids, strict=True):
        told = "added" if one in added.new else "there before"
        name = ", ".join(plan.operations) or "–"
        table.add_row(document_id_of(plan.sha256), name, str(plan.cost), told)
    console.print(table)
    console.print(f"{len(added.new)} of {len(plans)} documents added")


def read_manifest(file: Path) -> list[str]:
    """The texts in a file. Raises SetupError, with the fix."""
    try:
        if file.stat().st_size > BYTES_MAX:
            raise SetupError(f"{file} is over {BYTES_MAX} bytes", "split it")
        content = orjson.loads(file.read_bytes())
    except OSError as error:
        raise SetupError(f"{file} can't be read ({error.strerror})", "name a file") from None
    except orjson.JSONDecodeError:
        raise SetupError(f"{file} is no JSON", _FORMS) from None
    texts = []
    for named, text in _named(file, content):
        if named.removeprefix("sha256:").lower() != sha256_of(text):
            raise SetupError(f"{file}: {named} is not the SHA-256 of its document", _SHA256)
        texts.append(text)
    if not texts:
        raise SetupError(f"{file} holds no document", _FORMS)
    return texts


def _named(file: Path, content: Any) -> Iterator[tuple[str, str]]:
    """Each document with the hash that the file gives it."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(content, dict) and content.get("format") == _APOLLO:
        operations = content.get("operations")
        if isinstance(operations, list):
            pairs = [
                (one.get("id"), one.get("body")) if isinstance(one, dict) else (None, None)
                for one in operations
            ]
    elif isinstance(content, dict):
        pairs = content.items()
    for named, text in pairs:
        if not isinstance(named, str) or not isinstance(text, str):
            raise SetupError(f"{file} is no manifest of documents", _FORMS)
        yield named, text


def _plans(texts: Iterable[str]) -> list[DocumentPlan]:
    documents, plans = plain().documents, []
    for text in texts:
        try:
            plans.append(plan_of(documents, text))
        except DocumentInvalid as invalid:
            named = f"{document_id_of(sha256_of(text))} ({' '.join(text.split())[:60]}…)"
            fix = "build the front end against this schema: backdesk schema print"
            raise SetupError(f"{named} can't be trusted: {invalid.message}", fix) from None
    return plans


async def _add(urls: Endpoints, brand: str, plans: Sequence[DocumentPlan]) -> Added:
    engine = make_engine(urls.url("worker", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        known = (await brands.load(database)).by_slug
        if brand not in known:
            raise SetupError(f"no brand is called {brand}", f"one of: {', '.join(sorted(known))}")

        async def command(work: WriteWork) -> Added:
            return await add_documents(work, plans)

        return (await database.write(system_scope(known[brand].id), command)).value
    except DomainError as refusal:
        raise SetupError(refusal.message, "see: backdesk doctor") from None
    finally:
        await engine.dispose()
