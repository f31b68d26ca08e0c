"""Numbers that stand for words: embeddings, and one place in a row of zeros."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, layer, rule
from whyshape.rules.dtypes import FRACTION, fractions, kinds, name_of, one_dtype
from whyshape.sizes import need, product


def _whole(input):
    need(name_of(input.dtype) in ("int64", "int32"), "row numbers are wanted (int64 or int32), {arrived} arrives",
         wanted="int64", arrived=name_of(input.dtype))  # fmt: skip


def _rows(table, places):
    """Where a row is asked for there must be one."""
    if product(places) != 0:
        need(table[0] > 0, "the table has no rows, {arrived:are} asked for", arrived=product(places), wanted=0)


@rule("embedding")
class Embedding(Rule):
    """For every number of the input that row of the table."""

    title = "embedding"
    knobs = {"weight": ("num_embeddings", "embedding_dim")}

    @staticmethod
    def shape(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
        w = weight.shape
        need(len(w) == 2, "the table must have {wanted:axes}, {arrived:arrive}", wanted=2, arrived=len(w))
        _whole(input)
        _rows(w, input.shape)
        if max_norm is not None:
            fractions(weight.dtype, "a length")
        return Made((*input.shape, w[1]), weight.dtype)


@rule("torch.embedding")
class EmbeddingTableFirst(Rule):
    """`embedding` with the table first."""

    title = "embedding"
    knobs = Embedding.knobs

    @staticmethod
    def shape(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
        return Embedding.shape(indices, weight)


@layer("Embedding")
def embedding_layer(net, input, num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0,
                    scale_grad_by_freq=False, sparse=False):  # fmt: skip
    """A learned row for every number below num_embeddings."""
    if padding_idx is not None:
        need(-num_embeddings <= padding_idx < num_embeddings, "padding_idx {arrived} is no row of a table of {wanted}",
             arrived=padding_idx, wanted=num_embeddings)  # fmt: skip
    return net.call("embedding", input, net.parameter("weight", (num_embeddings, embedding_dim)), padding_idx)


@rule("embedding_bag")
class EmbeddingBag(Rule):
    """The rows of a bag of numbers, summed, averaged or their largest: one row for each bag."""

    title = "embedding bag"
    knobs = Embedding.knobs

    @staticmethod
    def shape(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
              per_sample_weights=None, include_last_offset=False, padding_idx=None):  # fmt: skip
        x, w = input.shape, weight.shape
        _whole(input)
        need(len(w) == 2, "the table must have {wanted:axes}, {arrived:arrive}", wanted=2, arrived=len(w))
        kinds(weight.dtype, FRACTION, FRACTION, "a bag of embeddings")
        _rows(w, x)
        need(len(x) in (1, 2), "bags come as rows, or in one row with offsets; {arrived:axes arrive}", arrived=len(x), wanted=2)
        if per_sample_weights is not None:
            one_dtype(per_sample_weights, weight)
            need(mode == "sum", "weights for samples go with mode 'sum' only, {arrived!r} was chosen", arrived=mode, wanted="sum")
            need(len(per_sample_weights.shape) == len(x), "weights must have the sizes of the input", arrived=len(x), wanted=len(x))
            for n, m in zip(x, per_sample_weights.shape):
                need(n == m, "weights must have the sizes of the input: {wanted}, {arrived:arrive}", wanted=n, arrived=m)
        if len(x) == 2:
            need(offsets is None, "rows of bags take no offsets", arrived=2, wanted=1)
            return Made((x[0], weight.shape[1]), weight.dtype)
        need(offsets is not None, "bags in one row need offsets", arrived=0, wanted=1)
        _whole(offsets)
        need(len(offsets.shape) == 1, "offsets are one row, {arrived:axes arrive}", arrived=len(offsets.shape), wanted=1)
        bags = offsets.shape[0] - 1 if include_last_offset else offsets.shape[0]
        return Made((bags, weight.shape[1]), weight.dtype)


@rule("torch.embedding_bag")
class EmbeddingBagTableFirst(Rule):
    """`embedding_bag` with the table first, and with what its backward pass needs."""

    @staticmethod
    def shape(weight, indices, offsets, *args, **kwargs):
        raise Unexplained("what it gives besides depends on the kernel")


@layer("EmbeddingBag")
def embedding_bag_layer(net, input, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean",
                        sparse=False, include_last_offset=False, padding_idx=None):  # fmt: skip
    """A learned row for every number below num_embeddings, one result for each row of numbers."""
    return net.call("embedding_bag", input, net.parameter("weight", (num_embeddings, embedding_dim)), mode=mode,
                    include_last_offset=include_last_offset)  # fmt: skip


@rule("one_hot")
class OneHot(Rule):
    """A row of zeros with a one at the place of each number."""

    title = "one-hot"

    @staticmethod
    def shape(tensor, num_classes=-1):
        if num_classes == -1:
            raise Unexplained("how many classes there are depends on the values")
        need(name_of(tensor.dtype) == "int64", "class numbers are wanted (int64), {arrived} arrives",
             wanted="int64", arrived=name_of(tensor.dtype))  # fmt: skip
        return Made((*tensor.shape, num_classes), "int64")
