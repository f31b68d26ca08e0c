"""Normalisation: every size unchanged, scales and shifts learned."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, Window, axes_at_least, broadcast_shapes, layer, rule
from whyshape.rules.dtypes import COMPLEX, FRACTION, default_float, kinds, name_of, one_dtype
from whyshape.sizes import need, product


def _one_for_each(channels, *vectors):
    for v in vectors:
        if v is None:
            continue
        if len(v.shape) != 1:
            need(False, "a row of numbers is wanted, one for each channel; {arrived:axes arrive}", arrived=len(v.shape), wanted=1)
        n = v.shape[0]
        if n is not channels and not (n.__class__ is int is channels.__class__ and n == channels):
            need(channels == v.shape[0], "{wanted:channels are} wanted, {arrived:arrive}", wanted=v.shape[0], arrived=channels)


HALF = ("float16", "bfloat16")


def _alike(input, *learned):
    """Demand the input's dtype of all that is learned; numbers of half width may also meet float32."""
    dtype = input.dtype
    for t in learned:
        if t is not None and t.dtype is not dtype:
            break
    else:
        return
    held = [t for t in learned if t is not None]
    if name_of(dtype) in HALF and name_of(held[0].dtype) == "float32":
        one_dtype(*held)
    else:
        one_dtype(*held, input)


@rule("torch.batch_norm", "torch.instance_norm", "torch.native_batch_norm", "torch.native_layer_norm", "torch.native_group_norm")
class Inner(Rule):
    """What the functions of torch.nn.functional call: other arguments in another order."""

    @staticmethod
    def shape(*args, **kwargs):
        raise Unexplained("a form that models do not call")


@rule("batch_norm")
class BatchNorm(Rule):
    """Each channel shifted and scaled by statistics of the batch (training) or the running ones (eval)."""

    title = "batch norm"
    knobs = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), ("num_features",))

    @staticmethod
    def shape(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
        kinds(input.dtype, FRACTION, FRACTION, "a norm")
        x = input.shape
        need(
            len(x) >= 2 or (len(x) == 1 and int(x[0]) == 0), "at least {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(x)
        )
        _alike(input, running_mean, running_var, weight, bias)
        _one_for_each(x[1] if len(x) > 1 else x[0], running_mean, running_var, weight, bias)
        if training:
            values = product((x[0], *x[2:]))
            need(values != 1, "training needs more than one value per channel, {arrived} arrives", arrived=values, wanted=2)
        return x

    @staticmethod
    def reach(call):
        # In training the mean of the whole batch enters every cell; afterwards each place stays by itself.
        return None if call.training else {axis: Window(1) for axis in range(2 - len(call.input.shape), 0)}


def _batch_norm_ranks(name):
    return {"BatchNorm1d": (2, 3), "BatchNorm2d": (4,), "BatchNorm3d": (5,)}.get(name, range(2, 9))


@layer("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
def batch_norm_layer(net, input, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True,
                     bias=True):  # fmt: skip
    """Scale, shift and running statistics, one of each for every channel."""
    ranks = _batch_norm_ranks(net.name)
    need(
        len(input.shape) in ranks,
        "{wanted:axes are} wanted, {arrived:arrive}",
        wanted=" or ".join(map(str, ranks)),
        arrived=len(input.shape),
    )
    vector = lambda kind, name, wanted: getattr(net, kind)(name, (num_features,)) if wanted else None
    statistics = [vector("buffer", name, track_running_stats) for name in ("running_mean", "running_var")]
    learned = [vector("parameter", "weight", affine), vector("parameter", "bias", affine and bias)]
    return net.call("batch_norm", input, *statistics, *learned, net.training or not track_running_stats, momentum, eps)


def _last_axes(x, wanted):
    if not wanted:
        need(False, "normalized_shape must name at least one axis", wanted=1, arrived=0)
    if len(x) < len(wanted):
        need(False, "at least {wanted:axes are} wanted, {arrived:arrive}", wanted=len(wanted), arrived=len(x))
    for i in range(-len(wanted), 0):
        n, m = wanted[i], x[i]
        if n is not m and not (n.__class__ is int is m.__class__ and n == m):
            need(m == n, "{wanted} is wanted on axis {axis}, {arrived:arrive}", wanted=n, arrived=m, axis=i)


def _same(wanted, *learned):
    for t in learned:
        if t is not None:
            w = t.shape
            if len(w) != len(wanted):
                need(False, "a weight of {wanted:axes} is wanted, {arrived:arrive}", wanted=len(wanted), arrived=len(w))
            for n, m in zip(wanted, w):
                if n is not m and not (n.__class__ is int is m.__class__ and n == m):
                    need(n == m, "a weight of {wanted:places} is wanted, {arrived:arrive}", wanted=n, arrived=m)


@rule("layer_norm")
class LayerNorm(Rule):
    """The last axes normalised together, each place by itself."""

    title = "layer norm"

    @staticmethod
    def shape(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
        kinds(input.dtype, FRACTION, FRACTION, "a norm")
        _last_axes(input.shape, normalized_shape)
        _same(normalized_shape, weight, bias)
        _alike(input, weight, bias)
        return input.shape


@rule("rms_norm")
class RMSNorm(Rule):
    """The last axes divided by their root mean square, each place by itself."""

    title = "RMS norm"

    @staticmethod
    def shape(input, normalized_shape, weight=None, eps=None):
        kinds(input.dtype, FRACTION, COMPLEX, "a norm")
        _last_axes(input.shape, normalized_shape)
        _same(normalized_shape, weight)
        return input.shape


@layer("RMSNorm")
def rms_norm_layer(net, input, normalized_shape, eps=None, elementwise_affine=True):
    """A scale for every place of the last axes."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    return net.call("rms_norm", input, shape, net.parameter("weight", shape) if elementwise_affine else None, eps)


@layer("LayerNorm")
def layer_norm_layer(net, input, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True):
    """Scale and shift for every place of the last axes."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    weight = net.parameter("weight", shape) if elementwise_affine else None
    return net.call("layer_norm", input, shape, weight, net.parameter("bias", shape) if elementwise_affine and bias else None, eps)


@rule("group_norm")
class GroupNorm(Rule):
    """Groups of channels normalised together, each image by itself."""

    title = "group norm"
    knobs = {"weight": ("num_channels",), "bias": ("num_channels",)}

    @staticmethod
    def shape(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
        kinds(input.dtype, FRACTION, FRACTION, "a norm")
        x = input.shape
        axes_at_least(2, x)
        need(num_groups > 0, "num_groups must be at least 1, {arrived} was chosen", arrived=num_groups, wanted=1)
        need(x[1] % num_groups == 0, "{arrived:channels} cannot be shared out over {wanted:groups}", arrived=x[1], wanted=num_groups)
        _one_for_each(x[1], weight, bias)
        _alike(input, weight, bias)
        return x


@layer("GroupNorm")
def group_norm_layer(net, input, num_groups, num_channels, eps=1e-5, affine=True, bias=True):
    """Scale and shift for every channel."""
    vector = lambda name: net.parameter(name, (num_channels,)) if affine else None
    return net.call("group_norm", input, num_groups, vector("weight"), vector("bias") if bias else None, eps)


@rule("instance_norm")
class InstanceNorm(Rule):
    """Each channel of each image normalised by itself."""

    title = "instance norm"
    knobs = BatchNorm.knobs

    @staticmethod
    def shape(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
        kinds(input.dtype, FRACTION, FRACTION, "a norm")
        x = input.shape
        axes_at_least(2, x)
        _alike(input, running_mean, running_var, weight, bias)
        _one_for_each(x[1], running_mean, running_var, weight, bias)
        if use_input_stats:
            need(product(x[2:]) != 1, "more than one place per channel is needed, {arrived} arrives", arrived=product(x[2:]), wanted=2)
        return x


@layer("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def instance_norm_layer(net, input, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False,
                        bias=True):  # fmt: skip
    """Without `affine`, nothing is learned and num_features is not looked at."""
    n = int(net.name[-2])
    need(len(input.shape) in (n + 1, n + 2), "{wanted:axes are} wanted, {arrived:arrive}",
         wanted=f"{n + 1} or {n + 2}", arrived=len(input.shape))  # fmt: skip
    vector = lambda kind, name, wanted: getattr(net, kind)(name, (num_features,)) if wanted else None
    statistics = [vector("buffer", name, track_running_stats) for name in ("running_mean", "running_var")]
    learned = [vector("parameter", "weight", affine), vector("parameter", "bias", affine and bias)]
    alone = len(input.shape) == n + 1
    if alone:
        input = net.call("unsqueeze", input, 0)
    made = net.call("instance_norm", input, *statistics, *learned, net.training or not track_running_stats, momentum, eps)
    return net.call("squeeze", made, 0) if alone else made


@rule("torch._weight_norm")
class WeightNorm(Rule):
    """A weight made of its direction and its length."""

    title = "weight norm"
    pointwise = True

    @staticmethod
    def shape(v, g, dim=0):
        return broadcast_shapes(v.shape, g.shape)


@rule("local_response_norm")
class LocalResponseNorm(Rule):
    """Each number divided by how large its neighbours in other channels are."""

    title = "local response norm"

    @staticmethod
    def shape(input, size, alpha=1e-4, beta=0.75, k=1.0):
        x = input.shape
        axes_at_least(3, x)
        need(size > 0, "size must be at least {wanted}, {arrived} was chosen", wanted=1, arrived=size)
        return x if int(product(x)) == 0 else Made(x, default_float(input.dtype))


@layer("LocalResponseNorm", "CrossMapLRN2d")
def local_response_norm_layer(net, input, size, alpha=1e-4, beta=0.75, k=1.0):
    """Nothing is learned."""
    return net.call("local_response_norm", input, size, alpha, beta, k)
