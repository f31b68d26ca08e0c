"""Operators to hold against PyTorch: a function and the shapes of its inputs."""

import torch
import torch.nn.functional as F

S = (2, 4, 6, 6)
UNARY = """relu relu6 silu hardswish hardsigmoid gelu hardtanh mish softplus elu selu celu leaky_relu logsigmoid softsign tanhshrink
    hardshrink softshrink"""
MATH = "sigmoid tanh exp log sqrt rsqrt sin cos abs square reciprocal erf neg floor sign log1p expm1 exp2 log2 atan round tan asin sinh"
IN_PLACE = "relu relu6 silu hardswish hardsigmoid hardtanh mish elu selu celu leaky_relu"
IN_PLACE_MATH = "sigmoid_ tanh_ exp_ sqrt_ abs_ square_ neg_ floor_"
OPERATORS = {
    **{n: (getattr(F, n), [S]) for n in UNARY.split()},
    **{f"torch.{n}": (getattr(torch, n), [S]) for n in MATH.split()},
    **{f"{n} in place": (lambda x, n=n: getattr(F, n)(x, inplace=True), [S]) for n in IN_PLACE.split()},
    **{f"{n}_": (lambda x, n=n: getattr(x, n)(), [S]) for n in IN_PLACE_MATH.split()},
    "softmax": (lambda x: F.softmax(x, -1), [S]),
    "log_softmax": (lambda x: F.log_softmax(x, -1), [S]),
    "glu": (lambda x: F.glu(x, 1), [S]),
    "prelu": (F.prelu, [S, (4,)]),
    "threshold": (lambda x: F.threshold(x, 0.1, 0.0), [S]),
    "x*y": (lambda x, y: x * y, [S, S]),
    "x*scale": (lambda x, y: x * y, [S, (4, 1, 1)]),
    "x*2": (lambda x: x * 2, [S]),
    "x/y": (lambda x, y: x / y, [S, S]),
    "x/2": (lambda x: x / 2, [S]),
    "2/x": (lambda x: 2 / x, [S]),
    "x+y": (lambda x, y: x + y, [S, S]),
    "x-y": (lambda x, y: x - y, [S, S]),
    "x**2": (lambda x: x**2, [S]),
    "x**y": (lambda x, y: x**y, [S, S]),
    "maximum": (torch.maximum, [S, S]),
    "clamp": (lambda x: x.clamp(0, 1), [S]),
    "where": (lambda x, y: torch.where(x > 0, x, y), [S, S]),
    "masked_fill": (lambda x: x.masked_fill(x > 0, 0.0), [S]),
    "addcmul": (torch.addcmul, [S, S, S]),
    "lerp": (lambda x, y: torch.lerp(x, y, 0.3), [S, S]),
    "mean": (lambda x: x.mean((2, 3)), [S]),
    "sum": (lambda x: x.sum(1), [S]),
    "max over an axis": (lambda x: x.max(1)[0], [S]),
    "amax": (lambda x: x.amax(1), [S]),
    "var": (lambda x: x.var(1), [S]),
    "std": (lambda x: x.std(1), [S]),
    "norm": (lambda x: x.norm(dim=1), [S]),
    "prod": (lambda x: x.prod(1), [S]),
    "cumsum": (lambda x: x.cumsum(1), [S]),
    "logsumexp": (lambda x: x.logsumexp(1), [S]),
    "normalize": (lambda x: F.normalize(x, dim=1), [S]),
    "topk": (lambda x: x.topk(2, 1)[0], [S]),
    "sort": (lambda x: x.sort(1)[0], [S]),
    **{
        f"{kind}{n}d": (lambda x, kind=kind, n=n: getattr(F, f"{kind}{n}d")(x, 2), [(2, 4) + (6,) * n])
        for kind in ("avg_pool", "max_pool", "adaptive_avg_pool", "adaptive_max_pool")
        for n in (1, 2, 3)
    },
    **{
        f"adaptive_avg_pool{n}d to one": (lambda x, n=n: getattr(F, f"adaptive_avg_pool{n}d")(x, 1), [(2, 4) + (6,) * n]) for n in (1, 2, 3)
    },
    **{f"conv{n}d": (getattr(F, f"conv{n}d"), [(2, 4) + (6,) * n, (3, 4) + (2,) * n, (3,)]) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": (getattr(F, f"conv_transpose{n}d"), [(2, 4) + (6,) * n, (4, 3) + (2,) * n, (3,)]) for n in (1, 2, 3)},
    **{
        f"pad {mode}": (lambda x, mode=mode: F.pad(x, (1, 1, 1, 1), mode=mode), [S])
        for mode in ("constant", "reflect", "replicate", "circular")
    },
    **{
        f"interpolate {mode}": (lambda x, mode=mode: F.interpolate(x, size=9, mode=mode), [S])
        for mode in ("nearest", "bilinear", "bicubic", "area")
    },
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (6,), w, b), [S, (6,), (6,)]),
    "layer_norm alone": (lambda x: F.layer_norm(x, (6,)), [S]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), [S, (4,), (4,)]),
    **{
        f"group_norm of channels last, {len(axes)} axes": (
            lambda x, w, b, axes=axes: F.group_norm(x.permute(axes), 2, w, b),
            [shape, (4,), (4,)],
        )
        for axes, shape in (((0, 2, 1), (2, 5, 4)), ((0, 3, 1, 2), (2, 3, 5, 4)), ((0, 4, 1, 2, 3), (2, 3, 5, 2, 4)))
    },
    "group_norm turned": (lambda x, w, b: F.group_norm(x.transpose(2, 3), 2, w, b), [S, (4,), (4,)]),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), [S, (4,), (4,)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (6,), w), [S, (6,)]),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [S, (4,), (4,)]),
    "linear 2-d": (F.linear, [(3, 4), (5, 4), (5,)]),
    "linear 3-d": (F.linear, [(2, 3, 4), (5, 4), (5,)]),
    "linear 4-d": (F.linear, [(2, 2, 3, 4), (5, 4), (5,)]),
    "linear of a vector": (F.linear, [(4,), (5, 4), (5,)]),
    "linear turned": (lambda x, w, b: F.linear(x.transpose(0, 1), w, b), [(2, 3, 4), (5, 4), (5,)]),
    "linear channels last": (lambda x, w: F.linear(x.permute(0, 2, 3, 1), w), [S, (5, 4)]),
    "mm": (torch.mm, [(2, 3), (3, 4)]),
    "bmm": (torch.bmm, [(2, 2, 3), (2, 3, 4)]),
    "addmm": (torch.addmm, [(2, 4), (2, 3), (3, 4)]),
    "baddbmm": (torch.baddbmm, [(2, 2, 4), (2, 2, 3), (2, 3, 4)]),
    "matmul": (torch.matmul, [(2, 2, 3, 4), (2, 2, 4, 5)]),
    "matmul of the transposed": (lambda a, b: a @ b.transpose(-2, -1), [(2, 2, 3, 4), (2, 2, 5, 4)]),
    "matmul of heads": (lambda a, b: a.transpose(1, 2) @ b.permute(0, 2, 3, 1), [(2, 3, 2, 4), (2, 5, 2, 4)]),
    "matmul stretched": (torch.matmul, [(2, 2, 3, 4), (1, 2, 4, 5)]),
    "matmul 3-d by 2-d": (torch.matmul, [(2, 3, 4), (4, 5)]),
    "matmul 2-d by 3-d": (torch.matmul, [(3, 4), (2, 4, 5)]),
    "matmul 4-d by 3-d": (torch.matmul, [(2, 2, 3, 4), (2, 4, 5)]),
    "einsum of heads": (lambda a, b: torch.einsum("bhid,bhjd->bhij", a, b), [(2, 2, 3, 4), (2, 2, 5, 4)]),
    "einsum with a copy": (lambda a, b: torch.einsum("bhwc,hkc->bhwk", a, b), [(2, 3, 3, 4), (3, 5, 4)]),
    "einsum of turned heads": (lambda a, b: torch.einsum("bihd,bjhd->bhij", a, b), [(2, 3, 2, 4), (2, 5, 2, 4)]),
    "attention": (F.scaled_dot_product_attention, [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)]),
    "attention with a mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.ones(3, 5)),
        [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)],
    ),
    "attention with a learned mask": (F.scaled_dot_product_attention, [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4), (3, 5)]),
    "attention with dropout": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.1),
        [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)],
    ),
    **{
        f"attention of {how}, put in rows": (
            lambda q, k, v, w, turned=turned: F.linear(
                F.scaled_dot_product_attention(
                    *[t.transpose(1, 2) if t is turned(q, k, v) else t.transpose(1, 2).contiguous() for t in (q, k, v)]
                )
                .transpose(1, 2)
                .reshape(2, 5, 8),
                w,
            ),
            [(2, 5, 2, 4)] * 3 + [(3, 8)],
        )
        for how, turned in {
            "turned queries": lambda q, k, v: q,
            "turned values": lambda q, k, v: v,
            "none turned": lambda q, k, v: None,
        }.items()
    },
    "attention of wider values": (F.scaled_dot_product_attention, [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 6)]),
    "attention of 3-d": (F.scaled_dot_product_attention, [(2, 3, 4), (2, 5, 4), (2, 5, 4)]),
    "dropout": (lambda x: F.dropout(x, 0.5, True), [S]),
    "dropout2d": (lambda x: F.dropout2d(x, 0.5, True), [S]),
    "dropout of nothing": (lambda x: F.dropout(x, 0.0, True), [S]),
    "dropout in eval": (lambda x: F.relu(F.dropout(x, 0.5, False)), [S]),
    "alpha_dropout": (lambda x: F.alpha_dropout(x, 0.5, True), [S]),
    "an index": (lambda x: x[:, torch.zeros(2, dtype=torch.long)], [S]),
    "index_select": (lambda x: x.index_select(1, torch.zeros(2, dtype=torch.long)), [S]),
    "gather": (lambda x: x.gather(1, torch.zeros(S, dtype=torch.long)), [S]),
    "a slice": (lambda x: x[:, 1:], [S]),
    "repeat": (lambda x: x.repeat(1, 2, 1, 1), [S]),
    "roll": (lambda x: x.roll(1, 1), [S]),
    "cat": (lambda x, y: torch.cat([x, y]), [S, S]),
    "stack": (lambda x, y: torch.stack([x, y]), [S, S]),
    "unfold": (lambda x: F.unfold(x, 2), [S]),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), [S]),
    "contiguous": (lambda x: x.transpose(1, 2).contiguous(), [S]),
    "to another dtype": (lambda x: x.to(torch.bfloat16), [S]),
    "tril": (torch.tril, [(4, 4)]),
    "mse_loss": (F.mse_loss, [S, S]),
    "l1_loss": (F.l1_loss, [S, S]),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.zeros(3, dtype=torch.long)), [(3, 5)]),
    "bilinear": (F.bilinear, [(2, 3), (2, 4), (5, 3, 4)]),
    "atan2": (torch.atan2, [S, S]),
    **{
        f"lp_pool{n}d of {p}": (lambda x, n=n, p=p: getattr(F, f"lp_pool{n}d")(x, p, 2), [(2, 4) + (6,) * n])
        for n in (1, 2)
        for p in (1, 2, 3.0)
    },
    "outer": (torch.outer, [(3,), (4,)]),
}
