"""Networks to draw, built without a framework."""

from __future__ import annotations

from whyshape.graph import Builder


def thread(size=(1, 1, 28, 28)):
    """The thread's network, built without a framework."""
    net = Builder("ThreadNet")
    x = net.input(size, name="x")
    for name, path, args in (
        ("Conv2d", "conv.conv_1", (1, 10, 5)), ("MaxPool2d", "conv.maxpool_1", (2,)), ("ReLU", "conv.relu_1", ()),
        ("Conv2d", "conv.conv_2", (10, 20, 5)), ("Dropout", "conv.dropout_2", ()), ("MaxPool2d", "conv.maxpool_2", (2,)),
        ("ReLU", "conv.relu_2", ()), ("Flatten", "flatten", ()), ("Linear", "fc.fc1", (320, 50)), ("ReLU", "fc.relu_3", ()),
        ("Dropout", "fc.dropout_3", ()), ("Linear", "fc.fc2", (50, 10)),
    ):  # fmt: skip
        x = net.layer(name, path, x, args=args)
    return net.graph(x)


def residual(blocks=3, size=32):
    """A stem, alike residual blocks and a head: folds, skips, and an adaptive pool."""
    net = Builder("Residual")
    x = net.layer("Conv2d", "stem", net.input((1, 3, size, size), name="image"), args=(3, 16, 3), kwargs={"padding": 1, "stride": 2})
    for i in range(blocks):
        kept = x
        x = net.layer("Conv2d", f"blocks.{i}.conv1", x, args=(16, 16, 3), kwargs={"padding": 1, "bias": False})
        x = net.layer("BatchNorm2d", f"blocks.{i}.norm1", x, args=(16,))
        x = net.layer("ReLU", f"blocks.{i}.relu", x)
        net.path, net.name = f"blocks.{i}", "Block"
        x = net.call("add", x, kept)
    x = net.layer("AdaptiveAvgPool2d", "pool", x, args=(3,))
    x = net.layer("Linear", "head", net.layer("Flatten", "flatten", x), args=(144, 10))
    return net.graph(x)


def unet(depth=4, size=64):
    """Down, across and up again: every level's maps are joined to those that come back up, over all that lies between."""
    net = Builder("UNet")
    x, kept, maps = net.input((1, 3, size, size), name="image"), [], 3
    for i in range(depth):
        x = net.layer("Conv2d", f"down.{i}.conv", x, args=(maps, 8 << i, 3), kwargs={"padding": 1})
        x = net.layer("ReLU", f"down.{i}.relu", x)
        kept.append(x)
        x, maps = net.layer("MaxPool2d", "pool", x, args=(2,)), 8 << i
    for i in reversed(range(depth)):
        x = net.layer("ConvTranspose2d", f"up.{i}", x, args=(maps, 8 << i, 2), kwargs={"stride": 2})
        net.path, net.name = "", ""
        x = net.call("cat", [x, kept[i]], 1)
        x, maps = net.layer("Conv2d", f"dec.{i}", x, args=(16 << i, 8 << i, 3), kwargs={"padding": 1}), 8 << i
    return net.graph(net.layer("Conv2d", "out", x, args=(maps, 2, 1)))


def branches(size=28):
    """Four ways side by side, as in an inception block, twice, each in a module of its own."""
    net = Builder("Branches")
    x, maps = net.input((1, 8, size, size), name="image"), 8
    for b in range(2):
        ways = [net.layer("Conv2d", f"mixed{b}.branch{i}.conv", x, args=(maps, 4, 2 * i + 1), kwargs={"padding": i}) for i in range(3)]
        pooled = net.layer("MaxPool2d", f"mixed{b}.branch3.pool", x, args=(3,), kwargs={"stride": 1, "padding": 1})
        ways.append(net.layer("Conv2d", f"mixed{b}.branch3.conv", pooled, args=(maps, 4, 1)))
        net.path, net.name = f"mixed{b}", "Mixed"
        x, maps = net.call("cat", ways, 1), 16
    return net.graph(net.layer("AdaptiveAvgPool2d", "pool", x, args=(1,)))


def crossed(size=16):
    """Three ways, each of which reads all three before it: lines must cross."""
    net = Builder("Crossed")
    x = net.input((1, 4, size, size), name="image")
    ways = [net.layer("Conv2d", f"first{i}", x, args=(4, 4, 3), kwargs={"padding": 1}) for i in range(3)]
    for level in ("second", "third"):
        made = []
        for i in range(3):
            net.path, net.name = f"{level}{i}", "Mix"
            total = net.call("add", net.call("add", ways[i], ways[(i + 1) % 3]), ways[(i + 2) % 3])
            made.append(net.layer("ReLU", f"{level}{i}.relu", total))
        ways = made
    net.path, net.name = "", ""
    return net.graph(net.call("cat", ways, 1))


def tokens(size=32):
    """Patches as rows of numbers, alike blocks with names that end in a number, and maps that stand last."""
    net = Builder("Tokens")
    x = net.layer("Conv2d", "patch", net.input((1, 3, size, size), name="image"), args=(3, 16, 4), kwargs={"stride": 4})
    net.path, net.name = "", ""
    x = net.call("permute", x, (0, 2, 3, 1))
    x = net.layer("Linear", "mix", x, args=(16, 24))
    net.path, net.name = "", ""
    x = net.call("flatten", x, 1, 2)
    for i in range(3):
        x = net.layer("ReLU", f"body.block_{i}.act", net.layer("Linear", f"body.block_{i}.fc", x, args=(24, 24)))
    return net.graph(net.layer("Linear", "head", x, args=(24, 10)))


def one(args, kwargs, path="layer", name="Conv2d", size=(1, 4, 14, 14)):
    """One layer."""
    net = Builder("one")
    return net.graph(net.layer(name, path, net.input(size, name="x"), args=args, kwargs=kwargs))
