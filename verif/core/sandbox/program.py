"""A checker's source, read once: can it run at all, may it share a session, and the text the sandbox gets.

Reading is `ast.parse` and `compile`; nothing of the source is executed here, and whatever a source does to its
reader is that checker's error. What the engine lacks is supplied by `verif.core.sandbox.shims`; what it is known to
treat differently from Python is refused, so that a checker either behaves as in Python or is reported.

The proof of `verif.core.sandbox.purity` is made on the tree of the very text that is sent. If that text is not the
source as written, it was read again and is the intended tree (`verif.core.sandbox.faithful`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from verif.core.sandbox import faithful, faster, purity, shims, syntax
from verif.core.sandbox.syntax import walk as walk
from verif.system.bounded import Remembered

ENTRY = "check_following"
MAX_SOURCE = 64_000


@dataclass(frozen=True, slots=True)
class Program:
    """`problem` says why it cannot run; `alone` why it must run in its own session (`solo` has the text).

    `shared` (empty if `alone`) may share a session, with the harness's functions `names` among its globals: a
    module that defines `check_following`. `fixed` says that one namespace may serve all responses.
    """

    source: str
    problem: str = ""
    alone: str = ""
    shared: str = ""
    names: tuple[str, ...] = ()
    fixed: bool = False


def _program(source: str) -> Program:
    if len(source) > MAX_SOURCE:
        return Program(source, problem=f"the source is longer than {MAX_SOURCE} characters")
    try:
        return _read(source)
    except Exception as error:  # the source is hostile: whatever it makes its reader raise is its own fault
        return Program(source, problem=f"does not parse: {type(error).__name__}: {str(error)[:200]}")


def _supplied(source: str) -> tuple[str, str]:
    try:
        written = _written(source)
        supplied = shims.supply(_without_future(syntax.parse(written)[0]))
        if faithful.same(syntax.parse(written)[0], supplied):
            return written, ""
        return faithful.rewritten(supplied)[0], ""
    except Exception as error:  # as in `read`
        return (
            "",
            f"cannot be supplied with what the sandbox lacks: {type(error).__name__}: {str(error)[:200]}",
        )


#: The program of a checker's source. Sources come from whoever asks, so what is kept is bounded by bytes.
read: Remembered[Program] = Remembered(_program, 96 << 20, lambda program: (program.shared, program.problem))
#: The text that runs a readable source alone: as written, or supplied with what the engine lacks; or why not.
solo: Remembered[tuple[str, str]] = Remembered(_supplied, 64 << 20, lambda texts: texts)


def _written(source: str) -> str:
    """The source with the line ends that Python reads in it."""
    return source.replace("\r\n", "\n").replace("\r", "\n")


def _read(source: str) -> Program:
    written = _written(source)
    tree, nodes = syntax.parse(written)
    if problem := _problem(tree, nodes):
        return Program(source, problem=problem)
    if reason := purity.foreign(nodes) or faithful.exotic(nodes) or purity.why_alone(source, nodes):
        return Program(source, alone=reason)
    text = written
    # Python has normalised the names of its tree (`ｌen`); a text that is written anew holds them so.
    as_written = faithful.plain(written, nodes) and syntax.ascii_names(written)
    if shims.needed(nodes) or any(map(_is_future, tree.body)) or not as_written:
        try:
            text, tree, nodes = faithful.rewritten(shims.supply(_without_future(tree), alone=False))
        except (ValueError, SyntaxError, RecursionError) as error:
            return Program(source, alone=f"cannot be written plainly: {error}"[:300])
    return _shared(source, written, text, tree, nodes)


def _shared(source: str, written: str, text: str, tree: ast.Module, nodes: list[ast.AST]) -> Program:
    """The program with the text that may share a session, if that very text is proved."""
    names = purity.HARNESS | shims.NAMES
    sent = faster.rewrite(text, nodes)
    if sent != text:
        meant = tree
        tree, nodes = syntax.parse(sent)
        if not faithful.same(meant, tree, names):
            return Program(source, alone="its rewriting is not what was meant")
    if not faithful.plain(sent, nodes):
        return Program(source, alone="cannot be written plainly")
    checker = [statement for statement in tree.body if not _is_ours(statement)]
    fixed = purity.fixed_namespace(ast.Module(checker, []))
    if sent == written:  # proved as it stands
        return Program(source, shared=sent, fixed=fixed)
    ours = names.union(*(_bound(statement) for statement in tree.body if _is_ours(statement)))
    own = [node for statement in checker for node in syntax.walk(statement)]
    lent = [node for node in own if _name(node) in ours]
    if any(_name(node) in purity.HARNESS and _binds(node) for node in lent):
        return Program(source, alone="its rewriting is not what was meant")
    known = set(map(id, lent))  # the harness's names, which only rewriting can have put there
    theirs = [node for node in own if id(node) not in known]
    if reason := faithful.exotic(own) or purity.why_alone(source, theirs):
        return Program(source, alone=reason)
    used = sorted({_name(node) for node in lent} & shims.LENT)
    return Program(source, shared=sent, names=tuple(used), fixed=fixed)


def _problem(tree: ast.Module, nodes: list[ast.AST]) -> str:
    """What is known to fail, or to behave differently from Python, before anything runs."""
    if reason := syntax.refused(tree):
        return f"does not compile: {reason}"
    if not any(map(_is_entry, nodes)):
        return f"defines no function {ENTRY!r}"
    return faithful.misread(nodes) or purity.taken(nodes) or shims.unsupported(nodes)


def _is_entry(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == ENTRY
    if isinstance(node, ast.Name):
        return node.id == ENTRY and isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.alias) and ENTRY in (node.name, node.asname)


def _is_ours(statement: ast.stmt) -> bool:
    """True for a definition that `shims.supply` added: no other may have such a name (`purity.foreign`)."""
    names = _bound(statement)
    return bool(names) and all(name.startswith(purity.OURS) for name in names)


def _name(node: ast.AST) -> str:
    """The name that rewriting may have put here."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.arg):
        return node.arg
    return node.name or "" if isinstance(node, ast.ExceptHandler) else ""


def _binds(node: ast.AST) -> bool:
    return not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [target.id if isinstance(target, ast.Name) else "" for target in targets]


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _without_future(tree: ast.Module) -> ast.Module:
    tree.body = [statement for statement in tree.body if not _is_future(statement)]
    return tree
