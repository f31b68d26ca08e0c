"""Places resampled: to a chosen size, by a factor, or where a grid says."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule
from whyshape.rules.dtypes import FRACTION, category, kinds, name_of, one_dtype
from whyshape.rules.pool import adaptive_sizes, occupied_all
from whyshape.sizes import need, scaled

RANKS = {"nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5), "linear": (3,), "bilinear": (4,), "bicubic": (4,),
         "trilinear": (5,), "lanczos": (4,)}  # fmt: skip
IMAGES = ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos")  # they also take uint8, as images come
COUNTED = ("nearest", "nearest-exact", "area")  # they pick or count cells: nothing to align


def _form(mode, rank, align_corners, antialias) -> None:
    """Demand a mode that exists for that rank, with settings it knows."""
    need(mode in RANKS, "mode is one of {wanted}; {arrived!r} was chosen", wanted=", ".join(RANKS), arrived=mode)
    ranks = RANKS[mode]
    need(rank in ranks, "{mode} wants a tensor of {wanted:axes}, {arrived:arrive}",
         mode=mode, wanted=" or ".join(map(str, ranks)), arrived=rank)  # fmt: skip
    need(align_corners is None or mode not in COUNTED, "{mode} has no align_corners", mode=mode)
    need(not antialias or mode in ("bilinear", "bicubic", "lanczos"), "{mode} has no antialias", mode=mode)
    need(mode != "lanczos" or (antialias and not align_corners), "lanczos wants antialias=True and no align_corners")


def _places(x, size, scale_factor):
    """The sizes asked for."""
    n = len(x)
    need((size is None) != (scale_factor is None), "exactly one of size and scale_factor is wanted, {arrived:are} given",
         wanted=1, arrived=0 if size is None else 2)  # fmt: skip
    if size is not None:
        places = tuple(size) if isinstance(size, (tuple, list)) else (size,) * n
        need(all(isinstance(place, int) for place in places), "size is a whole number, {arrived} was chosen", arrived=size)
        need(len(places) == n, "size has {arrived:numbers}, {wanted:are} wanted", arrived=len(places), wanted=n)
        return places
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * n
    need(len(factors) == n, "scale_factor has {arrived:numbers}, {wanted:are} wanted", arrived=len(factors), wanted=n)
    return tuple([a * f if isinstance(f, int) else scaled(a, f) for a, f in zip(x, factors)])


@rule("interpolate")
class Interpolate(Rule):
    """The places resampled to a chosen size, or by a factor: ``floor(n * factor)``."""

    title = "resize"

    @staticmethod
    def shape(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False):
        x = input.shape
        _form(mode, len(x), align_corners, antialias)
        if not (name_of(input.dtype) == "uint8" and mode in IMAGES):
            kinds(input.dtype, FRACTION, FRACTION, f"{mode} resizing")
        need(size is None or not recompute_scale_factor, "recompute_scale_factor means nothing when size is given")
        places = _places(x[2:], size, scale_factor)
        if mode == "area":
            return adaptive_sizes(x, len(places), places, averages=True)
        occupied_all(x[1:])
        for a, b in zip(x[2:], places):
            if (b > 0) is not True:
                need(b > 0, "sizes of at least {wanted} are wanted: {size} becomes {arrived}", size=a, arrived=b, wanted=1)
        return (*x[:2], *places)

    @staticmethod
    def reach(call):
        n = len(call.out.shape) - 2
        windows = {i - n: _resampled(call.input.shape[i - n], call.out.shape[i - n], call) for i in range(n)}
        return None if None in windows.values() else windows


# How many cells an upsampled cell weighs, by mode: taps to either side of where it falls.
TAPS = {"nearest": 0, "nearest-exact": 0, "area": 0, "linear": 1, "bilinear": 1, "trilinear": 1, "bicubic": 2}


def _resampled(a, b, call) -> Window | None:
    """The window along an axis of ``a`` cells that becomes ``b``; None where it differs from cell to cell."""
    a, b, taps = int(a), int(b), TAPS.get(call.mode)
    given = call.scale_factor if call.size is None else None
    factor = given if isinstance(given, (int, float)) else None
    if a == b and factor in (None, 1):
        return Window(1)
    if taps is None or call.align_corners or call.antialias or (given is not None and (factor is None or b != a * factor)):
        return None
    if b % a == 0:  # a transposed convolution: each cell is spread over taps * factor cells to either side
        f = b // a
        if taps == 0:
            return Window(f, -f)
        if taps == 2 and f % 2:
            return None  # every f-th cell falls on a cell, where the cubic weights of all others are zero: a window with holes
        size = 2 * taps * f - f % 2
        return Window(size, -f, (size - f) // 2, 1, (size - f) // 2)
    if a % b == 0:
        f = a // b
        if call.mode == "area":
            return Window(f, f)
        if call.mode == "nearest":
            return Window(1, f, 0, 1, 1 - f)
        if taps == 0 or f % 2:  # the middle cell alone
            return Window(1, f, -(f // 2), 1, f // 2 + 1 - f)
        return Window(2 * taps, f, taps - f // 2, 1, taps - f // 2)
    return None


@layer("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def upsample_layer(net, input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    """Resampling to a size or by a factor."""
    need(not isinstance(scale_factor, list), "scale_factor is one number or a tuple, not {arrived}", arrived=scale_factor)
    many = isinstance(scale_factor, tuple)
    scale_factor = tuple(map(float, scale_factor)) if many else float(scale_factor) if scale_factor else None
    if net.name == "UpsamplingBilinear2d":
        mode, align_corners = "bilinear", True
    return net.call("interpolate", input, size, scale_factor, mode, align_corners, recompute_scale_factor)


def _sampled(x, grid, bicubic):
    need(len(x) in (4, 5), "an image of {wanted:axes} is wanted, {arrived:arrive}", wanted="4 or 5", arrived=len(x))
    need(len(grid) == len(x), "a grid of {wanted:axes} is wanted, {arrived:arrive}", wanted=len(x), arrived=len(grid))
    need(grid[-1] == len(x) - 2, "each place of the grid has {wanted:numbers}, {arrived:arrive}", wanted=len(x) - 2, arrived=grid[-1])
    need(grid[0] == x[0], "a grid for a batch of {wanted} is wanted, {arrived:arrive}", wanted=x[0], arrived=grid[0])
    need(not bicubic or len(x) == 4, "bicubic wants an image of {wanted:axes}, {arrived:arrive}", wanted=4, arrived=len(x))
    for size in x[2:]:
        need(size >= 1, "there must be something to sample, an axis has {arrived:cells}", arrived=size, wanted=1)
    return (*x[:2], *grid[1:-1])


class _Sampled(Rule):
    title = "sampling at a grid"

    @staticmethod
    def reach(call):
        return None  # the numbers in the grid say which cells


@rule("grid_sample")
class GridSample(_Sampled):
    """The image read at the places a grid says."""

    @staticmethod
    def shape(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
        for name, value, known in (("mode", mode, ("bilinear", "nearest", "bicubic")),
                                   ("padding_mode", padding_mode, ("zeros", "border", "reflection"))):  # fmt: skip
            need(value in known, "{name} is one of {wanted}; {arrived!r} was chosen", name=name, wanted=", ".join(known), arrived=value)
        kinds(input.dtype, FRACTION, FRACTION, "sampling")
        one_dtype(input, grid)
        return _sampled(input.shape, grid.shape, mode == "bicubic")


@rule("grid_sampler")
class GridSampler(_Sampled):
    """The same, its modes as numbers: 0 bilinear, 1 nearest, 2 bicubic."""

    @staticmethod
    def shape(input, grid, interpolation_mode, padding_mode, align_corners):
        return _sampled(input.shape, grid.shape, interpolation_mode == 2)


@rule("affine_grid", "affine_grid_generator")
class AffineGrid(Rule):
    """For each place of an image of the given size, where it falls when moved by ``theta``."""

    title = "affine grid"

    @staticmethod
    def shape(theta, size, align_corners=None):
        t, n = theta.shape, len(size) - 2
        need(category(theta.dtype) >= 2, "theta holds fractions; {arrived} arrives", arrived=str(theta.dtype), wanted="float32")
        need(n in (2, 3), "size has {wanted:numbers}, {arrived:are} given", wanted="4 or 5", arrived=len(size))
        need(len(t) == 3, "theta has {wanted:axes}, {arrived:arrive}", wanted=3, arrived=len(t))
        need(t[1] == n, "theta has {wanted:rows}, {arrived:arrive}", wanted=n, arrived=t[1])
        need(t[2] == n + 1, "theta has {wanted:columns}, {arrived:arrive}", wanted=n + 1, arrived=t[2])
        # PyTorch lets empty batches and channels pass where it warns that a grid of one cell has no corners to align.
        if not (align_corners and min(map(int, size[2:])) == 1):
            for one in size:
                need(one >= 1, "a size of at least {wanted} is wanted, {arrived} was chosen", wanted=1, arrived=one)
        need(t[0] == size[0], "theta for a batch of {wanted} is wanted, {arrived:arrive}", wanted=size[0], arrived=t[0])
        return (t[0], *size[2:], n)
