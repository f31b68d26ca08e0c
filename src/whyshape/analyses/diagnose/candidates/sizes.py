"""Pictures of another size than the model was made for, sequences too short or too long: sizes the model takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice, product
from math import log

from whyshape.analyses.diagnose.candidates.axes import called, put, reader
from whyshape.analyses.diagnose.candidates.targets import last
from whyshape.analyses.diagnose.case import Case, Input, Offer
from whyshape.analyses.diagnose.rows import batch_survives
from whyshape.analyses.diagnose.trail import Compiled
from whyshape.sizes import leaves

# Sizes that data sets, papers and pretrained weights are made for.
USUAL = (
    224,
    32,
    28,
    64,
    256,
    84,
    128,
    96,
    48,
    112,
    160,
    192,
    227,
    240,
    288,
    299,
    300,
    320,
    331,
    384,
    416,
    448,
    480,
    512,
    600,
    640,
    768,
    800,
    1024,
    16,
)
GREY = (28,)  # of these, the sizes of data sets without colours
FORM = 0.02  # a picture stretched by less keeps its form
RUNS = 40  # sizes tried by running, at most; everything before that is arithmetic


def offers(case: Case) -> Iterator[Offer]:
    for i in case.image_inputs():
        _, spatial = reader(case, i)
        if spatial == 2 or (not spatial and len(i.shape) >= 4):
            yield from resized(case, i)
        elif spatial == 3 and len(i.shape) == 5:
            yield from lengths(case, i, 2, "pad_length")
        elif spatial == 1:
            yield from lengths(case, i, len(i.shape) - 1, "resize")
    target = last(case)
    for i in case.inputs[:3]:
        if target is not None and i.tensor == target.tensor:
            continue
        if i.whole and len(i.shape) >= 1:
            yield from lengths(case, i, len(i.shape) - 1, "pad_length")
        elif len(i.shape) == 3 and not reader(case, i)[1]:
            for dim in (1, 0):
                yield from lengths(case, i, dim, "pad_length")
    yield from alike(case)


def runs(case: Case) -> int:
    """How many sizes are tried by running: fewer of a network that takes longer."""
    return max(4, min(RUNS, 4000 // (case.trial.steps + 30)))


def resized(case: Case, i: Input) -> Iterator[Offer]:
    """Heights and widths that meet the demand by arithmetic, and then run."""
    h, w = i.shape[-2:]
    rank, place = len(i.shape), case.graph.inputs.index(i.tensor)
    demand = case.one_row_each
    if demand is not None:
        compiled = Compiled(demand)
        sides = [
            {id(at) for at in leaves(side) if at.leaf and at.leaf.ref and at.leaf.ref[:2] == ("input", place)}
            for side in (demand.left, demand.right)
        ]
        axis = {
            id(at): at.leaf.ref[2]
            for side in (demand.left, demand.right)
            for at in leaves(side)
            if at.leaf and at.leaf.ref and at.leaf.ref[0] == "input"
        }
        spatial = {k for k in sides[0] | sides[1] if axis[k] >= rank - 2}
        if not spatial:
            return
        fits = compiled.holds([k for k in spatial if axis[k] == rank - 2], [k for k in spatial if axis[k] == rank - 1])
        periodic = demand.relation == "==" and bool(sides[0] & spatial) and bool(sides[1] & spatial)
        small = demand.relation != "=="
    else:
        if case.reading is None and not re.search(
            r"\b(size|height|width|image|patch|window|resolution|divisible|multiple)\b", case.problem.sentence, re.I
        ):
            return
        fits, periodic, small = lambda a, b: True, False, False
    unflattened = len(case.x) >= 4 and "in_features" in case.layer[1]  # a side of the map stands where features should
    found: list[tuple[int, int]] = []
    fitting = (s for s in candidates(case, h, w, fits, periodic or small) if not found or another((h, w), found[0], s, periodic or small))
    for a, b in islice(fitting, runs(case)):
        trial = case.patient.run((*case.edits, *put(i, "resize", hw=(a, b))))
        if trial is None or not trial.ran or not batch_survives(trial):
            continue
        usual = a in USUAL and b in USUAL and not (i.shape[-3] == 3 and {a, b} & {*GREY})
        far = max(a, h) / min(a, h) > 1.3 or max(b, w) / min(b, w) > 1.3
        cost = (1.0 if periodic or small else 1.25 if usual and far else 1.9 if usual else 2.7) + 1.5 * unflattened
        cost += 1.0 * (case.rows_demand is not None and not usual)  # rows were mixed: a size nobody uses hides it
        cost += 1.5 * (h == w and a != b)  # pictures in use are square: another form is a chance hit
        cost += 2.5 * (not usual and 4 * a < h and 4 * b < w)  # hardly anything is left of the picture
        cost += 1.5 * (periodic and (odder(h, a) or odder(w, b)))  # sides that halve well are not to blame
        yield Offer(put(i, "resize", hw=(a, b)), cost + 0.7 * len(found), f"{called(i)} resized from {h}x{w} to {a}x{b}")
        found.append((a, b))
        if len(found) == 2 or (h == w and a != b):
            return


def odder(now: int, new: int) -> bool:
    """Whether a side can be halved less often than it could."""
    return (new & -new) < (now & -now)


def stretch(now: tuple[int, int], size: tuple[int, int]) -> float:
    """How much a picture is stretched: 0 where height to width stays what it was, 0.1 for about a tenth."""
    return abs(log(size[0] * now[1] / (size[1] * now[0])))


def another(now: tuple[int, int], first: tuple[int, int], size: tuple[int, int], near_first: bool) -> bool:
    """Whether a second size says something the first does not: smaller where that was larger, or the picture's own form where that was not."""
    if near_first:
        return stretch(now, size) < FORM and (size[0] * size[1] > now[0] * now[1]) != (first[0] * first[1] > now[0] * now[1])
    return stretch(now, size) < FORM <= stretch(now, first)


def candidates(case: Case, h: int, w: int, fits, near_first: bool) -> Iterator[tuple[int, int]]:
    """Sizes that meet the demand: the nearest ones where rounding is all it takes, the usual ones where the size is another."""
    seen: set[tuple[int, int]] = set()
    named = (
        [int(n) for n in re.findall(r"\d+", case.problem.message or case.problem.sentence) if 8 <= int(n[:6]) <= 2048]
        if case.trail.demand is None
        else []
    )
    squares = [(n, n) for n in sorted(range(4, 1025), key=lambda n: abs(n - h))]
    streams = {"named": zip(named, named), "near": near(h, w), "usual": ((n, n) for n in USUAL), "squares": squares}
    order = ("near", "usual", "squares") if near_first else ("named", "usual", "near", "squares")
    for size in chain(*(squares_first(streams[stream], h == w) for stream in order if h == w or stream != "squares"), anything(h, w)):
        if size not in seen and size != (h, w) and min(size) > 0:
            seen.add(size)
            if fits(*size):
                yield size


def squares_first(sizes, only: bool):
    """A square picture stays one as long as a square is taken."""
    return (s for s in sizes if s[0] == s[1]) if only else sizes


def by_form(h: int, w: int):
    """Sorts sizes: those of the picture's own form first, among them the nearest, the larger of two."""
    return lambda s: (int(stretch((h, w), s) / FORM), abs(s[0] - h) / h + abs(s[1] - w) / w, s[0] < h or s[1] < w)


def near(h: int, w: int) -> list[tuple[int, int]]:
    """Both sides rounded to multiples of 2, 4, 8 ..., in the picture's form."""
    found: set[tuple[int, int]] = set()
    for m in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        heights, widths = ({n, n // m * m, -(-n // m) * m, -(-n // m) * m + m} for n in (h, w))
        found |= {s for s in product(heights, widths) if min(s) > 0}
    return sorted(found, key=by_form(h, w))


def anything(h: int, w: int) -> Iterator[tuple[int, int]]:
    """The picture made larger or smaller as a whole, one side kept, sides in use, any sides: in the picture's form as nearly as may be."""
    around = range(-2, 3)
    found = {(h * scale // 16 + i, w * scale // 16 + j) for scale in range(2, 65) for i in around for j in around}
    found |= {(n, w) for n in range(1, h + max(h, w) + 64)} | {(h, n) for n in range(1, w + max(h, w) + 64)}
    found |= {*product(USUAL, USUAL), *product(USUAL, (w,)), *product((h,), USUAL), *product(range(8, 200, 4), range(8, 200, 4))}
    yield from sorted((s for s in found if min(s) > 0), key=by_form(h, w))


def lengths(case: Case, i: Input, dim: int, op: str) -> Iterator[Offer]:
    """A sequence made longer or shorter until the model runs."""
    n, name, solid = i.shape[dim], called(i), len(i.shape) == 5
    demand, place = case.trail.demand, case.graph.inputs.index(i.tensor)
    if demand is not None:
        compiled = Compiled(demand)
        held = [at for side in (demand.left, demand.right) for at in leaves(side) if at.leaf and at.leaf.ref == ("input", place, dim)]
        if not held:
            return
        fits = compiled.holds([id(at) for at in held])
        small = demand.relation != "=="
        rounding = all(any(at.leaf and at.leaf.ref == ("input", place, dim) for at in leaves(s)) for s in (demand.left, demand.right))
    else:
        if case.reading is None:
            return
        fits, small, rounding = lambda v: True, False, False
    around = [v for d in range(1, max(n, 64) + 1) for v in (n + d, n - d) if v > 0]
    wanted = [v for v in (case.wanted, case.arrived) if type(v) is int and 0 < v < 10**6]
    far = sorted({n * k for k in (2, 3, 4, 8, 16)} | set(range(n + 64, n + 4096, 16)) | set(range(1, n + 1)), key=lambda v: abs(v - n))
    target = last(case)  # a loss that counts otherwise than its target: the length is not to blame
    for v in islice((v for v in dict.fromkeys([*wanted, *around, *far]) if v != n and v > (dim == 0) and fits(v)), runs(case)):
        change = (
            put(i, "resize", length=v)
            if op == "resize"
            else put(i, "pad_length", dim=dim, to=v)
            if v > n
            else put(i, "truncate", dim=dim, to=v)
        )
        trial = case.patient.run((*case.edits, *change))
        if trial is not None and trial.ran and batch_survives(trial):
            says = (
                f"{name} {'padded' if v > n else 'cut'} from {n} to {v} along axis {dim}"
                if op != "resize"
                else f"{name} of length {v}, not {n}"
            )
            doubt = 1.5 * (
                v == case.wanted and n == case.arrived and i.whole and "out_channels" in case.layer[1]
            )  # axes that changed places
            doubt += 1.5 * (dim == 0 and len(i.shape) > 1 and i.shape[:1] == case.rows)  # cases are neither made up nor left out
            doubt += 1.5 * (v == 1)  # one step is no series
            doubt += 1.5 * (solid and not rounding)  # scans are cut to what halves well, not until a head fits
            yield Offer(
                change, doubt + (1.0 if small else 1.7 if v < n or i.whole else 2.5) + 2.0 * (target is not None) + 1.0 * (4 * v < n), says
            )
            return


def alike(case: Case) -> Iterator[Offer]:
    """Inputs that are put side by side and differ in size: all resized, or padded to the longest."""
    shapes = [i.shape for i in case.inputs]
    if last(case) is not None:
        return  # a loss compares row with row: other rows are other cases
    if len(shapes) < 2 or len({len(s) for s in shapes}) != 1 or len(set(shapes)) == 1:
        return
    rank = len(shapes[0])
    differ = [d for d in range(rank) if len({s[d] for s in shapes}) > 1]
    pictures = rank >= 3 and not any(i.whole for i in case.inputs) and all(s[-3] in (1, 3, 4) for s in shapes)
    if pictures and all(d >= rank - 2 for d in differ):
        hw = max((s[-2:] for s in shapes), key=lambda s: sum(1 for t in shapes if t[-2:] == s))
        yield Offer(put("all", "resize", hw=tuple(hw)), 0.9, f"every input resized to {hw[0]}x{hw[1]}")
    d = differ[0]
    longest, shortest = max(s[d] for s in shapes), min(s[d] for s in shapes)
    if len(differ) == 1 and (rank == 1 or shortest > 1):  # a state with an axis of 1 is no short text
        padded = tuple(e for i in case.inputs if i.shape[d] < longest for e in put(i, "pad_length", dim=d, to=longest))
        yield Offer(padded, 1.0, f"the shorter inputs padded to {longest}")
        cut = tuple(e for i in case.inputs if i.shape[d] > shortest for e in put(i, "truncate", dim=d, to=shortest))
        yield Offer(cut, 1.6, f"the longer inputs cut to {shortest}")


__all__ = ["offers"]
