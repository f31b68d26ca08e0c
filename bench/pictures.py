"""How large the report is and how soon it is ready, in Chromium at a fourth of its speed. Run: python bench/pictures.py [page.html ...]"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from torch import nn

from whyshape.analyses.report import report
from whyshape.readers.torch import read
from whyshape.writers.html import page

SLOWER = 4


class Chain(nn.Module):
    """Layers that are all different in size, so that no two fold into one row."""

    def __init__(self, n: int):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv1d(2, 2, 1, padding=i % 2) for i in range(n)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def written(name: str, model, size) -> Path:
    """A report of the model, in a temporary place."""
    begin = time.perf_counter()
    graph = read(model.eval(), input_size=size)
    read_in = time.perf_counter() - begin
    begin = time.perf_counter()
    text = page(report(graph))
    print(f"{name}: {len(graph.nodes)} calls, {len(text):,} bytes, read in {read_in:.2f} s, written in {time.perf_counter() - begin:.2f} s")
    path = Path(f"/tmp/whyshape-{name}.html")
    path.write_text(text)
    return path


def measure(browser, path: Path, times: int = 5) -> None:
    """Milliseconds from opening to ready, and from a key to the next picture."""
    ready, key, search = [], [], []
    for _ in range(times):
        context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
        tab = context.new_page()
        context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        tab.goto(f"file://{path}")
        tab.wait_for_selector("html[data-ready]", timeout=60_000)
        ready.append(tab.evaluate("+document.documentElement.dataset.ready"))
        tab.get_by_role("treegrid").focus()
        act = """async (act) => { const begin = performance.now(); act(); await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - begin }"""
        press = "() => document.querySelector('[role=treegrid]').dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))"
        key.append(tab.evaluate(f"({act})({press})"))
        typed = "() => { const box = document.getElementById('find'); box.value = '17'; box.dispatchEvent(new Event('input', {bubbles: true})) }"
        search.append(tab.evaluate(f"({act})({typed})"))
        context.close()
    middle = lambda found: f"{statistics.median(found):.0f} ms ({min(found):.0f} to {max(found):.0f})"
    print(f"  ready after {middle(ready)}, End key {middle(key)}, typing {middle(search)}; CPU/{SLOWER}, {times} runs")


def empty() -> Path:
    """A page that holds nothing: what opening costs on this machine now, to be taken off the others."""
    path = Path("/tmp/whyshape-empty.html")
    ready = "document.documentElement.dataset.ready=performance.now()"
    path.write_text(f"<!doctype html><div role=treegrid tabindex=0></div><input id=find><script>{ready}</script>")
    return path


def main() -> None:
    paths = [Path(p) for p in sys.argv[1:]]
    if not paths:
        from whyshape.lab.network import ThreadNet

        paths = [written("thread", ThreadNet(), (1, 1, 28, 28)), *(written(f"chain-{n}", Chain(n), (1, 2, 8)) for n in (2_000, 20_000))]
    paths.insert(0, empty())
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for path in paths:
            print(path.name)
            measure(browser, path)
        browser.close()


if __name__ == "__main__":
    main()
