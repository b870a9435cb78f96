"""Small files, short functions: what does not fit on a screen or two is two things."""

import ast

from tests.house.sources import FUNCTIONS, report, sources

FILE_LINES_MAX = 500
TEST_FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5


def test_files_are_short():
    found = [
        f"{source.path}: {lines} lines"
        for source in sources()
        if not source.is_migration
        and (lines := source.text.count("\n"))
        > (TEST_FILE_LINES_MAX if source.is_test else FILE_LINES_MAX)
    ]
    assert not found, report(found, "split the file by what it owns")


def test_functions_are_short():
    found = [
        f"{source.at(node)} {node.name}: {lines} lines"
        for source in sources()
        if not source.is_migration
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTIONS)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not found, report(found, "say the steps as functions")


def test_functions_take_few_positional_parameters():
    """More than five by position cannot be read at the call; name them (`*`)."""
    found = [
        f"{source.at(node)} {node.name}: {count} parameters by position"
        for source in sources()
        if not source.is_test
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTIONS) and (count := len(_by_position(node))) > PARAMETERS_MAX
    ]
    assert not found, report(found, "make parameters keyword-only, or pass one value")


def _by_position(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
    return [name for name in names if name not in ("self", "cls")]
