"""Why a file's network does not take an input, and changes that make it: other input sizes, or numbers typed into a Reshape.

A file has no Python code to change and no weights to train again, so the changes are few, and each was asked of the whole graph again.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from whyshape.analyses.diagnose.because import because
from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.problem import OLD, Diagnosis, Finding, Fix
from whyshape.analyses.hazards import hazards
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Ref
from whyshape.graph.again import again
from whyshape.rules import RULES
from whyshape.sizes import Size, product


def diagnose_graph(source, input_size=None, dtypes=None) -> Diagnosis:
    """Why a graph, or the ``.onnx``, ``.keras`` or ``.json`` file of that name, does not take these inputs; None: those the file states.

    >>> from whyshape.api import read
    >>> diagnose_graph(read("Flatten > Linear(320, 50)", (1, 20, 4, 4))).fits
    True
    """
    from whyshape.api import read

    graph = read(source, input_size, None, dtypes)
    if graph.problem is None:
        return Diagnosis(graph.name, hazards=hazards(graph), notes=graph.notes)
    p = graph.problem
    case = Case(None, SimpleNamespace(graph=graph))
    links = because(case) if p.args or p.kwargs else ()
    fixes = (*_inputs(source, input_size, dtypes), *_reshapes(source, input_size, dtypes))
    where = {"layer": p.path or None, "type": p.type, "file": p.file, "line": p.line, "op": p.op}
    found = Finding(where, p.sentence, case.wanted, case.arrived, links, fixes, p.kind, p.message)
    return Diagnosis(graph.name, (found,), hazards(graph), ran=False, notes=graph.notes)


def _shapes(input_size) -> list[tuple[int, ...]]:
    return [tuple(input_size)] if all(isinstance(n, int) for n in input_size) else [tuple(s) for s in input_size]


def _inputs(source, input_size, dtypes) -> Iterator[Fix]:
    """The nearest input that the file takes, read again at it."""
    from whyshape.api import accepts, read

    if input_size is None:
        return
    asked, own = _shapes(input_size), read(source)
    if len(asked) != len(own.inputs) or any(len(s) != len(own.tensors[i].shape) for s, i in zip(asked, own.inputs)):
        return
    free = [own.tensors[i].axes or ("",) * len(own.tensors[i].shape) for i in own.inputs]
    stated = [own.tensors[i].shape for i in own.inputs]
    at = {letter: n for letters, s in zip(free, asked) for letter, n in zip(letters, s) if letter}
    near: dict[str, int] | None = at
    if at:
        lettered = [tuple(a or n for a, n in zip(letters, shape)) for letters, shape in zip(free, stated)]
        kept = [(old[0], *shape[1:]) for old, shape in zip(asked, lettered)]  # the batch as it is, where that can be
        sides = {letter: at[letter] for shape in kept for letter in shape if isinstance(letter, str)}
        near = accepts(source, kept, dtypes).nearest(**sides) if sides else None
        near = {**at, **near} if near is not None else accepts(source, lettered, dtypes).nearest(**at)
    if near is None:
        return
    wanted = [tuple(near[a] if a else n for a, n in zip(letters, shape)) for letters, shape in zip(free, stated)]
    if wanted == asked or read(source, wanted, None, dtypes).problem is not None:
        return
    for place, (new, old) in enumerate(zip(wanted, asked)):
        edit, says = _resized(new, old)
        if edit is None:
            return  # a change of the channels is not a change of size
        if edit:
            yield Fix(({**edit, "arg": place} if place else edit,), says, OLD, verified=sum(a != b for a, b in zip(wanted, asked)) == 1)


def _resized(new, old) -> tuple[dict | None, str]:
    """The edit from one input shape to another; nothing where they are equal, None where no size of a side or the batch changes."""
    changed = [i for i, (a, b) in enumerate(zip(new, old)) if a != b]
    sides = {3: (2,), 4: (1, 2) if 1 in changed else (2, 3)}.get(len(new), ())
    text = "x".join(map(str, new))
    if not changed:
        return {}, ""
    if changed == [0]:
        return {"batch": str(new[0])}, f"a batch of {new[0]}: an input of {text}"
    if not set(changed) <= set(sides) or (len(new) == 4 and 1 in changed and 3 in changed):
        return None, ""
    edit = {"length": new[2]} if len(sides) == 1 else {"hw": [new[i] for i in sides]}
    return {"input": "resize", **edit}, f"an input of {text}, the nearest that the file takes"


def _reshapes(source, input_size, dtypes) -> Iterator[Fix]:
    """A number typed into a Reshape, changed; the whole graph was asked again with it, and every batch came out."""
    from whyshape.api import read

    if input_size is None:
        return
    runs, asked = read(source, None, None, dtypes), _shapes(input_size)
    if runs.problem is not None or len(asked) != len(runs.inputs):
        return
    shapes = dict(zip(runs.inputs, asked))
    for node in runs.nodes:
        if node.rule is not RULES["reshape"]:  # the one rule that is told the sizes of its result
            continue
        for place, value in enumerate(node.args):
            if isinstance(value, Ref) or not isinstance(value, (tuple, list)):
                continue
            for wanted in _other_shapes(runs, shapes, node, tuple(value)):
                args = (*node.args[:place], wanted, *node.args[place + 1 :])
                try:
                    tried = again(runs, shapes, {node.index: args})
                except WhyshapeError:
                    continue
                rows = [tried.tensors[i].shape[:1] for i in tried.outputs]
                if tried.problem is None and all(r == asked[0][:1] for r in rows):
                    now = [int(n) for n in wanted]
                    says = f"{node.path}: the shape {now} instead of {[int(n) for n in value]}"
                    yield Fix(({"layer": node.path, "attr": "shape", "value": now},), says, OLD, verified=True)
                    break


def _other_shapes(graph: Graph, shapes, node, typed: tuple) -> Iterator[tuple]:
    """The shapes with one typed number left open (-1), or counted from what arrives where one is open already."""
    open_already = any(type(n) is int and n == -1 for n in typed)
    for i, n in enumerate(typed):
        if isinstance(n, Size) or n < 1:
            continue
        if not open_already:
            yield (*typed[:i], -1, *typed[i + 1 :])
            continue
        at = again(graph, shapes, {node.index: (node.args[0], (-1,))}).tensors[node.inputs[0]].shape
        rest = product(tuple(m for m in (*typed[:i], *typed[i + 1 :]) if m > 0))
        if rest and product(at) % rest == 0:
            yield (*typed[:i], shapes[graph.inputs[0]][0] if i == 0 else product(at) // rest, *typed[i + 1 :])


__all__ = ["diagnose_graph"]
