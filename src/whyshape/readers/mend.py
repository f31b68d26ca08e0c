"""Going on past what does not fit, as if the file held something else there: so that all problems of a file are found in one pass.

A rule that refused is asked again with another number typed into the call, or with a weight of another size. The first it takes is
remembered, in the words of a fix, and the reading goes on. Whether the file so changed can be followed is for the caller to try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit
from whyshape.graph import Graph, Problem, Stopped, Value
from whyshape.rules import RULES, Spec, Unexplained
from whyshape.sizes import Size, plain, product

MOST = 64  # places in one file


class Mend(NamedTuple):
    """One place that did not fit, and the change after which it did."""

    graph: Graph  # up to there, with the problem
    edit: dict[str, Any]  # in the words of a fix
    says: str
    repeats: bool = False  # a constant of one row, repeated: the same numbers as before


class Mending:
    """What was changed on the way.

    ``rows``: the batch the file states and the batch asked for, where they differ.
    """

    def __init__(self, rows: tuple[int, int] | None = None):
        self.rows = rows if rows and rows[0] != rows[1] else None
        self.found: list[Mend] = []

    def add(self, net, problem: Problem, edit: dict[str, Any], says: str, repeats: bool = False) -> None:
        """Remember one place. Raises `Stopped` where there are too many."""
        self.found.append(Mend(net.graph()._replace(problem=problem), edit, says, repeats))
        if len(self.found) > MOST:
            net.problem = problem
            raise Stopped

    def call(self, net, call: Callable, op: str, args: tuple, kwargs: dict) -> Any:
        """The call as it is, or with the first change that its rule takes."""
        typed = self.typed(op, args)
        if typed is not None and self.rows and self.loses_rows(args[0].shape, typed):
            return self.rows_kept(net, call, op, args, kwargs, typed)
        try:
            return call(op, *args, **kwargs)
        except Stopped:
            problem = net.problem
        for changed, *change in (*self.other_sizes(net, op, args, typed), *self.other_weights(net, op, args, kwargs)):
            net.problem = None
            self.add(net, problem, *change)
            return call(op, *changed, **kwargs)
        raise Stopped

    def typed(self, op: str, args: tuple) -> tuple | None:
        """The sizes that somebody told this call, where its rule says that it is told the sizes of its result."""
        if (
            not getattr(RULES[op], "told_sizes", False)
            or len(args) != 2
            or not isinstance(args[0], Value)
            or not isinstance(args[1], tuple)
        ):
            return None
        return args[1]

    def loses_rows(self, x: tuple[int, ...], typed: tuple) -> bool:
        """Whether the file's own batch is typed first and an open size swallows the batch that arrives."""
        assert self.rows is not None
        stated, asked = self.rows
        return bool(x and typed) and x[0] == asked and not isinstance(typed[0], Size) and typed[0] == stated and -1 in map(as_plain, typed)

    def rows_kept(self, net, call, op, args, kwargs, typed):
        stated, asked = self.rows
        sentence = f"{asked} rows arrive, and the shape ({', '.join(str(int(n)) for n in typed)}) makes {stated} of them"
        wanted = (net.axis(args[0], 0), *typed[1:])
        problem = Problem(sentence, {"wanted": stated, "arrived": asked}, op, net.path, net.name, "", 0, *net.held(args, kwargs))
        change = sizes_edit(net, args[0], typed, wanted)
        if change is None:
            return call(op, *args, **kwargs)
        self.add(net, problem, *change)
        return call(op, args[0], wanted, **kwargs)

    def other_sizes(self, net, op, args, typed) -> Iterator[tuple[tuple, dict, str]]:
        """Other numbers typed into the call: first those where the file's batch was typed, then those that keep the first axis."""
        if typed is None:
            return
        x = args[0].shape
        found = []
        for wanted in others(x, typed):
            made = asked(op, (Spec(x), wanted), {})
            change = sizes_edit(net, args[0], typed, wanted) if made is not None else None
            if change is not None:
                places = [i for i, (a, b) in enumerate(zip(wanted, typed)) if a is not b and a != b]
                rows = self.rows is not None and any(typed[i] == self.rows[0] for i in places)
                features = self.rows is not None and len(typed) - 1 in places
                found.append(((not rows, features, len(places), tuple(made)[:1] != tuple(x[:1])), wanted, change))
        for _, wanted, change in sorted(found, key=lambda f: f[0]):
            yield (args[0], wanted), *change

    def other_weights(self, net, op, args, kwargs) -> Iterator[tuple]:
        """A weight of another size, one axis of it changed to a size that arrives."""
        values = list(_values((args, kwargs)))
        weights = [v for v in values if net.tensors[v.index].kind in ("parameter", "buffer", "constant") and net.tensors[v.index].name]
        numbers = (net.problem.numbers.get(k) for k in ("arrived", "wanted")) if net.problem else ()
        arrive = [n for v in values if v not in weights for n in reversed(v.shape)] + [n for n in numbers if type(n) is int]
        spread = [n for n in args if type(n) is int and n > 1]  # groups
        sizes = [n for n in dict.fromkeys(map(int, [*arrive, *(n // g for n in arrive for g in spread if n % g == 0)])) if n > 0]
        for v in weights:
            for i in range(len(v.shape)):
                for n in sizes:
                    was, shape = v.shape, (*v.shape[:i], n, *v.shape[i + 1 :])
                    v.shape = shape
                    if asked(op, args, kwargs) is None:
                        v.shape = was
                        continue
                    tensor = net.tensors[v.index]
                    net.tensors[v.index] = tensor._replace(shape=shape)
                    repeats = self.rows is not None and i == 0 and (was[0], n) == (1, self.rows[1]) and not RULES[op].knobs.get("weight")
                    if tensor.name in net.expanded:
                        place, told = net.expanded[tensor.name], list(shape)
                        yield (
                            args,
                            {"layer": place, "attr": "shape", "value": told},
                            f"{place}: the shape {told} instead of {list(was)}",
                            repeats,
                        )
                        return
                    how = f"its one row {n} times, {text(shape)}" if repeats else f"{text(shape)} numbers"
                    yield args, {"param": tensor.name, "shape": list(shape)}, f"{tensor.name}: {how} instead of {text(was)}", repeats
                    return


def _values(value) -> Iterator[Value]:
    if isinstance(value, Value):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from _values(v)


def asked(op: str, args: tuple, kwargs: dict):
    """What the rule makes of these arguments; None where it refuses."""
    try:
        made = RULES[op].shape(*args, **kwargs)
    except (DoesNotFit, Unexplained):
        return None
    return plain(made) if type(made) is tuple else made


def others(x: tuple[int, ...], typed: tuple) -> Iterator[tuple]:
    """Shapes with one typed number left open (-1), or counted from what arrives where one is open already.

    >>> list(others((2, 10, 5, 5), (-1, 1440)))
    [(-1, 250)]
    >>> list(others((3, 1440), (1, 1440)))
    [(-1, 1440), (1, -1)]
    """
    open_at = [i for i, n in enumerate(typed) if as_plain(n) == -1]
    for i, n in enumerate(typed):
        if isinstance(n, Size) or n < 1:
            continue
        if not open_at:
            yield (*typed[:i], -1, *typed[i + 1 :])
            rest = product([int(m) for j, m in enumerate(typed) if j not in (0, i)]) * (x[0] if x else 1)
            if i and rest and product(x) % rest == 0 and int(product(x)) // int(rest) != n:
                yield (-1, *typed[1:i], int(product(x)) // int(rest), *typed[i + 1 :])
            continue
        rest = product([int(m) for j, m in enumerate(typed) if j != i and as_plain(m) != -1])
        rest *= x[0] if open_at[0] == 0 and x else 1
        if rest and product(x) % rest == 0:
            yield (*typed[:i], int(product(x)) // int(rest), *typed[i + 1 :])


def as_plain(n) -> int:
    return 0 if isinstance(n, Size) else n


def text(shape) -> str:
    return "x".join(str(n) for n in shape)


def sizes_edit(net, x: Value, typed: tuple, wanted: tuple) -> tuple[dict[str, Any], str] | None:
    """Other sizes told to a reshape, as an edit of the file, and in words."""
    now, was = net.said(x, wanted), net.said(x, typed)
    if now is None:
        return None
    before = f" instead of {was}" if was is not None else ""
    return {"layer": net.place, "attr": net.sizes_word, "value": now}, f"{net.place}: the shape {now}{before}"


__all__ = ["Mend", "Mending", "asked", "others", "text"]
