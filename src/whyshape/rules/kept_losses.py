"""What autograd keeps of a loss. Those that PyTorch computes in one step keep what came in; those it writes out keep each step's terms."""

from __future__ import annotations

from whyshape.rules.base import Spec, broadcast_shapes, told
from whyshape.rules.kept import PARTLY, like
from whyshape.sizes import product


def _all(*tensors) -> list:
    """Those that are given, weights among them."""
    return [t for t in tensors if t is not None]


def _together(*tensors) -> tuple:
    """The sizes of what is computed place by place."""
    return broadcast_shapes(*[tuple(t.shape) for t in tensors])


def _only_for_input(call) -> bool:
    """Whether nobody wants the gradient of the target, of which more would be kept."""
    return not call.target.needs_grad


def _absolute(call):
    return [like(call.input, _together(call.input, call.target))]


def _squared(call):
    if call.weight is None:
        return [call.input, call.target]
    mean = [Spec((), call.input.dtype)] if call.reduction == "mean" else []  # divided by the sum of the weights
    return None if call.weight.needs_grad else [*_absolute(call), call.weight, *mean]


def _huber(call):
    if call.weight is None:
        return [call.input, call.target]
    return None if call.weight.needs_grad else [call.input, call.target, call.weight]


told("saved", _absolute, "l1_loss")
told("saved", _squared, "mse_loss")
told("saved", _huber, "huber_loss")
told("saved", lambda call: [call.input, call.target] if call.beta else _absolute(call), "smooth_l1_loss")
told("saved", lambda call: [call.input, call.target], "soft_margin_loss")
told("saved", lambda call: _all(call.input, call.target, call.weight), "binary_cross_entropy", "multi_margin_loss")
told("saved", lambda call: _all(call.input, call.target, call.weight, call.pos_weight), "binary_cross_entropy_with_logits")
told("saved", lambda call: [call.input, call.target, like(call.input)], "multilabel_margin_loss")


def _hinge(call):
    """The distance to the margin, and which targets say yes and which no."""
    chosen = like(call.input, _together(call.input, call.target), "bool")
    return [like(call.input), chosen, chosen] if _only_for_input(call) else None


def _divergence(call):
    if call.log_target:
        return [like(call.target)] if _only_for_input(call) else None
    return [call.target, *([] if _only_for_input(call) else [call.input])]


def _poisson(call):
    return [like(call.input), call.target] if _only_for_input(call) else None


def _gaussian(call):
    """The variance, copied so that it can be bounded; the difference, and for the variance's gradient its square."""
    given = hasattr(call.var, "shape")
    difference = like(call.input, _together(call.input, call.target))
    return [like(call.var if given else call.input), difference, *([difference] if given and call.var.needs_grad else [])]


def _many_labels(call):
    """The logarithm of a sigmoid, twice, with what it kept, and what each is multiplied with."""
    return [call.input, call.target, *[like(call.input)] * 4, *_all(call.weight)] if _only_for_input(call) else None


told("saved", _hinge, "hinge_embedding_loss")
told("saved", _divergence, "kl_div")
told("saved", _poisson, "poisson_nll_loss")
told("saved", _gaussian, "gaussian_nll_loss")
told("saved", _many_labels, "multilabel_soft_margin_loss")


def _cosine(call):
    """Both vectors; of each pair the lengths, their product, the angle with and without the margin; which targets say yes and which no."""
    a, b = call.input1, call.input2
    pairs = like(a, _together(a, b)[:-1])
    chosen = like(a, pairs.shape, "bool")
    kept = [t for t, other in ((a, b), (b, a)) if t.needs_grad or other.needs_grad]
    return [*kept, *[pairs] * (5 if a.needs_grad and b.needs_grad else 4), chosen, chosen]


def _ranking(call):
    return None if call.target.needs_grad else [like(call.target), like(call.input1, _together(call.input1, call.input2, call.target))]


def _triplet(call):
    """Differences and distances of the pairs, and the distance to the margin."""
    a, p, n = call.anchor, call.positive, call.negative
    pairs = [(a, p), (a, n), *([(p, n)] if call.swap else [])]
    shapes = [_together(*pair) for pair in pairs]
    return [*[like(a, s) for s in shapes], *[like(a, s[:-1]) for s in shapes], like(a, _together(a, p, n)[:-1])]


told("saved", _cosine, "cosine_embedding_loss")
told("saved", _ranking, "margin_ranking_loss")
told("saved", _triplet, "triplet_margin_loss")


def _likelihood(call):
    return [*_all(call.input, call.target, call.weight), Spec((), call.input.dtype)]


def _cross_entropy(call):
    """The logarithms of the probabilities, against class numbers or against probabilities."""
    x, target = call.input, call.target
    if len(x.shape) == len(target.shape):
        if target.needs_grad and call.weight is not None:
            return None
        return [like(x), like(target) if call.label_smoothing else target, *_all(call.weight)]
    kept = [like(x), *_all(target, call.weight), Spec((), x.dtype)]
    if call.label_smoothing:  # places to leave out, and how many are left
        kept.append(like(target, dtype="bool"))
        if call.reduction == "mean":
            kept.append(Spec((), "int64" if call.weight is None else x.dtype))
    return kept


def _ctc(call):
    """The probability of every beginning of every target, as long as the longest of them: known where the lengths are plain numbers."""
    x = call.log_probs
    batch = tuple(x.shape[1:-1])
    kept = [x, call.targets, call.out if call.reduction == "none" else like(x, batch)]
    if call.reduction == "mean":
        kept.append(like(x, batch))  # how long each is
    lengths = call.target_lengths
    if not isinstance(lengths, (tuple, list)):
        return [*kept, PARTLY]
    return [*kept, like(x, (product(batch), x.shape[0], 2 * max(map(int, lengths), default=0) + 1))]


told("saved", _likelihood, "nll_loss")
told("saved", _cross_entropy, "cross_entropy")
told("saved", _ctc, "ctc_loss")
