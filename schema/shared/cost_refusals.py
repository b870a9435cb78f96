"""The two ways a document is refused before it runs, as errors with a code of the closed list."""

from graphql import GraphQLError


def too_costly(message: str) -> GraphQLError:
    """COST_TOO_HIGH: well-formed, but more than one operation may ask for."""
    return GraphQLError(message, extensions={"code": "COST_TOO_HIGH"})


def bad_input(message: str) -> GraphQLError:
    """BAD_USER_INPUT: nothing that could be run."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
