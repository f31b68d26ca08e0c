"""The set of inputs a model takes, against plain PyTorch run on every size."""

import json
import random

import pytest
import torch
import torch.nn.functional as F
from networks import ask, runs
from torch import nn

from whyshape.analyses.accepts import accepts
from whyshape.lab.network import ThreadNet
from whyshape.readers.again import again
from whyshape.readers.notation import THREAD, build, parse

THREAD_SET = """\
H and W 28..31; or H 16..19, W 76..79, either way round; or H 20..23, W 44..47, either way round
N: any size
proved; 8 inputs run again, members and neighbours outside: all agree"""
PAIRS = {
    (h, w)
    for a, b in [((28, 31), (28, 31)), ((20, 23), (44, 47)), ((16, 19), (76, 79)), ((44, 47), (20, 23)), ((76, 79), (16, 19))]
    for h in range(a[0], a[1] + 1)
    for w in range(b[0], b[1] + 1)
}


class View(ThreadNet):
    """The thread's network as its tutorial had it: `view(-1, 320)`."""

    def forward(self, x):
        return self.fc(self.conv(x).view(-1, 320))


class UNet(nn.Module):
    """`depth` halvings and back, with a skip at each step."""

    def __init__(self, depth, pool, up="transpose", join="cat"):
        super().__init__()
        self.pool, self.up, self.join = pool, up, join
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else 2, 2, 3, padding=1) for i in range(depth))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(2, 2, 2, 2) for _ in range(depth))
        self.meet = nn.ModuleList(nn.Conv2d(4 if join == "cat" else 2, 2, 3, padding=1) for _ in range(depth))

    def forward(self, x):
        kept = []
        for conv in self.down:
            x = conv(x)
            kept.append(x)
            x = self.pool(x)
        for rise, meet in zip(self.rise, self.meet):
            skip = kept.pop()
            x = rise(x) if self.up == "transpose" else F.interpolate(x, size=skip.shape[-2:])
            x = meet(torch.cat([x, skip], 1) if self.join == "cat" else x + skip)
        return x


class Branch(nn.Module):
    """Python takes another way for wide inputs, and refuses some sizes itself."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 9, stride=4)

    def forward(self, x):
        h, w = x.shape[-2:]
        if h % 7 == 3:
            raise ValueError("not this one")
        x = self.coarse(x) if w > 40 else self.fine(x)
        return x.squeeze(2)[..., 0]


def test_the_threads_network():
    """Exactly the 80 pairs up to 512, for any batch; in words, as data, one by one."""
    found = ask(ThreadNet(), ("N", 1, "H", "W"))
    assert str(found) == THREAD_SET
    assert {tuple(at.values()) for at in found.where(N=1)} == PAIRS  # all of them, without a limit
    assert len(list(found.where(N=1))) == len(PAIRS) == 80
    assert {(h, w) for h in range(1, 101) for w in range(1, 101) if found.contains(H=h, W=w)} == PAIRS
    assert {"H": 28, "W": 31} in found and {"H": 32, "W": 32} not in found
    assert found.nearest(H=40, W=40) == {"N": 1, "H": 31, "W": 31} and found.nearest(H=70, W=18) == {"N": 1, "H": 76, "W": 18}
    assert found.smallest() == {"N": 1, "H": 28, "W": 28}
    assert repr(found.square()) == "28..31"


@pytest.mark.full
def test_the_threads_network_run_everywhere():
    """PyTorch itself, eagerly and with real numbers: every pair up to 128, the members and all within 3 of one, and 2,000 others up to 512;
    and all 262,144 pairs up to 512 as a batch without images, where every kernel checks its sizes and computes nothing."""
    model = ThreadNet().eval()
    every = [(h, w) for h in range(1, 513) for w in range(1, 513)]
    numbers = {(h, w) for h, w in every if h <= 128 and w <= 128}
    numbers |= {(h + a, w + b) for h, w in PAIRS for a in range(-3, 4) for b in range(-3, 4)} | set(random.Random(0).sample(every, 2000))
    assert {s for s in numbers if runs(model, 1, 1, *s)} == PAIRS
    assert {s for s in every if runs(model, 0, 1, *s)} == PAIRS


def test_the_threads_network_run():
    """PyTorch itself runs exactly these pairs, at both ends of every block and just outside; all sizes up to 512 in the full run."""
    model = ThreadNet().eval()
    sizes = [15, 16, 19, 20, 23, 24, 27, 28, 31, 32, 43, 44, 47, 48, 75, 76, 79, 80]
    assert {(h, w) for h in sizes for w in sizes if runs(model, 1, 1, h, w)} == {p for p in PAIRS if p[0] in sizes and p[1] in sizes}


def test_the_constraints_name_their_layers():
    """Which layer sets the lower bound, which couples the axes."""
    found = ask(ThreadNet(), ("N", 1, "H", "W"))
    assert [(c.kind, str(c)) for c in found.constraints] == [
        ("at least", "H at least 16: conv.maxpool_2 (MaxPool2d)"),
        ("at least", "W at least 16: conv.maxpool_2 (MaxPool2d)"),
        ("couples", "20*floor((H - 12)/4)*floor((W - 12)/4) = 320: fc.fc1 (Linear)"),
    ]


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_view_takes_what_flatten_refuses(batch):
    """With `view(-1, 320)` the set depends on the batch: equal to PyTorch, for every batch."""
    found = ask(View(), ("N", 1, "H", "W")).where(N=batch)
    model = View().eval()
    sizes = [15, 16, 19, 20, 23, 24, 27, 28, 31, 32, 36, 44, 47, 60, 76]
    assert {(h, w) for h in sizes for w in sizes if found.contains(H=h, W=w)} == {
        (h, w) for h in sizes for w in sizes if runs(model, batch, 1, h, w)
    }


def test_view_says_that_rows_change():
    """16 images of 32 x 32 become 25 rows, and nothing is raised: the answer says so."""
    found = ask(View(), (16, 1, "H", "W"))
    assert found.contains(H=16, W=16) and found.contains(H=32, W=37)
    found = ask(View(), ("N", 1, "H", "W"))
    (note,) = found.notes
    assert note.startswith(
        "the output has floor((20*N*floor((H - 12)/4)*floor((W - 12)/4))/320) rows, not N; the two agree only for H and W 28..31; or "
    )
    assert "without an error" in note


@pytest.mark.parametrize(
    "model, text",
    [
        (UNet(5, nn.MaxPool2d(2)), "H and W multiples of 32"),
        (UNet(5, nn.MaxPool2d(2), join="add"), "H and W multiples of 32"),
        (UNet(2, nn.MaxPool2d(2), up="resize"), "H and W at least 4"),
        (UNet(3, nn.MaxPool2d(2, ceil_mode=True)), "H and W multiples of 8"),
        (nn.Sequential(nn.Conv2d(3, 1, 7, 2, 3), nn.MaxPool2d(3, 2, 1)), "any size"),
        (nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 1, 3)), "H and W multiples of 4, at least 12"),
    ],
)
def test_what_is_said(model, text):
    """Well-known designs, in words; checked against PyTorch on a diagonal, a row and a column."""
    found = ask(model, (1, 3, "H", "W"))
    assert str(found).splitlines()[0] == text
    assert found.proved
    sizes = [(n, m) for n in range(1, 70) for m in (n, 32, 24) if n % 4 in (0, 3)]
    assert [s for s in sizes if found.contains(H=s[0], W=s[1]) != runs(model, 1, 3, *s)] == []


@pytest.mark.parametrize("k, s, p, c", [(3, 2, 1, True), (2, 2, 0, True), (3, 2, 0, True), (5, 3, 2, False), (3, 2, 1, False)])
def test_encoders_of_every_rounding(k, s, p, c):
    """Whatever the pool rounds to, the residues are those that PyTorch runs, 1..140."""
    pool = nn.MaxPool2d(k, s, p, ceil_mode=c)
    model = UNet(3, pool)
    found = ask(model, (1, 3, "S", "S"))
    assert found.proved
    assert [n for n in range(1, 141) if found.contains(S=n) != runs(model, 1, 3, n, n)] == []


def test_branches_are_followed():
    """Where Python chose another way, that way is traced too; what it refuses itself is left out."""
    model = Branch()
    found = ask(model, (1, 1, "H", "W"))
    assert found.proved
    sizes = [*range(1, 14), 17, 24, 31, 38, 39, 40, 41, 42, 45, 59]
    assert [(h, w) for h in sizes for w in sizes if found.contains(H=h, W=w) != runs(model, 1, 1, h, w)] == []


class Stretched(nn.Module):
    """Two roads whose results are added: equal sizes, or one of them 1."""

    def forward(self, x):
        return F.max_pool2d(x, 3) + F.avg_pool2d(x, 2)


class InPlace(nn.Module):
    """The same, put into the first, which is never stretched itself."""

    def forward(self, x):
        y = F.max_pool2d(x, 3)
        y += F.avg_pool2d(x, 2)
        return y


@pytest.mark.parametrize("model", [Stretched(), InPlace()])
def test_broadcasting(model):
    """An axis of 1 is stretched, so sizes fit that are not equal: exactly those that PyTorch takes."""
    found = ask(model, (1, 1, "H", "W"))
    assert found.proved and not found.empty
    assert [(h, w) for h in range(1, 21) for w in range(1, 21) if found.contains(H=h, W=w) != runs(model, 1, 1, h, w)] == []


def test_a_graph_knows_what_is_put_in_place():
    """From the graph alone, too: a result larger than the tensor it goes into is refused."""
    shape = (1, 1, "H", "W")
    found = accepts(again(InPlace(), [shape])({"H": 3, "W": 3}), shape)
    assert found.contains(H=3, W=3) and not found.contains(H=4, W=4)


def test_lost_history_is_tried_size_by_size():
    """Where the code makes a size unreadable, the sizes that were tried are proved, and the rest is left open."""

    class Lost(nn.Module):
        def forward(self, x):
            if int(str(x.shape[2])) > 40:
                raise ValueError("too high")
            return x

    found = ask(Lost(), (1, 1, "H", "W"))
    assert found.unsettled and found.evidence.startswith("the rest is proved")
    assert found.contains(H=40, W=7) and not found.contains(H=41, W=7) and not found.observed


def test_windows_put_back_together():
    """Windows cut out and put back as MaxViT does it: the batch is found by a division that cancels where the windows fit."""

    class Windows(nn.Module):
        def forward(self, x):
            n, c, h, w = x.shape
            if h % 8 or w % 8:
                raise ValueError("windows of 8 x 8")
            cut = x.view(n, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 8, 8, c)
            batch = int(cut.shape[0] / (h * w / 8 / 8))
            whole = cut.reshape(batch, h // 8, w // 8, 8, 8, c)
            return whole.reshape(whole.shape[0], -1)

    class Halves(nn.Module):
        def forward(self, x):
            x = F.max_pool2d(x, 4, ceil_mode=True)
            whole = x.flatten(1).view(-1, 8, 8)
            tall, wide = x.shape[2:]
            if tall % 8 or wide % 8:
                raise ValueError("windows of 8 x 8")
            return whole.view(whole.shape[0] * 64 // (tall * wide), tall // 8, wide // 8, 64)

    shape = (1, 1, "H", "W")
    for model, told in (
        (Windows(), "H and W multiples of 8"),
        (Halves(), "H and W any size from 29 up whose remainder mod 32 is 0 or at least 29"),
    ):
        found = accepts(again(model.eval(), [shape]), shape)
        assert found.proved and found.told() == told, found
        assert all(found.contains(H=h, W=w) == runs(model, 1, 1, h, w) for h in (1, 8, 24, 28, 29, 32, 61, 64) for w in (7, 16, 31, 32, 33))


def test_one_axis_twice():
    """The same letter twice: square inputs only, decided as such."""
    found = ask(ThreadNet(), (1, 1, "S", "S"))
    assert str(found).splitlines()[0] == "S 28..31"
    assert [n for n in range(1, 200) if found.contains(S=n)] == [28, 29, 30, 31]


def test_axes_that_must_be_equal():
    """Two inputs that are added: the sizes are tied, and the tie is exact."""

    class Two(nn.Module):
        def forward(self, a, b):
            return torch.cat([a[:, :, ::2], b], 1)

    shapes = [(1, 1, "A"), (1, 1, "B")]
    found = accepts(again(Two(), shapes), shapes)
    assert str(found).splitlines()[0] == "all sizes with floor((A + 1)/2) = B"
    assert found.contains(A=9, B=5) and not found.contains(A=9, B=4)
    assert found.nearest(A=100, B=50) == {"A": 100, "B": 50} and found.smallest() == {"A": 1, "B": 1}
    assert [tuple(at.values()) for at, _ in zip(found, range(4))] == [(1, 1), (2, 1), (3, 2), (4, 2)]


def test_three_axes_alike():
    """A volume's axes are told together."""
    assert str(ask("Conv3d(1, 4, 3) > MaxPool3d(2)", (1, 1, "D", "H", "W"))).splitlines()[0] == "D, H and W at least 4"


def unread(head, gives):
    """A function without a source, into which nobody can look."""
    made: dict = {}
    exec(f"def {head}: return {gives}", made)
    return made[head.partition("(")[0]]


def test_a_refusal_that_cannot_be_seen_is_observed():
    """The model's own code refuses, and asked nothing that could be recorded: nothing is proved by that."""
    hidden = unread("hidden(n)", "'%d' % n")

    class Hidden(nn.Module):
        def forward(self, x):
            if hidden(x.shape[2]) != self.only:
                raise ValueError("only one size")
            return x

    model = Hidden()
    model.only = "47"
    found = ask(model, (1, 1, "H", "W"))
    assert not found.proved and "why cannot be seen" in found.evidence
    model.only = "48"  # one of the sizes that are tried: those refused before it are not in the answer
    found = ask(model, (1, 1, "H", "W"))
    assert not found.proved and found.contains(H=48, W=48) and not found.contains(H=28, W=28)


def test_as_data():
    """The JSON holds the blocks, the evidence and the constraints."""
    data = json.loads(ask(ThreadNet(), (1, 1, "H", "W")).to_json())
    assert data["schema"] == "whyshape.accepts.v1"
    assert {"runs": [[28, 31]], "from": None} in [b["axes"]["H"] for b in data["blocks"]]
    assert {tuple(b["axes"]["H"]["runs"][0] + b["axes"]["W"]["runs"][0]) for b in data["blocks"]} == {
        (28, 31, 28, 31), (20, 23, 44, 47), (44, 47, 20, 23), (16, 19, 76, 79), (76, 79, 16, 19),
    }  # fmt: skip
    assert data["proved"] is True and data["checked"] == {"count": 8, "disagree": []}
    assert data["constraints"][2]["path"] == "fc.fc1" and data["constraints"][2]["letters"] == ["H", "W"]


def test_a_graph_stands_for_its_model():
    """A graph alone answers too: its rules are asked again."""
    graph = build(parse(THREAD), (1, 1, 28, 28))
    assert str(accepts(graph, (1, 1, "H", "W"))).splitlines()[0] == THREAD_SET.splitlines()[0]


def test_a_wrong_answer_would_be_noticed():
    """The inputs that are run again: a model that lies about its sizes is found out."""
    high = unread("high(n)", "1.0 * n > 100.5")

    class Liar(nn.Module):
        def forward(self, x):
            if high(x.shape[2]):
                raise ValueError("too high after all")
            return F.max_pool2d(x, 2)

    found = ask(Liar(), (1, 1, "H", "W"), checks=30)
    assert not found.proved and found.disagreements
