"""The report as a file: its door, its size, what it holds without scripts, and what stands in it beside the layers."""

from __future__ import annotations

import json
import re

from reading import expect, says

from whyshape.analyses.known import known
from whyshape.analyses.report import report
from whyshape.writers.html import page


def test_a_model_that_stopped_claims_nothing_behind(visit):
    """Totals are "at least", and no size is said to fit layers that were never reached."""
    from whyshape.api import explain
    from whyshape.readers.notation import THREAD

    tab = visit(explain(THREAD, (1, 1, 32, 32)).page())
    says(tab, "#answer", "fc.fc1 stopped the model: 320 features are wanted on the last axis, 500 arrive.")
    says(tab, "#answer", "at least 5,280 learned numbers at least")
    says(tab, "#fits", "The model stopped at fc.fc1")
    expect(tab.locator("#fits svg")).to_have_count(0)


def test_without_scripts_the_layers_are_there(visit, nets):
    tab = visit(page(report(nets.thread())), ready=False, java_script_enabled=False)
    assert "conv_2 (Conv2d)  1x20x8x8" in tab.locator("noscript").inner_text() or "conv_2 (Conv2d)  1x20x8x8" in tab.content()


def test_the_door_is_closed(visit, nets):
    """The page's own policy stops a script, a style and an image from elsewhere."""
    html = page(report(nets.thread()))
    assert "default-src 'none'" in html and "unsafe-inline" not in html and "unsafe-eval" not in html
    assert re.search(r"https?://(?!www\.w3\.org)", html) is None


def test_budgets(nets):
    """The thread's page stays within 60 kB; equal models give equal bytes; large data is deflated."""
    first, second = page(report(nets.thread())), page(report(nets.thread()))
    assert first == second and len(first) <= 60_000
    large = page(report(nets.residual(400)))
    assert 'type="application/octet-stream" id="data"' in page({**report(nets.thread()), "fits": "x" * 30_000})
    assert len(large) <= 100_000


def test_two_thousand_rows_stand_in_a_small_document(visit):
    """When the page is ready it holds the rows in view and no more. How soon that is, bench/pictures.py measures."""
    from whyshape.graph import Builder

    net = Builder("chain")
    x = net.input((1, 2, 2100))
    for i in range(2000):
        x = net.layer("Conv1d", f"layers.{i}", x, args=(2, 2, 2))
    tab = visit(page(report(net.graph(x))))
    tab.get_by_role("treegrid").focus()
    tab.keyboard.press("End")
    expect(tab.get_by_role("row", selected=True)).to_contain_text(re.compile("^1999"))
    assert tab.get_by_role("treegrid").get_by_role("row").count() < 60


def test_the_data_is_json_that_cannot_leave_its_island(nets):
    """`</script>` and comment openers in a name stay text."""
    graph = nets.one((4, 6, 3), {}, path="</script><!--<script>")
    html = page(report(graph))
    island = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1]
    assert "<" not in island
    assert json.loads(island)["rows"][0][1] == "</script><!--<script>"


def test_hazards_stand_in_every_report(visit):
    """Path, sentence and how grave it is."""
    from whyshape.graph import Builder

    net = Builder()
    x = net.layer("ConvTranspose2d", "up", net.input((1, 8, 14, 14)), args=(8, 1, 3, 2))
    graph = net.graph(x)
    (found,) = known(graph)["hazards"]
    assert found["path"] == "up" and found["severity"] in ("warning", "hint")
    says(visit(page(report(graph, **known(graph)))), "#answer", f"{found['severity']} up: {found['sentence']}")


def test_every_bar_is_named_once(visit, nets):
    """A module that is called several times, each time for one part of it, gives each bar that part's name."""
    tab = visit(page(report(nets.unet())))
    tab.locator("#bars table").first.wait_for()
    names = tab.locator("#bars table").first.locator("th").all_inner_texts()
    assert len(names) > 5 and len(set(names)) == len(names)
