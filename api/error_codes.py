"""The page of error codes, `docs/errors.md`, written from the schema itself.

Codes are public contract: added, never renamed. Those of mutations come from their error enums,
those of whole operations from the closed list of the edge.
"""

from collections import defaultdict

from graphql import GraphQLEnumType, GraphQLSchema

from api.graphql.errors import STATUS_OF_CODE

_MEANINGS = {
    "UNAUTHENTICATED": "No valid token; sign in again.",
    "FORBIDDEN": "A permission is missing, or host, key and token name different brands.",
    "BAD_USER_INPUT": "The document, a variable or an argument can't be right.",
    "THROTTLED": "The caller's or the brand's budget is used up; see `retryAfter` (seconds).",
    "COST_TOO_HIGH": "The operation costs more, or is deeper or larger, than one may.",
    "DOCUMENT_NOT_FOUND": "No trusted document has this id, or the brand runs trusted ones only.",
    "CONFLICT": "The state or the caller's rights changed meanwhile; read again.",
    "UNAVAILABLE": "The database or a platform does not answer; the same request may succeed.",
    "INTERNAL": "A bug of ours; tell us the `requestId`.",
}
_HEAD = """\
# Error codes

Written by `backdesk schema errors`; do not edit. Codes are added, never renamed.

## Whole operations

In `errors[].extensions.code`, with `requestId`. The status is what HTTP says where the caller
accepts `application/graphql-response+json`, or nothing ran.

| code | status | meaning |
|---|---|---|
"""
_MUTATIONS = """
## Mutations

Expected refusals are data: `errors { code message path }` in the payload.

| code | mutation | meaning |
|---|---|---|
"""


def render(schema: GraphQLSchema) -> str:
    """The page, in Markdown; rows sorted by code, so that a diff shows what is new."""
    edge = [f"| `{code}` | {STATUS_OF_CODE[code]} | {_MEANINGS[code]} |" for code in STATUS_OF_CODE]
    rows = [
        f"| `{code}` | {', '.join(f'`{one}`' for one in sorted(names))} | {meaning} |"
        for (code, meaning), names in sorted(_of_mutations(schema).items())
    ]
    return _HEAD + "\n".join(sorted(edge)) + "\n" + _MUTATIONS + "\n".join(rows) + "\n"


def _of_mutations(schema: GraphQLSchema) -> dict[tuple[str, str], list[str]]:
    """The mutations that can be refused with a code in one sense."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for named in schema.type_map.values():
        if isinstance(named, GraphQLEnumType) and named.name.endswith("ErrorCode"):
            stem = named.name.removesuffix("ErrorCode")
            for code, value in named.values.items():
                found[code, value.description or ""].append(stem[:1].lower() + stem[1:])
    return found
