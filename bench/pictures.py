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


WATCH = """new MutationObserver((_, watcher) => {
  if (!document.documentElement?.dataset.ready) return;
  watcher.disconnect();
  const after = new MessageChannel(); // what is sent while a frame is made arrives after it, and before what the page does next
  after.port1.onmessage = () => (window.painted = performance.now());
  requestAnimationFrame(() => after.port2.postMessage(0));
}).observe(document, { attributes: true, childList: true, subtree: true })"""

ACT = """async (act) => { const begin = performance.now(); act(); await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begin }"""
PRESS = "() => document.querySelector('[role=treegrid]').dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))"
TYPE = "() => { const box = document.getElementById('find'); box.value = '17'; box.dispatchEvent(new Event('input', {bubbles: true})) }"


def measure(browser, path: Path, times: int = 7) -> None:
    """Milliseconds until the answer and the first rows are painted, and from a key to the next picture.

    Also the work of the page's own thread until then, in milliseconds of this processor at full speed: it does not count what other
    programs do meanwhile, so it can be compared between runs. Four times it is what `painted` comes to on a quiet machine.
    """
    painted, work, key, search = [], [], [], []
    for _ in range(times):
        context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
        tab = context.new_page()
        work.append(worked(browser, tab, path))
        tab = context.new_page()
        wire = context.new_cdp_session(tab)
        wire.send("Page.enable")
        wire.send("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        tab.goto(f"file://{path}")
        while (done := tab.evaluate("window.painted")) is None:
            tab.wait_for_timeout(50)
        painted.append(done)
        tab.get_by_role("treegrid").focus()
        key.append(tab.evaluate(f"({ACT})({PRESS})"))
        search.append(tab.evaluate(f"({ACT})({TYPE})"))
        context.close()
    middle = lambda found: f"{statistics.median(found):.0f} ms ({min(found):.0f} to {max(found):.0f})"
    print(f"  at CPU/{SLOWER}: painted after {middle(painted)}, End key {middle(key)}, typing {middle(search)}; {times} runs")
    print(f"  work until painted, at full speed: {middle(work)}")


def worked(browser, tab, path: Path) -> float:
    """Milliseconds of its own thread's clock that a page takes from the start of loading to the first paint after it is ready."""
    events, ended = [], []
    wire = browser.new_browser_cdp_session()
    wire.on("Tracing.dataCollected", lambda told: events.extend(told["value"]))
    wire.on("Tracing.tracingComplete", lambda told: ended.append(told))
    wire.send(
        "Tracing.start",
        {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": ["toplevel", "devtools.timeline", "blink.user_timing"]}},
    )
    tab.goto(f"file://{path}")
    tab.wait_for_selector("html[data-ready]")
    ready = tab.evaluate("+document.documentElement.dataset.ready")
    tab.wait_for_timeout(800)
    wire.send("Tracing.end")
    while not ended:
        tab.wait_for_timeout(20)
    wire.detach()
    start = [
        e for e in events if e["name"] == "navigationStart" and e["args"].get("data", {}).get("documentLoaderURL", "").startswith("file")
    ][-1]
    pages = {
        (e["pid"], e["tid"])
        for e in events
        if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain" and e["pid"] == start["pid"]
    }
    mine = sorted((e for e in events if (e["pid"], e["tid"]) in pages and e["ts"] >= start["ts"] and "tts" in e), key=lambda e: e["ts"])
    paint = next(e for e in mine if e["name"] in ("Commit", "Layerize") and e["ts"] > start["ts"] + 1000 * ready)
    return (paint["tts"] + paint.get("tdur", 0) - mine[0]["tts"]) / 1000


def empty() -> Path:
    """A page that holds nothing: what opening costs on this machine now, below which no page can come."""
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
