"""What autograd keeps of operators that drop, pick, look up and sort: where each number came from."""

from __future__ import annotations

from whyshape.rules.base import Spec, told
from whyshape.rules.dtypes import category
from whyshape.rules.kept import both, first, like, outs, tensors
from whyshape.rules.work import DROPOUTS, drops
from whyshape.sizes import product


def _dropout(call):
    x = first(call)
    if not drops(call):
        return []
    return [like(x, (*x.shape[:2], *[1] * (len(x.shape) - 2))) if call.op[-1] == "d" or call.op.startswith("feature") else like(x)]


told("saved", _dropout, DROPOUTS)
told("saved", lambda call: [call.input if call.op == "embedding" else call.indices], "embedding", "torch.embedding")


def _indices(call) -> list:
    """The tensors that say where: places, or yes and no."""
    return [t for t in tensors(call) if category(t.dtype) < 2]


def _added(call):
    """What is added to has its gradient as it is; what is added wants to know where, and what came in for `index_add`."""
    source = tensors(call)[-1]
    if not source.needs_grad:
        return []
    return [*_indices(call), *([source] if call.op == "index_add" else [])]


told("saved", _indices, "index_select Tensor.__getitem__ scatter index_put index_fill")
told("saved", _added, "scatter_add", "index_add")
told("saved", lambda call: [*_indices(call), first(call)], "gather", "take_along_dim", "take")
told("saved", lambda call: [*_indices(call), *[t for t in tensors(call)[-1:] if t.needs_grad]], "index_copy", "put")
told("saved", lambda call: [*tensors(call), call.out], "scatter_reduce", "index_reduce")


def _bags(call):
    """Where each bag begins, which bag each number is in, how long the bags are and, for the largest, where each was found."""
    if call.include_last_offset:
        return None
    many, bags = product(call.input.shape), call.out.shape[:1]
    begins = Spec(tuple(bags), "int64") if call.offsets is None else call.offsets
    weighted = call.per_sample_weights
    kept = [call.input, begins, Spec(tuple(bags), "int64"), Spec(tuple(call.out.shape if call.mode == "max" else bags), "int64")]
    return [*kept, *([Spec((many + 1,), "int64")] if call.mode != "sum" else []), *([] if weighted is None else [weighted, call.weight])]


told("saved", _bags, "embedding_bag")
told("saved", lambda call: outs(call)[1:2], "topk", "sort", "kthvalue", "mode")
told("saved", lambda call: outs(call)[1:2] or both(call), "max", "min", "median", "nanmedian")
told("saved", lambda call: [first(call), outs(call)[1]], "cummax", "cummin")
told("saved", lambda call: [like(first(call), dtype="int64")], "msort")
