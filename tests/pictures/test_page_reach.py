"""The report for everyone: by keyboard alone, by search and by link, on any screen, in grey, for a screen reader."""

from __future__ import annotations

import re

import pytest
from reading import expect, says

from whyshape.analyses.report import report
from whyshape.writers.html import page


def test_reduced_motion_never_plays(thread_page):
    tab = thread_page("#l=conv.conv_2", reduced_motion="reduce")
    expect(tab.get_by_role("button", name="Step", exact=True)).to_have_count(1)
    expect(tab.get_by_role("button", name="Play")).to_have_count(0)


def test_finding_a_number(thread_page):
    """Every place where 320 occurs."""
    tab = thread_page()
    tab.keyboard.press("/")
    tab.keyboard.type("320")
    tab.get_by_text("2 of 14 rows").wait_for()
    expect(tab.get_by_role("treegrid").get_by_role("row")).to_contain_text(["layer", "flatten", "fc.fc1"])


def test_by_keyboard_alone(thread_page):
    """Open, go to conv_2, trace a cell of it, copy its text: no mouse."""
    tab = thread_page()
    tree = tab.get_by_role("treegrid")
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tree.evaluate("e => e === document.activeElement"):
            break
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")  # open already: goes to its first part
    for _ in range(3):
        tab.keyboard.press("ArrowDown")
    says(tab, "#card h3", "conv.conv_2")
    tab.keyboard.press("Enter")
    expect(tab.locator("#card")).to_be_focused()
    seen = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        name = tab.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText")
        seen.add(name)
        if name == "Output column":
            tab.keyboard.press("ArrowRight")
        if name == "text":
            tab.keyboard.press("Enter")
            break
    tab.get_by_text("text copied").wait_for()
    says(tab, ".walk .status", "Output row 0, column 1 reads")
    assert tab.evaluate("document.documentElement.dataset.copied").startswith(
        "conv.conv_2: 20 x 8 x 8\nheight and width: floor((12 + 2*0 - 1*(5-1) - 1)/1) + 1 = 8"
    )
    tab.get_by_text("It sees rows 0 to 13, columns 2 to 15 of the input.").wait_for()


def test_tree_keys(visit, nets):
    """Right opens, left closes and goes to the parent, End goes to the last row; alike blocks stand in one row."""
    tab = visit(page(report(nets.residual())))
    tree = tab.get_by_role("treegrid")
    tree.focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowDown")
    here = tab.get_by_role("row", selected=True)
    expect(tree.get_by_role("row", name=re.compile("^blocks"))).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("ArrowRight")
    expect(here).to_contain_text("x 3")
    tab.keyboard.press("ArrowRight")
    expect(tree.get_by_role("row", name=re.compile("^conv1"))).to_have_attribute("aria-level", "3")
    tab.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("row", name=re.compile("^conv1"))).to_have_count(0)
    expect(tab.get_by_role("img", name="Picture of the 4 parts and how they are joined")).to_have_count(1)
    tab.keyboard.press("ArrowLeft")
    expect(here).to_contain_text(re.compile("^blocks"))
    tab.keyboard.press("End")
    expect(here).to_contain_text(re.compile("^head"))


def test_skips_are_brackets_beside_the_list(visit, nets):
    """From the row the data leaves to the row it joins; what happens inside a closed row needs none, nor does a filtered list."""
    tab = visit(page(report(nets.residual())), "#l=blocks.0..2.conv1")
    brackets, tree = tab.locator(".skips path"), tab.get_by_role("treegrid")
    expect(brackets).to_have_count(1)
    row = lambda name: tree.get_by_role("row", name=re.compile(f"^{name}")).bounding_box()
    box, stem, add = brackets.bounding_box(), row("stem"), row("add")
    assert stem["y"] < box["y"] < stem["y"] + stem["height"] and add["y"] < box["y"] + box["height"] < add["y"] + add["height"]
    tree.focus()
    for _ in range(3):  # to the block, which closes; to the module around it
        tab.keyboard.press("ArrowLeft")
    expect(brackets).to_have_count(1)
    assert brackets.bounding_box()["height"] < box["height"]
    tab.keyboard.press("ArrowLeft")
    expect(brackets).to_have_count(0)
    tab.keyboard.press("ArrowRight")
    expect(brackets).to_have_count(1)
    tab.keyboard.press("/")
    tab.keyboard.type("16")
    tab.get_by_text(re.compile("of 10 rows")).wait_for()
    expect(brackets).to_have_count(0)


def test_a_link_is_an_exact_view(thread_page):
    """The address holds layer, cell, knobs and input; a broken one opens the page all the same."""
    tab = thread_page("#l=conv.conv_2&px=2,3&k3=kernel_size%5B0%5D:3,kernel_size%5B1%5D:3&in0=1,1,30,30")
    says(tab, "#answer", "20 x 11 x 11")
    says(tab, ".walk .status", "Output row 2, column 3 reads")
    tab.get_by_label("stride", exact=True).fill("2")
    expect(tab).to_have_url(re.compile(r"#.*stride%5B0%5D:2"))
    broken = thread_page("#l=%E0%A4%A&px=x&k99=a:1&k3=__proto__:3,constructor:2&in0=1,1&in7=2,2")
    says(broken, "#answer", "20 x 4 x 4 -> 320")


def test_other_order_and_text_version(thread_page):
    tab = thread_page()
    tab.get_by_role("button", name="PyTorch order (maps first)").click()
    says(tab, "#answer", "28 x 28 x 1 -> 24 x 24 x 10")
    tab.get_by_role("button", name="Text version").click()
    says(tab, "#layers pre", "conv_2 (Conv2d) 8 x 8 x 20 5,020 learned")


@pytest.mark.parametrize("width", [360, 700, 1400])
def test_no_sideways_scrolling(thread_page, width):
    tab = thread_page("#l=conv.conv_1", viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "pages"), [("light", 3), ("dark", 1), pytest.param("dark", 3, marks=pytest.mark.full)])
def test_axe_finds_nothing_serious(visit, nets, scheme, pages):
    """No serious or critical finding, on one that does not fit, on the thread's network, and on folded blocks."""
    from pathlib import Path

    axe = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("needs `npm ci` in web/")
    for graph, hash in (
        (nets.thread(), "#l=conv.conv_2&k3=kernel_size%5B0%5D:7"),
        (nets.thread(), "#l=conv.conv_1"),
        (nets.residual(), "#l=blocks.0..2"),
    )[:pages]:
        tab = visit(page(report(graph)), hash, color_scheme=scheme)
        tab.locator("#bars table").first.wait_for()
        found = tab.evaluate(f"async () => {{ {axe.read_text()}; return await axe.run(document) }}")
        grave = [
            (v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found["violations"] if v["impact"] in ("serious", "critical")
        ]
        assert grave == []


def test_grey_still_tells_who_decides(thread_page):
    """Without colour the kinds of number differ: solid box, dashed box, dotted line, double bar."""
    tab = thread_page("#l=conv.conv_1")
    edges = {}
    for kind in ("chosen", "typed", "calculated", "input"):
        style = "e => { const s = getComputedStyle(e); return [s.borderTopStyle, s.borderBottomStyle, s.borderLeftStyle, s.borderTopColor === 'rgba(0, 0, 0, 0)'].join() }"
        edges[kind] = tab.locator(f".legend .n.{kind}").evaluate(style)
    assert len(set(edges.values())) == 4


def test_on_a_narrow_screen_what_does_not_fit_the_model_is_said_whole(visit):
    """The row that names the layer where the model stopped is as wide as the list."""
    from whyshape.api import explain
    from whyshape.readers.notation import THREAD

    tab = visit(explain(THREAD, (1, 1, 32, 32)).page(), viewport={"width": 360, "height": 800})
    cell = tab.get_by_role("treegrid").get_by_text("does not fit").locator("xpath=..")
    assert cell.evaluate("e => e.scrollWidth <= e.clientWidth")
