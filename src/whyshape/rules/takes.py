"""Which numbers operators take: PyTorch's CPU has no kernel for some dtypes, whatever the sizes are.

One table for the operators whose refusal depends on dtypes alone. `base.rule` puts the question before the rule's `shape`; operators that
are not named here take everything, or ask for themselves where settings decide. The tests run every operator eagerly in every dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from whyshape.rules.dtypes import CATEGORY, KINDS, category, leave_to_autocast, name_of, one_dtype, result_type
from whyshape.sizes import need

MASK, WHOLE, FRACTIONS, COMPLEX = (frozenset(n for n, kind in CATEGORY.items() if kind == k) for k in range(4))
HALF = frozenset(("float16", "bfloat16", "complex32"))  # two bytes for a number: too few for some algorithms
ONE_DTYPE = frozenset(("one dtype",))  # nothing is refused but meeting another dtype

FIRST = lambda held, numbers: held[0].dtype  # what is asked: the dtype of the first tensor,
MET = result_type  # the one in which all operands meet,
EACH = None  # or each by itself
OFFERED = (("a floating point dtype", "float32"), ("a dtype of whole numbers", "int64"), ("a dtype of true and false", "bool"))


class Taken(NamedTuple):
    """What an operator refuses, of which of its tensors, and whether all of them must be of one dtype."""

    refused: frozenset[str]
    of: Callable | None = FIRST
    alike: bool = False


class Asking:
    """The `shape` of a rule behind the question which numbers arrive; it has the signature of the rule's own."""

    def __init__(self, op: str, taken: Taken, shape: Callable):
        self.what, self.taken, self.__wrapped__ = op.rpartition(".")[2].strip("_"), taken, shape
        self.__code__, self.__defaults__, self.__kwdefaults__ = shape.__code__, shape.__defaults__, shape.__kwdefaults__

    def __call__(self, *args, **kwargs):
        held: list[Any] = []
        numbers = []
        for value in (*args, *[v for k, v in kwargs.items() if k != "out"]) if kwargs else args:
            if hasattr(value, "dtype") and hasattr(value, "shape"):
                held.append(value)
            elif isinstance(value, (list, tuple)):
                held += [v for v in value if hasattr(v, "dtype") and hasattr(v, "shape")]
            elif isinstance(value, (int, float, complex)):
                numbers.append(value)
        if held:
            refused, of, alike = self.taken
            if alike:
                one_dtype(*held)
            for dtype in [t.dtype for t in held] if of is None else (of(held, numbers),):
                if name_of(dtype) in refused:
                    self.refuse(name_of(dtype))
        return self.__wrapped__(*args, **kwargs)

    def refuse(self, arrived: str) -> None:
        """Say so, with a dtype that would do."""
        leave_to_autocast()
        kind = f"{arrived} numbers" if arrived in HALF and not self.taken.refused >= FRACTIONS else KINDS[category(arrived)]
        asked, wanted = next((said, name) for said, name in OFFERED if name not in self.taken.refused)
        need(False, "{what} of {kind} is not defined: {asked} is wanted, {arrived} arrives",
             what=self.what, kind=kind, asked="float32" if arrived in HALF and wanted == "float32" else asked, wanted=wanted, arrived=arrived)  # fmt: skip


TAKES: dict[str, Taken] = {}


def asking(op: str, rule: type) -> type:
    """The rule for ``op``, with the question before it where the table has one."""
    if op not in TAKES:
        return rule
    return type(
        rule.__name__, (rule,), {"__module__": rule.__module__, "__doc__": rule.__doc__, "shape": Asking(op, TAKES[op], rule.shape)}
    )


def _take(taken: Taken, names: str) -> None:
    TAKES.update(dict.fromkeys(names.split(), taken))


def _special(names: str) -> str:
    return " ".join(f"torch.special.{n}" for n in names.split())


# One number at each place.
_take(Taken(COMPLEX), "erf erfc erfinv lgamma digamma i0 deg2rad rad2deg logit nanmean nansum signbit isposinf isneginf")
_take(Taken(COMPLEX), _special("digamma psi erf erfc erfinv gammaln i0 i0e i1 i1e logit entr ndtr"))
_take(Taken(COMPLEX, EACH), "polygamma torch.special.polygamma")
_take(Taken(COMPLEX | HALF), _special("""airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 erfcx log_ndtr ndtri modified_bessel_i0
    modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0"""))  # fmt: skip
_take(Taken(MASK | COMPLEX), "mvlgamma torch.special.multigammaln")
_take(Taken(MASK | WHOLE | COMPLEX), "frexp Tensor.cauchy_ Tensor.exponential_ Tensor.log_normal_")
_take(Taken(MASK | COMPLEX), "Tensor.geometric_")

# Two numbers, or three, at each place.
_take(
    Taken(COMPLEX, MET), "atan2 arctan2 clamp clip clamp_max clamp_min copysign logaddexp2 xlogy torch.special.xlogy torch.special.xlog1py"
)
_take(Taken(COMPLEX | HALF, MET), _special("""zeta chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
    hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t
    shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w"""))  # fmt: skip
_take(Taken(MASK | WHOLE | COMPLEX, MET), "igamma igammac torch.special.gammainc torch.special.gammaincc")
_take(Taken(COMPLEX, EACH, alike=True), "heaviside")
_take(Taken(HALF, EACH), "polar")
_take(Taken(frozenset(("bfloat16",)), EACH), "complex")
_take(Taken(ONE_DTYPE, alike=True), "isclose cartesian_prod")
_take(Taken(COMPLEX, EACH), "max min linspace logspace")
_take(Taken(MASK | COMPLEX, MET), "bucketize")
_take(Taken(MASK | COMPLEX, EACH), "isin")
_take(Taken(MASK | WHOLE), "normal")
_take(Taken(MASK, EACH), "trapezoid trapz cumulative_trapezoid dist l1_loss triplet_margin_loss")

# Products and what is built on them.
_take(Taken(MASK), "linear conv1d conv2d conv3d")
_take(Taken(MASK | WHOLE - {"int64"}), "conv_transpose1d conv_transpose2d conv_transpose3d")
_take(Taken(MASK, alike=True), "bilinear cross torch.linalg.cross torch.linalg.multi_dot chain_matmul")
_take(Taken(MASK), "trace corrcoef softmin")
_take(Taken(MASK | COMPLEX), "index_reduce")
_take(Taken(MASK | {"uint8"}), "gradient")
_take(Taken(MASK | WHOLE), "renorm")
_take(Taken(MASK | WHOLE, alike=True), "torch.linalg.vecdot")
_take(Taken(ONE_DTYPE, alike=True), "torch.linalg.solve torch.linalg.solve_ex torch.linalg.householder_product cholesky_solve")
_take(Taken(MASK | WHOLE | HALF), "torch.linalg.tensorinv")
_take(Taken(MASK | WHOLE | HALF, MET), "stft")
_take(Taken(MASK | HALF), "torch.linalg.vander")
_take(Taken(MASK | COMPLEX | WHOLE - {"int64"}), "local_response_norm")
_take(Taken(MASK | WHOLE | COMPLEX | {"bfloat16"}), "view_as_complex view_as_complex_copy")
_take(Taken(MASK | WHOLE | COMPLEX | HALF), "pdist")
_take(Taken(HALF, alike=True), "cdist")

# Windows, spectra, losses.
_take(Taken(MASK | WHOLE | COMPLEX), """max_unpool1d max_unpool2d max_unpool3d fractional_max_pool2d
    fractional_max_pool3d fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices""")  # fmt: skip
_take(Taken(HALF), "avg_pool3d")
_take(Taken(HALF), " ".join(f"torch.fft.{inverse}{kind}fft{n}" for inverse in ("", "i") for kind in ("", "h") for n in ("", "2", "n")))
_take(Taken(HALF), "torch.fft.irfft torch.fft.irfft2 torch.fft.irfftn")
_take(Taken(HALF | COMPLEX), " ".join(f"torch.fft.{kind}{n}" for kind in ("rfft", "ihfft") for n in ("", "2", "n")))
_take(Taken(COMPLEX, EACH), "cosine_embedding_loss")
_take(Taken(MASK | COMPLEX, EACH), "margin_ranking_loss")
_take(Taken(MASK | WHOLE | HALF | COMPLEX), "multi_margin_loss multilabel_margin_loss")
_take(Taken(MASK | WHOLE, EACH), "kl_div")
