"""The page of `whyshape play --save`, in a browser without a network: its numbers are PyTorch's, and anyone can use it."""

import base64
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whyshape.errors import WhyshapeError
from whyshape.lab import trained
from whyshape.lab.fit import fitted
from whyshape.lab.page import graph_of, normalised, sample_pixels, saved, sent
from whyshape.lab.record import calls

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"

# Every activation of the page as one base64 of float32, tensor after tensor.
VALUES = """() => {
  const all = play.values().map((v) => [...v]).flat(), data = new Uint8Array(Float32Array.from(all).buffer);
  let text = ""; for (const b of data) text += String.fromCharCode(b);
  return [btoa(String.fromCharCode(...play.pixels())), btoa(text)];
}"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def shipped():
    return trained.read()


@pytest.fixture(scope="module")
def opened(chromium, shipped, tmp_path_factory):
    """Opens a page offline; anything it fetches, says on the console or throws makes the test fail."""
    kept = []

    def open_page(content: str | None = None, width: int = 1400, scheme: str = "light"):
        path = tmp_path_factory.mktemp("page") / "play.html"
        path.write_text(saved(*shipped, "the network of the thread") if content is None else content, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme=scheme)
        page, wrong = context.new_page(), []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("#one-h")
        page.evaluate(SETTLED)
        kept.append((context, wrong))
        return page

    yield open_page
    for context, _ in kept:
        context.close()
    assert [wrong for _, wrong in kept if wrong] == []


@pytest.fixture(scope="module")
def page(opened):
    return opened()


def theirs(model, told, pixels: bytes) -> list[np.ndarray]:
    """PyTorch's numbers for every tensor of the thread's network, in the page's order (flatten is its input again)."""
    found = {call.path: call.output[0].numpy().ravel() for call in calls(model, normalised(pixels, told))}
    before = [name for name in found if name.startswith("conv.")]
    after = [name for name in found if name.startswith("fc.")]
    return [normalised(pixels, told).numpy().ravel(), *map(found.get, before), found["conv.relu_2"], *map(found.get, after)]


# Strokes of the ten digits on a unit square, as a hand would draw them.
STROKES = {
    0: [[(0.5, 0.1), (0.25, 0.3), (0.25, 0.7), (0.5, 0.9), (0.75, 0.7), (0.75, 0.3), (0.5, 0.1)]],
    1: [[(0.4, 0.25), (0.55, 0.1), (0.55, 0.9)]],
    2: [[(0.25, 0.3), (0.5, 0.1), (0.75, 0.3), (0.3, 0.9), (0.8, 0.9)]],
    3: [[(0.25, 0.15), (0.7, 0.2), (0.5, 0.48), (0.75, 0.7), (0.3, 0.9)]],
    4: [[(0.35, 0.1), (0.25, 0.55), (0.8, 0.55)], [(0.65, 0.3), (0.65, 0.9)]],
    5: [[(0.75, 0.1), (0.3, 0.1), (0.3, 0.45), (0.7, 0.5), (0.7, 0.8), (0.25, 0.9)]],
    6: [[(0.65, 0.1), (0.3, 0.5), (0.35, 0.85), (0.7, 0.8), (0.65, 0.55), (0.3, 0.6)]],
    7: [[(0.25, 0.1), (0.75, 0.1), (0.45, 0.9)]],
    8: [[(0.5, 0.5), (0.3, 0.25), (0.5, 0.1), (0.7, 0.25), (0.5, 0.5), (0.3, 0.75), (0.5, 0.9), (0.7, 0.75), (0.5, 0.5)]],
    9: [[(0.7, 0.3), (0.45, 0.1), (0.3, 0.35), (0.5, 0.5), (0.7, 0.3), (0.6, 0.9)]],
}


def draw(page, digit: int, chance: random.Random) -> None:
    """One digit with the pointer: moved, sized and slanted a little differently each time."""
    page.get_by_role("button", name="Clear").click()
    box = page.locator("#board").bounding_box()
    size, left, top, slant = chance.uniform(110, 220), chance.uniform(10, 50), chance.uniform(10, 50), chance.uniform(-0.2, 0.2)
    for line in STROKES[digit]:
        points = [
            (
                box["x"] + left + size * (x + slant * (0.5 - y) + chance.gauss(0, 0.015)),
                box["y"] + top + size * (y + chance.gauss(0, 0.015)),
            )
            for x, y in line
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


@pytest.mark.parametrize("many", [20, pytest.param(200, marks=pytest.mark.full)])
def test_drawn_digits_are_computed_as_pytorch_does(page, shipped, many):
    """A scripted pointer draws; every one of 13,104 activations is within 1e-4, and the guess is the same."""
    model, told = shipped
    page.evaluate("scrollTo(0, 0)")
    chance, worst, different = random.Random(1), 0.0, set()
    for i in range(many):
        draw(page, i % 10, chance)
        page.evaluate(SETTLED)
        pixels, values = map(base64.b64decode, page.evaluate(VALUES))
        wanted = theirs(model, told, pixels)
        got = np.frombuffer(values, "<f4")
        worst = max(worst, float(np.abs(got - np.concatenate(wanted)).max()))
        guess = page.inner_text("#guess b >> nth=0")
        assert guess == str(int(wanted[-1].argmax()))
        different.add(pixels)
    assert len(different) == many  # each drawing was another one
    assert worst <= 1e-4


def test_the_page_fits_a_drawing_as_python_does(page):
    """The board's ink through fit.py gives the page's 28 x 28 bytes (one step of 255 where a sum is rounded at the half)."""
    chance = random.Random(2)
    for digit in (0, 1, 4, 8):
        draw(page, digit, chance)
        page.evaluate(SETTLED)
        ink = page.evaluate("""() => { const d = document.getElementById("board").getContext("2d").getImageData(0, 0, 280, 280).data;
            let t = ""; for (let i = 3; i < d.length; i += 4) t += String.fromCharCode(d[i]); return btoa(t); }""")
        board = np.frombuffer(base64.b64decode(ink), np.uint8).reshape(280, 280) / 255
        for skip in (False, True):
            page.get_by_label("skip the fitting").set_checked(skip)
            page.evaluate(SETTLED)
            got = np.frombuffer(base64.b64decode(page.evaluate(VALUES)[0]), np.uint8).reshape(28, 28)
            wanted = np.rint(fitted(board, centring=not skip) * 255)
            assert np.abs(got - wanted).max() <= 1 and (got != wanted).sum() <= 2
        page.get_by_label("skip the fitting").uncheck()


def test_the_samples_come_with_pytorch_s_scores(page):
    """Ten samples: the scores written into the page are those it computes."""
    for digit in range(10):
        page.get_by_role("button", name=f"Sample {digit}").click()
        page.evaluate(SETTLED)
        assert base64.b64decode(page.evaluate(VALUES)[0]) == sample_pixels()[digit]
        note = page.locator("#one .note").last.inner_text()
        assert float(note.rstrip(".").split()[-1]) < 1e-4


@pytest.mark.parametrize("many", [24, pytest.param(200, marks=pytest.mark.full)])
def test_random_numbers_open_to_pytorch_s(page, shipped, many):
    """One number: what the panel says is what PyTorch computed, for random cells of every layer."""
    model, told = shipped
    page.get_by_role("button", name="Sample 3").click()
    seen = {call.path: call.output[0] for call in calls(model, normalised(sample_pixels()[3], told))}
    seen["flatten"] = seen["conv.relu_2"].flatten()
    names, chance = page.locator(".picker option").all_inner_texts(), random.Random(3)
    for i in range(many):
        name = names[i % len(names)]
        at = [chance.randrange(n) for n in seen[name].shape]
        page.locator(".picker select").select_option(label=name)
        for axis, place in enumerate(at):
            page.locator(".picker input").nth(axis).fill(str(place))
        ours, forward = (float(b) for b in page.locator("#verdict b").all_inner_texts())
        assert ours == pytest.approx(float(seen[name][tuple(at)]), rel=1e-5, abs=2e-6), (name, at)
        assert forward == pytest.approx(ours, abs=2e-6)


def test_a_sum_opens_in_two_levels(page):
    """conv_2: ten channel sums, each of which opens to its 25 products; what is printed adds up."""
    page.locator(".picker select").select_option(label="conv.conv_2")
    parts = page.locator("#one details")
    assert parts.count() == 10
    sums = [float(text) for text in page.locator("#one summary code").all_inner_texts()]
    bias = float(page.locator("#one .line code").inner_text())
    assert sum(sums) + bias == pytest.approx(float(page.locator("#verdict b").first.inner_text()), abs=1e-5)
    page.locator("#one summary").nth(4).click()
    products = [float(text) for text in parts.nth(4).locator("td b").all_inner_texts()]
    assert len(products) == 25 and sum(products) == pytest.approx(sums[4], abs=0.02)


def slide(page, name: str, value: int) -> None:
    page.get_by_label(name, exact=True).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })) }", str(value)
    )
    page.evaluate(SETTLED)


def test_stride_and_dilation_keep_the_maps_real(page, shipped):
    """conv_1 with dilation 2: the page's maps are those of PyTorch with the same trained kernels."""
    model, told = shipped
    page.get_by_role("button", name="Sample 5").click()
    slide(page, "conv.conv_1 dilation", 2)
    got = np.array(page.evaluate("() => [...play.values()[1]]"), np.float32)
    conv = model.conv.conv_1
    with torch.no_grad():
        wanted = F.conv2d(normalised(sample_pixels()[5], told), conv.weight, conv.bias, dilation=2)
    assert np.abs(got - wanted.numpy().ravel()).max() <= 1e-4
    page.get_by_role("button", name="Reset all").click()


def test_what_no_longer_fits_says_so_with_fixes(page):
    """Padding 2 in conv_1: 500 arrive at fc1, and each way out ends with everything fitting or takes it back."""
    slide(page, "conv.conv_1 padding", 2)
    said = page.locator("#fits").inner_text()
    assert "fc.fc1 does not fit: 320 features are wanted on the last axis, 500 arrive. 20 x 5 x 5 = 500 arrive." in said
    assert page.locator("#maps li").last.inner_text().endswith("not reached")
    assert page.evaluate("() => play.scores()") is None
    page.get_by_role("button", name="fc.fc1: in_features = 500").click()
    assert page.locator("#fits").inner_text() == "Everything still fits."
    assert page.evaluate("() => play.scores()") is None  # no weights for 500
    page.get_by_role("button", name="Reset all").click()
    slide(page, "conv.conv_1 padding", 2)
    page.get_by_role("button", name="conv.maxpool_2: kernel_size = 3").click()
    assert page.locator("#fits").inner_text() == "Everything still fits."
    assert page.evaluate("() => play.scores().length") == 10  # the trained weights stay
    page.get_by_role("button", name="Reset all").click()
    assert page.locator("#fits").inner_text().startswith("Nothing is changed")


def test_another_kernel_size_shows_sizes_only(page):
    """There are no trained 3 x 3 kernels, so there are no numbers from there on."""
    slide(page, "conv.conv_1 kernel_size", 3)
    assert "There are no trained kernels of this size" in page.locator("#change").inner_text()
    assert page.evaluate("() => play.values().map((v) => v === null)") == [False] + [True] * 12
    page.get_by_role("button", name="Reset all").click()


def test_the_tour_by_keyboard_alone(opened):
    """Seven steps: predict, see, next. A wrong number is told which slip it is; a right one gets a yes."""
    page = opened()
    answers = ["10", "24", "260", "12", "250", "320", "500"]
    slips = {
        1: ("23", "You forgot + 1"),
        2: ("250", "Each kernel also has a bias"),
        5: ("16", "That is one map."),
        6: ("320", "You forgot 2p"),
    }
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    for step, answer in enumerate(answers):
        heading = page.locator("#tour-h")
        page.locator("#tour-h:focus").wait_for()  # the new step's heading takes the focus
        assert heading.inner_text().startswith(f"{step + 1} of 7: ")
        for said, feedback in [slips[step], (answer, "Yes. ")] if step in slips else [(answer, "Yes. ")]:
            page.locator(".tour input").focus()
            page.keyboard.press("Control+A")
            page.keyboard.type(said)
            page.keyboard.press("Enter")
            assert feedback in page.locator(".feedback").inner_text()
        heading.focus()
        page.keyboard.press("Space")
    assert page.get_by_role("button", name="Take the tour").is_visible()


def test_cells_are_set_by_keyboard(opened):
    """Arrows move, space sets a cell, and the network sees exactly that."""
    page = opened()
    page.get_by_role("button", name="Clear").click()
    page.locator("#cells").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight", "Space"):
        page.keyboard.press(key)
    page.evaluate(SETTLED)
    seen = np.frombuffer(base64.b64decode(page.evaluate(VALUES)[0]), np.uint8).reshape(28, 28)
    assert np.argwhere(seen).tolist() == [[12, 15]] and seen[12, 15] == 255
    assert page.get_by_text("row 12, column 15: ink").is_visible()


def test_undo_erase_and_move(opened):
    """Each tool does what it says, to the pixels."""
    page = opened()
    pixels = lambda: base64.b64decode(page.evaluate(VALUES)[0])
    page.get_by_role("button", name="Clear").click()
    draw(page, 7, random.Random(3))
    page.evaluate(SETTLED)
    drawn = pixels()
    page.get_by_role("button", name="Move right").click()
    assert pixels() == drawn  # centring undoes it
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Clear").click()
    assert not any(pixels())
    page.get_by_role("button", name="Undo").click()
    assert pixels() == drawn
    page.get_by_label("skip the fitting").check()
    before = np.frombuffer(pixels(), np.uint8).reshape(28, 28)
    page.get_by_role("button", name="Move down").click()
    after = np.frombuffer(pixels(), np.uint8).reshape(28, 28)
    assert np.array_equal(after[1:], before[:-1])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_no_barrier_for_anyone(opened, width, scheme):
    """axe finds nothing serious; nothing is wider than the screen; every control is at least 24 pixels."""
    page = opened(width=width, scheme=scheme)
    page.get_by_role("button", name="Take the tour").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate("""() => [...document.querySelectorAll("button, select, input:not([type=checkbox]), summary")].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width && (box.height < 24 || box.width < 24);
    }).map((e) => e.outerHTML)""")
    assert small == []
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in web/)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []


def other() -> nn.Module:
    """Another network: groups, stride, dilation, mean pool with padding, batch norm, sigmoid, log_softmax."""
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(3, 2, padding=1),
        nn.Conv2d(6, 8, 3, groups=2, dilation=2, bias=False), nn.Tanh(), nn.AvgPool2d(2, count_include_pad=False), nn.Flatten(),
        nn.Linear(8, 4), nn.LogSoftmax(1),
    )  # fmt: skip
    net[1].running_mean.normal_()
    net[1].running_var.uniform_(0.5, 2)
    return net.eval()


TOLD = {"data": {"mean": 0.1, "std": 0.4}}


def test_another_network_runs_in_the_page_as_in_pytorch(opened):
    """The page runs the graph that Python sent, not one network it knows."""
    net = other()
    page = opened(saved(net, TOLD, "another"))
    for digit in (0, 4, 9):
        page.get_by_role("button", name=f"Sample {digit}").click()
        page.evaluate(SETTLED)
        got = np.frombuffer(base64.b64decode(page.evaluate(VALUES)[1]), "<f4")
        x = normalised(sample_pixels()[digit], TOLD)
        wanted = [x.numpy().ravel()] + [call.output.numpy().ravel() for call in calls(net, x)]
        assert np.abs(got - np.concatenate(wanted)).max() <= 1e-4


def test_hostile_names_stay_text(opened, shipped):
    """A title that is a script is shown, not run (the fixture fails on any dialog, error or request)."""
    title = "</script><img src=x onerror=alert(1)><script>alert(2)</script>\u202e\x1b"
    page = opened(saved(*shipped, title))
    assert "</script><img src=x onerror=alert(1)>" in page.inner_text("h1")
    assert page.locator("img").count() == 0 and "\\u202e" in page.inner_text("h1")


def test_what_a_saved_page_cannot_run_is_named():
    """An operator without arithmetic in the page."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.GELU(), nn.Flatten(), nn.Linear(2 * 784, 3))
    with pytest.raises(WhyshapeError) as problem:
        saved(net, TOLD, "x")
    assert str(problem.value) == (
        "a saved page runs the network alone, and it cannot run gelu; without --save, Python runs it for the page"
    )


REFUSED = {
    "another input": (nn.Sequential(nn.Linear(5, 3)), "play draws digits of 1x1x28x28, and the model does not take them: "),
    "no scores": (nn.Sequential(nn.Conv2d(1, 2, 3)), "play needs a model that gives one row of scores for an image: a tensor of "),
}  # fmt: skip


@pytest.mark.parametrize("net, sentence", REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_does_not_fit_the_page_is_a_sentence(net, sentence):
    """What the page needs."""
    with pytest.raises(WhyshapeError) as problem:
        saved(net, TOLD, "x")
    assert str(problem.value).startswith(sentence)


def test_the_file_is_closed_and_the_same_every_time(shipped):
    """No address but none, no eval, within its budget; the same model gives the same bytes."""
    content = saved(*shipped, "t")
    assert content == saved(*shipped, "t")
    assert "default-src 'none'" in content and "connect-src" not in content and "unsafe" not in content
    for word in ("http://", "https://", "eval(", "import("):
        assert word not in content.replace("http://www.w3.org/", "")
    assert len(content) < 250_000


def test_the_data_is_json_and_small(shipped):
    """What is sent can be read back; weights are exactly the model's."""
    model, told = shipped
    data = json.loads(json.dumps(sent(model, graph_of(model), told, "t", server=False)))
    for name, weight in data["weights"].items():
        assert np.array_equal(np.frombuffer(base64.b64decode(weight["data"]), "<f4"), model.state_dict()[name].numpy().ravel())
    assert sum(int(np.prod(w["shape"])) for w in data["weights"].values()) == 21_840
