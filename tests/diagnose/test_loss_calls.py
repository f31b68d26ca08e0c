"""A loss that refuses in the user's own code: the network above it is found, and the diagnosis is of both together."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whyshape


class Cuts(nn.Module):
    """The tutorial's network, with the view that hides mistakes."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 320)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def inline(model, images, labels):
    return F.nll_loss(model(images), labels)


def apart(model, images, labels):
    criterion = nn.CrossEntropyLoss()
    scores = model(images.float().to("cpu"))
    return criterion(scores, labels)


class Trainer:
    """As programs keep their network: under a name of another object."""

    def __init__(self, net):
        self.net, self.loss = net, nn.NLLLoss()

    def step(self, images, labels):
        out = self.net(images)
        return self.loss(out, labels)


@pytest.mark.parametrize("step", [inline, apart, lambda model, x, y: Trainer(model).step(x, y)], ids=["inline", "apart", "trainer"])
def test_rows_that_a_view_mixed(step):
    """16 images became 25 rows: said from the image to the loss, and undone in the network, not at the target."""
    model, images, labels = Cuts(), torch.rand(16, 1, 32, 32), torch.randint(0, 10, (16,))
    with pytest.raises(ValueError, match=r"input batch_size \(25\) to match target batch_size \(16\)"), whyshape.guard() as watched:
        step(model, images, labels)
    (problem,) = watched.diagnosis.problems
    assert problem.where["file"] == __file__
    text = str(watched.diagnosis)
    assert "25 = floor((16*20*5*5)/320)" in text and "16 is axis 0 of the input images" in text and "the input target" in text
    first = problem.fixes[0].to_dict()
    assert first["input"] == "resize" and first["verified"]
    with torch.no_grad():
        assert model(F.interpolate(images, size=tuple(first["hw"]))).shape == (16, 10)
    assert not any("target" in fix.to_dict() for fix in problem.fixes)
    layers = {edit["layer"] for fix in problem.fixes for edit in fix.edits if "layer" in edit}
    assert layers <= {path for path, _ in model.named_modules()}


def test_a_target_of_other_sizes():
    """The network is right and the target is not: it stands one axis too many."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 10))
    images, labels = torch.rand(4, 1, 3, 3), torch.zeros(4, 1, dtype=torch.long)
    with pytest.raises(RuntimeError), whyshape.guard() as watched:
        inline(model, images, labels)
    assert watched.diagnosis.problems[0].fixes[0].to_dict()["target"] == "squeeze"


def test_a_loss_of_tensors_that_no_network_made():
    """Where no network is found above, the loss is looked at alone."""
    with pytest.raises(ValueError), whyshape.guard() as watched:
        F.nll_loss(torch.rand(5, 10), torch.zeros(4, dtype=torch.long))
    assert watched.diagnosis.problems[0].where["line"] > 0
