"""A network in the other notation gives the same numbers, and what has no twin is said before anything is written."""

import json
import subprocess
import sys

import keras
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whyshape.analyses.translate import translate
from whyshape.errors import WhyshapeError
from whyshape.lab.network import ThreadNet

L = keras.layers


def lively(model, size):
    """Running values as a network has them after some training, so that signals neither vanish nor explode."""
    torch.manual_seed(0)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(4, *size[1:]))
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 0.1
    return model.eval()


def same(made, tolerance=1e-5):
    """Small beside the numbers themselves, which are not all zero."""
    assert not made.missing, made
    assert made.largest_value > 1e-3
    assert made.largest_difference <= tolerance * max(1.0, made.largest_value), str(made)[:200]


class Branches(nn.Module):
    """Skips, concatenation, squeeze and excite, functional operators, two outputs, a learned scale."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.gate = nn.Linear(16, 16)
        self.scale = nn.Parameter(torch.randn(16, 1, 1))
        self.norm = nn.BatchNorm2d(16)
        self.up = nn.ConvTranspose2d(16, 4, 3, stride=2, padding=1, output_padding=1)
        self.out = nn.Linear(4 * 16 * 16, 5)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = torch.cat([self.left(x) + x, F.silu(self.right(x))], dim=1)
        g = torch.sigmoid(self.gate(x.mean((2, 3))))
        x = self.norm(x * g.view(-1, 16, 1, 1)) * self.scale
        a, b = x.chunk(2, dim=1)
        x = F.max_pool2d(F.pad(torch.cat([b, a], 1), (1, 1, 0, 2)), 3, 1)
        x = self.up(x)[:, :, :16, :16]
        return self.out(F.dropout(x, 0.5, self.training).flatten(1)), 2.0 * x - 1


def test_the_threads_network_there_and_back():
    """PyTorch to Keras and from there back to PyTorch: the same numbers within 1e-5, both times, and with the first model."""
    torch.manual_seed(3)
    net = ThreadNet().eval()
    there = translate(net, "keras", (1, 1, 28, 28))
    same(there)
    back = translate(there.model, "torch")
    same(back)
    x = torch.randn(3, 1, 28, 28)
    with torch.no_grad():
        assert (net(x) - back.model(x)).abs().max() <= 1e-5
    assert 'x = layers.Dense(50, name="fc_fc1")(x)' in there.code and "self.fc_fc1 = nn.Linear(320, 50)" in back.code


def test_branches_skips_and_functions():
    """A functional graph: every output, whatever lies how."""
    size = (1, 3, 16, 16)
    made = translate(lively(Branches(), size), "keras", size)
    same(made)
    assert len(made.model.outputs) == 2 and 'Weight((1, 1, 16), "multiply"' in made.code


@pytest.mark.parametrize("layers, size", [
    ([nn.Conv2d(3, 4, 3, 2, 1), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(36, 3)], (1, 3, 15, 15)),
    ([nn.Conv1d(3, 4, 3, padding="same"), nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(20, 3)], (1, 3, 10)),
    ([nn.Conv2d(3, 6, 4, padding="same"), nn.PReLU(6), nn.GroupNorm(2, 6), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      nn.Linear(6, 3)], (1, 3, 9, 9)),
    ([nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Softmax(-1)], (1, 5, 6)),
    ([nn.Conv2d(3, 6, 3), nn.Flatten(), nn.ReLU(), nn.Dropout(), nn.Linear(96, 5), nn.Linear(5, 2)], (1, 3, 6, 6)),
    ([nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConvTranspose2d(3, 2, 4, 2, 1), nn.ReflectionPad2d(1),
      nn.Hardswish()], (1, 3, 6, 6)),
], ids=str)  # fmt: skip
def test_chains_of_layers(layers, size):
    """Sequential models."""
    same(translate(lively(nn.Sequential(*layers), size), "keras", size))


def test_the_model_is_not_changed():
    """Weights, modes and running values are as they were."""
    net = ThreadNet().train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    translate(net, "keras", (1, 1, 28, 28))
    assert net.training and all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_the_code_stands_by_itself():
    """What is printed runs in a fresh interpreter and makes a model of the same size."""
    made = translate(ThreadNet(), "keras", (1, 1, 28, 28))
    code = str(made) + "\nprint(model.count_params())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert int(done.stdout.split()[-1]) == sum(p.numel() for p in ThreadNet().parameters())


def test_what_has_no_twin_is_said_and_nothing_is_written():
    """Every missing call at once, with its place and reason."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, dilation=2), nn.ConvTranspose2d(8, 8, 3, groups=2), nn.MaxPool2d(2, dilation=2))
    made = translate(net, "keras", (1, 3, 32, 32))
    assert (
        made.model is None
        and made.code == ""
        and str(made)
        == (
            "This network has no translation to keras:\n"
            "  0 (conv2d): Keras refuses strides and dilation both above 1.\n"
            "  1 (conv_transpose2d): Keras has no groups in a transposed convolution.\n"
            "  2 (max_pool2d): pooling in Keras has no dilation."
        )
    )
    assert json.loads(json.dumps(made.to_dict()))["missing"][0].startswith("0 (conv2d)")


def test_bad_questions():
    """One sentence each."""
    with pytest.raises(WhyshapeError, match="A network is translated to 'keras' or 'torch', not to 'jax'"):
        translate(ThreadNet(), "jax", (1, 1, 28, 28))
    with pytest.raises(WhyshapeError, match=r"The network does not run: fc\.fc1: 320 features are wanted on the last axis, 500 arrive"):
        translate(ThreadNet(), "keras", (1, 1, 32, 32))
    with pytest.raises(WhyshapeError, match=r"A torch.nn.Module is wanted to translate to Keras, str arrived"):
        translate("net", "keras", (1, 1, 28, 28))


def random_weights(model):
    """Every weight drawn anew, variances above zero: a Keras model as it is after some training."""
    import numpy as np

    draw = np.random.default_rng(1)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            random_weights(layer)
            continue
        arrays = []
        for w in layer.weights:
            shape = tuple(w.shape)
            fan = max(1, int(np.prod(shape[:-1])))
            made = draw.standard_normal(shape) * (1.5 / fan) ** 0.5 if len(shape) > 1 else draw.uniform(0.5, 1.5, shape)
            arrays.append(np.asarray(made, "float32") if w.dtype == "float32" else np.asarray(w))
        layer.set_weights(arrays)
    return model


def keras_chains():
    given = keras.Input
    x = given((12, 12, 3))
    a = L.Conv2D(6, 3, padding="same", strides=2, activation="relu")(x)
    b = L.SeparableConv2D(6, 3, padding="same", strides=2)(x)
    y = L.Concatenate()([L.Add()([a, b]), L.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(a)])
    inner = keras.Sequential([given((6, 6, 18)), L.Conv2D(4, 1), L.BatchNormalization(), L.Activation("silu")], name="inner")
    yield keras.Model(x, L.Dense(3, activation="softmax")(L.Flatten()(inner(y))))
    yield keras.Sequential([given((9, 9, 2)), L.ZeroPadding2D(((1, 0), (2, 1))), L.MaxPooling2D(3, 2, padding="same"), L.UpSampling2D(2),
                            L.Cropping2D(1), L.Conv2DTranspose(3, 3, strides=2, padding="same"), L.GlobalAveragePooling2D()])  # fmt: skip
    yield keras.Sequential([given((16, 3)), L.Conv1D(5, 3, padding="causal", strides=2), L.LayerNormalization(), L.LeakyReLU(),
                            L.MaxPooling1D(2),                             L.GlobalMaxPooling1D(), L.Dense(4)])  # fmt: skip
    yield keras.Sequential(
        [given((8, 8, 4)), L.Rescaling(1 / 255, offset=-1), L.Dense(5), L.Reshape((64, 5)), L.Permute((2, 1)), L.Softmax()]
    )


@pytest.mark.parametrize("index", range(4))
def test_keras_models_become_pytorch(index):
    """Branches, models within models, every kind of padding."""
    same(translate(random_weights(list(keras_chains())[index]), "torch"))


def test_keras_without_a_twin():
    """The layer, its class, and the reason."""
    made = translate(keras.Sequential([keras.Input((8, 4)), L.LSTM(3, name="memory", activation="elu")]), "torch")
    assert made.missing == ("memory (LSTM): PyTorch's LSTM has no activation 'elu'",) and made.model is None


TORCH = [
    "alexnet",
    "resnet18",
    "resnext50_32x4d",
    "densenet121",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "regnet_y_400mf",
    "convnext_tiny",
    "googlenet",
    "vgg11_bn",
]
TIMM = [
    "resnet18d",
    "ghostnet_100",
    "repvgg_a0",
    "tf_mobilenetv3_small_100",
    "dla34",
    "res2net50_26w_4s",
    "vovnet39a",
    "hrnet_w18_small",
    "mixnet_s",
    "seresnet18",
    "dpn68",
    "selecsls42b",
]


@pytest.mark.full
@pytest.mark.parametrize("name", TORCH + [f"timm.{n}" for n in TIMM])
def test_published_networks_to_keras(name):
    """26 convolutional networks of torchvision and timm: within 1e-5 as they are made.

    Freshly made, many give numbers near zero, so each is compared again with running values as after training. Those make signals
    and float32's rounding of them larger: a twin that were wrong in one layer would be off by the size of the numbers themselves.
    """
    size = (1, 3, 64, 64)
    torch.manual_seed(0)
    if name.startswith("timm."):
        model = pytest.importorskip("timm").create_model(name[5:])
    else:
        words = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        model = getattr(pytest.importorskip("torchvision").models, name)(**words)
    made = translate(model.eval(), "keras", size)
    assert made.largest_difference <= 1e-5 * max(1.0, made.largest_value), str(made)[:120]
    same(translate(lively(model, size), "keras", size), 1e-3)


@pytest.mark.full
@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2", "MobileNetV3Small", "ResNet50", "ResNet50V2", "VGG16", "DenseNet121",
                                  "EfficientNetB0", "Xception", "InceptionV3", "EfficientNetV2B0"])  # fmt: skip
def test_published_networks_to_pytorch(name):
    """11 of Keras' own."""
    size = 96 if name in ("Xception", "InceptionV3") else 64
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)
    same(translate(random_weights(model), "torch"))
