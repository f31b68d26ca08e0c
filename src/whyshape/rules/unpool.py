"""Max pooling turned round: each value goes back where it stood."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule
from whyshape.rules.conv import at_least, slides
from whyshape.rules.dtypes import name_of
from whyshape.rules.pool import occupied_all
from whyshape.sizes import need


def _fill(value, n, name):
    """One number for all axes, or one for each; up to two axes PyTorch lets more pass and reads the first ones."""
    numbers = (value,) * n if isinstance(value, int) else tuple(value)
    need(
        len(numbers) == n or (n < 3 and len(numbers) > n),
        "{name} has {arrived:numbers}, {wanted:are} wanted",
        name=name,
        arrived=len(numbers),
        wanted=n,
    )
    return numbers


def unpooled(n, k, s=None, p=0):
    """The size unpooling makes: the smallest that pooling with these settings turns back into ``n``.

    >>> unpooled(4, 2), unpooled(4, 3, s=2)
    (8, 9)
    """
    return (n - 1) * (k if s is None else s) + k - 2 * p


def _max_unpool(n: int) -> None:
    @rule(f"max_unpool{n}d")
    class MaxUnpool(Rule):
        """Each value put back where it was the largest, zeros elsewhere."""

        title = "max unpooling"

        @staticmethod
        def shape(input, indices, kernel_size, stride=None, padding=0, output_size=None):
            x = input.shape
            k = (kernel_size,) * n if isinstance(kernel_size, int) else tuple(kernel_size)
            need(len(k) == n, "kernel_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(k), wanted=n)
            s, p = _fill(k if stride is None else stride, n, "stride"), _fill(padding, n, "padding")
            slides(x, n)
            out = [unpooled(x[i - n], k[i], s[i], p[i]) for i in range(n)]
            if output_size is not None:
                out = _chosen(output_size, out, s, n)
            for size in out:
                need(size >= 0, "the padding cuts away all of the output: {arrived:cells are} left", arrived=size, wanted=0)
            need(name_of(indices.dtype) == "int64", "indices are whole numbers (int64), {arrived} arrives", arrived=name_of(indices.dtype))
            need(
                len(indices.shape) == len(x),
                "indices of {wanted:axes} are wanted, {arrived:arrive}",
                wanted=len(x),
                arrived=len(indices.shape),
            )
            for given, size in zip(indices.shape, x):
                need(
                    given == size,
                    "one index for each value is wanted: {wanted} along an axis, {arrived:arrive}",
                    wanted=size,
                    arrived=given,
                )
            occupied_all(x[1:])
            if n == 3:
                at_least(1, **{f"stride[{i}]": step for i, step in enumerate(s)})
            return (*x[:-n], *out)

        @staticmethod
        def reach(call):
            k = _fill(call.kernel_size, n, "kernel_size")
            s, p = _fill(k if call.stride is None else call.stride, n, "stride"), _fill(call.padding, n, "padding")
            return {i - n: Window(k[i], -s[i], p[i], 1, p[i]) for i in range(n)}

    @layer(f"MaxUnpool{n}d")
    def max_unpool_layer(net, input, indices, kernel_size, stride=None, padding=0):
        return net.call(f"max_unpool{n}d", input, indices, kernel_size, kernel_size if stride is None else stride, padding)


def _chosen(output_size, smallest, stride, n):
    """The output sizes somebody asked for: less than a stride away from what the settings give."""
    wanted = tuple(output_size)[2:] if len(output_size) == n + 2 else tuple(output_size)
    need(len(wanted) == n, "output_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(output_size), wanted=f"{n} or {n + 2}")
    for size, default, step in zip(wanted, smallest, stride):
        need(size > default - step, "output_size must be larger than {wanted}, {arrived} was chosen", wanted=default - step, arrived=size)
        need(size < default + step, "output_size must be smaller than {wanted}, {arrived} was chosen", wanted=default + step, arrived=size)
    return wanted


for _n in (1, 2, 3):
    _max_unpool(_n)


@rule("torch._C._nn.max_unpool2d", "torch._C._nn.max_unpool3d")
class MaxUnpoolTo(Rule):
    """The same as PyTorch's own functions end up calling it: the size is given."""

    title = "max unpooling"

    @staticmethod
    def shape(input, indices, output_size, stride=None, padding=None):
        return (*input.shape[: -len(output_size)], *output_size)

    @staticmethod
    def reach(call):
        return None
