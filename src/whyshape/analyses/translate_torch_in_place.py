"""How PyTorch says what leaves every place where it is: activations, dropout, scales, merges; and `keras.ops` in between."""

from __future__ import annotations

from whyshape.analyses.translate_keras import Missing
from whyshape.analyses.translate_torch_layers import OPERATIONS, layer, plain
from whyshape.rules.shelf import filed

FUNCTIONS = {
    "relu": "F.relu({})", "relu6": "F.relu6({})", "sigmoid": "torch.sigmoid({})", "tanh": "torch.tanh({})", "silu": "F.silu({})",
    "swish": "F.silu({})", "gelu": "F.gelu({})", "elu": "F.elu({})", "selu": "F.selu({})", "softplus": "F.softplus({})",
    "softsign": "F.softsign({})", "hard_sigmoid": "F.hardsigmoid({})", "hard_silu": "F.hardswish({})", "hard_swish": "F.hardswish({})",
    "leaky_relu": "F.leaky_relu({}, 0.2)", "exponential": "torch.exp({})", "mish": "F.mish({})",
}  # fmt: skip


def activated(config, code, shape, first):
    """The activation a layer carries along."""
    name = config["activation"]
    if name == "linear":
        return code, shape, first
    if name == "softmax":
        return f"torch.softmax({code}, dim={1 if first else -1})", shape, first
    if not isinstance(name, str) or name not in FUNCTIONS:
        raise Missing(f"the activation {str(name)[:40]}")
    return FUNCTIONS[name].format(code), shape, first


@layer("Activation")
def activation(w, config, inputs):
    return inputs[0].name, inputs[0].shape, inputs[0].first


@layer("ReLU")
def relu(w, config, inputs):
    (h,) = inputs
    if config.get("threshold") or config.get("negative_slope"):
        raise Missing("a ReLU with a threshold or a slope")
    top = config.get("max_value")
    code = f"F.relu({h.name})" if top is None else f"torch.clamp({h.name}, 0.0, {float(top)})"
    return code, h.shape, h.first


@layer("LeakyReLU", "ELU")
def bent(w, config, inputs):
    (h,) = inputs
    if w.kind == "ELU":
        return f"F.elu({h.name}, {float(config.get('alpha', 1.0))})", h.shape, h.first
    return f"F.leaky_relu({h.name}, {float(config.get('negative_slope', 0.3))})", h.shape, h.first


@layer("Softmax")
def softmax(w, config, inputs):
    (h,) = inputs
    if config.get("axis", -1) not in (-1, len(h.shape) - 1):
        raise Missing("a softmax over another axis than the last")
    return f"torch.softmax({h.name}, dim={1 if h.first else -1})", h.shape, h.first


@layer("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout")
def dropout(w, config, inputs):
    (h,) = inputs
    if w.kind == "SpatialDropout1D":
        raise Missing("whole maps of a sequence are dropped")
    name = {"Dropout": "Dropout", "AlphaDropout": "AlphaDropout"}.get(w.kind) or f"Dropout{w.kind[-2]}d"
    rate = float(config["rate"])
    return f"{w.module(f'nn.{name}({rate})')}({h.name})", h.shape, h.first


@layer("Identity", "GaussianNoise", "GaussianDropout", "ActivityRegularization", "InputLayer")
def identity(w, config, inputs):
    if w.kind.startswith("Gaussian"):
        w.notes.append(f"{w.kind} acts in training only; here it is left out")
    return inputs[0].name, inputs[0].shape, inputs[0].first


def broad(values, first, rank):
    """Numbers for each map, as a tensor that is matched with the value."""
    shape = (1, len(values), *(1,) * (rank - 2)) if first else (len(values),)
    return f"torch.tensor({[float(v) for v in values]}).reshape({shape})"


@layer("Rescaling")
def rescaling(w, config, inputs):
    (h,) = inputs
    code = h.name
    for sign, given, usual in (("*", config.get("scale", 1.0), 1), ("+", config.get("offset", 0.0), 0)):
        if isinstance(given, dict):
            given = given.get("config", {}).get("value", given)
        if isinstance(given, list):
            code = f"{code} {sign} {w.buffer(broad(given, h.first, len(h.shape)))}"
        elif given != usual:
            code = f"{code} {sign} {float(given)!r}"
    return code, h.shape, h.first


@layer("Normalization")
def normalization(w, config, inputs):
    (h,) = inputs
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(h.shape) - 1) or config.get("invert"):
        raise Missing("a normalization over other axes")
    if config.get("mean") is not None:
        mean, variance = config["mean"], config["variance"]
        flat = lambda v: v if isinstance(v, list) else [v]
        m, v = (w.buffer(broad(_row(flat(x)), h.first, len(h.shape))) for x in (mean, variance))
        return f"({h.name} - {m}) / torch.clamp(torch.sqrt({v}), min=1e-7)", h.shape, h.first
    code = f"nn.BatchNorm{max(len(h.shape) - 2, 1)}d({h.shape[-1]}, eps=0.0, affine=False)"
    module = w.module(code, ("running_mean", 0), ("running_var", 1))
    return f"{module}({h.name})", h.shape, h.first


def _row(values):
    while isinstance(values[0], list):
        values = values[0]
    return values


SIGNS = {"Add": "+", "Multiply": "*", "Subtract": "-"}


@layer("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum")
def merge(w, config, inputs):
    first = all(h.first for h in inputs)
    ranks = {len(h.shape) for h in inputs}
    if len(ranks) > 1:
        raise Missing("tensors of different ranks")
    names = [h.name if first or not h.first else plain(h) for h in inputs]
    shape = tuple(max(sizes, key=lambda v: -1 if v == 1 else 0) for sizes in zip(*[h.shape for h in inputs]))
    if w.kind in SIGNS:
        return f" {SIGNS[w.kind]} ".join(names), shape, first
    if w.kind == "Average":
        return f"({' + '.join(names)}) / {len(names)}", shape, first
    code = names[0]
    for other in names[1:]:
        code = f"torch.{w.kind.lower()}({code}, {other})"
    return code, shape, first


@layer("Concatenate")
def concatenate(w, config, inputs):
    rank = len(inputs[0].shape)
    axis = config.get("axis", -1) % rank
    first = all(h.first for h in inputs)
    names = [h.name if first or not h.first else plain(h) for h in inputs]
    dim = (1 if axis == rank - 1 else axis + 1) if first and axis else axis
    sizes = [h.shape[axis] for h in inputs]
    whole = None if None in sizes else sum(sizes)
    return f"torch.cat([{', '.join(names)}], dim={dim})", (*inputs[0].shape[:axis], whole, *inputs[0].shape[axis + 1 :]), first


@layer("RepeatVector")
def repeat(w, config, inputs):
    (h,) = inputs
    return f"{h.name}.unsqueeze(1).expand(-1, {config['n']}, -1)", (None, config["n"], h.shape[-1]), False


operation = filed(OPERATIONS)


@operation("Gelu")
def gelu(w, config, args):
    (h,) = args
    said = ', approximate="tanh"' if config.get("approximate", True) else ""
    return f"F.gelu({h.name}{said})", h.shape, h.first


@operation("Mean")
def mean(w, config, args):
    (h,) = args
    axes = config.get("axis")
    axes = [axes] if isinstance(axes, int) else axes
    if axes is None or config.get("keepdims"):
        raise Missing("a mean over everything, or one that keeps its axes")
    axes = sorted(int(a) % len(h.shape) for a in axes)
    return f"{plain(h)}.mean({tuple(axes)})", tuple(n for i, n in enumerate(h.shape) if i not in axes), False


@operation("Add", "Subtract", "Multiply", "Divide", "TrueDivide")
def arithmetic(w, config, args):
    sign = {"Add": "+", "Subtract": "-", "Multiply": "*"}.get(w.kind, "/")
    held = [a for a in args if hasattr(a, "first")]
    if len(args) != 2 or any(not hasattr(a, "first") and not isinstance(a, (int, float)) for a in args):
        raise Missing("arithmetic with something else than numbers and tensors")
    if len(held) == 2 and (held[0].first != held[1].first or len(held[0].shape) != len(held[1].shape)):
        raise Missing("tensors of different ranks")
    shape = max((h.shape for h in held), key=lambda s: sum(v or 0 for v in s))
    return f" {sign} ".join(a.name if hasattr(a, "first") else repr(float(a)) for a in args), shape, held[0].first
