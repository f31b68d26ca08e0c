"""Matrix products: linear layers, matmul, bmm."""

from __future__ import annotations

from whyshape.rules.base import Rule, broadcast_shapes, layer, rule
from whyshape.sizes import need, product


@rule("linear")
class Linear(Rule):
    """Every output is one weighted sum over the last axis of the input."""

    title = "linear"
    knobs = {"weight": ("out_features", "in_features"), "bias": ("out_features",)}

    @staticmethod
    def shape(input, weight, bias=None):
        x, w = input.shape, weight.shape
        need(len(x) >= 1, "at least one axis is wanted, a single number arrives", wanted=1, arrived=0)
        need(x[-1] == w[-1], "{wanted} features are wanted on the last axis, {arrived} arrive", wanted=w[-1], arrived=x[-1])
        return (*x[:-1], *w[:-1])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.weight.shape[-1]


@layer("Linear")
def linear_layer(net, input, in_features, out_features, bias=True):
    """A linear layer: weight (out_features, in_features)."""
    weight = net.parameter("weight", (out_features, in_features))
    return net.call("linear", input, weight, net.parameter("bias", (out_features,)) if bias else None)


def matmul_shape(a, b):
    """The sizes of ``a @ b``: vectors get an axis and lose it again, leading axes are matched cell by cell."""
    need(len(a) > 0 and len(b) > 0, "both must have at least one axis", wanted=1, arrived=0)
    inner = b[-2] if len(b) > 1 else b[0]
    need(a[-1] == inner, "{arrived} columns meet {wanted} rows", arrived=a[-1], wanted=inner)
    lead = broadcast_shapes(a[:-2], b[:-2])
    return (*lead, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


@rule("matmul", "Tensor.__matmul__", "Tensor.__imatmul__")
class Matmul(Rule):
    """Rows of the first times columns of the second."""

    title = "matrix product"

    @staticmethod
    def shape(input, other, *, out=None):
        return matmul_shape(input.shape, other.shape)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.input.shape[-1]


@rule("Tensor.__rmatmul__")
class RMatmul(Rule):
    """`other @ input`."""

    title = "matrix product"

    @staticmethod
    def shape(input, other):
        return matmul_shape(other.shape, input.shape)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.other.shape[-1]


def _ranks(a, b, n):
    need(len(a) == n, "the first must have {wanted} axes, {arrived} arrive", wanted=n, arrived=len(a))
    need(len(b) == n, "the second must have {wanted} axes, {arrived} arrive", wanted=n, arrived=len(b))


@rule("mm")
class Mm(Rule):
    """Matrix times matrix."""

    title = "matrix product"

    @staticmethod
    def shape(input, mat2, *, out=None):
        _ranks(input.shape, mat2.shape, 2)
        return matmul_shape(input.shape, mat2.shape)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.input.shape[-1]


@rule("bmm")
class Bmm(Rule):
    """A batch of matrices times a batch of matrices."""

    title = "batched matrix product"

    @staticmethod
    def shape(input, mat2, *, out=None):
        _ranks(input.shape, mat2.shape, 3)
        need(input.shape[0] == mat2.shape[0], "{wanted} matrices meet {arrived}", wanted=input.shape[0], arrived=mat2.shape[0])
        return matmul_shape(input.shape, mat2.shape)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.input.shape[-1]
