"""What the report says in a real browser, offline, and what follows when a knob, a cell or the input changes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from reading import expect, says, silent

from whyshape.analyses.report import report
from whyshape.writers.html import page


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


def test_why_plus_one(thread_page):
    tab = thread_page("#l=conv.conv_1")
    tab.get_by_text("why plus 1?").click()
    says(tab, "#card", "The window covers 5 of 28 columns: 28 - 5 = 23 are left.", "floor(23/1) = 23 moves", "23 + 1 = 24 places")


def test_one_cell_is_traced_to_the_image(thread_page):
    """The thread's pool_2 cell (1, 2) sees rows 4 to 19, columns 8 to 23."""
    tab = thread_page("#l=conv.maxpool_2&px=1,2")
    tab.get_by_text("It sees rows 4 to 19, columns 8 to 23 of the input.").wait_for()
    tab.locator("#trace").get_by_label("row").fill("0")
    tab.get_by_text("It sees rows 0 to 15, columns 8 to 23 of the input.").wait_for()


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
