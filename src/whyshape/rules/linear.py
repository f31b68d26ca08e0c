"""Products of matrices and vectors: linear layers, matmul, bmm, bilinear."""

from __future__ import annotations

from typing import ClassVar

from whyshape.rules.base import Made, Rule, Unexplained, broadcast_shapes, given, layer, rule, stretched
from whyshape.rules.dtypes import COMPLEX, WHOLE, kinds, one_dtype, promote
from whyshape.rules.pointwise import matched
from whyshape.sizes import need, product


@rule("linear")
class Linear(Rule):
    """Every output is one weighted sum over the last axis of the input."""

    title = "linear"
    knobs = {"weight": ("out_features", "in_features"), "bias": ("out_features",)}

    @staticmethod
    def shape(input, weight, bias=None):
        x, w = input.shape, weight.shape
        if not len(x):
            need(False, "at least one axis is wanted, a single number arrives", wanted=1, arrived=0)
        if input.dtype is not weight.dtype:
            one_dtype(input, weight)
        if not 1 <= len(w) <= 2:
            need(False, "a weight of {wanted:axes} is wanted, {arrived:arrive}", wanted=2, arrived=len(w))
        n, m = x[-1], w[-1]
        if not (n.__class__ is int is m.__class__ and n == m):
            need(x[-1] == w[-1], "{wanted:features are} wanted on the last axis, {arrived:arrive}", wanted=w[-1], arrived=x[-1])
        if bias is not None:
            _shifted(bias, weight)
        return (*x[:-1], *w[:-1])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.weight.shape[-1]


def _shifted(bias, weight):
    """Demand one number for each output, or one for all of them."""
    b, w = bias.shape, weight.shape
    if bias.dtype is not weight.dtype:
        one_dtype(bias, weight)
    if len(b) > 1 or (len(w) == 1 and b):
        raise Unexplained("a bias of several axes")
    if b and b[0] is not w[0] and not (b[0].__class__ is int is w[0].__class__ and b[0] == w[0]):
        stretched(b[0], w[0], "{wanted:numbers are} wanted as bias, {arrived:arrive}")


@layer("Linear")
def linear_layer(net, input, in_features, out_features, bias=True):
    """A linear layer: weight (out_features, in_features)."""
    weight = net.parameter("weight", (out_features, in_features))
    return net.call("linear", input, weight, net.parameter("bias", (out_features,)) if bias else None)


def matmul_shape(a, b):
    """The sizes of ``a @ b``: vectors get an axis and lose it again, leading axes are matched cell by cell."""
    need(len(a) > 0 and len(b) > 0, "both must have at least one axis", wanted=1, arrived=0)
    inner = b[-2] if len(b) > 1 else b[0]
    need(a[-1] == inner, "{arrived:columns meet} {wanted:rows}", arrived=a[-1], wanted=inner)
    lead = broadcast_shapes(a[:-2], b[:-2])
    return (*lead, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


class _Product(Rule):
    """What products of matrices answer alike: one row of ``first`` times one column for every number that comes out."""

    title = "matrix product"
    inputs_first: ClassVar[tuple[str, ...]] = ("other", "mat2")
    first = "input"  # its argument whose rows are multiplied

    @classmethod
    def macs(cls, call):
        return product(call.out.shape) * getattr(call, cls.first).shape[-1]


@rule("matmul", "torch.linalg.matmul", "Tensor.__matmul__", "Tensor.__imatmul__")
class Matmul(_Product):
    """Rows of the first times columns of the second."""

    @staticmethod
    def shape(input, other, *, out=None):
        multiplied(input, other)
        return matmul_shape(input.shape, other.shape)


@rule("Tensor.__rmatmul__")
class RMatmul(_Product):
    """`other @ input`."""

    inputs_first = ("input",)
    first = "other"

    @staticmethod
    def shape(input, other):
        return Matmul.shape(other, input)


def multiplied(*tensors) -> None:
    """Demand numbers of one dtype, of which products can be added up: not true and false."""
    one_dtype(*tensors)
    if all(int(n) for t in tensors for n in t.shape):  # where nothing is added up no kernel is asked
        kinds(tensors[0].dtype, WHOLE, COMPLEX, "a product")


def _ranks(a, b, n):
    need(len(a) == n, "the first must have {wanted:axes}, {arrived:arrive}", wanted=n, arrived=len(a))
    need(len(b) == n, "the second must have {wanted:axes}, {arrived:arrive}", wanted=n, arrived=len(b))


@rule("mm")
class Mm(_Product):
    """Matrix times matrix."""

    @staticmethod
    def shape(input, mat2, *, out=None):
        _ranks(input.shape, mat2.shape, 2)
        multiplied(input, mat2)
        return matmul_shape(input.shape, mat2.shape)


@rule("bmm")
class Bmm(_Product):
    """A batch of matrices times a batch of matrices."""

    title = "batched matrix product"

    @staticmethod
    def shape(input, mat2, *, out=None):
        _ranks(input.shape, mat2.shape, 3)
        multiplied(input, mat2)
        need(input.shape[0] == mat2.shape[0], "{wanted:matrices meet} {arrived}", wanted=input.shape[0], arrived=mat2.shape[0])
        return matmul_shape(input.shape, mat2.shape)


@rule("mv")
class Mv(Rule):
    """Matrix times vector."""

    title = "matrix product"

    @staticmethod
    def shape(input, vec, *, out=None):
        need(len(input.shape) == 2, "the first must have {wanted:axes}, {arrived:arrive}", wanted=2, arrived=len(input.shape))
        need(len(vec.shape) == 1, "the second must have {wanted:axes}, {arrived:arrive}", wanted=1, arrived=len(vec.shape))
        multiplied(input, vec)
        return matmul_shape(input.shape, vec.shape)

    @staticmethod
    def macs(call):
        return product(call.input.shape)


@rule("dot", "vdot")
class Dot(Rule):
    """Vector times vector: one number."""

    title = "dot product"

    @staticmethod
    def shape(input, tensor, *, out=None):
        _ranks(input.shape, tensor.shape, 1)
        multiplied(input, tensor)
        return matmul_shape(input.shape, tensor.shape)

    @staticmethod
    def macs(call):
        return call.input.shape[0]


@rule("inner")
class Inner(Rule):
    """The last axis of one times the last axis of the other."""

    title = "dot product"

    @staticmethod
    def shape(input, other, *, out=None):
        a, b = input.shape, other.shape
        if not a or not b:
            return Made(*matched(input, other))
        multiplied(input, other)
        need(a[-1] == b[-1], "{wanted:numbers} on the last axis meet {arrived}", wanted=a[-1], arrived=b[-1])
        return (*a[:-1], *b[:-1])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * (call.input.shape[-1] if call.input.shape else 1)


@rule("outer", "ger")
class Outer(Rule):
    """Every number of one times every number of the other."""

    title = "outer product"

    @staticmethod
    def shape(input, vec2, *, out=None):
        _ranks(input.shape, vec2.shape, 1)
        return Made((input.shape[0], vec2.shape[0]), promote(input.dtype, vec2.dtype))

    @staticmethod
    def macs(call):
        return product(call.out.shape)


def _onto(input, shape):
    """The product's sizes, if ``input`` can be stretched to them."""
    need(len(input.shape) <= len(shape), "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=len(shape), arrived=len(input.shape))
    for n, m in zip(reversed(shape), reversed(input.shape)):
        stretched(m, n, "{arrived} cannot be added to {wanted}")
    return shape


@rule("addmm")
class AddMm(_Product):
    """A tensor plus matrix times matrix."""

    first = "mat1"

    @staticmethod
    def shape(input, mat1, mat2, *, beta=1, alpha=1, out=None):
        _ranks(mat1.shape, mat2.shape, 2)
        multiplied(input, mat1, mat2)
        return _onto(input, matmul_shape(mat1.shape, mat2.shape))


@rule("baddbmm")
class BAddBmm(_Product):
    """A tensor plus a batch of matrix products."""

    title = "batched matrix product"
    first = "batch1"

    @staticmethod
    def shape(input, batch1, batch2, *, beta=1, alpha=1, out=None):
        one_dtype(input, batch1)
        return _onto(input, Bmm.shape(batch1, batch2))


@rule("addbmm")
class AddBmm(Rule):
    """A tensor plus the sum of a batch of matrix products."""

    title = "batched matrix product"

    @staticmethod
    def shape(input, batch1, batch2, *, beta=1, alpha=1, out=None):
        one_dtype(input, batch1)
        return _onto(input, Bmm.shape(batch1, batch2)[1:])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.batch1.shape[0] * call.batch1.shape[-1]


@rule("addmv")
class AddMv(Rule):
    """A tensor plus matrix times vector."""

    title = "matrix product"

    @staticmethod
    def shape(input, mat, vec, *, beta=1, alpha=1, out=None):
        one_dtype(input, mat)
        made = Mv.shape(mat, vec)
        if not input.shape and int(made[0]) == 0:
            raise Unexplained("a single number onto no rows")  # PyTorch gives back the single number
        return _onto(input, made)

    @staticmethod
    def macs(call):
        return product(call.mat.shape)


@rule("addr")
class AddR(Rule):
    """A tensor plus an outer product."""

    title = "outer product"

    @staticmethod
    def shape(input, vec1, vec2, *, beta=1, alpha=1, out=None):
        made = Outer.shape(vec1, vec2)
        return Made(_onto(input, made.shape), promote(input.dtype, made.dtype))

    @staticmethod
    def macs(call):
        return product(call.out.shape)


@rule("chain_matmul")
class ChainMatmul(Rule):
    """Several matrices multiplied, in the cheapest order."""

    title = "matrix product"

    @staticmethod
    def shape(*matrices, out=None):
        shapes = [t.shape for t in given(matrices)]
        for x in shapes:
            need(len(x) == 2, "a matrix is wanted, {arrived:axes arrive}", arrived=len(x), wanted=2)
        return MultiDot.shape(*matrices) if len(shapes) > 1 else shapes[0]

    @staticmethod
    def macs(call):
        return _cheapest([t.shape for t in given(call.matrices)])


@rule("torch.linalg.multi_dot")
class MultiDot(Rule):
    """Several matrices multiplied, in the cheapest order; a vector may stand at either end."""

    title = "matrix product"

    @staticmethod
    def shape(*matrices, out=None):
        shapes = [t.shape for t in given(matrices)]
        need(len(shapes) > 1, "at least {wanted:matrices are} wanted, {arrived:arrive}", wanted=2, arrived=len(shapes))
        for i, x in enumerate(shapes):
            end = i in (0, len(shapes) - 1)
            need(len(x) == 2 or (end and len(x) == 1), "a matrix is wanted, {arrived:axes arrive}", arrived=len(x), wanted=2)
        made = shapes[0]
        for other in shapes[1:]:
            made = matmul_shape(made, other)
        return made

    @staticmethod
    def macs(call):
        return _cheapest([t.shape for t in given(call.matrices)])


def _cheapest(shapes):
    """The multiply-adds of a chain of products in the order that needs fewest."""
    rows = shapes[0][0] if len(shapes[0]) > 1 else 1  # a vector is a row where it comes first, a column where it comes last
    edges = [rows, *[x[-1] if i == 0 or len(x) > 1 else 1 for i, x in enumerate(shapes)]]
    least: dict = {(i, i): 0 for i in range(len(shapes))}
    for length in range(1, len(shapes)):
        for i in range(len(shapes) - length):
            j = i + length
            least[i, j] = min((least[i, k] + least[k + 1, j] + edges[i] * edges[k + 1] * edges[j + 1] for k in range(i, j)), key=int)
    return least[0, len(shapes) - 1]


@rule("kron")
class Kron(Rule):
    """Every number of one times all of the other."""

    title = "Kronecker product"

    @staticmethod
    def shape(input, other, *, out=None):
        a, b = tuple(input.shape), tuple(other.shape)
        a, b = (1,) * (len(b) - len(a)) + a, (1,) * (len(a) - len(b)) + b
        return Made(tuple([n * m for n, m in zip(a, b)]), promote(input.dtype, other.dtype))

    @staticmethod
    def macs(call):
        return product(call.out.shape)


@rule("bilinear")
class Bilinear(Rule):
    """Every output is a weighted sum over all pairs of one number from each input."""

    title = "bilinear"
    knobs = {"weight": ("out_features", "in1_features", "in2_features"), "bias": ("out_features",)}

    @staticmethod
    def shape(input1, input2, weight, bias=None):
        a, b, w = input1.shape, input2.shape, weight.shape
        need(len(w) == 3, "a weight of {wanted:axes} is wanted, {arrived:arrive}", wanted=3, arrived=len(w))
        need(len(a) > 0, "at least one axis is wanted, a single number arrives", wanted=1, arrived=0)
        one_dtype(input1, input2, weight)
        need(len(a) == len(b), "both inputs must have the same number of axes: {wanted}, {arrived:arrive}", wanted=len(a), arrived=len(b))
        for n, m in zip(a[:-1], b[:-1]):
            need(n == m, "the axes before the last must be equal: {wanted}, {arrived:arrive}", wanted=n, arrived=m)
        need(a[-1] == w[1], "{wanted:features are} wanted in the first input, {arrived:arrive}", wanted=w[1], arrived=a[-1])
        need(b[-1] == w[2], "{wanted:features are} wanted in the second input, {arrived:arrive}", wanted=w[2], arrived=b[-1])
        if bias is not None:
            one_dtype(bias, weight)
            n = product(bias.shape)
            need(n == w[0], "{wanted:numbers are} wanted as bias, {arrived:arrive}", wanted=w[0], arrived=n)
        return (*a[:-1], w[0])

    @staticmethod
    def macs(call):
        """The first input meets the weight, then what comes of it the second."""
        return product(call.out.shape) * (call.weight.shape[1] * call.weight.shape[2] + call.weight.shape[2])


@layer("Bilinear")
def bilinear_layer(net, input1, input2, in1_features, in2_features, out_features, bias=True):
    """A bilinear layer: weight (out_features, in1_features, in2_features)."""
    weight = net.parameter("weight", (out_features, in1_features, in2_features))
    return net.call("bilinear", input1, input2, weight, net.parameter("bias", (out_features,)) if bias else None)
