"""A browser that may reach nothing, the page's core in Node, and networks to draw."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from whyshape.graph import Builder

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


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


def one(args, kwargs, path="layer", name="Conv2d", size=(1, 4, 14, 14)):
    """One layer."""
    net = Builder("one")
    return net.graph(net.layer(name, path, net.input(size, name="x"), args=args, kwargs=kwargs))


@pytest.fixture(scope="session")
def ask(tmp_path_factory):
    """``ask(models, questions)``: the page's core answers, in Node."""
    node, esbuild = shutil.which("node"), WEB / "node_modules" / ".bin" / "esbuild"
    if node is None or not esbuild.exists():
        pytest.skip("needs Node and `npm ci` in web/")
    built = tmp_path_factory.mktemp("core") / "ask.mjs"
    subprocess.run(
        [
            esbuild,
            Path(__file__).with_name("ask.ts"),
            "--bundle",
            "--platform=node",
            "--format=esm",
            f"--outfile={built}",
            "--log-level=error",
        ],
        check=True,
    )

    def put(models, questions):
        done = subprocess.run(
            [node, built], input=json.dumps({"models": models, "questions": questions}), capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return put


@pytest.fixture
def visit(chromium, tmp_path):
    """``visit(html, hash="")`` opens a page offline; any request, console error, page error or dialog fails the test at its end."""
    wrong: list[str] = []
    contexts = []

    def opened(html: str, hash: str = "", ready: bool = True, ending: str = "html", **options):
        file = tmp_path / f"page{len(contexts)}.{ending}"
        file.write_text(html, encoding="utf-8")
        context = chromium.new_context(offline=True, **{"viewport": {"width": 1400, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(120_000)  # a condition that never holds fails; a slow machine does not
        page = context.new_page()
        page.on("request", lambda r: r.url.startswith(("data:", f"file://{file}")) or wrong.append(f"request {r.url}"))
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(f"console {m.text}"))
        page.on("pageerror", lambda e: wrong.append(f"page error {e}"))
        page.on("dialog", lambda d: (wrong.append(f"dialog {d.message}"), d.dismiss()))
        page.goto(f"file://{file}{hash}")
        if ready:
            page.wait_for_selector("html[data-ready]", timeout=120_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def nets():
    """The builders above, for tests."""
    return type("Nets", (), {"thread": staticmethod(thread), "residual": staticmethod(residual), "one": staticmethod(one)})
