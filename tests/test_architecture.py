"""The rooms and their doors: who may import whom, and that the core is the standard library alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "src" / "whyshape"
# Each room with the rooms it may import. errors is the doorstep everyone may stand on.
MAY = {
    "sizes": {"sizes", "errors"},
    "rules": {"rules", "sizes", "errors"},
    "graph": {"graph", "rules", "sizes", "errors"},
    "story": {"story"},
    "analyses": {"analyses", "graph", "rules", "sizes", "story", "errors"},
    "writers": {"writers", "story", "errors"},
    "readers": {"readers", "graph", "rules", "sizes", "errors"},
    "surveys": {"surveys", "api", "analyses", "readers", "graph", "story", "writers", "errors"},
}
CORE = ("sizes", "rules", "graph", "analyses", "story")
# What a core file may name besides the standard library: a framework that is already there, looked up when it is asked for.
FRAMEWORKS = {"torch", "numpy", "onnx", "keras", "pandas", "rich", "PIL"}


def imports(path: Path):
    """(module, at the top of the file) for every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(n) for n in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, id(node) in top


@pytest.mark.parametrize("room", MAY)
def test_arrows_never_turn_back(room):
    """A file imports only rooms below its own, at its top and inside its functions."""
    wrong = []
    for path in sorted((HOUSE / room).rglob("*.py")):
        for module, top in imports(path):
            if not module.startswith("whyshape."):
                continue
            there = module.split(".")[1]
            # A question may ask a reader to trace again or a writer to print itself, inside a function: never at import.
            late = room == "analyses" and not top and there in ("readers", "writers", "api", "lab")
            # No target named: the thread's network, which the lab holds as a torch module.
            late = late or (path.name == "target.py" and not top and module == "whyshape.lab.network")
            if there not in MAY[room] and not late:
                wrong.append(f"{path.relative_to(HOUSE)} imports {module}")
    assert wrong == []


@pytest.mark.parametrize("room", CORE)
def test_core_is_the_standard_library(room):
    """No framework at the top of a core file; inside a function only one that the user's own question brought."""
    wrong = []
    for path in sorted((HOUSE / room).rglob("*.py")):
        for module, top in imports(path):
            head = module.partition(".")[0]
            if head in sys.stdlib_module_names or head == "whyshape":
                continue
            if top or head not in FRAMEWORKS:
                wrong.append(f"{path.relative_to(HOUSE)} imports {module}")
    assert wrong == []


def test_import_brings_no_framework():
    """`import whyshape`, and explaining the thread's network, load no framework."""
    code = (
        "import sys, whyshape; from whyshape.readers.notation import THREAD; str(whyshape.explain(THREAD, (1, 1, 28, 28))); "
        "print([m for m in ('torch', 'numpy', 'onnx', 'keras', 'rich', 'PIL', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_no_file_is_feared():
    """No source file is longer than 400 lines."""
    long = {str(p.relative_to(HOUSE)): n for p in HOUSE.rglob("*.py") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}


def test_test_files_have_names_of_their_own():
    """Two test files of one name cannot be collected in one run."""
    names = [p.name for p in Path(__file__).parent.rglob("*.py") if p.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
