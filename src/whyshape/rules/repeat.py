"""Numbers repeated, rolled, mirrored, laid out on a grid or a diagonal."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, axes_at_least, axes_of, axis_of, exactly, given, rule
from whyshape.rules.dtypes import one_dtype, promote, summed
from whyshape.rules.index import whole_places
from whyshape.sizes import need, product, total


class _Repeat(Rule):
    title = "repeat"


def repeated(x, repeats):
    """Each axis as often as ``repeats`` says; more numbers than axes give new axes in front.

    >>> repeated((3, 4), (2, 1, 5))
    (2, 3, 20)
    """
    head = len(repeats) - len(x)
    for r in repeats:
        need(r >= 0, "repeats of at least 0 are wanted, {arrived} was chosen", arrived=r, wanted=0)
    return (*repeats[:head], *[n * r for n, r in zip(x, repeats[head:])])


@rule("Tensor.repeat")
class Repeat(_Repeat):
    """Copies side by side, so many along each axis."""

    @staticmethod
    def shape(input, *repeats, **named):
        repeats, x = given(repeats) or tuple(named.get("repeats", ())), input.shape
        need(len(repeats) >= len(x), "at least {wanted:numbers are} wanted, one for each axis; {arrived:are} given",
             wanted=len(x), arrived=len(repeats))  # fmt: skip
        return repeated(x, repeats)


@rule("tile")
class Tile(_Repeat):
    """Copies side by side; missing numbers count as 1."""

    @staticmethod
    def shape(input, *dims, **named):
        dims, x = given(dims) or tuple(named.get("dims", ())), input.shape
        return repeated(x, (1,) * (len(x) - len(dims)) + dims)


@rule("repeat_interleave")
class RepeatInterleave(_Repeat):
    """Every number several times in a row."""

    @staticmethod
    def shape(input, repeats=None, dim=None, *, output_size=None):
        x = input.shape
        if not isinstance(repeats, int):
            if output_size is None or dim is None:
                raise Unexplained("how often each is repeated stands in a tensor")
            counts = repeats.shape[0] if repeats.shape else 1
            whole_places(repeats, ("int64", "int32"))
            need(len(repeats.shape) <= 1, "repeats are one row, {arrived:axes arrive}", arrived=len(repeats.shape), wanted=1)
            if x:
                n = x[axis_of(dim, len(x))]
                need(
                    counts == n or counts == 1,
                    "{wanted:repeats are} wanted, one for each place; {arrived:arrive}",
                    wanted=n,
                    arrived=counts,
                )
                output_size = output_size if int(counts) and int(n) else 0  # nothing to repeat
        else:
            need(repeats >= 0, "repeats of at least 0 are wanted, {arrived} was chosen", arrived=repeats, wanted=0)
        if dim is None:
            return (product(x) * repeats,)
        axis = axis_of(dim, len(x))
        axes_at_least(1, x)
        size = x[axis] * repeats if isinstance(repeats, int) else output_size
        return (*x[:axis], size, *x[axis + 1 :])


@rule("roll")
class Roll(_Repeat):
    """Shifted along some axes; what leaves on one side comes in on the other."""

    title = "roll"

    @staticmethod
    def shape(input, shifts, dims=None):
        places = 1 if isinstance(shifts, int) else len(shifts)
        need(places > 0, "at least one shift is wanted, none is given", wanted=1, arrived=0)
        if dims is None or dims == ():
            need(places == 1, "{wanted:shifts are} given for {arrived:axes}", wanted=places, arrived=0)
        else:
            axes = (dims,) if isinstance(dims, int) else tuple(dims)
            need(len(axes) == places, "{wanted:shifts are} given for {arrived:axes}", wanted=places, arrived=len(axes))
            axes_at_least(1, input.shape)
            for d in axes:
                axis_of(d, len(input.shape))
        return input.shape


@rule("flip")
class Flip(_Repeat):
    """Mirrored along some axes."""

    title = "flip"

    @staticmethod
    def shape(input, *dims, **named):
        dims = given(dims) or named.get("dims", ())
        if dims:
            axes_of(dims, len(input.shape))
        return input.shape


@rule("fliplr")
class FlipLeftRight(_Repeat):
    """Mirrored left to right."""

    title = "flip"

    @staticmethod
    def shape(input):
        axes_at_least(2, input.shape)
        return input.shape


@rule("flipud")
class FlipUpDown(_Repeat):
    """Mirrored top to bottom."""

    title = "flip"

    @staticmethod
    def shape(input):
        need(len(input.shape) >= 1, "at least {wanted:axes are} wanted, {arrived:arrive}", wanted=1, arrived=0)
        return input.shape


@rule("rot90")
class Rot90(_Repeat):
    """Turned by quarter turns in the plane of two axes."""

    title = "turn"

    @staticmethod
    def shape(input, k=1, dims=(0, 1)):
        x = list(input.shape)
        places = (dims,) if isinstance(dims, int) else tuple(dims)
        need(len(places) == 2, "a plane of {wanted:axes} is wanted, {arrived:are} given", wanted=2, arrived=len(places))
        a, b = axes_of(places, len(x))
        if exactly(k) % 2:
            x[a], x[b] = x[b], x[a]
        return tuple(x)


@rule("tril", "triu")
class Triangle(_Repeat):
    """What lies on one side of a diagonal; the rest becomes zero."""

    title = "triangle"

    @staticmethod
    def shape(input, diagonal=0, *, out=None):
        x = input.shape
        axes_at_least(2, x)
        return x


@rule("diag")
class Diag(_Repeat):
    """A row as the diagonal of a matrix, or the diagonal of a matrix as a row."""

    title = "diagonal"

    @staticmethod
    def shape(input, diagonal=0, *, out=None):
        from whyshape.rules.index import Diagonal

        x = input.shape
        need(len(x) in (1, 2), "a row or a matrix is wanted, {arrived:axes arrive}", arrived=len(x), wanted=2)
        return Diagonal.shape(input, diagonal) if len(x) == 2 else (x[0] + abs(diagonal),) * 2


@rule("diagflat")
class DiagFlat(_Repeat):
    """All numbers as the diagonal of a matrix."""

    title = "diagonal"

    @staticmethod
    def shape(input, offset=0):
        return (product(input.shape) + abs(offset),) * 2


@rule("diag_embed")
class DiagEmbed(_Repeat):
    """The last axis as the diagonal of two new ones."""

    title = "diagonal"

    @staticmethod
    def shape(input, offset=0, dim1=-2, dim2=-1):
        x = input.shape
        axes_at_least(1, x)
        places = axes_of((dim1, dim2), len(x) + 1)
        rest, side = iter(x[:-1]), x[-1] + abs(offset)
        return tuple([side if a in places else next(rest) for a in range(len(x) + 1)])


@rule("meshgrid")
class Meshgrid(_Repeat):
    """The coordinates of a grid, one tensor for each axis."""

    title = "grid"

    @staticmethod
    def shape(*tensors, indexing="ij"):
        for t in given(tensors):
            need(len(t.shape) <= 1, "a row of coordinates is wanted, {arrived:axes arrive}", arrived=len(t.shape), wanted=1)
        one_dtype(*given(tensors))
        rows = [t.shape[0] if t.shape else 1 for t in given(tensors)]
        sizes = [rows[1], rows[0], *rows[2:]] if indexing == "xy" and len(rows) > 1 else rows
        return [Made(tuple(sizes), t.dtype) for t in given(tensors)]


@rule("cartesian_prod")
class CartesianProduct(_Repeat):
    """Every choice of one number from each row."""

    title = "grid"

    @staticmethod
    def shape(*tensors):
        tensors = given(tensors)
        for t in tensors:
            need(len(t.shape) == 1, "a row is wanted, {arrived:axes arrive}", arrived=len(t.shape), wanted=1)
        return tensors[0].shape if len(tensors) == 1 else (product(t.shape[0] for t in tensors), len(tensors))


@rule("combinations")
class Combinations(_Repeat):
    """Every choice of ``r`` numbers."""

    title = "grid"

    @staticmethod
    def shape(input, r=2, with_replacement=False):
        need(len(input.shape) == 1, "a row is wanted, {arrived:axes arrive}", arrived=len(input.shape), wanted=1)
        need(r >= 0, "a count of at least 0 is wanted, {arrived} was chosen", arrived=r, wanted=0)
        if r == 0:
            return (0,)
        n = input.shape[0]
        count = n + r - 1 if with_replacement else n
        ways = product(count - i for i in range(r)) // product(range(1, r + 1))
        return (ways, r)


@rule("block_diag")
class BlockDiag(_Repeat):
    """Matrices along the diagonal of a larger one."""

    title = "diagonal"

    @staticmethod
    def shape(*tensors):
        for t in tensors:
            need(len(t.shape) <= 2, "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(t.shape))
        pairs = [(1,) * (2 - len(t.shape)) + tuple(t.shape) for t in tensors]
        dtype = tensors[0].dtype
        for t in tensors[1:]:
            dtype = promote(dtype, t.dtype)
        return Made((total(p[0] for p in pairs), total(p[1] for p in pairs)), dtype)


@rule("torch.linalg.vander")
class LinalgVander(_Repeat):
    """The powers of every number of each row."""

    title = "powers"

    @staticmethod
    def shape(x, *, N=None):
        row = x.shape or (1,)
        count = row[-1] if N is None else N
        need(count > 1, "at least {wanted:powers are} wanted, {arrived:are} asked for", wanted=2, arrived=count)
        return Made((*row, count), summed(x.dtype))


@rule("vander")
class Vander(_Repeat):
    """The powers of every number."""

    title = "powers"

    @staticmethod
    def shape(x, N=None, increasing=True):
        row = x.shape
        need(len(row) == 1, "a row is wanted, {arrived:axes arrive}", arrived=len(row), wanted=1)
        if N is not None:
            need(N >= 0, "a count of at least 0 is wanted, {arrived} was chosen", arrived=N, wanted=0)
        return Made((*row, row[-1] if N is None else N), summed(x.dtype))
