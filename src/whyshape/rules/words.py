"""What is worth a sentence about an operator: how it treats maps, and what surprises. Each sentence is run in
`tests/explain/test_words.py`."""

from __future__ import annotations

from whyshape.rules.base import told
from whyshape.rules.conv import same_padding
from whyshape.sizes import product


def count(n, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "map"), count(20, "map")
    ('1 map', '20 maps')
    """
    return f"{int(n):,} {one if int(n) == 1 else many or one + 's'}"


def _conv_maps(call) -> str:
    read, made, groups = int(call.weight.shape[1]), int(call.weight.shape[0]), int(call.groups)
    if groups == 1:
        return f"Each map comes from one kernel that reads {'the 1 input map' if read == 1 else f'all {read:,} input maps'}."
    arrive = read * groups
    if read == 1 and made == arrive:
        return f"Each of the {arrive:,} input maps has one kernel of its own (depthwise)."
    return (
        f"The {arrive:,} input maps are split into {groups:,} groups of {read:,}. "
        f"Each group makes {made // groups:,} of the {made:,} output maps and never sees the other groups."
    )


CONV = ("conv1d", "conv2d", "conv3d")
told("maps", _conv_maps, *CONV)
for _n in (1, 2, 3):
    names = [f"{kind}_pool{_n}d" for kind in ("max", "avg", "lp", "adaptive_avg", "adaptive_max")]
    told("maps", "Pooling works on each map alone.", *names, f"max_pool{_n}d_with_indices", f"adaptive_max_pool{_n}d_with_indices")


# Maps there are, behind the batch; nothing more to say.
told("maps", "", "batch_norm group_norm instance_norm interpolate upsample conv_transpose1d conv_transpose2d conv_transpose3d")


def _conv_note(call) -> str | None:
    if call.padding == "same" and any(int(k) % 2 == 0 and int(d) % 2 for k, d in _kernel(call)):
        before, after = next(same_padding(int(k), int(d)) for k, d in _kernel(call) if int(k) % 2 == 0)
        return f"To keep the size, {before + after} rows are added. They cannot be split evenly: {before} above, {after} below."
    return None


def _kernel(call):
    sizes = call.weight.shape[2:]
    dilation = (call.dilation,) * len(sizes) if isinstance(call.dilation, int) else call.dilation
    return list(zip(sizes, dilation))


told("note", _conv_note, *CONV)


def _flatten_note(call) -> str | None:
    x, out = call.input.shape, call.out.shape
    if len(x) == 4 and len(out) == 2:
        if getattr(call, "maps", 1) == 3:  # maps last, as Keras keeps them
            _, _, w, c = map(int, x)
            return f"Nothing is computed. Number (row i, column j, map c) lands at i*{w * c} + j*{c} + c."
        _, _, h, w = map(int, x)
        if h * w > 1:
            step = str(w) if w > 1 else "1"
            return f"Nothing is computed. Number (map c, row i, column j) lands at c*{h * w} + i*{step} + j."
    return "Nothing is computed: the same numbers, in the same order."


told("note", _flatten_note, "flatten")


def _linear_note(call) -> str | None:
    rank = len(call.input.shape)
    if rank > 2:
        places = product(call.input.shape[1:-1])
        return f"It works on the last axis only: the same weights serve {int(places):,} places of each input."
    return None


told("note", _linear_note, "linear")


def _dropout_note(call) -> str:
    if getattr(call, "training", True):
        return "In training each number is set to 0 by chance, and the rest are scaled up. After eval() it does nothing."
    return "It does nothing here (eval). In training it sets numbers to 0 by chance and scales up the rest."


told("note", _dropout_note, "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")


def _batch_norm_note(call) -> str:
    if call.training:
        return "In training it uses the mean of the batch; after eval() the running mean. So one image can give two answers."
    return "It uses the running mean here (eval). In training it uses the mean of the batch, so one image can give two answers."


told("note", _batch_norm_note, "batch_norm")


def _transposed_note(call) -> str | None:
    def numbers(value):
        return (value,) * (len(call.weight.shape) - 2) if isinstance(value, int) else tuple(value)

    s, extra = numbers(call.stride)[-1], numbers(call.output_padding)[-1]
    if int(s) == 1:
        return None
    size = int(call.out.shape[-1])
    first = size - int(extra)
    return (
        f"A convolution with these settings turns each of {first} to {first + int(s) - 1} into {int(call.input.shape[-1])}. "
        f"output_padding={int(extra)} picks {size}. It adds no zeros to the result."
    )


told("note", _transposed_note, "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def _adaptive_note(call) -> str | None:
    n, o = int(call.input.shape[-1]), int(call.out.shape[-1])
    if o and o > 1 and n % o:
        ends = [(i * n // o, -(-(i + 1) * n // o) - 1) for i in range(min(o, 3))]
        rows = ", ".join(f"{a}-{b}" for a, b in ends)
        return f"The layer works out its windows itself: columns {rows}{', ...' if o > 3 else ''}. Neighbours may share a column."
    return "The size is chosen for any input: that is why such a network takes many image sizes."


for _n in (1, 2, 3):
    told("note", _adaptive_note, f"adaptive_avg_pool{_n}d", f"adaptive_max_pool{_n}d")


def _pool_note(call) -> str | None:
    if not call.ceil_mode:
        return None
    n, k = int(call.input.shape[-1]), call.kernel_size
    k = int(k if isinstance(k, int) else k[-1])
    s = call.stride if call.stride not in (None, (), []) else k
    s = int(s if isinstance(s, int) else s[-1])
    p = call.padding if isinstance(call.padding, int) else call.padding[-1]
    d = getattr(call, "dilation", 1)
    d = int(d if isinstance(d, int) else d[-1])
    o = int(call.out.shape[-1])
    over = (o - 1) * s - int(p) + d * (k - 1) + 1 - n - int(p)
    if over > 0:
        return f"The last window hangs over the edge by {over}; it takes what is there. Without ceil_mode the size is {o - 1}."
    return None


for _n in (1, 2, 3):
    told("note", _pool_note, f"max_pool{_n}d", f"avg_pool{_n}d", f"max_pool{_n}d_with_indices")


def _stretched_note(call) -> str | None:
    shapes = [v.shape for v in (call.input, *getattr(call, "args", ()), getattr(call, "other", None)) if hasattr(v, "shape")]
    full = [s for s in shapes if len(s)]
    if len(full) == 2 and tuple(full[0]) != tuple(full[1]):
        return f"The shapes differ: {_text(full[0])} and {_text(full[1])}. An axis of 1 is stretched without a warning."
    return None


def _text(shape) -> str:
    return "x".join(str(int(n)) for n in shape)


told("note", _stretched_note, "add", "sub", "mul", "div", "Tensor.__add__", "Tensor.__sub__", "Tensor.__mul__", "Tensor.__truediv__")
