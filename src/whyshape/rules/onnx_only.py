"""Operators that ONNX has and PyTorch has not: one rule that takes the sizes worked out from the definition (Keras layers use it too), and odd pools."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, rule, spread
from whyshape.rules.conv import window, window_ceil
from whyshape.sizes import need, product


@rule("onnx.sized", "keras.sized")
class Sized(Rule):
    """The sizes that the framework's definition of the operator names, each an expression over the sizes that come in."""

    title = "by definition"

    @staticmethod
    def shape(input, size, dtype, *others):
        for n in size:
            need(n >= 0, "sizes of at least {wanted} are wanted, {arrived} comes out", wanted=0, arrived=n)
        return Made(tuple(size), dtype)

    @staticmethod
    def reach(call):
        return None


@rule("onnx.recurrent")
class Recurrent(Sized):
    """A recurrent layer, one direction after the other: gates of W (input) and R (hidden) at every step."""

    title = "recurrent layer"

    @staticmethod
    def macs(call):
        steps = call.input.shape[0] * call.input.shape[1]
        # Each of the two stacks of gates meets every step; outputs beyond the first cost nothing more.
        return steps * sum(product(t.shape) for t in call.others[:2]) if len(call.out.shape) == 4 else 0


def _pool(n: int):
    @rule(f"onnx.pool{n}d")
    class Pool(Rule):
        """A window that moves as a max pool's does, for averages with dilation and power averages with padding."""

        title = "pooling"

        @staticmethod
        def shape(input, kernel_size, stride, padding, dilation, ceil_mode=False):
            x, out = input.shape, []
            for i, (k, s, p, d) in enumerate(zip(*(spread(v, n, "pool") for v in (kernel_size, stride, padding, dilation)))):
                size = x[i - n]
                need(size + 2 * p >= d * (k - 1) + 1, "the window spans {wanted:cells}, {arrived:are} there after padding",
                     wanted=d * (k - 1) + 1, arrived=size + 2 * p)  # fmt: skip
                out.append(window_ceil(size, k, s, p, d) if ceil_mode else window(size, k, s, p, d))
            return (*x[:-n], *out)

        @staticmethod
        def reach(call):
            from whyshape.rules.base import Window

            settings = zip(*(spread(v, n, "pool") for v in (call.kernel_size, call.stride, call.padding, call.dilation)))
            return {i - n: Window(k, s, p, d, p) for i, (k, s, p, d) in enumerate(settings)}


for _n in (1, 2, 3):
    _pool(_n)
