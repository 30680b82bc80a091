"""What code imports, found without running it. A page asks this, too, so it needs nothing but the standard library."""

import ast
from collections.abc import Iterable, Iterator


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the modules that nodes import, and the names that they take from them as if these were modules, too."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def executed(tree: ast.AST, *, functions: bool) -> Iterator[ast.AST]:
    """Yield the nodes below another that can run, without those that are there for types only.

    Args:
        tree: a module, say.
        functions: whether to yield those inside functions as well, which do not run when a module is imported.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            yield from executed(node, functions=functions)
