"""Other inputs for a file's network: the axes in another order, a batch axis put in front, other channels, other sizes. Each as a fix says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph

if TYPE_CHECKING:
    from whyshape.readers.file import File


class Other(NamedTuple):
    """Other input shapes, and how one comes to them."""

    shapes: tuple[tuple[int, ...], ...]
    edits: tuple[dict, ...] = ()
    says: tuple[str, ...] = ()

    def then(self, other: Other) -> Other:
        """Both, one after the other."""
        return Other(other.shapes, (*self.edits, *other.edits), (*self.says, *other.says))


def text(shape) -> str:
    return "x".join(map(str, shape))


def laid_out(file: File, asked: tuple) -> Iterator[Other]:
    """Each input with the axes that the file says it has: as it is, put in another order, one added or taken away; other channels."""
    for i, (old, (_, stated)) in enumerate(zip(asked, file.inputs)):
        for new, edit, says in _laid_out(old, stated, file.maps_last):
            shapes = (*asked[:i], new, *asked[i + 1 :])
            yield Other(shapes, ({**edit, "arg": i} if i else edit,), (f"{says}: {text(new)}",))


def _laid_out(old, stated, maps_last) -> Iterator[tuple[tuple, dict, str]]:
    fits = lambda shape: len(shape) == len(stated) and all(not isinstance(s, int) or s == n for n, s in list(zip(shape, stated))[1:])
    if len(old) + 1 == len(stated):
        for dim in (0, len(stated) - 1 if maps_last else 1):
            new = (*old[:dim], 1, *old[dim:])
            if fits(new) or dim == 0:
                yield (
                    new,
                    {"input": "unsqueeze", "dim": dim},
                    "an axis of one put in front" if dim == 0 else f"an axis of one put in at {dim}",
                )
    if len(old) == len(stated) + 1 and 1 in old:
        dim = old.index(1)
        yield (*old[:dim], *old[dim + 1 :]), {"input": "squeeze", "dim": dim}, f"axis {dim}, of one, taken away"
    if len(old) != len(stated):
        return
    if not fits(old):
        rank = len(old)
        for order in ((0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)):  # the maps moved to the front, or to the end
            new = tuple(old[d] for d in order)
            if rank > 2 and fits(new):
                yield new, {"input": "permute", "dims": list(order)}, f"the axes in the order {', '.join(map(str, order))}"
                break
    at = len(old) - 1 if maps_last else 1
    if len(old) == 4 and isinstance(stated[at], int) and stated[at] != old[at]:
        new = (*old[:at], stated[at], *old[at + 1 :])
        if old[at] == 1 and stated[at] == 3 and not maps_last:
            yield new, {"input": "expand_channels", "to": stated[at]}, f"the one channel repeated {stated[at]} times"
        elif old[at] == 1 and stated[at] == 3:
            yield new, {"input": "repeat_interleave", "dim": at, "repeats": stated[at]}, f"the one channel repeated {stated[at]} times"
        elif stated[at] == 1 and old[at] == 3 and not maps_last:
            yield new, {"input": "grayscale"}, f"the {old[at]} channels averaged to one"


def resized(old, new, maps_last: bool, several: bool = False) -> tuple[dict, str] | None:
    """The edit from one input shape to another of as many axes; None where no change of a batch or of a size says it."""
    changed = [i for i, (a, b) in enumerate(zip(new, old)) if a != b]
    sides = {3: (1,) if maps_last else (2,), 4: (1, 2) if maps_last else (2, 3), 5: ()}.get(len(new), ())
    if changed == [0] and not several:
        return {"batch": str(new[0])}, f"a batch of {new[0]}: an input of {text(new)}"
    if set(changed) <= set(sides):
        edit = {"length": new[sides[0]]} if len(sides) == 1 else {"hw": [new[i] for i in sides]}
        return {"input": "resize", **edit}, f"an input of {text(new)}, the nearest that the file takes"
    if len(changed) == 1 and not (len(new) >= 4 and changed[0] == (len(new) - 1 if maps_last else 1)):
        (dim,) = changed
        word, told = ("truncate", "cut") if new[dim] < old[dim] else ("pad_length", "filled up")
        return {"input": word, "dim": dim, "to": new[dim]}, f"axis {dim} {told} to {new[dim]}: an input of {text(new)}"
    return None


def nearest(file: File, base: Graph, asked: tuple, keep_batch: bool) -> Other | None:
    """The sizes nearest to those asked for which the file takes as it is; with ``keep_batch`` the first axes stay as asked."""
    from whyshape.analyses.accepts import accepts

    held = [base.tensors[i] for i in base.inputs]
    if [len(t.shape) for t in held] != [len(s) for s in asked]:
        return None
    letters = [t.axes or ("",) * len(t.shape) for t in held]
    lettered = [tuple(a or n for a, n in zip(axes, t.shape)) for axes, t in zip(letters, held)]
    if keep_batch:
        lettered = [(old[0] if axes[0] else new[0], *new[1:]) for old, new, axes in zip(asked, lettered, letters)]
    aim = {a: n for axes, shape, said in zip(letters, asked, lettered) for a, n, s in zip(axes, shape, said) if isinstance(s, str)}
    near: dict[str, int] = {}
    if aim:
        try:
            found = accepts(file.read(lettered), lettered).nearest(**aim)
        except WhyshapeError:
            return None
        if found is None:
            return None
        near = found
    shapes = tuple(tuple(near[n] if isinstance(n, str) else n for n in shape) for shape in lettered)
    if keep_batch:
        shapes = tuple((old[0], *new[1:]) for old, new in zip(asked, shapes))
    return shown(file, asked, shapes)


def shown(file: File, asked: tuple, shapes: tuple) -> Other | None:
    """The way from the inputs asked for to these, where a fix has words for it."""
    edits, says = [], []
    batch = len(asked) == 1 or all(new[0] == shapes[0][0] and old[0] == asked[0][0] for old, new in zip(asked, shapes) if new)
    for i, (old, new) in enumerate(zip(asked, shapes)):
        if old == new:
            continue
        steps = [(old, new)]
        if old[0] != new[0] and old[1:] != new[1:]:
            steps = [(old, (old[0], *new[1:])), ((old[0], *new[1:]), new)]
        for a, b in steps:
            found = resized(a, b, file.maps_last, several=not batch)
            if found is None:
                return None
            edit, said = found
            if edit.get("batch") and i:
                continue  # one batch for all of them
            edits.append({**edit, "arg": i} if i and "batch" not in edit else edit)
            says.append(said)
    return Other(shapes, tuple(edits), tuple(says))


__all__ = ["Other", "laid_out", "nearest", "resized", "shown", "text"]
