"""More operators to hold against PyTorch: losses, linear algebra, Fourier transforms, recurrent networks, looking up."""

import torch
import torch.nn.functional as F
from torch import nn

S = (3, 4)
P = (2, 4, 6)
A = (2, 3, 3)
T = lambda *shape: torch.full(shape or S, 0.5)
AT = torch.tensor([[0, 1, 2], [2, 1, 0]])
ROWS = torch.tensor([0, 2])
CELLS = torch.zeros(3, 2, dtype=torch.long)
CLASSES = torch.tensor([0, 1, 2])
PLACES = torch.zeros(2, 3, dtype=torch.long)
L, fft, special = torch.linalg, torch.fft, torch.special


def spd(x):
    """A matrix that has every decomposition."""
    return x @ x.transpose(-1, -2) + 3 * torch.eye(x.shape[-1])


def distinct(x):
    """Numbers of which no two are equal."""
    return x + torch.arange(x.numel()).reshape(x.shape)


def complexed(x):
    return torch.complex(x, x)


REDUCED = {
    "l1_loss": (lambda x, **r: F.l1_loss(x, T(), **r), [S]),
    "l1_loss stretched": (lambda x, y, **r: F.l1_loss(x, y.expand(3, 4), **r), [S, (1, 4)]),
    "mse_loss of a constant": (lambda x, **r: F.mse_loss(x, T(), **r), [S]),
    "mse_loss weighted": (lambda x, **r: F.mse_loss(x, T(), weight=T(), **r), [S]),
    "smooth_l1_loss": (lambda x, y, **r: F.smooth_l1_loss(x, y, **r), [S, S]),
    "smooth_l1_loss without a curve": (lambda x, y, **r: F.smooth_l1_loss(x, y, beta=0.0, **r), [S, S]),
    "huber_loss": (lambda x, y, **r: F.huber_loss(x, y, **r), [S, S]),
    "huber_loss weighted": (lambda x, y, **r: F.huber_loss(x, y, weight=T(), **r), [S, S]),
    "soft_margin_loss": (lambda x, **r: F.soft_margin_loss(x, T(), **r), [S]),
    "hinge_embedding_loss": (lambda x, **r: F.hinge_embedding_loss(x, torch.ones(S), **r), [S]),
    "kl_div": (lambda x, **r: F.kl_div(x, T(), **r), [S]),
    "kl_div of both": (lambda x, y, **r: F.kl_div(x, y, **r), [S, S]),
    "kl_div of logarithms": (lambda x, **r: F.kl_div(x, T(), log_target=True, **r), [S]),
    "poisson_nll_loss": (lambda x, **r: F.poisson_nll_loss(x, T(), **r), [S]),
    "poisson_nll_loss of rates": (lambda x, **r: F.poisson_nll_loss(x, T(), log_input=False, full=True, **r), [S]),
    "binary_cross_entropy": (lambda x, **r: F.binary_cross_entropy(x.sigmoid(), T(), **r), [S]),
    "binary_cross_entropy weighted": (lambda x, **r: F.binary_cross_entropy(x.sigmoid(), T(), T(), **r), [S]),
    "binary_cross_entropy_with_logits": (lambda x, y, **r: F.binary_cross_entropy_with_logits(x, y, **r), [S, S]),
    "binary_cross_entropy_with_logits weighted": (
        lambda x, **r: F.binary_cross_entropy_with_logits(x, T(), T(4), pos_weight=T(4), **r),
        [S],
    ),
    "gaussian_nll_loss": (lambda x, v, **r: F.gaussian_nll_loss(x, T(), v, **r), [S, S]),
    "gaussian_nll_loss one variance each": (lambda x, v, **r: F.gaussian_nll_loss(x, T(), v, full=True, **r), [S, (3, 1)]),
    "gaussian_nll_loss of a constant variance": (lambda x, **r: F.gaussian_nll_loss(x, T(), T(), **r), [S]),
    "multilabel_margin_loss": (lambda x, **r: F.multilabel_margin_loss(x, torch.zeros(S, dtype=torch.long), **r), [S]),
    "multilabel_soft_margin_loss": (lambda x, **r: F.multilabel_soft_margin_loss(x, T(), **r), [S]),
    "multilabel_soft_margin_loss weighted": (lambda x, **r: F.multilabel_soft_margin_loss(x, T(), T(4), **r), [S]),
    "multi_margin_loss": (lambda x, **r: F.multi_margin_loss(x, CLASSES, **r), [S]),
    "multi_margin_loss weighted": (lambda x, **r: F.multi_margin_loss(x, CLASSES, weight=T(4), **r), [S]),
    "cosine_embedding_loss": (lambda x, y, **r: F.cosine_embedding_loss(x, y, torch.ones(3), **r), [S, S]),
    "cosine_embedding_loss of a constant": (lambda x, **r: F.cosine_embedding_loss(x, T(), torch.ones(3), **r), [S]),
    "margin_ranking_loss": (lambda x, y, **r: F.margin_ranking_loss(x, y, torch.ones(3), margin=0.1, **r), [(3,), (3,)]),
    "triplet_margin_loss": (lambda a, p, n, **r: F.triplet_margin_loss(a, p, n, **r), [S, S, S]),
    "triplet_margin_loss swapped": (lambda a, p, n, **r: F.triplet_margin_loss(a, p, n, swap=True, **r), [S, S, S]),
    "ctc_loss": (lambda x, **r: F.ctc_loss(x.log_softmax(-1), PLACES + 1, (7, 7), (3, 2), **r), [(7, 2, 5)]),
    "nll_loss": (lambda x, **r: F.nll_loss(x, CLASSES, **r), [S]),
    "nll_loss weighted": (lambda x, **r: F.nll_loss(x, CLASSES, T(4), **r), [S]),
    "nll_loss of places": (lambda x, **r: F.nll_loss(x, torch.zeros(2, 4, 4, dtype=torch.long), **r), [(2, 5, 4, 4)]),
    "cross_entropy weighted": (lambda x, **r: F.cross_entropy(x, CLASSES, T(4), **r), [S]),
    "cross_entropy smoothed": (lambda x, **r: F.cross_entropy(x, CLASSES, label_smoothing=0.1, **r), [S]),
    "cross_entropy smoothed and weighted": (lambda x, **r: F.cross_entropy(x, CLASSES, T(4), label_smoothing=0.1, **r), [S]),
    "cross_entropy of places": (
        lambda x, **r: F.cross_entropy(x, torch.zeros(2, 4, 4, dtype=torch.long), label_smoothing=0.1, **r),
        [(2, 5, 4, 4)],
    ),
    "cross_entropy of probabilities": (lambda x, **r: F.cross_entropy(x, T(), **r), [S]),
    "cross_entropy of learned probabilities": (lambda x, y, **r: F.cross_entropy(x, y, **r), [S, S]),
    "cross_entropy of probabilities weighted": (lambda x, **r: F.cross_entropy(x, T(), T(4), **r), [S]),
    "cross_entropy of probabilities smoothed": (lambda x, **r: F.cross_entropy(x, T(), label_smoothing=0.1, **r), [S]),
    "cross_entropy of one": (lambda x, **r: F.cross_entropy(x, torch.tensor(1), **r), [(5,)]),
}  # fmt: skip
LOSSES = {
    f"{name}, {how}": (lambda *x, loss=loss, how=how: loss(*x, reduction=how), shapes)
    for name, (loss, shapes) in REDUCED.items()
    for how in ("mean", "sum", "none")
}

SPECIAL = "digamma entr erf erfc erfcx erfinv exp2 expit expm1 gammaln i0 i0e i1 i1e log1p log_ndtr logit ndtr ndtri psi sinc softmax"
ALGEBRA = {
    **{f"special.{n}": (lambda x, n=n: getattr(special, n)(x * 0.3, *([1] if n == "softmax" else [])), [S]) for n in SPECIAL.split()},
    **{
        n: (lambda x, n=n: getattr(torch, n)(x * 0.3), [S])
        for n in ["angle", "rad2deg", "arcsin", "arccos", "arctan", "arcsinh", "arctanh", "conj_physical", "fix"]
    },
    "arccosh": (lambda x: torch.arccosh(x + 1), [S]),
    "mvlgamma": (lambda x: torch.mvlgamma(x + 3, 2), [S]),
    "polygamma": (lambda x: torch.polygamma(1, x), [S]),
    **{
        n: (getattr(torch, n), [S, (4,)])
        for n in ["floor_divide", "hypot", "arctan2", "copysign", "logaddexp", "logaddexp2", "heaviside", "fmod", "remainder", "complex", "polar"]
        if n not in ("complex", "polar")
    },
    "complex": (lambda x, y: torch.complex(x, y).abs(), [S, S]),
    "polar": (lambda x, y: torch.view_as_real(torch.polar(x, y)), [S, S]),
    "x % 2": (lambda x: x % 2, [S]),
    "2 ** x": (lambda x: 2**x, [S]),
    "addcdiv": (torch.addcdiv, [S, (4,), S]),
    "masked_scatter": (lambda x, y: x.masked_scatter(torch.ones(S, dtype=torch.bool), y), [S, S]),
    "fake_quantize": (lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255), [S]),
    **{
        f"linalg.{n}": (lambda x, n=n: getattr(L, n)(spd(x)), [A])
        for n in ["inv", "cholesky", "matrix_exp", "det", "slogdet", "pinv", "qr", "svd", "svdvals", "eigh", "eigvalsh", "matrix_norm"]
    },
    **{n: (lambda x, n=n: getattr(torch, n)(spd(x)), [A]) for n in ["inverse", "cholesky", "matrix_exp", "cholesky_inverse", "logdet", "slogdet", "qr", "svd"]},
    "det of one": (lambda x: torch.det(spd(x)), [(3, 3)]),
    **{f"matrix_power {n}": (lambda x, n=n: torch.matrix_power(spd(x), n), [A]) for n in (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 13)},
    **{f"matrix_norm {n}": (lambda x, n=n: L.matrix_norm(x, n), [(2, 5, 3)]) for n in ("fro", "nuc", 2, -2, 1, -1, float("inf"))},
    **{f"{n} {shape}": (lambda x, n=n: getattr(L, n)(x), [shape]) for n in ("qr", "svd", "svdvals", "pinv") for shape in ((2, 5, 3), (2, 3, 5))},
    "svd thin": (lambda x: L.svd(x, full_matrices=False), [(2, 5, 3)]),
    "qr complete": (lambda x: L.qr(x, mode="complete"), [(2, 5, 3)]),
    "eig": (lambda x: [t.abs() for t in L.eig(x)], [A]),
    "eigvals": (lambda x: L.eigvals(x).abs(), [A]),
    "solve": (lambda a, b: L.solve(spd(a), b), [A, (2, 3, 4)]),
    "solve one": (lambda a, b: L.solve(spd(a), b), [(3, 3), (3,)]),
    "solve from the right": (lambda a, b: L.solve(spd(a), b, left=False), [A, (2, 4, 3)]),
    "solve for a constant": (lambda a: L.solve(spd(a), torch.ones(2, 3, 4)), [A]),
    "solve_triangular": (lambda a, b: L.solve_triangular(spd(a), b, upper=True), [A, (2, 3, 4)]),
    "cholesky_solve": (lambda b, a: torch.cholesky_solve(b, spd(a)), [(2, 3, 4), A]),
    "vdot": (torch.vdot, [(4,), (4,)]),
    "inner": (torch.inner, [(2, 3, 4), (5, 4)]),
    "inner with a constant": (lambda x: torch.inner(x, torch.ones(5, 4)), [(2, 3, 4)]),
    "ger": (torch.ger, [(3,), (4,)]),
    "kron": (torch.kron, [(2, 3), (4, 5)]),
    "addmv": (torch.addmv, [(3,), S, (4,)]),
    **{f"{n} of a constant": (lambda x, n=n: getattr(torch, n)(x, T(4)), [S]) for n in ["hypot", "arctan2", "copysign", "logaddexp", "remainder", "fmod"]},
    **{f"{n} of a constant first": (lambda x, n=n: getattr(torch, n)(T(4), x), [S]) for n in ["hypot", "arctan2", "copysign", "logaddexp"]},
    "addcdiv of a constant": (lambda x: torch.addcdiv(x, T(4), T()), [S]),
    "addcmul of constants": (lambda x: torch.addcmul(T(), x, T()), [S]),
    "cdist to a constant": (lambda x: torch.cdist(x, T(5, 4)), [S]),
    "dist to a constant": (lambda x: torch.dist(x, T()), [S]),
    "solve_triangular for a constant": (lambda a: L.solve_triangular(spd(a), T(2, 3, 4), upper=True), [A]),
    "cholesky_solve for a constant": (lambda a: torch.cholesky_solve(T(2, 3, 4), spd(a)), [A]),
    "tensordot with a constant": (lambda a: torch.tensordot(a, T(4, 5), 1), [(2, 3, 4)]),
    "kron with a constant": (lambda a: torch.kron(a, T()), [(2, 3)]),
    "pairwise_distance to a constant": (lambda x: F.pairwise_distance(x, T()), [S]),
    "addr": (torch.addr, [S, (3,), (4,)]),
    "vecdot": (L.vecdot, [S, S]),
    "cross": (torch.cross, [(4, 3), (4, 3)]),
    "linalg.cross": (L.cross, [(4, 3), (1, 3)]),
    "tensordot": (lambda a, b: torch.tensordot(a, b, 1), [(2, 3, 4), (4, 5)]),
    "tensordot of two axes": (lambda a, b: torch.tensordot(a, b, 2), [(2, 3, 4), (3, 4, 5)]),
    "tensordot with copies": (lambda a, b: torch.tensordot(a, b, ([0, 2], [1, 0])), [(2, 3, 4), (4, 2, 5)]),
    "cosine_similarity": (F.cosine_similarity, [S, S]),
    "cosine_similarity stretched": (F.cosine_similarity, [(3, 4, 2), (1, 4, 2)]),
    **{f"pairwise_distance {p}": (lambda x, y, p=p: F.pairwise_distance(x, y, p), [S, (4,)]) for p in (1.0, 2.0, 3.0)},
    **{f"cdist {p}": (lambda x, y, p=p: torch.cdist(x, y, p), [(2, 30, 4), (2, 5, 4)]) for p in (1.0, 2.0, 3.0)},
    "pdist": (F.pdist, [(5, 4)]),
    "dist": (torch.dist, [S, S]),
    **{f"fft.{n}": (lambda x, n=n: getattr(fft, n)(x).abs(), [P]) for n in ["fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "ihfft", "rfft2", "rfftn"]},
    **{f"fft.{n} of complex": (lambda x, n=n: getattr(fft, n)(complexed(x)).abs(), [P]) for n in ["fft", "fft2", "fftn", "irfft", "irfft2", "irfftn"]},
    "rfft longer": (lambda x: fft.rfft(x, 8).abs(), [P]),
    "rfft shorter": (lambda x: fft.rfft(x, 4).abs(), [P]),
    "rfft along": (lambda x: fft.rfft(x, dim=1).abs(), [P]),
    "rfft2 to a size": (lambda x: fft.rfft2(x, (6, 4)).abs(), [P]),
    "rfftn to a size": (lambda x: fft.rfftn(x, (3, 5)).abs(), [P]),
    "fftshift": (fft.fftshift, [P]),
    "stft": (lambda x: torch.stft(x, 8, return_complex=True).abs(), [(2, 32)]),
    "stft windowed": (lambda x, w: torch.stft(x, 8, 3, window=w, return_complex=True).abs(), [(2, 32), (8,)]),
    "stft through a constant": (lambda x: torch.stft(x, 8, window=torch.ones(8), return_complex=True).abs(), [(32,)]),
    "stft uncentred": (lambda x: torch.stft(x, 8, center=False, return_complex=True).abs(), [(2, 32)]),
    "stft narrow": (lambda x: torch.stft(x, 8, win_length=6, window=torch.ones(6), return_complex=True).abs(), [(2, 32)]),
    "stft of nothing beyond": (lambda x: torch.stft(x, 8, pad_mode="constant", return_complex=True).abs(), [(2, 32)]),
    "istft": (lambda x: torch.istft(complexed(x), 8, window=torch.ones(8)), [(2, 5, 10)]),
    "istft of a length": (lambda x: torch.istft(complexed(x), 8, win_length=6, window=torch.ones(6), length=20), [(2, 5, 10)]),
    **{n: (getattr(torch, n), [S]) for n in ["nanmean", "nansum", "var_mean", "std_mean", "median", "nanmedian"]},
    "nanmean of an axis": (lambda x: x.nanmean(1), [S]),
    "median of an axis": (lambda x: x.median(1)[0], [S]),
    **{n: (lambda x, n=n: getattr(torch, n)(distinct(x), 1), [S]) for n in ["cumprod", "logcumsumexp", "cummax", "cummin", "var_mean", "std_mean"]},
    "aminmax": (lambda x: torch.aminmax(x, dim=1), [S]),
    "quantile": (lambda x: torch.quantile(x, 0.5, 1), [P]),
    "quantiles": (lambda x: torch.quantile(x, torch.tensor([0.1, 0.9]), 1, keepdim=True), [P]),
    "quantile of all": (lambda x: torch.nanquantile(x, 0.3), [P]),
    "quantile nearest": (lambda x: torch.quantile(x, 0.5, 1, interpolation="nearest"), [P]),
    "renorm": (lambda x: torch.renorm(x, 2, 0, 1.0), [S]),
    "trapezoid": (torch.trapezoid, [S]),
    "msort": (torch.msort, [S]),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), [(2, 4, 6, 6)]),
    "local_response_norm of rows": (lambda x: F.local_response_norm(x, 2), [(2, 4, 6)]),
    "lp_pool3d": (lambda x: F.lp_pool3d(x, 2, 2), [(2, 4, 6, 6, 6)]),
    "fractional_max_pool2d": (lambda x: F.fractional_max_pool2d(x, 2, 3), [(2, 4, 6, 6)]),
    "fractional_max_pool3d": (lambda x: F.fractional_max_pool3d(x, 2, 3), [(2, 4, 6, 6, 6)]),
    "attention of numbers apart": (
        lambda q, k, v: F.scaled_dot_product_attention(q.transpose(2, 3), k, v),
        [(2, 2, 4, 3), (2, 2, 5, 4), (2, 2, 5, 4)],
    ),
    **{
        f"{n} of maps lying in turns": (
            lambda x, f=f: f(x[:, :, :, 0].permute(0, 3, 1, 2)).permute(0, 2, 3, 1).reshape(-1, 4).square(), [(2, 4, 6, 3, 4)])
        for n, f in {"max_pool2d": lambda x: F.max_pool2d(x, 2), "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
                     "conv2d": lambda x: F.conv2d(x, torch.ones(4, 4, 3, 3)), "interpolate": lambda x: F.interpolate(x, scale_factor=2)}.items()
    },
    "affine_grid": (lambda t: F.affine_grid(t, [2, 3, 4, 5]), [(2, 2, 3)]),
    "embedding_bag": (lambda w: F.embedding_bag(AT, w), [(5, 4)]),
    "embedding_bag of sums": (lambda w: F.embedding_bag(AT, w, mode="sum"), [(5, 4)]),
    "embedding_bag of largest": (lambda w: F.embedding_bag(AT, w, mode="max"), [(5, 4)]),
    "embedding_bag from offsets": (lambda w: F.embedding_bag(AT.view(-1), w, torch.tensor([0, 2])), [(5, 4)]),
    "embedding_bag weighted": (lambda w, p: F.embedding_bag(AT, w, mode="sum", per_sample_weights=p), [(5, 4), (2, 3)]),
    "scatter": (lambda x, y: x.scatter(1, CELLS, y), [S, (3, 2)]),
    "scatter of a constant": (lambda x: x.scatter(1, CELLS, torch.ones(3, 2)), [S]),
    "scatter_add": (lambda x, y: x.scatter_add(1, CELLS, y), [S, (3, 2)]),
    "scatter_add of a constant": (lambda x: x.scatter_add(1, CELLS, torch.ones(3, 2)), [S]),
    "scatter_reduce": (lambda x, y: x.scatter_reduce(1, CELLS, y, "amax"), [S, (3, 2)]),
    "take": (lambda x: torch.take(x, ROWS), [S]),
    "index_add": (lambda x, y: x.index_add(0, ROWS, y), [S, (2, 4)]),
    "index_add of a constant": (lambda x: x.index_add(0, ROWS, torch.ones(2, 4)), [S]),
    "index_copy of a constant": (lambda x: x.index_copy(0, ROWS, torch.ones(2, 4)), [S]),
    "put of a constant": (lambda x: x.put(ROWS, torch.ones(2)), [S]),
    "index_copy": (lambda x, y: x.index_copy(0, ROWS, y), [S, (2, 4)]),
    "index_fill": (lambda x: x.index_fill(0, ROWS, 1.0), [S]),
    "index_put of a constant": (lambda x: x.index_put((ROWS,), torch.ones(2, 4)), [S]),
    "index_reduce": (lambda x, y: x.index_reduce(0, ROWS, y, "mean"), [S, (2, 4)]),
    "put": (lambda x, y: x.put(ROWS, y), [S, (2,)]),
    "select_scatter": (lambda x, y: x.select_scatter(y, 0, 1), [S, (4,)]),
    "slice_scatter": (lambda x, y: x.slice_scatter(y, 0, 0, 2), [S, (2, 4)]),
    "rot90": (torch.rot90, [S]),
    "diag": (torch.diag, [(3,)]),
    "meshgrid": (lambda x, y: torch.meshgrid(x, y, indexing="ij"), [(3,), (4,)]),
    "block_diag": (torch.block_diag, [S, S]),
    "column_stack": (lambda x, y: torch.column_stack((x, y)), [S, S]),
}  # fmt: skip


def recurrent():
    """Step by step, in every form: (make, shape of the input)."""
    settings = {
        "": {}, "2 layers": {"num_layers": 2}, "both ways": {"bidirectional": True}, "2 layers both ways": {"num_layers": 2, "bidirectional": True},
        "3 layers with dropout": {"num_layers": 3, "dropout": 0.5}, "both ways with dropout": {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
        "without biases": {"bias": False}, "batch first": {"batch_first": True},
    }  # fmt: skip
    for name, given in settings.items():
        for kind in ("LSTM", "GRU", "RNN"):
            for shape in ((5, 3, 4), (1, 3, 4), (5, 1, 4), (5, 4)):
                yield f"{kind} {name} {shape}", (lambda kind=kind, given=given: getattr(nn, kind)(4, 7, **given)), shape
    yield "LSTM with a projection", lambda: nn.LSTM(4, 7, 2, proj_size=2, bidirectional=True), (5, 3, 4)
    yield "RNN of relu", lambda: nn.RNN(4, 7, nonlinearity="relu"), (5, 3, 4)
    for kind in ("LSTMCell", "GRUCell", "RNNCell"):
        yield kind, (lambda kind=kind: getattr(nn, kind)(4, 7)), (3, 4)


RECURRENT = {name: (make, shape) for name, make, shape in recurrent()}
