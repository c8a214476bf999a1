"""Imports go down the list of rooms only, and nowhere in a circle, wherever in a file they stand.

An arrow goes from a module to one that it imports, in a function too, or names in its text as a whole: a module that
it starts as a program (``python -m``) or looks up by name.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# By room, from the ground up, the rooms to which its arrows may go.
MAY_IMPORT = {
    "records": set(),
    "pde_ops": {"records"},
    "search_space": {"pde_ops", "records"},
    "training": {"search_space", "pde_ops", "records"},
    "strategies": {"training", "search_space", "pde_ops", "records"},
    "execution": {"strategies", "training", "search_space", "pde_ops", "records"},
    "analysis": {"search_space", "records"},
}
TOOLS = (
    "pde_nas",
    "portal_pages",
    "run_search",
    "tests",
    "benchmarks",
    "tools",
)  # which stand above all rooms
Graph = Mapping[str, set[str]]


def read(root: Path, places: Iterable[str]) -> dict[str, ast.Module]:
    """The modules in these folders and files of ``root``, by name."""
    modules = {}
    for place in places:
        for path in sorted((root / place).rglob("*.py")) or [root / f"{place}.py"]:
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            modules[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return modules


def imported(tree: ast.AST, known: Iterable[str] = ()) -> set[str]:
    """What a module imports; of ``from a import b`` that is ``a.b`` where this is one of the ``known`` modules."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "imports are written from the root"
            assert not node.level, "imports are written from the root"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {part if part in known else node.module for part in parts}
    return names


def named(tree: ast.AST, known: Iterable[str]) -> set[str]:
    """Modules among ``known`` that a text holds and nothing else, or after ``-m``."""
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    words = {text.rpartition("-m ")[2].split(" ")[0] for text in texts if "-m " in text and "\n" not in text}
    # A room's own name is a word like any other; only a module's is meant for sure.
    modules = {name for name in known if "." in name or (name in TOOLS and name != "tests")}
    return modules & (set(texts) | words)


def arrows(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Each module's imports among ``modules``."""
    return {name: (imported(tree, modules) & modules.keys()) - {name} for name, tree in modules.items()}


def circles(graph: Graph) -> list[list[str]]:
    """The strongly connected parts of two nodes or more (Tarjan 1972), each sorted."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    parts = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        path.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in path:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            part = path[path.index(node) :]
            del path[path.index(node) :]
            if len(part) > 1:
                parts.append(sorted(part))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(parts)


def among(graph: Graph, room: str, folders: Iterable[str]) -> dict[str, set[str]]:
    """The arrows among the folders of a room, its sub-rooms; files beside them are the room's own."""
    inside = {f"{room}.{folder}" for folder in folders}

    def sub_room(module: str) -> str:
        return ".".join(module.split(".")[:2])

    total: dict[str, set[str]] = {name: set() for name in inside}
    for module, others in graph.items():
        if sub_room(module) in inside:
            total[sub_room(module)] |= ({sub_room(other) for other in others} & inside) - {sub_room(module)}
    return total


@functools.cache
def modules_here() -> dict[str, ast.Module]:
    return read(ROOT, (*MAY_IMPORT, "pde_nas", "portal_pages", "run_search", "benchmarks", "tools"))


@functools.cache
def graph_here() -> Graph:
    return arrows(modules_here())


def made_up(**sources: str) -> dict[str, ast.Module]:
    return {name.replace("__", "."): ast.parse(source) for name, source in sources.items()}


def test_an_import_within_a_function_is_seen():
    source = "import a.b\ndef f():\n    from c.d import e\n    if f:\n        import g as h, i\n"
    assert imported(ast.parse(source)) == {"a.b", "c.d", "g", "i"}


def test_a_module_that_is_taken_from_its_folder_is_seen():
    tree = ast.parse("from a.b import c, d\nfrom a.e import f")
    assert imported(tree, {"a.b.c", "a.e"}) == {"a.b", "a.b.c", "a.e"}


def test_a_module_that_a_text_names_is_seen():
    source = 'run([python, "-m", "a.b"]); run("python -m a.c --fast"); x = "it is in a.d"'
    assert named(ast.parse(source), {"a.b", "a.c", "a.d"}) == {"a.b", "a.c"}


def test_a_circle_is_found_also_one_through_functions_and_of_three():
    pair = made_up(a="def f():\n    import b", b="from a import f", c="import a, b")
    assert circles(arrows(pair)) == [["a", "b"]]
    three = made_up(x__a="from x import b", x__b="import x.c", x__c="from x.a import f", x__d="import x.a")
    assert circles(arrows(three)) == [["x.a", "x.b", "x.c"]]
    assert circles(arrows(made_up(a="import b, c", b="import c", c=""))) == []


def test_a_circle_of_folders_is_found_where_no_module_is_in_one():
    modules = made_up(
        r__s__a="import r.t.a", r__t__a="", r__t__b="import r.s.b", r__s__b="", r__u="import r.s.a"
    )
    assert circles(arrows(modules)) == []
    assert circles(among(arrows(modules), "r", ("s", "t"))) == [["r.s", "r.t"]]


def test_no_module_is_in_a_circle():
    assert circles(graph_here()) == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows_among_the_folders_of_a_room_are_in_no_circle(room):
    folders = [path.name for path in (ROOT / room).iterdir() if any(path.glob("*.py"))]
    assert circles(among(graph_here(), room, folders)) == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows_go_down(room):
    modules = modules_here()
    names = [name for name in modules if name.split(".")[0] == room]
    assert names
    for name in names:
        into = imported(modules[name]) | named(modules[name], modules)
        others = {module.split(".")[0] for module in into} & {*MAY_IMPORT, *TOOLS} - {room}
        assert others <= MAY_IMPORT[room], name


def of_rooms() -> dict[str, ast.Module]:
    return {name: tree for name, tree in modules_here().items() if name.split(".")[0] in MAY_IMPORT}


def test_only_a_search_what_it_has_of_nnis_and_the_model_spaces_know_nni():
    for name, tree in of_rooms().items():
        if "nni" in {module.split(".")[0] for module in imported(tree)}:
            assert name.startswith(
                ("execution.", "strategies.supernet.", "strategies.nni_side.", "search_space.cells.nni_side.")
            ) or name.endswith(".model_space"), name


def test_nothing_is_unpickled():
    loaders = {"load", "loads", "Unpickler"}
    for name, tree in of_rooms().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert not (node.value.id in ("pickle", "cloudpickle") and node.attr in loaders), name
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = [ast.unparse(k.value) for k in node.keywords if k.arg == "weights_only"]
                assert safe == ["True"], name
