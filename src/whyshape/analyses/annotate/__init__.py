"""The user's own source with the sizes that every line gives, and whether the comments that say sizes are true."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any, NamedTuple

from whyshape.analyses.annotate.comments import Given, beside, joined, said, split, written
from whyshape.analyses.annotate.lines import Watched, watch
from whyshape.analyses.annotate.orders import Orders
from whyshape.analyses.annotate.source import WIDEST, Source, Statement, with_comment
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Problem

SCHEMA = "whyshape.annotation.v1"
INSTALLED = ("site-packages", "dist-packages")
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Stale(NamedTuple):
    """A comment that is not true. ``true`` is what the line gives now; ``ours``: annotate wrote it, and writes it anew."""

    file: str
    line: int
    says: str
    true: str
    ours: bool

    def __str__(self):
        return f"{self.file}, line {self.line}: the comment says {self.says}, the line gives {self.true or 'no tensor'}"


class AnnotatedFile(NamedTuple):
    """One file: its text with comments, and what was found."""

    source: Source
    text: str
    gives: dict[int, str]  # by row: what the line that ends there gives
    stale: tuple[Stale, ...]
    checked: int  # comments that were compared with what their line gives
    notes: tuple[str, ...]
    there: dict[int, str] = {}  # by row: the same in the other framework's order, where that is another and was asked for

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def shown(self) -> str:
        """The classes and functions that ran, annotated."""
        lines = self.text.split("\n")
        blocks = self.source.blocks(set(self.gives))
        return "\n\n\n".join("\n".join(line.rstrip("\r") for line in lines[first - 1 : last]) for first, last in blocks)


class Annotated:
    """A model's source, annotated. Prints the classes that ran; `write` puts the comments into the files."""

    def __init__(self, files: tuple[AnnotatedFile, ...], graph: Graph, batch: int | None):
        self.files = files
        self.graph = graph
        self.batch = batch  # the batch that every tensor has in front, left out of every comment; None: sizes are whole

    @property
    def text(self) -> dict[str, str]:
        """Each file's whole text with its comments, by path."""
        return {file.path: file.text for file in self.files}

    @property
    def stale(self) -> list[Stale]:
        """The comments that are not true, ours and those written by hand."""
        return [stale for file in self.files for stale in file.stale]

    @property
    def checked(self) -> int:
        """How many comments were compared with what their line gives."""
        return sum(file.checked for file in self.files)

    @property
    def problem(self) -> Problem | None:
        """Where the model stopped; the lines up to there are annotated."""
        return self.graph.problem

    @property
    def notes(self) -> list[str]:
        """What the reader should know, a sentence each."""
        from whyshape.analyses.explain import sentence

        told = [*self.graph.notes]
        if self.batch is None:
            told.append("not every tensor has the batch in front, so sizes are written whole")
        else:
            told.append(f"sizes are written without the batch of {self.batch} that every tensor has in front")
        if self.problem is not None:
            at = f"{self.problem.file}, line {self.problem.line}: " if self.problem.file else ""
            told.append(f"{at}the model stops here: {sentence(self.problem)}")
        return [*told, *(note for file in self.files for note in file.notes)]

    def __str__(self):
        if len(self.files) == 1:
            return self.files[0].shown
        return "\n\n\n".join(f"# {os.path.relpath(file.path)}\n{file.shown}" for file in self.files)

    def __repr__(self):
        return f"Annotated({', '.join(os.path.relpath(file.path) for file in self.files)}; {self.checked} checked, {len(self.stale)} stale)"

    def write(self) -> list[str]:
        """Put the comments into the files, and give the paths of those that changed. Nothing but comments changes in a file."""
        changed = [file for file in self.files if file.text != "".join(file.source.lines)]
        for file in changed:
            file.source.write(file.text)
        return [file.path for file in changed]

    def to_dict(self) -> dict:
        """As data: schema ``whyshape.annotation.v1``."""
        return {
            "schema": SCHEMA,
            "inputs": [[int(n) for n in self.graph.tensors[i].shape] for i in self.graph.inputs],
            "batch": self.batch,
            "files": [
                {
                    "path": f.path,
                    "lines": [
                        {"line": row, "gives": gives} | ({"there": f.there[row]} if row in f.there else {})
                        for row, gives in sorted(f.gives.items())
                    ],
                    "checked": f.checked,
                }
                for f in self.files
            ],
            "stale": [stale._asdict() for stale in self.stale],
            "problem": None if self.problem is None else {"file": self.problem.file, "line": self.problem.line},
            "notes": self.notes,
        }

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def annotate(model, input_size=None, input_data=None, dtypes=None, mode: str = "eval", both: bool = False) -> Annotated:
    """The source of a model's own classes, each line with the sizes of what it gives.

    ``model``: a `torch.nn.Module` whose class stands in a file, or a target as ``"net.py:Net"``. ``input_size``: shapes with the batch, in
    numbers. Files annotated are those in the folder of the model's file or below it; installed packages never are. ``both``: sizes in
    Keras' order beside ours, maps last, where the order is another: ``# -> 10x24x24 (Keras: 24x24x10)``.
    Raises `WhyshapeError` where there is no file of the user's to annotate, `ModelError` where the model cannot be run.

    >>> import os, tempfile
    >>> code = "import torch\\nclass Net(torch.nn.Module):\\n    def forward(self, x):\\n        return x.flatten(1)\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "net.py"), "w") as file:
    ...         _ = file.write(code)
    ...     print(annotate(os.path.join(folder, "net.py:Net"), (16, 20, 4, 4)))
    class Net(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1)  # -> 320
    """
    from whyshape.api import read
    from whyshape.readers import target
    from whyshape.readers.torch import read as follow

    if isinstance(model, str):
        if target.kind_of(model) != "python":
            raise WhyshapeError(f"annotate writes into Python code, and {model} has none; name a model as file.py:Net")
        model = target.load(model)
    own = _Own(model)
    graph = read(model, input_size, input_data, dtypes, mode)
    letters = [letter for i in graph.inputs for letter in graph.tensors[i].axes if letter]
    if letters:
        raise WhyshapeError(f"a comment holds numbers: give a number for {', '.join(dict.fromkeys(letters))}")
    asked: dict[str, Any] = {"input_data": input_data}
    if input_data is None:
        inputs = [graph.tensors[i] for i in graph.inputs]
        asked = {"input_size": [tuple(map(int, t.shape)) for t in inputs], "dtypes": [t.dtype for t in inputs]}
    watched = watch(lambda: follow(model, mode=mode, **asked), own.source)
    for code, source in watched.codes.items():
        if source is not None and not source.holds(code):
            raise WhyshapeError(f"{source.path} is not what ran: {code.co_name} was changed after it was imported; start Python anew")
    if not watched.sources:
        raise WhyshapeError(f"no line of {own.root} ran: the model is made of installed classes alone")
    batch = _batch(graph, watched)
    orders = Orders(graph)
    files = [_annotated(source, watched.visits, batch, _first(graph), orders, both) for _, source in sorted(watched.sources.items())]
    return Annotated(tuple(files), graph, batch)


class _Own:
    """Which files are the user's: those in the folder of the model's own class, or below it, that no package manager put there."""

    def __init__(self, model):
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(model, torch.nn.Module):
            raise WhyshapeError(f"annotate takes a torch.nn.Module or a target as file.py:Net, {type(model).__name__} arrived")
        paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
        self.foreign = tuple(os.path.realpath(p) + os.sep for p in (*paths, os.path.dirname(torch.__file__), PACKAGE))
        self.known: dict[str, Source | None] = {}
        files = dict.fromkeys(_file_of(type(module)) for module in model.modules())
        mine = [file for file in files if self._mine(file)]
        if not mine:
            where = f"is from {next(iter(files))}" if any(files) else "stands in no file"
            raise WhyshapeError(f"annotate works on your own files; the code of {type(model).__name__} {where}")
        self.root = os.path.dirname(os.path.abspath(mine[0]))

    def _mine(self, file: str) -> bool:
        path = os.path.realpath(file)
        return os.path.isfile(path) and not path.startswith(self.foreign) and not set(path.split(os.sep)) & set(INSTALLED)

    def source(self, file: str) -> Source | None:
        """The source of a file, if it is the user's."""
        path = os.path.abspath(file)
        if path not in self.known:
            inside = path.startswith(os.path.join(self.root, "")) and self._mine(path)
            self.known[path] = Source(path) if inside else None
        return self.known[path]


def _file_of(cls: type) -> str:
    import inspect

    code = getattr(inspect.unwrap(getattr(cls, "forward", cls)), "__code__", None)
    return code.co_filename if code is not None else ""


def _first(graph: Graph) -> int:
    """The size that stands first in the inputs: the batch, where there is one."""
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    return int(shapes[0][0]) if shapes and shapes[0] else -1


def _batch(graph: Graph, watched: Watched) -> int | None:
    """The batch, if every tensor of every line has it in front and something behind it."""
    n = _first(graph)
    shapes = [shape for visits in watched.visits.values() for given in visits for shape in given]
    shapes += [graph.tensors[i].shape for i in graph.inputs]
    return n if all(len(shape) > 1 and shape[0] == n for shape in shapes) else None


def _annotated(
    source: Source, visits: dict[Statement, dict[Given, None]], batch: int | None, first: int, orders: Orders, both: bool
) -> AnnotatedFile:
    comments: dict[int, str] = {}
    gives: dict[int, str] = {}
    there: dict[int, str] = {}
    stale, notes, checked = [], [], 0
    for statement in source.statements:
        if statement not in visits:
            continue
        row = statement.line.row
        given = [visit for visit in visits[statement] if visit]
        true = written(given, batch is not None)
        mine, ours = split(statement.line.comment)
        elsewhere = _there(given, batch is not None, orders) if both or (ours and ours != true) else ""
        full = beside(true, orders.name, elsewhere) if elsewhere else true
        by_hand = said(mine) if given else None
        if by_hand is not None:
            checked += 1
            if not all(by_hand.fits(visit, first) for visit in given):
                stale.append(Stale(source.path, row, by_hand.text, true, False))
        if ours is not None and by_hand is None:
            checked += 1
            if ours not in (true, full):  # true in either form
                stale.append(Stale(source.path, row, ours, true, True))
        if given:
            gives[row] = true
        if both and elsewhere:
            there[row] = elsewhere
        says = [full, true] if both else [true]
        wanted = [joined(mine, text) for text in dict.fromkeys(says)] if given and by_hand is None else [mine]
        wide = [len(with_comment(source.lines[row - 1], statement.line.code, comment).rstrip("\r\n")) for comment in wanted]
        comment = next((comment for comment, columns in zip(wanted, wide) if columns <= WIDEST), mine)
        if wide[-1] > WIDEST and wanted[-1] != mine:
            notes.append(f"{source.path}, line {row}: without its comment, {true}; with it the line would have {wide[-1]} columns")
        comments[row] = comment
    return AnnotatedFile(source, source.put(comments), gives, tuple(stale), checked, tuple(notes), there)


def _there(given: list[Given], batch: bool, orders: Orders) -> str:
    """What a line gives in the other framework's order; empty where that is the same, or is not known of every visit."""
    told = [orders.there(visit, batch) for visit in given]
    whole = [visit for visit in told if visit is not None]
    return written(whole, batch) if whole and len(whole) == len(given) else ""


__all__ = ["Annotated", "AnnotatedFile", "Stale", "annotate"]
