"""What autograd keeps of linear algebra, distances, Fourier transforms and statistics."""

from __future__ import annotations

from whyshape.rules.base import Spec, axes_of, axis_of, broadcast_shapes, told
from whyshape.rules.dtypes import REAL_OF, category, name_of
from whyshape.rules.kept import both, first, like, outs, product_of, run, steps, tensors

# -- one matrix, or many of them ---------------------------------------------------------------------------------------
told("saved", outs, "inverse torch.linalg.inv cholesky torch.linalg.cholesky torch.linalg.qr qr torch.linalg.eigh torch.linalg.eig")
told("saved", both, "cholesky_inverse pinverse torch.linalg.pinv")
told("saved", lambda call: [first(call)], "matrix_exp", "torch.linalg.matrix_exp")
told("saved", lambda call: [call.A, call.out], "torch.linalg.solve_triangular")
told("saved", lambda call: [*tensors(call)[:2], call.out], "cholesky_solve")


def _factors(a) -> list[Spec]:
    """Its LU decomposition: both factors in one, and which rows were swapped."""
    return [like(a), like(a, a.shape[:-1], "int32")]


def _solve(call):
    return [call.A, *_factors(call.A), call.out]


def _determinant(call):
    a, places = call.A, call.A.shape[:-2]
    if call.op == "logdet":  # the sign, and where it is negative
        return [a, *_factors(a), like(a, places), like(a, places, "bool")]
    return [a, *_factors(a), outs(call)[0]]


told("saved", _solve, "torch.linalg.solve")
told("saved", _determinant, "det", "logdet", "torch.linalg.det", "slogdet", "torch.linalg.slogdet")


def _vectors(a) -> list[Spec]:
    """The singular vectors, no more than there are values."""
    *lead, rows, columns = a.shape
    least = min(int(rows), int(columns))
    return [like(a, (*lead, rows, least)), like(a, (*lead, least, columns))]


def _svd(call):
    return outs(call) if getattr(call, "compute_uv", True) else None


def _eigenvalues(call):
    return [call.out, like(call.A, dtype=call.out.dtype)]


told("saved", _svd, "torch.linalg.svd", "svd")
told("saved", lambda call: [call.out, *_vectors(call.A)], "torch.linalg.svdvals")
told("saved", _eigenvalues, "torch.linalg.eigvalsh", "torch.linalg.eigvals")


def _matrix_norm(call):
    a, order = call.A, call.ord
    if order == "fro":
        return [a, call.out]
    if axes_of(call.dim, len(a.shape)) != (len(a.shape) - 2, len(a.shape) - 1):
        return None
    *lead, rows, columns = a.shape
    values = like(a, (*lead, min(int(rows), int(columns))))
    if order == "nuc":
        return [values, *_vectors(a)]
    if abs(order) == 2:
        return [values, *_vectors(a), call.out]
    return [a, like(a, (*lead, columns if abs(order) == 1 else rows)), call.out]


def _power(call):
    """As PyTorch multiplies: squares of squares, and those that the exponent asks for."""
    a, n = call.input, int(call.n)
    if n in (-1, 0, 1):
        return [call.out] if n < 0 else []
    base = a if n > 0 else like(a)
    n = abs(n)
    if n < 4:
        return [base, *[like(a)] * (n - 2)]
    kept, square, result = [], None, None  # what is multiplied is kept, each once
    while n:
        if square is not None:
            kept.append(square)
        square = base if square is None else like(a)
        if n % 2:
            if result is not None:
                kept += [result, square]
            result = square if result is None else like(a)
        n //= 2
    return list({id(t): t for t in kept}.values())


told("saved", _matrix_norm, "torch.linalg.matrix_norm")
told("saved", _power, "matrix_power", "torch.linalg.matrix_power")

# -- two of them -------------------------------------------------------------------------------------------------------
told("saved", product_of, "vdot ger torch.linalg.vecdot cross torch.linalg.cross kron")
told("saved", lambda call: product_of(call) if all(t.contiguous for t in tensors(call)) else None, "inner")


def _tensordot(call):
    """Each is put in two rows of axes, those summed over and the others: itself where that needs no copy."""
    a, b, dims = call.a, call.b, call.dims
    if isinstance(dims, int):
        summed = [range(len(a.shape) - dims, len(a.shape)), range(dims)]
    else:
        summed = [[axis_of(d, len(t.shape)) for d in (ds if isinstance(ds, (tuple, list)) else [ds])] for t, ds in zip((a, b), dims)]
    kept = []
    for t, over, mate in ((a, summed[0], b), (b, summed[1], a)):
        if mate.needs_grad:
            groups = [[i for i in range(len(t.shape)) if i not in over], list(over)]
            lies = steps(t)
            fits = all(run([t.shape[i] for i in group], [lies[i] for i in group]) for group in groups)
            kept.append(t if fits else like(t))
    return kept


told("saved", _tensordot, "tensordot")


# -- distances ---------------------------------------------------------------------------------------------------------
def _similarity(call):
    """Of each vector its length, bounded and not, and the vector of length one."""
    a, b = call.x1, call.x2
    if not (a.needs_grad and b.needs_grad):
        return None
    shape = broadcast_shapes(tuple(a.shape), tuple(b.shape))
    axis = axis_of(call.dim, len(shape))
    lengths = like(a, (*shape[:axis], 1, *shape[axis + 1 :]))
    return [a, b, *[lengths] * 4, *[like(a, shape)] * 2]


def _distances(call):
    return [call.x1, call.x2, call.out] if tuple(call.x1.shape[:-2]) == tuple(call.x2.shape[:-2]) else None


told("saved", _similarity, "cosine_similarity")
told("saved", _distances, "cdist")
told("saved", lambda call: [like(call.x1, broadcast_shapes(tuple(call.x1.shape), tuple(call.x2.shape))), call.out], "pairwise_distance")
told("saved", both, "pdist")
told("saved", lambda call: [*tensors(call)[:2], call.out], "dist")


# -- Fourier transforms: that of real numbers keeps them, cut or filled up to the length asked for ---------------------
def _transform(call):
    x = call.input
    if category(x.dtype) == 3 or call.op in MANY:
        return []
    rank, sizes = len(x.shape), list(x.shape)
    if hasattr(call, "n"):
        asked = {axis_of(call.dim, rank): call.n}
    else:
        length = None if call.s is None else list(call.s)
        if call.dim is not None:
            axes = axes_of(call.dim, rank)
        else:
            axes = tuple(range(rank - len(length), rank)) if length is not None else tuple(range(rank))
        asked = dict(zip(axes, length or [None] * len(axes)))
    for axis, n in asked.items():
        sizes[axis] = x.shape[axis] if n is None or n == -1 else n
    return [like(x, sizes) if any(int(n) > int(m) for n, m in zip(sizes, x.shape)) else x]


MANY = {f"torch.fft.{i}fft{n}" for i in ("", "i") for n in ("2", "n")}  # these make complex numbers first
told("saved", _transform, *MANY, "torch.fft.fft torch.fft.ifft torch.fft.rfft torch.fft.ihfft torch.fft.rfft2 torch.fft.rfftn")
told("saved", [], "torch.fft.irfft torch.fft.irfft2 torch.fft.irfftn torch.fft.fftshift torch.fft.ifftshift")


def _short_time(call):
    """The signal filled up at its ends, the window, and the pieces seen through it."""
    x, n = call.input, int(call.n_fft)
    if category(x.dtype) == 3:
        return None
    fills = call.center and call.pad_mode in ("reflect", "replicate")
    signal = like(x, (*x.shape[:-1], x.shape[-1] + 2 * (n // 2))) if call.center else x
    width, window = call.win_length or n, call.window
    kept = [x] if fills else []
    if window is None and int(width) == n:
        return [*kept, signal]
    frames = 1 + (int(signal.shape[-1]) - n) // int(call.hop_length or n // 4)
    through = window if window is not None and int(width) == n else like(x, (n,))
    return [
        *kept, through, *([signal] if window is not None and window.needs_grad else []), like(x, (*x.shape[:-1], frames, n)),
    ]  # fmt: skip


def _back_in_time(call):
    """The window, and how much of it lies over each place."""
    x, n, window = call.input, int(call.n_fft), call.window
    if window is not None and window.needs_grad:
        return None
    real = REAL_OF.get(name_of(x.dtype), "float32")
    hop = int(call.hop_length or n // 4)
    own = window is not None and int(call.win_length or n) == n
    return [window if own else Spec((n,), real), Spec((n + hop * (int(x.shape[-1]) - 1),), real)]


told("saved", _short_time, "stft")
told("saved", _back_in_time, "istft")


# -- statistics --------------------------------------------------------------------------------------------------------
def _quantile(call):
    """The numbers sorted, where each came from, and between which two the answer lies."""
    x, many = call.input, outs(call)[0].shape
    place = Spec(tuple(many), "int64")
    kept = [like(x, dtype="int64"), like(x), place]
    if call.interpolation == "linear":
        return [*kept, place, like(x, many)]
    return kept if call.interpolation in ("nearest", "lower", "higher") else None


told("saved", _quantile, "quantile", "nanquantile")
told("saved", lambda call: [first(call), like(call.out, dtype="int64")], "nanmean")
told("saved", lambda call: [first(call)], "nansum", "var_mean", "renorm")
told("saved", lambda call: [first(call), outs(call)[0]], "std_mean")
told("saved", lambda call: [first(call), *outs(call)], "aminmax", "cumprod", "logcumsumexp", "torch.special.logsumexp")
told("saved", lambda call: [] if call.x is None else None, "trapezoid", "trapz")
