"""How each operator looks at its tensors: told where the rule's own answers (`reach`, `pointwise`, `view`) do not say it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

from whyshape.rules.base import Spec, Window, axes_of, axis_of, told
from whyshape.rules.shelf import filed
from whyshape.rules.sight import ALL, AT_MOST_ALL, Look, adaptive, fixed, moved, same, slide
from whyshape.sizes import leaf, product


def looks(call, tensor, place: int, output: int = 0) -> list[Look]:
    """How result number ``output`` of the call looks at one of its tensors (the ``place``-th): a `Look` for each of that tensor's axes."""
    if call.op in _PIECES:
        return _pieces(call, tensor, output)
    rule, rank, out = call.rule, len(tensor.shape), _first(call.out)
    answer = _LOOKS.get(call.op)
    if answer is not None:
        found = answer(call, tensor, place)
        if found is not None:
            return found
    if rule.pointwise:
        return aligned(tensor, out)
    if not rule.whole:
        if getattr(rule, "adaptive", False):
            n = len(rule.reach(call))
            pairs = zip(tensor.shape[-n:], out.shape[-n:])
            return [same(i - len(out.shape)) for i in range(rank - n)] + [adaptive(i - n, int(a), int(b)) for i, (a, b) in enumerate(pairs)]
        windows = rule.reach(call)
        if windows:
            return [slide(i - rank, windows[i - rank]) if i - rank in windows else ALL for i in range(rank)]
        if rule.view or rule.answer("moves", call) is True:
            return labelled(call, tensor, place)
    return [AT_MOST_ALL] * rank


def _first(out):
    while isinstance(out, list):
        out = out[0]
    return out


def aligned(tensor, out) -> list[Look]:
    """Matched cell by cell from the last axis; a stretched axis of 1 gives its one cell to all."""
    rank, gap = len(tensor.shape), len(out.shape) - len(tensor.shape)
    return [
        fixed(0) if int(n) == 1 and int(out.shape[i + gap]) != 1 else same(i - rank)
        for i, n in enumerate(tensor.shape)
    ]  # fmt: skip


def labelled(call, tensor, place: int) -> list[Look]:
    """Axes that only move: asked with sizes that carry a label, the rule itself says where each went. One that is gone was used whole."""
    labels = tuple(leaf(int(n), f"axis {i}") for i, n in enumerate(tensor.shape))
    args = {k: v for k, v in vars(call).items() if k not in ("rule", "out", "op")}
    shape = call.rule.shape
    names = shape.__code__.co_varnames[: shape.__code__.co_argcount]
    star = (
        shape.__code__.co_varnames[shape.__code__.co_argcount + shape.__code__.co_kwonlyargcount] if shape.__code__.co_flags & 0x04 else ""
    )

    def swap(v):
        if v is tensor:
            return Spec(labels, v.dtype)
        return type(v)(map(swap, v)) if type(v) in (list, tuple) else v

    positional = [swap(args.pop(n, None)) for n in names]  # not known is `out`, where the result is put: no size depends on it
    rest = swap(args.pop(star, ())) if star else ()
    made = shape(*positional, *rest, **{k: swap(v) for k, v in args.items()})
    made = _first(made) if isinstance(made, list) else made
    sizes = tuple(getattr(made, "shape", made))
    found = []
    for label in labels:
        where = [i for i, size in enumerate(sizes) if size is label]
        found.append(same(where[0] - len(sizes)) if where else ALL)
    return found


_LOOKS: dict[str, Callable] = {}
_looks = filed(_LOOKS)


told("moves", True, """sum mean amax amin max min prod std var norm logsumexp any all argmax argmin nansum nanmean median var_mean
    std_mean contiguous detach""")  # fmt: skip


@_looks("Tensor.view reshape flatten unflatten Tensor.view_as Tensor.reshape_as squeeze unsqueeze")
def _reshape(call, tensor, place):
    """The same numbers in the same order: axes fall into groups of equal product, and inside a group cells are counted through."""
    if place:
        return None
    before, after = [int(n) for n in tensor.shape], [int(n) for n in _first(call.out).shape]
    found: list[Look] = [fixed(0)] * len(before)
    i = j = 0
    while i < len(before):
        if before[i] == 1:
            i += 1
            continue
        group, many = [i], before[i]
        held: list[int] = []
        much, i = 1, i + 1
        while many != much:
            if many < much and i < len(before):
                many, i = many * before[i], i + 1
                group.append(i - 1)
            elif many > much and j < len(after):
                much, j = much * after[j], j + 1
                held.append(j - 1)
            else:
                return [AT_MOST_ALL] * len(before)
        held = [a for a in held if after[a] != 1]
        axes = [(a - len(after), after[a]) for a in held]
        for k in group:
            if len(held) == 1 and after[held[0]] == before[k]:
                found[k] = same(held[0] - len(after))
            elif before[k] != 1:
                inner = product([before[other] for other in group if other > k])
                found[k] = AT_MOST_ALL._replace(axis=axes[0][0] if len(axes) == 1 else None, joint=_counted(axes, inner, before[k], many))
    return found


def _counted(axes, inner: int, n: int, many: int):
    """Cells of one axis of a group, from the sets of cells along the output's axes of that group."""

    def joint(region):
        sets = [region[axis] for axis, _ in axes]
        asked = product([len(s) for s in sets])
        if asked == many:
            return frozenset(range(n)), True
        flat = [0]
        for (_, size), cells in zip(axes, sets):
            flat = [f * size + c for f in flat for c in cells]
        mine = frozenset(f // inner % n for f in flat)
        # Exact where the group's other axes are seen whole, or one number was asked for: a product of sets loses nothing then.
        return mine, asked == 1 or asked * n == len(mine) * many

    return joint


@_looks("Tensor.__getitem__ select narrow")
def _cut(call, tensor, place):
    if place:
        return None
    rank = len(tensor.shape)
    if call.op == "select":
        index: tuple = (*[slice(None)] * axis_of(call.dim, rank), call.index)
    elif call.op == "narrow":
        index = (*[slice(None)] * axis_of(call.dim, rank), slice(call.start, call.start + call.length))
    else:
        index = call.index if isinstance(call.index, tuple) else (call.index,)
    if any(not isinstance(i, (int, slice, type(None), type(Ellipsis))) or isinstance(i, bool) for i in index):
        return [AT_MOST_ALL] * rank
    named = sum(1 for i in index if i is not None and i is not Ellipsis)
    full = [slice(None)] * (rank - named)
    at = next((k for k, i in enumerate(index) if i is Ellipsis), len(index))
    index = (*index[:at], *full, *index[at + 1 :])
    kept = sum(1 for i in index if i is None or isinstance(i, slice))
    found, axis, place_out = [], 0, 0
    for i in index:
        if i is None:
            place_out += 1
        elif isinstance(i, slice):
            start, _, step = slice(*[None if x is None else int(x) for x in (i.start, i.stop, i.step)]).indices(int(tensor.shape[axis]))
            found.append(moved(place_out - kept, start, step))
            place_out, axis = place_out + 1, axis + 1
        else:
            found.append(fixed(int(i) % max(int(tensor.shape[axis]), 1)))
            axis += 1
    return found


def _mixing(tensor, out, axes) -> list[Look]:
    return [ALL if i in axes else look for i, look in enumerate(aligned(tensor, out))]


@_looks("softmax log_softmax softmin cumsum cumprod normalize torch.special.softmax torch.special.log_softmax")
def _along(call, tensor, place):
    dim = call.dim if call.dim is not None else 1
    return _mixing(tensor, call.out, axes_of(dim, len(tensor.shape)))


@_looks("layer_norm rms_norm")
def _norm_last(call, tensor, place):
    rank = len(tensor.shape)
    return _mixing(tensor, call.out, range(rank - len(call.normalized_shape), rank)) if not place else None


@_looks("group_norm instance_norm")
def _norm_places(call, tensor, place):
    return _mixing(tensor, call.out, range(1, len(tensor.shape))) if not place else None


@_looks("linear")
def _linear(call, tensor, place):
    return _mixing(tensor, call.out, [len(tensor.shape) - 1]) if not place else None


@_looks("matmul Tensor.__matmul__ bmm mm")
def _matmul(call, tensor, place):
    rank, out = len(tensor.shape), len(call.out.shape)
    if rank < 2 or out < 2:
        return None
    lead = [same(i - rank) for i in range(rank - 2)]
    return [*lead, same(-2), ALL] if place == 0 else [*lead, ALL, same(-1)]


@_looks("scaled_dot_product_attention")
def _attention(call, tensor, place):
    rank = len(tensor.shape)
    return [*[same(i - rank) for i in range(rank - 2)], same(-2) if place == 0 else ALL, ALL]


@_looks("pad")
def _pad(call, tensor, place):
    rank, found = len(tensor.shape), []
    for i in range(rank):
        at = 2 * (rank - 1 - i)
        before = int(call.pad[at]) if at < len(call.pad) else 0
        n = int(tensor.shape[i])
        fold = {"reflect": lambda j, n=n: abs(j) if j < n else 2 * (n - 1) - j, "replicate": lambda j, n=n: min(max(j, 0), n - 1),
                "circular": lambda j, n=n: j % n}.get(call.mode, lambda j: j)  # fmt: skip
        found.append(Look(i - rank, lambda j, b=before, fold=fold: (fold(j - b),), Fraction(1), Fraction(-before), Fraction(-before)))
    return found


@_looks("interpolate upsample")
def _resize(call, tensor, place):
    rank, found = len(tensor.shape), [same(i - len(tensor.shape)) for i in range(2)]
    for i in range(2, rank):
        n, out = int(tensor.shape[i]), int(call.out.shape[i])
        step = Fraction(n, out)
        if call.mode == "nearest":
            found.append(
                Look(
                    i - rank, lambda j, step=step, n=n: (min(floor(j * step), n - 1),), step, Fraction(1, step.denominator) - 1, Fraction(0)
                )
            )
        elif call.mode in ("linear", "bilinear", "trilinear") and not call.antialias:
            start = Fraction(0)
            if call.align_corners:
                step = Fraction(n - 1, out - 1) if out > 1 else Fraction(0)
            else:
                start = (step - 1) / 2

            def cells(j, step=step, start=start, n=n):
                at = max(j * step + start, Fraction(0))
                return {min(floor(at), n - 1), min(ceil(at), n - 1)}

            found.append(
                Look(
                    i - rank,
                    cells,
                    step,
                    start - 1 + Fraction(1, 2 * step.denominator),
                    start + 1 - Fraction(1, 2 * step.denominator),
                    span=2,
                )
            )
        else:
            found.append(AT_MOST_ALL)
    return found


@_looks("pixel_shuffle")
def _pixel_shuffle(call, tensor, place):
    rank, r = len(tensor.shape), int(call.upscale_factor)
    spread = [Look(a, lambda j: (j // r,), Fraction(1, r), Fraction(1, r) - 1, Fraction(0)) for a in (-2, -1)]
    return [*[same(i - rank) for i in range(rank - 3)], ALL, *spread]


@_looks("pixel_unshuffle")
def _pixel_unshuffle(call, tensor, place):
    rank, r = len(tensor.shape), int(call.downscale_factor)
    return [*[same(i - rank) for i in range(rank - 3)], ALL, slide(-2, Window(r, r)), slide(-1, Window(r, r))]


@_looks("channel_shuffle native_channel_shuffle glu")
def _channels(call, tensor, place):
    rank = len(tensor.shape)
    return [ALL if i == 1 else same(i - rank) for i in range(rank)]


@_looks("roll")
def _roll(call, tensor, place):
    rank = len(tensor.shape)
    by = (
        dict(zip(axes_of(call.dims, rank), [call.shifts] if isinstance(call.shifts, int) else call.shifts))
        if call.dims is not None
        else None
    )
    if by is None:
        return [AT_MOST_ALL] * rank
    # Round the edge: exact cell by cell; no one affine window covers it but the whole axis.
    return [
        Look(i - rank, lambda j, s=int(by[i]), n=int(tensor.shape[i]): ((j - s) % n,), Fraction(0), Fraction(0), Fraction(int(tensor.shape[i]) - 1))
        if i in by and int(by[i]) else same(i - rank)
        for i in range(rank)
    ]  # fmt: skip


@_looks("stack")
def _stack(call, tensor, place):
    out = len(call.out.shape)
    dim = axis_of(call.dim, out)
    return [same((i if i < dim else i + 1) - out) for i in range(out - 1)]


@_looks("cat concat concatenate")
def _cat(call, tensor, place):
    rank = len(tensor.shape)
    dim = axis_of(call.dim, rank)
    before = sum([int(t.shape[dim]) for t in call.tensors[:place]])
    return [moved(i - rank, -before) if i == dim else same(i - rank) for i in range(rank)]


_PIECES = {"chunk", "split", "unbind", "tensor_split", "Tensor.split_with_sizes", "torch.split_with_sizes", "Tensor.split"}


def _pieces(call, tensor, output: int) -> list[Look]:
    """Cut into pieces along one axis: piece number ``output`` begins where those before it end."""
    rank, out = len(tensor.shape), call.out if isinstance(call.out, list) else [call.out]
    dim = axis_of(call.dim, rank)
    if len(out[0].shape) < rank:
        return [fixed(output) if i == dim else same((i if i < dim else i - 1) - rank + 1) for i in range(rank)]
    before = sum(int(t.shape[dim]) for t in out[:output])
    return [moved(i - rank, before) if i == dim else same(i - rank) for i in range(rank)]


@_looks("einsum")
def _einsum(call, tensor, place):
    equation = call.equation if isinstance(call.equation, str) else ""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or "." in equation or place >= len(terms):
        return None
    return [same(right.index(a) - len(right)) if a in right else ALL for a in terms[place]]


__all__ = ["looks"]
