"""The pictures of the documentation, made anew from the thread's network: ``python tools/pictures.py [FOLDER] [--check] [--page]``.

``--page`` also photographs the report in Chromium; a photograph is not compared, for browsers draw letters differently.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from whyshape.api import explain
from whyshape.explanation import Explanation
from whyshape.graph import Builder
from whyshape.readers.notation import THREAD
from whyshape.writers.pictures import put, stale

WHERE = Path(__file__).parent.parent / "docs" / "pictures"


def pictures():
    """Each picture's name and its bytes."""
    thread = explain(THREAD, (1, 1, 28, 28))
    stride = explain("Conv2d(4, 6, 3, stride=2, padding=1)", (1, 4, 9, 9))
    dilation = explain("Conv2d(4, 6, 3, dilation=2)", (1, 4, 9, 9))
    up = explain("ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)", (1, 4, 5, 5))
    yield "thread-architecture.svg", thread.figure("arch")
    yield "thread-table.svg", thread.figure("arch", style="table")
    yield "thread-graph.svg", thread.figure("graph", depth=2)
    unet = Explanation(u_net())
    yield "u-net-architecture.svg", unet.figure("arch")
    yield "u-net-graph.svg", unet.figure("graph")
    yield "u-net-receptive-field.svg", unet.figure("rf")
    yield "resnet-50-graph.svg", Explanation(resnet_50()).figure("graph", depth=2)
    yield "resnet-50-block.svg", Explanation(resnet_50()).figure("graph", layer="layer2.0")
    yield "thread-conv_1.svg", thread.figure("conv", layer="conv.conv_1")
    yield "thread-conv_1-steps.svg", thread.figure("steps", layer="conv.conv_1")
    yield "thread-conv_2-weight.svg", thread.figure("weight", layer="conv.conv_2")
    yield "thread-receptive-field.svg", thread.figure("rf")
    yield "walk-conv_2.svg", thread.animate("conv.conv_2")
    yield "walk-maxpool_2.svg", thread.animate("conv.maxpool_2")
    for name, one in (("stride", stride), ("dilation", dilation), ("transposed", up)):
        yield f"walk-{name}.svg", one.animate(next(node.path for node in one.graph.nodes))


def u_net(levels: int = 3, size: int = 128):
    """A small U-Net: what was seen on the way down is joined to what comes back up."""
    net = Builder("a U-Net")
    x, kept, maps = net.input((1, 3, size, size), name="image"), [], 3
    for i in range(levels):
        x = net.layer("ReLU", f"down.{i}.relu", net.layer("Conv2d", f"down.{i}.conv", x, args=(maps, 16 << i, 3), kwargs={"padding": 1}))
        maps = 16 << i
        kept.append(x)
        x = net.layer("MaxPool2d", "pool", x, args=(2,))
    for i in reversed(range(levels)):
        x = net.layer("ConvTranspose2d", f"up.{i}", x, args=(maps, 16 << i, 2), kwargs={"stride": 2})
        net.path = net.name = ""
        x = net.call("cat", [x, kept[i]], 1)
        x = net.layer("ReLU", f"dec.{i}.relu", net.layer("Conv2d", f"dec.{i}.conv", x, args=(32 << i, 16 << i, 3), kwargs={"padding": 1}))
        maps = 16 << i
    return net.graph(net.layer("Conv2d", "out", x, args=(maps, 2, 1)))


def resnet_50():
    """ResNet-50 as torchvision builds it."""
    net = Builder("ResNet-50")

    def conv(path: str, x, maps: int, out: int, kernel: int, stride: int = 1):
        return net.layer("Conv2d", path, x, args=(maps, out, kernel), kwargs={"stride": stride, "padding": kernel // 2, "bias": False})

    def norm(path: str, x, maps: int, active: bool = True):
        x = net.layer("BatchNorm2d", f"{path}", x, args=(maps,))
        return net.layer("ReLU", f"{path.rpartition('.')[0]}.relu".lstrip("."), x) if active else x

    x = norm("bn1", conv("conv1", net.input((1, 3, 224, 224), name="image"), 3, 64, 7, 2), 64)
    x, maps = net.layer("MaxPool2d", "maxpool", x, args=(3,), kwargs={"stride": 2, "padding": 1}), 64
    for i, blocks in enumerate((3, 4, 6, 3)):
        for k in range(blocks):
            at, kept, inner, stride = f"layer{i + 1}.{k}", x, 64 << i, 2 if i and not k else 1
            x = norm(f"{at}.bn1", conv(f"{at}.conv1", x, maps, inner, 1), inner)
            x = norm(f"{at}.bn2", conv(f"{at}.conv2", x, inner, inner, 3, stride), inner)
            x = norm(f"{at}.bn3", conv(f"{at}.conv3", x, inner, 4 * inner, 1), 4 * inner, active=False)
            if not k:
                kept = norm(f"{at}.downsample.1", conv(f"{at}.downsample.0", kept, maps, 4 * inner, 1, stride), 4 * inner, active=False)
            net.path, net.name = at, "Bottleneck"
            x, maps = net.layer("ReLU", f"{at}.relu", net.call("add", x, kept)), 4 * inner
    x = net.layer("Flatten", "flatten", net.layer("AdaptiveAvgPool2d", "avgpool", x, args=(1,)))
    return net.graph(net.layer("Linear", "fc", x, args=(2048, 1000)))


def photograph(file: Path) -> None:
    """The report of the thread's network as a reader first sees it."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        page = Path(folder) / "thread.html"
        explain(THREAD, (1, 1, 28, 28)).report(str(page))
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_context(offline=True, viewport={"width": 1280, "height": 1060}, color_scheme="light").new_page()
        tab.goto(f"file://{page}#l=conv.conv_2&px=3,4")
        tab.wait_for_selector("html[data-ready]")
        tab.screenshot(path=str(file))
        browser.close()


def main(argv: list[str]) -> int:
    """Write them, or with ``--check`` say which of the files there are stale; 1 if any is."""
    folder = Path(next((a for a in argv if not a.startswith("-")), WHERE))
    old = []
    for name, content in pictures():
        if "--check" in argv:
            if not (folder / name).exists() or stale(str(folder / name), content):
                old.append(name)
        else:
            put(folder / name, content)
    if "--page" in argv:
        photograph(folder / "report.png")
    for name in old:
        print(f"{folder / name} is stale: python tools/pictures.py writes it anew", file=sys.stderr)
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
