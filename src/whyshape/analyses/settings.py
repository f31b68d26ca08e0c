"""The numbers of one sliding layer along one axis, asked through its operator's own rule."""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Spec
from whyshape.sizes import CALCULATED, INPUT, Formula, leaf, recording
from whyshape.sizes.algebra import Algebra, Along
from whyshape.sizes.expr import RELATIONS
from whyshape.sizes.sets import ANY, NOTHING, Numbers

RANGES: dict[str, dict[str, range]] = {
    "conv": {"kernel_size": range(1, 12), "stride": range(1, 5), "padding": range(6), "dilation": range(1, 3)},
    "pool": {"kernel_size": range(1, 12), "stride": range(1, 5), "padding": range(6), "dilation": range(1, 2), "ceil_mode": range(2)},
    "transpose": {
        "kernel_size": range(1, 12),
        "stride": range(1, 5),
        "padding": range(6),
        "dilation": range(1, 3),
        "output_padding": range(4),
    },
}
LAYERS = {"conv": "Conv2d", "pool": "MaxPool2d", "transpose": "ConvTranspose2d"}


class Setting(NamedTuple):
    """One layer's numbers along one axis. ``pad``: cells added before and after, by a padding of its own."""

    op: str
    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    output_padding: int = 0
    ceil_mode: int = 0
    pad: tuple[int, int] | None = None

    def out(self, n: int) -> int:
        """The size it makes of ``n``. Raises `DoesNotFit` where the operator refuses."""
        if self.pad:
            n = RULES["pad"].shape(Spec((1, 1, n)), self.pad)[-1]
        x, w = Spec((1, 1, n)), Spec((1, 1, self.kernel_size))
        if self.op == "conv":
            return RULES["conv1d"].shape(x, w, None, self.stride, self.padding, self.dilation)[-1]
        if self.op == "pool":
            return RULES["max_pool1d"].shape(x, self.kernel_size, self.stride, self.padding, self.dilation, bool(self.ceil_mode))[-1]
        return RULES["conv_transpose1d"].shape(x, w, None, self.stride, self.padding, self.output_padding, 1, self.dilation)[-1]

    def formula(self, n: int) -> str:
        """The sum with its numbers put in: ``floor((28 + 2*1 - 1*(3-1) - 1)/2) + 1 = 14``."""
        numbers: dict[str, Any] = {
            name: leaf(value, name) for name, value in self._asdict().items() if isinstance(value, int) and name != "ceil_mode"
        }
        out = self._replace(**numbers).out(leaf(n, "size", INPUT))
        return f"{Formula(out)} = {int(out)}"

    def taking(self, wanted: tuple[int, int]) -> Numbers:
        """The sizes n that the layer takes to ``n*wanted[1]/wanted[0]``, exactly, without a limit."""
        algebra = Algebra()
        n = leaf(64, "n", CALCULATED, ("free", "n"))
        with recording() as facts:
            try:
                out = self.out(n)
            except DoesNotFit:  # at 64, and what refuses depends on no size: then at every size
                return NOTHING
        found = _where(algebra, "==", out * wanted[0], n * wanted[1])
        for need in facts.needs:
            found = found & _where(algebra, need.cond.relation, need.cond.left, need.cond.right)
        return found

    def __str__(self):
        told = [f"kernel_size={self.kernel_size}"]
        stride = self.kernel_size if self.op == "pool" else 1
        told += [f"stride={self.stride}"] if self.stride != stride else []
        told += [f"{name}={value}" for name, value, usual in (
            ("padding", self.padding, 0), ("output_padding", self.output_padding, 0), ("dilation", self.dilation, 1)
        ) if value != usual]  # fmt: skip
        told += ["ceil_mode=True"] if self.ceil_mode else []
        channels = "" if self.op == "pool" else "C_in, C_out, "
        layer = f"{LAYERS[self.op]}({channels}{', '.join(told)})"
        return f"ZeroPad2d({(*self.pad, *self.pad)}) > {layer}" if self.pad else layer

    @property
    def cost(self) -> int:
        """How far from convention; 0 is what most networks use."""
        k, s, p, d = self.kernel_size, self.stride, self.padding, self.dilation
        cost = 6 * (d - 1) + 4 * self.ceil_mode + 2 * bool(self.pad)
        if self.op == "pool":
            return cost + (
                abs(k - 2) if (s, p) == (k, 0) else 1 if (k, s, p) == (3, 2, 1) else 4 + abs(k - 3) + abs(p - k // 2) + 2 * (s == 1)
            )
        if self.op == "transpose":
            usual = {(2, 2, 0, 0): 0, (4, 2, 1, 0): 1, (3, 2, 1, 1): 2, (3, 1, 1, 0): 1}.get((k, s, p, self.output_padding))
            return cost + (usual if usual is not None else 5 + abs(k - 2 * s) + 2 * p + 3 * self.output_padding)
        centred = p == d * (k - 1) // 2 and k % 2 == 1
        size = {1: 2, 3: 0, 5: 2, 7: 3}.get(k, 6 + k // 2) + (6 if k < s else 0)  # smaller than its stride: cells nobody reads
        patches = k == s and p == 0 and k > 1
        return cost + (3 + k // 4 if patches else size + (0 if centred else 3 if p == 0 else 6 + abs(p - k // 2)) + max(0, s - 2) * 3)


def _where(algebra: Algebra, relation: str, left, right) -> Numbers:
    form = algebra.plus(algebra.normal(left), algebra.times(algebra.normal(right), -1))
    if isinstance(form, Along):
        return form.stairs.compare(relation, 0)
    return ANY if RELATIONS[relation](int(form), 0) else NOTHING  # type: ignore[arg-type]


def like_keras(setting: Setting, n: int) -> Setting | None:
    """The setting padded as Keras' "same" pads an axis of ``n``: the extra cell goes after. None where Keras has no such layer."""
    if setting.op != "conv" or (setting.stride > 1 and setting.dilation > 1):
        return None
    out = -(-n // setting.stride)
    total = max((out - 1) * setting.stride + setting.dilation * (setting.kernel_size - 1) + 1 - n, 0)
    if total % 2 == 0:
        return setting._replace(padding=total // 2)
    return setting._replace(padding=0, pad=(total // 2, total - total // 2))


__all__ = ["LAYERS", "RANGES", "Setting", "like_keras"]
