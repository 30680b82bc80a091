"""The names that a piece of code uses, binds and changes, found without running it.

A build asks for every cell of a chapter, and the page for code that its reader has changed, in its own Python. So this
needs nothing but the standard library.
"""

import ast
import json
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Methods that change what they are called on. Most return nothing, so nobody uses what they return: the `sort` of
# `np.sort(a) + 1` is not among them.
CHANGING = {"add", "append", "clear", "extend", "fill", "insert", "remove", "reverse", "sort", "update"}
CHANGING_AND_RETURNING = {"pop", "setdefault"}
IMMEDIATE = {"listcomp", "setcomp", "dictcomp", "genexpr"}  # scopes whose code runs where it stands


@dataclass
class Names:
    """What code does to names.

    Attributes:
        binds: those that it gives a new value.
        changes: those whose values it changes, or may change.
        uses: those that have to exist before it runs.
        later: those that its functions use, so they have to exist before these are called.
    """

    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)

    def as_lists(self) -> dict[str, list[str]]:
        """Return them for JSON, without empty ones."""
        return {kind: sorted(names) for kind, names in vars(self).items() if names}


def answer(asked: str) -> str:
    """Find the names of several pieces of code: JSON with the code by cell, answered by JSON with the names by cell.

    Code with a syntax error has no names. When it runs, it says itself what is wrong.
    """
    found = {}
    for cell, code in json.loads(asked).items():
        try:
            found[cell] = names_of(ast.parse(code).body).as_lists()
        except (SyntaxError, ValueError, RecursionError):
            found[cell] = {}
    return json.dumps(found)


def names_of(statements: Sequence[ast.stmt]) -> Names:
    """Find the names of statements that run one after the other."""
    found = Names()
    for statement in statements:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        changed = set(_changed(statement))
        now, later = _used(table)
        # Since Python 3.12, a table has the names of its comprehensions as if they were its own.
        targets = (node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension))
        inner = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        inner -= set(_outside_comprehensions(statement))
        bound, now = bound - inner, now - inner
        found.uses |= (now | changed) - found.binds
        found.later |= later
        if isinstance(statement, (ast.If, ast.For, ast.While, ast.Try)):
            found.changes |= bound | changed  # perhaps
        else:
            found.binds |= bound
            found.changes |= changed
    found.changes -= found.binds
    return found


def _used(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Return the names of the page that code uses where it stands, and those that its functions use."""
    top = table.get_type() == "module"
    now = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    later: set[str] = set()
    for child in table.get_children():
        its_now, its_later = _used(child)
        at_once = child.get_type() == "class" or child.get_name() in IMMEDIATE
        now |= its_now if at_once else set()
        later |= its_later if at_once else its_now | its_later
    return now, later


def _outside_comprehensions(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name):
            yield child.id
        if not isinstance(child, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from _outside_comprehensions(child)
        elif isinstance(child.generators[0].iter, ast.Name):  # which is found outside
            yield child.generators[0].iter.id


def _changed(statement: ast.stmt) -> Iterator[str]:
    """List the names whose values a statement changes in place, outside functions of its own."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return
    nodes = [*ast.walk(statement)]
    unused = [node.value for node in nodes if isinstance(node, ast.Expr)]
    unused += [node.elt for node in unused if isinstance(node, ast.ListComp)]
    for node in nodes:
        place: ast.expr | None = None
        if isinstance(node, ast.AugAssign):
            place = node.target
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            place = node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changing = CHANGING_AND_RETURNING | (CHANGING if node in unused else set())
            place = node.func if node.func.attr in changing else None
        while isinstance(place, (ast.Subscript, ast.Attribute)):
            place = place.value
        if isinstance(place, ast.Name):
            yield place.id
