"""What forward methods are made of besides layers: learned tensors, comparisons, norms, batches cut into pieces. Both sides run."""

import keras
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whyshape.analyses import translate_keras
from whyshape.analyses.translate import translate
from whyshape.errors import WhyshapeError

IMAGE = (1, 4, 6, 6)


class Net(nn.Module):
    """A forward of one line. Tensors are learned, but those named ``t``..., which are buffers, and those in lists, which are neither."""

    def __init__(self, forward, **held):
        super().__init__()
        self.does = forward
        for name, value in held.items():
            if isinstance(value, torch.Tensor) and name != "t":
                value = nn.Parameter(value)
            self.register_buffer(name, value) if name == "t" else setattr(self, name, value)

    def forward(self, x):
        return self.does(self, x)


def drawn(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape))) + 0.5


def standard(w):
    return (w - w.mean((1, 2, 3), keepdim=True)) / (w.var((1, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()


NETS = {
    "minus and over a buffer": Net(lambda s, x: (x - s.t) / (s.t + 1), t=drawn(4, 1, 1)),
    "learned minus": Net(lambda s, x: s.w - x, w=drawn(4, 1, 1)),
    "learned over": Net(lambda s, x: s.w / (x.abs() + 1), w=drawn(4, 1, 1)),
    "reshaped scale": Net(lambda s, x: x * s.w.exp().view(1, -1, 1, 1) * 2, w=drawn(4)),
    "standardised kernel": Net(lambda s, x: F.conv2d(x, standard(s.w) * s.g.reshape(-1, 1, 1, 1), s.b * 2), w=drawn(5, 4, 3, 3), g=drawn(5), b=drawn(5)),
    "scaled rows": Net(lambda s, x: F.linear(x.flatten(1), s.w / 10), w=drawn(3, 144)),
    "weight norm": nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 3, 3))),
    "spectral norm": nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 3, 3))),
    "typed numbers": Net(lambda s, x: x * torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1)),
    "addcmul learned": Net(lambda s, x: torch.addcmul(s.b, s.w, x), b=drawn(4, 1, 1), w=drawn(4, 1, 1)),
    "addcmul computed": Net(lambda s, x: torch.addcmul(x, x.relu(), x.abs(), value=0.5)),
    "addcdiv": Net(lambda s, x: torch.addcdiv(x, x, x.abs() + 1)),
    "response norm": Net(lambda s, x: x + torch.addcmul(s.b.view(1, -1, 1, 1), s.w.view(1, -1, 1, 1), x * x.norm(dim=(2, 3), keepdim=True)),
                         b=drawn(4), w=drawn(4)),
    "where": Net(lambda s, x: torch.where(x > 0, x * 2, x.exp())),
    "where with a number": Net(lambda s, x: torch.where(x.ge(0.3), 1.0, x)),
    "method where": Net(lambda s, x: x.where(x <= 0, x * 3)),
    "where learned": Net(lambda s, x: torch.where(x > 0, x, s.w), w=drawn(4, 1, 1)),
    "where of an image and its means": Net(lambda s, x: torch.where(x.mean((2, 3), keepdim=True) > 0, x, -x)),
    "filled": Net(lambda s, x: x.masked_fill(x < x.amax(1, keepdim=True) - 1, float("-inf")).softmax(1)),
    "times a learned matrix": Net(lambda s, x: x @ s.w.T, w=drawn(3, 6)),
    "infinite": Net(lambda s, x: x.masked_fill(x < 0, float("-inf"))),
    "a kept mask": Net(lambda s, x: x.masked_fill(s.t[:6, :6] == 0, -1.0), t=torch.ones(8, 8).tril()),
    "compared": Net(lambda s, x: x > x.relu().mean(1, keepdim=True)),
    "norm 2": Net(lambda s, x: x / x.norm(dim=1, keepdim=True)),
    "norm 1": Net(lambda s, x: x.norm(p=1, dim=(1, 2, 3))),
    "var": Net(lambda s, x: (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + 1e-3).sqrt()),
    "var of all": Net(lambda s, x: x.var((2, 3), correction=0, keepdim=True) * x),
    "std": Net(lambda s, x: x.std((2, 3), unbiased=False)),
    "functions": Net(lambda s, x: (x.abs() + 1).log().sqrt() + (x.square() + 1).rsqrt() - (-x).sin() + x.erf() + torch.neg(x).round()),
    "normalize": Net(lambda s, x: F.normalize(x) + F.normalize(x, p=1, dim=-1)),
    "roll": Net(lambda s, x: x.roll((1, -2), (2, 3)) + torch.roll(x, 1, 1)),
    "expanded": Net(lambda s, x: x.mean((2, 3), keepdim=True).expand_as(x) - x[:, :1].expand(-1, 4, -1, -1)),
    "padded windows": Net(lambda s, x: F.pad(F.pad(x.permute(0, 2, 3, 1), (0, 0, 0, 2, 1, 0)), (0, 0), value=1.0)),
    "padded by a number": Net(lambda s, x: F.pad(x.mean(1), (1, 2), value=-0.5)),
    "infinity": Net(lambda s, x: torch.minimum(x, x + float("inf"))),
    "patches": Net(lambda s, x: x.reshape(x.shape[0] * 4, 3, 2, 3, 2).transpose(2, 3).reshape(x.shape[0], 36, 4)),
    "patches in a layer": Net(lambda s, x: s.fc(x.view(-1, 9, 4)).view(x.shape[0], 4, 3, 3, 4).permute(0, 1, 4, 2, 3).reshape(x.shape[0], 16, 3, 3),
                              fc=nn.Linear(4, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_the_same_numbers(name):
    """Within 1e-5 of the largest; a `where` that were the wrong way round would be off by the numbers themselves."""
    made = translate(NETS[name].eval(), "keras", IMAGE)
    assert not made.missing, made
    assert made.largest_value > 0.1
    assert made.largest_difference <= 1e-5 * max(1.0, made.largest_value), made


def test_positions_are_looked_up_once():
    """A table read at numbers that the code types is computed when the weights move; another input gets the same positions."""
    made = translate(Net(lambda s, x: x + s.e(torch.arange(6)), e=nn.Embedding(9, 5)), "keras", (1, 6, 5))
    assert made.largest_difference == 0 and "Embedding" not in made.code and 'Weight((6, 5), "add"' in made.code


def test_a_mask_stays_true_and_false():
    """A layer of Keras keeps numbers; what was true and false is that again where it is read."""
    made = translate(Net(lambda s, x: x.masked_fill(s.t, 0.0), t=torch.ones(6, 6).tril() == 1), "keras", IMAGE)
    assert made.largest_difference == 0 and 'ops.cast(Repeated((6, 6, 1), name="masked_fill")(x), "bool")' in made.code


MISSING = {
    "Tensor.view: a reshape that mixes the batch with something else": Net(lambda s, x: x.view(4, -1)),
    "a result of the network does not depend on what comes in": Net(lambda s, x: s.w * 2, w=drawn(3)),
    "conv2d: a weight that is computed from what comes in, or a constant tensor": Net(lambda s, x: F.conv2d(x, torch.ones(4, 4, 3, 3))),
    "mul: a constant tensor takes part": Net(lambda s, x: x * s.k[0], k=[drawn(4, 1, 1)]),
    "matmul: a product with a learned tensor that is no matrix on the right": Net(lambda s, x: torch.matmul(s.w, x), w=drawn(3, 6)),
    "cat: a parameter stands where a computed tensor is wanted": Net(lambda s, x: torch.cat([x, s.w], 1), w=drawn(1, 2, 6, 6)),
    "norm: a norm with p=3": Net(lambda s, x: x.norm(p=3, dim=1)),
    "round: rounding to decimals": Net(lambda s, x: torch.round(x, decimals=2)),
    "var: a variance of a single number": Net(lambda s, x: x[:, :1].var(1)),
    "roll: numbers that move from one image to the next": Net(lambda s, x: x.roll(1, 0)),
    "pad: the batch is padded": Net(lambda s, x: F.pad(x.mean((2, 3)), (0, 0, 1, 0))),
    "normalize: a norm with p=3": Net(lambda s, x: F.normalize(x, p=3)),
    "lerp: a step from one tensor to another": Net(lambda s, x: torch.lerp(x, x.relu(), 0.5)),
}


@pytest.mark.parametrize("reason", MISSING)
def test_what_has_no_twin(reason):
    """Said with its reason; nothing is written."""
    made = translate(MISSING[reason], "keras", IMAGE)
    assert made.missing == (reason,) and made.model is None and made.code == ""


def test_a_network_for_one_image_only():
    """A size that the code types stands for the batch: what PyTorch says, in one sentence."""
    with pytest.raises(
        WhyshapeError, match=r"^The network does not run on a batch of 2: shape '\[1, 144\]' is invalid for input of size 288\.$"
    ):
        translate(Net(lambda s, x: x.relu().view(1, 144)), "keras", IMAGE)


def test_what_keras_refuses_is_one_sentence(monkeypatch):
    """Keras' own words without its colours, instead of its traceback."""
    written = translate_keras.write
    wrong = lambda graph, larger: (w := written(graph, larger))._replace(code=w.code.replace("Dense(2", "Dense(-2"))
    monkeypatch.setattr(translate_keras, "write", wrong)
    with pytest.raises(WhyshapeError, match=r"^Keras refuses the translation: .*positive integer.*units=-2\.$"):
        translate(nn.Sequential(nn.Linear(4, 2)), "keras", (1, 4))


SMALL = ["convnext_atto", "convnextv2_atto", "mobilevit_xxs", "nfnet_f0", "poolformer_s12", "regnetx_002", "resnetv2_50", "efficientnet_b0",
         "mobilenetv3_small_100", "vgg11", "inception_v3", "ese_vovnet19b_dw", "gernet_s", "mobileone_s0", "fastvit_t8", "efficientvit_b0",
         "hgnet_tiny", "rexnet_100", "cspresnet50", "lcnet_050", "mobilevitv2_050", "swin_tiny_patch4_window7_224", "pvt_v2_b0", "xception41"]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("name", SMALL)
def test_networks_of_timm(name):
    """24 more networks with small inputs, beside those of test_translate.py: the largest difference is 1e-5 of the largest value."""
    torch.manual_seed(0)
    side = {"inception_v3": 96, "mobilevit_xxs": 128, "mobilevitv2_050": 128, "swin_tiny_patch4_window7_224": 224}.get(name, 64)
    made = translate(pytest.importorskip("timm").create_model(name).eval(), "keras", (1, 3, side, side))
    assert not made.missing, made
    assert made.largest_difference <= 1e-5 * max(made.largest_value, 1e-3), str(made)[:120]
    assert isinstance(made.model, keras.Model)
