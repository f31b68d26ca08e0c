"""A browser that may reach nothing, the page's core in Node, and networks to draw."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import networks_to_draw as networks

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


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
    """Networks to draw, by name."""
    return networks


@pytest.fixture
def thread_page(visit, nets):
    """``thread_page(hash="")`` opens the report of the thread's network."""
    from whyshape.analyses.known import known
    from whyshape.analyses.report import report
    from whyshape.writers.html import page

    graph = nets.thread()
    return lambda hash="", **options: visit(page(report(graph, **known(graph))), hash, **options)
