"""Constructors that raise: the whole model is built again with the argument changed, or it is said why not; nothing is left behind."""

from __future__ import annotations

import random
import threading

import pytest
import torch
from torch import nn

from whyshape.watch import guard


class Body(nn.Module):
    def __init__(self, width=10):
        super().__init__()
        self.first = nn.Conv2d(1, width, 5)
        self.second = nn.Conv2d(width, 20, 5, groups=3)
        self.head = nn.Linear(20, 10)


class Block(nn.Module):
    def __init__(self, dim, heads=7):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads)


class Stack(nn.Module):
    def __init__(self, dim, *, depth, **rest):
        super().__init__()
        self.stem = nn.Linear(rest["channels"], dim)
        self.blocks = nn.ModuleList([Block(dim) for _ in range(depth)])


class Twice(nn.Module):
    """Whatever is done about the groups of one, the other refuses for another reason."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(10, 20, 3, groups=3)
        self.two = nn.LSTM(4, 0)


class Prints(Body):
    def __init__(self):
        print("built")
        super().__init__()


class Pops(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.width = widths.pop()
        self.one = nn.Conv2d(10, 20, 3, groups=3)


class Holds(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.one = nn.Conv2d(10, 20, 3, groups=3)


class Counts(nn.Module):
    def __init__(self):
        global COUNTED
        super().__init__()
        COUNTED += 1
        self.one = nn.Conv2d(10, 20, 3, groups=3)


class Writes(nn.Module):
    path = ""

    def __init__(self):
        super().__init__()
        open(self.path, "a").close()
        self.one = nn.Conv2d(10, 20, 3, groups=3)


class Rolls(nn.Module):
    """Fails only when the dice say so: built again, it may be built."""

    built = 0

    def __init__(self):
        super().__init__()
        type(self).built += 1
        self.one = nn.Conv2d(10, 20, 3, groups=3 if type(self).built == 1 else 2)


COUNTED = 0


def met(make):
    with pytest.raises(Exception) as caught, guard() as watched:
        make()
    return watched.diagnosis.problems[0], caught.value.__notes__[0]


def test_the_whole_model_is_built_with_the_change():
    """The layer's true path, `built`, and the word for it; "verified" is kept for a model that ran."""
    problem, text = met(Body)
    assert [f.to_dict() for f in problem.fixes] == [
        {"layer": "second", "attr": "groups", "value": 2, "says": "Conv2d(groups=2), not 3", "cost": "new weights, train again", "verified": False, "built": True}
    ]  # fmt: skip
    assert problem.where["layer"] == "second" and problem.doubt == ""
    assert "  ways out, verified by building the whole model again\n    either Conv2d(groups=2), not 3" in text


def test_layers_alike_are_changed_together():
    """Three blocks refuse for the same reason: one fix of three edits, with the paths the model itself gives."""
    problem, _ = met(lambda: Stack(64, depth=3, channels=3))
    first = problem.fixes[0]
    assert first.edits == tuple({"layer": f"blocks.{i}.attn", "attr": "num_heads", "value": 8} for i in range(3)) and first.built
    assert first.says == "MultiheadAttention(num_heads=8), not 7; so in 3 layers alike: blocks.0.attn, blocks.1.attn, blocks.2.attn"


def test_a_change_that_only_leads_to_the_next_refusal_is_not_called_built():
    """The layer is built so; the model is not."""
    problem, text = met(Twice)
    assert problem.fixes and not any(f.built for f in problem.fixes)
    assert "ways out; the layer was built so, the whole model is not built with it" in text


DOUBTS = {
    "outside": (lambda: nn.Sequential(nn.Conv2d(10, 20, 3, groups=3)), "it is built outside any model's constructor, so the rest of the model is not known"),
    "prints": (Prints, "a constructor calls print"),
    "changes an argument": (lambda: Pops([1, 2]), "the constructor of Pops changes its argument widths"),
    "holds a module": (lambda: Holds(nn.Linear(2, 3)), "the argument backbone of Holds is no plain data"),
    "sets a global": (Counts, "__init__ sets a global"),
    "fails by chance": (Rolls, "Rolls, built again as it was, is built"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_why_the_whole_model_was_not_built(name):
    """Not verified, with the reason in words."""
    make, doubt = DOUBTS[name]
    Rolls.built = 0
    problem, text = met(make)
    assert problem.doubt == doubt and problem.to_dict()["doubt"] == doubt
    assert problem.fixes and not any(f.built for f in problem.fixes)
    assert f"ways out; the layer was built so, not verified on the whole model: {doubt}" in text


def test_nothing_happens_twice(tmp_path, capsys):
    """What a constructor prints, counts and writes, it does once: when the user built the model."""
    Writes.path = str(tmp_path / "log")
    before = COUNTED
    for make in (Prints, Counts):
        met(make)
    assert capsys.readouterr().out == "built\n" and before + 1 == COUNTED

    def once():
        model = Writes.__new__(Writes)
        try:
            model.__init__()
        finally:
            (tmp_path / "log").unlink()

    problem, _ = met(once)
    assert problem.doubt == "a constructor calls open" and not (tmp_path / "log").exists()


def test_dice_constructors_and_modes_stay():
    """After the diagnosis the class has its own constructor, and every generator the state the user's construction left."""

    class Draws(nn.Module):
        def __init__(self):
            super().__init__()
            self.drawn = random.random(), torch.rand(1)
            torch.manual_seed(random.randint(0, 9))
            torch.set_grad_enabled(True)
            self.one = nn.Conv2d(10, 20, 3, groups=3)

    def left(make):
        random.seed(5), torch.manual_seed(5)
        make()
        return random.random(), float(torch.rand(1))

    def alone():
        with pytest.raises(ValueError):
            Draws()

    own = nn.Conv2d.__init__
    assert left(alone) == left(lambda: met(Draws))
    problem, _ = met(Draws)
    assert problem.doubt == "" and problem.fixes[0].built and vars(nn.Conv2d)["__init__"] is own
    assert torch.empty(0).device.type == "cpu" and torch.is_grad_enabled()


def test_other_threads_build_as_they_always_did():
    """While one thread's constructor is given another argument, the same class built in another thread is not."""
    seen = []

    class Waits(nn.Module):
        def __init__(self):
            super().__init__()
            other = threading.Thread(target=lambda: seen.append(nn.Conv2d(6, 6, 3, groups=3).groups))
            other.start()
            other.join()
            self.one = nn.Conv2d(10, 20, 3, groups=3)

    problem, _ = met(Waits)
    assert problem.fixes[0].built and set(seen) == {3} and len(seen) == 3
