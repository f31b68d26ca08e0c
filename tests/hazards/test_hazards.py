"""Each hazard is found where it is, with its evidence, and not where it is not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.hazards import hazards
from whyshape.analyses.hazards.checkpoint import differing
from whyshape.readers.torch import read


class Runs(nn.Module):
    def __init__(self, forward, **layers):
        super().__init__()
        self.run = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.run(self, *inputs)


def names(model, *shapes, mode="eval"):
    return [h.name for h in hazards(read(model, list(shapes), mode=mode))]


THREAD = {
    "conv": nn.Sequential(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU()),
    "fc": nn.Linear(320, 50),
}
# (model that has it, its input), (model that does not, its input)
FOUND = {
    "rows": (Runs(lambda m, x: m.fc(m.conv(x).view(-1, 320)), **THREAD), (16, 1, 32, 32)),
    "squeeze": (Runs(lambda m, x: m.pool(x).squeeze(), pool=nn.AdaptiveAvgPool2d(1)), (4, 8, 5, 5)),
    "broadcast": (Runs(lambda m, x, y: m.fc(x) - y, fc=nn.Linear(8, 1)), (4, 8), (4,)),
    "unread": (nn.Sequential(nn.Conv2d(3, 8, 1, stride=2)), (1, 3, 9, 9)),
    "checkerboard": (nn.ConvTranspose2d(4, 4, 3, 2), (1, 4, 8, 8)),
    "lopsided": (nn.Conv2d(3, 4, 4, padding="same"), (1, 3, 8, 8)),
    "narrow": (nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(4)]), (1, 3, 200, 200)),
    "softmax_axis": (nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=0)), (4, 8)),
    "softmax_twice": (Runs(lambda m, x, y: F.cross_entropy(F.softmax(m.fc(x), 1), y), fc=nn.Linear(8, 3)), (4, 8), (4,)),
    "linear_along_width": (nn.Sequential(nn.Conv2d(1, 20, 5), nn.Linear(24, 50)), (4, 1, 28, 28)),
    "bias_before_norm": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), (1, 3, 9, 9)),
    "dead_branch": (Runs(lambda m, x: (m.a(x), m.b(x))[1], a=nn.Linear(3, 4), b=nn.Linear(3, 2)), (2, 3)),
    "unused_parameters": (Runs(lambda m, x: m.a(x), a=nn.Linear(3, 4), b=nn.Linear(3, 2)), (2, 3)),
    "one_value": (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3)), (2, 3, 5, 5), "train"),
}
CLEAN = {
    "rows": (Runs(lambda m, x: m.fc(m.conv(x).view(x.size(0), -1)), **THREAD), (16, 1, 28, 28)),
    "rows, the batch kept": (Runs(lambda m, x: m.fc(m.conv(x).view(-1, 320)), **THREAD), (16, 1, 28, 28)),
    "rows, each whole": (Runs(lambda m, x: m.fc(x).view(-1, 50), fc=nn.Linear(8, 50)), (4, 9, 8)),
    "squeeze": (Runs(lambda m, x: m.pool(x).squeeze(-1).squeeze(-1), pool=nn.AdaptiveAvgPool2d(1)), (4, 8, 5, 5)),
    "broadcast": (Runs(lambda m, x, y: m.fc(x) - y, fc=nn.Linear(8, 1)), (4, 8), (4, 1)),
    "broadcast, meant": (Runs(lambda m, x: x.unsqueeze(1) - x), (4,)),
    "unread": (nn.Conv2d(3, 8, 3, stride=2, padding=1), (1, 3, 9, 9)),
    "checkerboard": (nn.ConvTranspose2d(4, 4, 4, 2), (1, 4, 8, 8)),
    "lopsided": (nn.Conv2d(3, 4, 3, padding="same"), (1, 3, 8, 8)),
    "narrow": (nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(4)]), (1, 3, 16, 16)),
    "softmax_axis": (nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1)), (4, 8)),
    "softmax_twice": (Runs(lambda m, x, y: F.cross_entropy(m.fc(x), y), fc=nn.Linear(8, 3)), (4, 8), (4,)),
    "linear_along_width": (
        Runs(lambda m, x: m.fc(m.conv(x).permute(0, 2, 3, 1)), conv=nn.Conv2d(1, 20, 5), fc=nn.Linear(20, 5)),
        (4, 1, 28, 28),
    ),
    "bias_before_norm": (nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)), (1, 3, 9, 9)),
    "dead_branch": (Runs(lambda m, x: m.a(x) + m.b(x), a=nn.Linear(3, 2), b=nn.Linear(3, 2)), (2, 3)),
}


def graph_of(case):
    model, *rest = case
    mode = rest.pop() if isinstance(rest[-1], str) else "eval"
    dtypes = ["float32", "int64"] if len(rest) > 1 and len(rest[1]) == 1 and "cross" in repr(model.run.__code__.co_names) else None
    return read(model, rest, mode=mode, dtypes=dtypes)


@pytest.mark.parametrize("name", FOUND)
def test_hazard_is_found(name):
    """The mistake is found, says so in a sentence, and can be silenced."""
    found = {h.name: h for h in hazards(graph_of(FOUND[name]))}
    assert name in found
    assert found[name].evidence and found[name].silence and found[name].sentence
    assert found[name].to_dict()["severity"] in ("error", "warning", "hint")


@pytest.mark.parametrize("name", CLEAN)
def test_no_false_alarm(name):
    """The same network without the mistake is left in peace."""
    kind = name.partition(",")[0]
    assert kind not in [h.name for h in hazards(graph_of(CLEAN[name]))]


def test_a_layer_in_a_loop_is_told_once():
    """The character network of many tutorials makes an answer after every letter, and gives the last one."""
    loop = Runs(lambda m, x: [m.a(row) for row in x][-1], a=nn.Linear(3, 2))
    (found,) = [h for h in hazards(read(loop, (6, 1, 3))) if h.name == "dead_branch"]
    assert (found.severity, found.sentence) == ("hint", "5 of 6 calls of a (Linear) give what no output depends on")
    assert found.evidence["calls"] == 6 and len(found.evidence["outputs"]) == 5


def test_rows_are_told_with_their_numbers():
    """The thread's network on 32 x 32: 16 images become 25 rows."""
    found = hazards(graph_of(FOUND["rows"]))[0]
    assert (found.name, found.severity) == ("rows", "error")
    assert found.sentence == "view makes 25 rows of 16: 16x20x5x5 cut into rows of 320 mixes what belongs to different rows"


def test_rows_are_really_mixed():
    """PyTorch as the judge: changing one image changes rows that belong to others."""
    torch.manual_seed(0)
    x = torch.rand(16, 1, 32, 32)
    model = FOUND["rows"][0].eval()
    with torch.no_grad():
        for p in model.parameters():  # all above zero: no ReLU hides a change
            p.fill_(0.01)
        before = model(x)
        x[1] += 1
        after = model(x)
    changed = (before != after).any(1).nonzero().flatten().tolist()
    assert before.shape[0] == 25
    assert changed == [1, 2, 3]  # image 1 holds numbers 500..999, and rows of 320 begin at 320, 640, 960


def test_unread_places_are_those_without_a_gradient():
    """Counted places are exactly those whose gradient is zero whatever the weights."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.MaxPool2d(2))
    for n in range(9, 30):
        found = [h for h in hazards(read(model, (1, 1, n, n))) if h.name == "unread" and h.evidence["axis"] == 2]
        x = torch.zeros(1, 1, n, n, requires_grad=True)
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(1.0)
        F.avg_pool2d(model[0](x), 2).sum().backward()
        silent = [i for i in range(n) if not x.grad[0, 0, i].any()]
        told = found[0].evidence["places"] if found else []
        if told:
            assert told == silent
        elif silent:
            assert len(silent) <= 0.02 * n


def test_checkpoint_keys_that_differ():
    """Only keys of both sides with another size are told."""
    graph = read(nn.Sequential(nn.Linear(8, 3)), (1, 8))
    saved = {"0.weight": (10, 8), "0.bias": (3,), "other": (1,)}
    assert [h.sentence for h in differing(graph, saved)] == ["0.weight is 10x8 in the checkpoint and 3x8 in the model"]


ALLOWED = {"bias_before_norm", "unused_parameters"}  # true of these models, and told as hints


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "vgg11_bn", "swin_v2_t", "vit_b_16", "efficientnet_b0", "densenet121"])
def test_zoo_models_raise_no_alarm(name):
    """Networks that thousands of people use have no hazard graver than a hint."""
    import torchvision

    with torch.device("meta"):
        model = getattr(torchvision.models, name)().eval()
    assert {h.name for h in hazards(read(model, (2, 3, 224, 224)))} <= ALLOWED


@pytest.mark.full
def test_false_alarm_rate_over_torchvision():
    """Of the classification models at their size, none has an error or a warning."""
    import torchvision.models as zoo

    alarmed, met = [], 0
    for name in zoo.list_models(module=zoo):
        try:
            with torch.device("meta"):
                model = zoo.get_model(
                    name, weights=None, **({"init_weights": False} if name in ("googlenet", "inception_v3") else {})
                ).eval()
        except NotImplementedError:  # RegNet cannot be built on the meta device
            continue
        met += 1
        size = 299 if name == "inception_v3" else 224
        alarmed += [(name, h.name) for h in hazards(read(model, (2, 3, size, size))) if h.severity != "hint"]
    assert met >= 60
    assert alarmed == []
