"""The report in a real browser: offline, every interaction by role and name, by keyboard alone, and for a screen reader."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import expect

from whyshape.analyses.known import known
from whyshape.analyses.report import report
from whyshape.writers.html import page


@pytest.fixture
def thread_page(visit, nets):
    graph = nets.thread()
    return lambda hash="", **options: visit(page(report(graph, **known(graph))), hash, **options)


expect.set_options(timeout=120_000)  # of waiting for a condition: how slow a machine is decides no test


def says(tab, where, *words):
    """Waits until the part of the page holds each of these texts (white space counts as one space)."""
    for each in words:
        expect(tab.locator(where)).to_contain_text(each, use_inner_text=True)


def silent(tab, where, words):
    """Waits until the part of the page no longer holds the text."""
    expect(tab.locator(where)).not_to_contain_text(words, use_inner_text=True)


def test_the_answer_comes_first(thread_page):
    """One line from input to output, the totals, and the exact set of sizes."""
    tab = thread_page()
    says(
        tab,
        "#answer",
        "In one line 1 x 28 x 28 -> 10 x 24 x 24 -> 10 x 12 x 12 -> 20 x 8 x 8 -> 20 x 4 x 4 -> 320 -> 50 -> 10",
        "21,840 learned numbers",
        "480,500 multiply-adds",
    )
    says(tab, "#fits", "H and W 28..31; or H 16..19, W 76..79, either way round; or H 20..23, W 44..47, either way round")


def test_the_map_finds_eighty_pairs(thread_page):
    """Of 96 x 96 sizes asked in the page 80 fit, in the five blocks that were run in PyTorch. No count is told before all were asked."""
    tab = thread_page()
    counted = tab.get_by_role("img", name="Map of heights and widths from 1 to 96: 80 of 9216 fit")
    counted.wait_for()
    says(tab, "#fits", "16 to 19 x 76 to 79; 20 to 23 x 44 to 47; 28 to 31 x 28 to 31; 44 to 47 x 20 to 23; 76 to 79 x 16 to 19")
    tab.evaluate("""() => { const map = document.querySelector(".fits svg"), seen = document.documentElement.dataset, labels = new Set();
        new MutationObserver(() => (seen.labels = [...labels.add(map.ariaLabel.split(": ")[1])].join("; "))).observe(map, { attributes: true }) }""")
    tab.get_by_label("width of the input").fill("31")  # all is asked again
    tab.wait_for_selector("[data-labels='still asking; 80 of 9216 fit']")


def test_a_layer_card_says_formula_words_and_weights(thread_page):
    tab = thread_page("#l=conv.conv_2")
    says(tab, "#card", "IN KERAS", "20*10*5*5 + 20 = 5,020")
    said = re.sub(r"\s+", " ", tab.locator("#card").inner_text()).replace(" (kernel_size: you chose it)", "")
    said = re.sub(r" \([a-z_ ]+: [^)]*\)", "", said)
    assert "floor(( 12 + 2* 0 - 1 *( 5 -1) - 1)/ 1 ) + 1 = 8".replace(" ", "") in said.replace(" ", "")


def test_a_model_that_stopped_claims_nothing_behind(visit):
    """Totals are "at least", and no size is said to fit layers that were never reached."""
    from whyshape.api import explain
    from whyshape.readers.notation import THREAD

    tab = visit(explain(THREAD, (1, 1, 32, 32)).page())
    says(tab, "#answer", "fc.fc1 stopped the model: 320 features are wanted on the last axis, 500 arrive.")
    says(tab, "#answer", "at least 5,280 learned numbers at least")
    says(tab, "#fits", "The model stopped at fc.fc1")
    expect(tab.locator("#fits svg")).to_have_count(0)


def test_a_knob_recomputes_this_and_all_later_layers(thread_page):
    """Kernel 5 to 3: 26, 13, 9, 4: still 320. Kernel 7 in conv_2: 3 x 3, and fc1 turns red with its sentence and a repair."""
    tab = thread_page("#l=conv.conv_1")
    tab.get_by_label("kernel_size", exact=True).fill("3")
    says(tab, "#answer", "10 x 26 x 26 -> 10 x 13 x 13 -> 20 x 9 x 9 -> 20 x 4 x 4 -> 320")
    tab.get_by_role("row", name=re.compile("^conv_2")).click()
    tab.get_by_label("kernel_size", exact=True).fill("7")
    alert = tab.locator("#answer").get_by_role("alert")
    expect(alert).to_contain_text("fc.fc1 does not fit: 320 features are wanted on the last axis, 180 arrive.", use_inner_text=True)
    expect(tab.get_by_role("row", name=re.compile("^fc1"))).to_contain_text("does not fit")
    alert.get_by_role("button", name="set in_features to 180: then all layers fit").click()
    expect(alert).to_have_count(0)
    says(tab, "#answer", "180 -> 50 -> 10")
    tab.get_by_role("button", name="Reset all").click()
    says(tab, "#answer", "20 x 4 x 4 -> 320 -> 50 -> 10")


def test_the_input_can_be_changed(thread_page):
    tab = thread_page()
    tab.get_by_label("height of the input").fill("32")
    says(tab, "#answer", "320 features are wanted on the last axis, 400 arrive")
    tab.get_by_role("button", name="Back to the input that was read").click()
    silent(tab, "#answer", "400 arrive")


def test_a_number_says_who_decides_it(thread_page):
    """On hover, on focus, pinned by a click until Escape."""
    tab = thread_page("#l=conv.conv_2")
    tip = tab.get_by_role("tooltip", include_hidden=True)
    number = tab.locator("#card").get_by_role("button", name=re.compile(r"^5 .*kernel_size"))
    number.first.hover()
    expect(tip).to_have_text("5. kernel_size: you chose it")
    tab.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    number.first.focus()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("kernel_size")
    number.first.click()
    tab.mouse.move(5, 5)
    expect(tip).to_contain_text("Esc closes")
    expect(tip).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_factor_of_the_formula_lights_up_in_the_grids(thread_page):
    """Pointing at the kernel's size outlines the kernel; at the stride, the next window."""
    tab = thread_page("#l=conv.conv_1")
    grid = tab.get_by_role("img", name="input grid of 28 by 28 places")
    tab.locator("#card").get_by_role("button", name=re.compile(r"^5 .*kernel_size")).first.hover()
    expect(grid).to_have_class("lit-kernel_size")
    tab.locator("#card").get_by_role("button", name=re.compile(r"^1 .*stride")).first.hover()
    expect(grid).to_have_class("lit-stride")
    expect(grid.locator(".next")).to_have_count(25)


def test_the_window_walks(thread_page):
    """Step, sliders, both hovers and the status line; Play moves it and Pause stops it."""
    tab = thread_page("#l=conv.conv_2&px=3,5")
    status = tab.locator(".walk .status")
    expect(status).to_have_text("Output row 3, column 5 reads rows 3 to 7, columns 5 to 9, on 10 maps.")
    tab.get_by_role("button", name="Step", exact=True).click()
    expect(status).to_contain_text("Output row 3, column 6 reads")
    tab.get_by_role("button", name="Step back").click()
    tab.get_by_label("Output row").fill("0")
    expect(status).to_contain_text("Output row 0, column 5 reads rows 0 to 4")
    grid = tab.get_by_role("img", name="input grid of 12 by 12 places")
    box = grid.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 5.5 / 12, box["y"] + box["height"] * 0.5 / 12)
    expect(status).to_have_text("Input row 0, column 5 is read by 5 of 64 output cells.")
    tab.mouse.move(5, 5)
    tab.get_by_role("button", name="Play").click()
    expect(status).not_to_contain_text("row 0, column 5 ")
    tab.get_by_role("button", name="Pause").click()


def test_reduced_motion_never_plays(thread_page):
    tab = thread_page("#l=conv.conv_2", reduced_motion="reduce")
    expect(tab.get_by_role("button", name="Step", exact=True)).to_have_count(1)
    expect(tab.get_by_role("button", name="Play")).to_have_count(0)


def test_why_plus_one(thread_page):
    tab = thread_page("#l=conv.conv_1")
    tab.get_by_text("why plus 1?").click()
    says(tab, "#card", "The window covers 5 of 28 columns. Its last place starts at column 23.", "23 moves", "23 + 1 = 24 places")


def test_one_cell_is_traced_to_the_image(thread_page):
    """The thread's pool_2 cell (1, 2) sees rows 4 to 19, columns 8 to 23."""
    tab = thread_page("#l=conv.maxpool_2&px=1,2")
    tab.get_by_text("It sees rows 4 to 19, columns 8 to 23 of the input.").wait_for()
    tab.locator("#trace").get_by_label("row").fill("0")
    tab.get_by_text("It sees rows 0 to 15, columns 8 to 23 of the input.").wait_for()


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


def copy_of(tab, kind):
    """What the button puts on the clipboard."""
    tab.locator("#card").get_by_role("button", name=kind, exact=True).click()
    tab.get_by_text(f"{kind} copied").wait_for()
    return tab.evaluate("document.documentElement.dataset.copied")


def test_every_copy_button(thread_page):
    """The formula in five notations, of which Python runs one and an XML parser reads another; the two paths; the view's own address."""
    tab = thread_page("#l=conv.conv_2")
    line = "height and width: floor((12 + 2*0 - 1*(5-1) - 1)/1) + 1 = 8"
    assert copy_of(tab, "text") == f"conv.conv_2: 20 x 8 x 8\n{line}"
    assert copy_of(tab, "Markdown") == f"**conv.conv\\_2**\n- `{line}`"
    assert copy_of(tab, "LaTeX") == r"\[ \left\lfloor (12 + 2 \cdot 0 - 1 \cdot (5 - 1) - 1)/1 \right\rfloor + 1 = 8 \]"
    math = ElementTree.fromstring(copy_of(tab, "MathML"))
    assert "".join(part.text for part in math) == "⌊(12+2·0\u22121·(5\u22121)\u22121)/1⌋+1=8"
    assert [part.tag.partition("}")[2] for part in math][:4] == ["mo", "mo", "mn", "mo"]
    check = copy_of(tab, "Python check")
    exec(check, {})
    with pytest.raises(AssertionError):
        exec(check.replace("12", "13"), {})
    assert copy_of(tab, "Python path") == "model.conv.conv_2"
    assert copy_of(tab, "state_dict key") == "conv.conv_2"
    assert copy_of(tab, "link").endswith("#l=conv.conv_2")


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
    assert 'type="application/octet-stream" id="data"' in page({**report(nets.thread()), "notes": ["x" * 30_000]})
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


def test_a_knob_of_a_folded_row_turns_all_its_repetitions(visit, nets):
    """Three alike blocks of two Linear layers: the first one's knob is the knob of all three, in the sums and in a link."""
    from whyshape.graph import Builder

    net = Builder("three")
    x = net.input((1, 8))
    for i in range(4):  # the last gives the answer, and stands by itself
        x = net.layer("Linear", f"blocks.{i}.down", net.layer("Linear", f"blocks.{i}.up", x, args=(8, 16)), args=(16, 8))
    tab = visit(page(report(net.graph(x))), "#l=blocks.0..2.up&k0=out_features:20")
    tab.locator("#answer").get_by_role("button", name="set in_features to 20: then all layers fit").click()
    says(tab, "#answer", f"{3 * (8 * 20 + 20 + 20 * 8 + 8) + (8 * 16 + 16 + 16 * 8 + 8):,} learned numbers")
    says(tab, "#card", "Turn the knobs of all 3 repetitions")
    expect(tab).to_have_url(re.compile(r"#l=blocks\.0\.\.2\.up&k0=[^&]*&k1=[^&]*$"))


def test_alike_blocks_say_in_what_they_differ(visit):
    """Dropout that grows from block to block changes no size: the blocks stand in one row, and the row says so."""
    from whyshape.graph import Builder

    net = Builder("deep")
    x = net.input((1, 8))
    for i in range(4):
        x = net.layer("Dropout", f"blocks.{i}.drop", net.layer("Linear", f"blocks.{i}.fc", x, args=(8, 8)), args=((i + 1) / 10,))
    tab = visit(page(report(net.graph(net.layer("Linear", "head", x, args=(8, 2))))), "#l=blocks.0..3")
    says(tab, "#card .flow", "This row stands for 4 alike blocks. They differ in: drop p: 0.1, 0.2, 0.3, 0.4.")


def test_hazards_stand_in_every_report(visit):
    """Path, sentence and how grave it is."""
    from whyshape.graph import Builder

    net = Builder()
    x = net.layer("ConvTranspose2d", "up", net.input((1, 8, 14, 14)), args=(8, 1, 3, 2))
    graph = net.graph(x)
    (found,) = known(graph)["hazards"]
    assert found["path"] == "up" and found["severity"] in ("warning", "hint")
    says(visit(page(report(graph, **known(graph)))), "#answer", f"{found['severity']} up: {found['sentence']}")
