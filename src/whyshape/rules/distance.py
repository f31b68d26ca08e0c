"""How near two vectors are: distances, and the cosine of their angle."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, axes_at_least, axis_of, broadcast_shapes, layer, rule
from whyshape.rules.dtypes import COMPLEX, FRACTION, WHOLE, default_float, kinds, promote, real_of
from whyshape.rules.pointwise import matched
from whyshape.rules.reduce import reduced
from whyshape.sizes import need, product


class _Distance(Rule):
    title = "distance"


@rule("cosine_similarity")
class CosineSimilarity(_Distance):
    """The cosine of the angle between vectors along ``dim``."""

    @staticmethod
    def shape(x1, x2, dim=1, eps=1e-8):
        shape, dtype = matched(x1, x2)
        kinds(dtype, FRACTION, FRACTION, "a cosine")
        return Made(reduced(shape, axis_of(dim, len(shape))), dtype)


@rule("pairwise_distance")
class PairwiseDistance(_Distance):
    """The length of the difference of vectors along the last axis."""

    @staticmethod
    def shape(x1, x2, p=2.0, eps=1e-6, keepdim=False):
        shape, dtype = matched(x1, x2)
        for t in (x1, x2):
            kinds(t.dtype, WHOLE, COMPLEX, "a distance")
        return Made(reduced(shape, -1, keepdim) if shape else shape, real_of(default_float(dtype)))


@rule("cdist")
class CDist(_Distance):
    """Every row of one against every row of the other."""

    @staticmethod
    def shape(x1, x2, p=2.0, compute_mode=None):
        a, b = x1.shape, x2.shape
        for t in (x1, x2):
            axes_at_least(2, t.shape)
            kinds(t.dtype, FRACTION, FRACTION, "a distance")
        need(a[-1] == b[-1], "rows of {wanted:numbers} meet rows of {arrived}", wanted=a[-1], arrived=b[-1])
        return (*broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-2])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.x1.shape[-1]


@rule("pdist")
class PDist(_Distance):
    """Every row against every later one."""

    @staticmethod
    def shape(input, p=2):
        x = input.shape
        need(len(x) == 2, "rows are wanted as {wanted:axes}, {arrived:arrive}", wanted=2, arrived=len(x))
        return (x[0] * (x[0] - 1) // 2,)


@layer("CosineSimilarity")
def cosine_similarity_layer(net, x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between two tensors' vectors."""
    return net.call("cosine_similarity", x1, x2, dim, eps)


@layer("PairwiseDistance")
def pairwise_distance_layer(net, x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The distance of two tensors' vectors."""
    return net.call("pairwise_distance", x1, x2, p, eps, keepdim)


@rule("cross")
class Cross(_Distance):
    """The vector at right angles to two others of three numbers each."""

    title = "cross product"

    @staticmethod
    def shape(input, other, dim=None, *, out=None):
        a, b = input.shape, other.shape
        need(len(a) == len(b), "both must have the same number of axes: {wanted}, {arrived:arrive}", wanted=len(a), arrived=len(b))
        shape = broadcast_shapes(a, b)
        if dim is None:
            need(
                any(bool(n == 3) for n in shape),
                "vectors of {wanted:numbers} are wanted, no axis has them",
                wanted=3,
                arrived=tuple(map(int, shape)),
            )
        else:
            axis = axis_of(dim, len(shape))
            for x in (a, b):
                need(x[axis] == 3, "vectors of {wanted:numbers} are wanted, {arrived:arrive}", wanted=3, arrived=x[axis])
        return Made(shape, promote(input.dtype, other.dtype))


@rule("torch.linalg.cross")
class LinalgCross(Cross):
    """The vector at right angles to two others of three numbers each, along the last axis."""

    @staticmethod
    def shape(input, other, *, dim=-1, out=None):
        return Cross.shape(input, other, dim)


@rule("torch.linalg.vecdot")
class VecDot(_Distance):
    """The sum of products of vectors along ``dim``."""

    title = "dot product"

    @staticmethod
    def shape(x, y, *, dim=-1, out=None):
        shape = broadcast_shapes(x.shape, y.shape)
        if len(x.shape) == len(y.shape) == 1:  # two plain vectors are not stretched
            need(x.shape[0] == y.shape[0], "{wanted:numbers meet} {arrived}", wanted=x.shape[0], arrived=y.shape[0])
        return Made(reduced(shape, axis_of(dim, len(shape))), promote(x.dtype, y.dtype))

    @staticmethod
    def macs(call):
        return product(broadcast_shapes(call.x.shape, call.y.shape))
