"""Networks made at random: chains, branches, skips, joins, modules in modules, repeated blocks, hostile names. The seed is the network."""

from __future__ import annotations

import random

from names import NAMES

from whyshape.graph import Builder

PLAIN = ["conv", "block", "stem", "a_rather_long_name_for_a_layer", "x", "W" * 40, "features", "0", "1", "layer_1", "层", "head"]


class _Maker:
    """One network on its way: a tensor is known by its number, its maps and its side."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.net = Builder(self.random.choice([*PLAIN, *NAMES]))
        self.hostile = self.random.random() < 0.4
        self.count = 0

    def name(self) -> str:
        self.count += 1
        stem = self.random.choice(NAMES if self.hostile and self.random.random() < 0.5 else PLAIN)
        return f"{stem.replace('.', '')}{self.count if self.random.random() < 0.7 else ''}"

    def free(self, path: str) -> str:
        name = self.name()
        return f"{path}.{name}" if path else name

    def call(self, path: str, op: str, *args):
        self.net.path, self.net.name = path, path.rpartition(".")[2]
        return self.net.call(op, *args)

    def layer(self, path: str, x, maps: int):
        here, pick = self.free(path), self.random.random()
        if pick < 0.4:
            wide, kernel = self.random.choice([4, 8, 12]), self.random.choice([1, 3])
            return self.net.layer("Conv2d", here, x, args=(maps, wide, kernel), kwargs={"padding": kernel // 2}), wide
        if pick < 0.55:
            return self.net.layer("BatchNorm2d", here, x, args=(maps,)), maps
        if pick < 0.8:
            return self.net.layer("ReLU", here, x), maps
        if pick < 0.9:
            return self.net.layer("Dropout", here, x), maps
        return self.net.layer("MaxPool2d", here, x, args=(3,), kwargs={"stride": 1, "padding": 1}), maps

    def same(self, path: str, x, maps: int, out: int):
        return self.net.layer("Conv2d", self.free(path), x, args=(maps, out, 1))

    def piece(self, path: str, x, maps: int, depth: int):
        """One step of a chain: a layer, a module of its own, a skip around some, branches, or blocks that repeat."""
        pick = self.random.random()
        if depth <= 0 or pick < 0.45:
            return self.layer(path, x, maps)
        inner = self.free(path) if self.random.random() < 0.7 else path
        if pick < 0.6:
            return self.chain(inner, x, maps, depth - 1)
        if pick < 0.75:
            made, wide = self.chain(inner, x, maps, depth - 1)
            if wide != maps:
                made = self.same(inner, made, wide, maps)
            return self.call(inner, "add", made, x), maps
        if pick < 0.9:
            ways = [self.chain(self.free(inner), x, maps, depth - 2) for _ in range(self.random.randint(2, 4))]
            if self.random.random() < 0.3:
                ways.append((x, maps))
            return self.call(inner, "cat", [made for made, _ in ways], 1), sum(wide for _, wide in ways)
        for i in range(self.random.randint(2, 5)):
            y = self.net.layer("Conv2d", f"{inner}.{i}.conv" if inner else f"{i}.conv", x, args=(maps, maps, 3), kwargs={"padding": 1})
            x = self.call(f"{inner}.{i}" if inner else f"{i}", "add", y, x)
        return x, maps

    def chain(self, path: str, x, maps: int, depth: int):
        seen = []
        for _ in range(self.random.randint(1, 5)):
            x, maps = self.piece(path, x, maps, depth)
            seen.append((x, maps))
        if len(seen) > 2 and self.random.random() < 0.3:  # every one before is joined, as in a dense block
            maps = sum(wide for _, wide in seen)
            x = self.call(path, "cat", [made for made, _ in seen], 1)
        return x, maps


def network(seed: int):
    """The network of that number: an image goes in (sometimes two), ten numbers come out."""
    make = _Maker(seed)
    size = make.random.choice([8, 12, 33])
    x, maps = make.net.input((2, 3, size, size), name="image"), 3
    if make.random.random() < 0.2:
        x = make.call("", "cat", [x, make.net.input((2, 1, size, size), name=make.random.choice(NAMES))], 1)
        maps = 4
    x = make.net.layer("Conv2d", make.free(""), x, args=(maps, 8, 3), kwargs={"padding": 1})
    kept, maps = [], 8
    for _ in range(make.random.randint(1, 3)):
        kept.append((x, maps))
        x, maps = make.chain("", x, maps, 3)
    for early, wide in reversed(kept):  # what was seen on the way is joined again, as in a U-Net
        if make.random.random() < 0.5:
            x, maps = make.call("", "cat", [x, early], 1), maps + wide
    x = make.net.layer("AdaptiveAvgPool2d", make.free(""), x, args=(1,))
    x = make.net.layer("Linear", make.free(""), make.net.layer("Flatten", make.free(""), x), args=(maps, 10))
    return make.net.graph(x)
