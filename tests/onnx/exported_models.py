"""Vision, audio and text models, small, to be exported by both of PyTorch's exporters; at what two sizes each is asked."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn


class Case(NamedTuple):
    """``sizes``: the shape of every input, twice. ``free``: for each input the axes an exporter is told to leave open.

    An exporter may type a size all the same: then the second input is one that onnxruntime refuses, and so must we.
    """

    make: Callable[[], nn.Module]
    sizes: tuple[tuple, tuple]
    free: tuple[tuple[int, ...], ...] = ((0, 2, 3),)
    rows: int = 0  # the inputs are numbers of rows, below this
    by: tuple[str, ...] = ("script", "dynamo")  # the exporters that can write it


class Out(nn.Module):
    """A model of transformers, its first result alone."""

    def __init__(self, model, **words):
        super().__init__()
        self.model, self.words = model, words

    def forward(self, x, *more):
        made = self.model(x, **dict(zip(("attention_mask",), more)), **self.words)
        return made[0]


class M5(nn.Module):
    """Raw sound through four convolutions, the mean over time, and ten scores."""

    def __init__(self, c=8):
        super().__init__()
        block = lambda i, o, k, s: nn.Sequential(nn.Conv1d(i, o, k, stride=s), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(4))
        self.blocks = nn.Sequential(block(1, c, 80, 16), block(c, c, 3, 1), block(c, 2 * c, 3, 1), block(2 * c, 2 * c, 3, 1))
        self.head = nn.Linear(2 * c, 10)

    def forward(self, x):
        x = self.blocks(x)
        x = nn.functional.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)
        return nn.functional.log_softmax(self.head(x), dim=2)


class Spectrogram(nn.Module):
    """A spectrogram (a convolution with sines and cosines), a logarithm, and a small image network."""

    def __init__(self, window=64, hop=32):
        super().__init__()
        n, k = torch.arange(window), torch.arange(window // 2 + 1)[:, None]
        turns = 2 * torch.pi * k * n / window
        self.register_buffer("waves", torch.cat([turns.cos(), turns.sin()])[:, None] * torch.hann_window(window))
        self.hop, self.bins = hop, window // 2 + 1
        self.net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.SiLU(),
                                 nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))  # fmt: skip

    def forward(self, x):
        parts = nn.functional.conv1d(x[:, None], self.waves, stride=self.hop)
        real, imaginary = parts.split(self.bins, 1)
        return self.net((real**2 + imaginary**2 + 1e-6).log().unsqueeze(1))


class Tagger(nn.Module):
    """A table, a recurrent layer both ways, and a score for every word."""

    def __init__(self, kind=nn.LSTM):
        super().__init__()
        self.table, self.memory, self.head = (
            nn.Embedding(50, 12),
            kind(12, 8, num_layers=2, bidirectional=True, batch_first=True),
            nn.Linear(16, 7),
        )

    def forward(self, x):
        return self.head(self.memory(self.table(x))[0])


class CharCNN(nn.Module):
    """Letters through windows of three widths, the largest of each, side by side."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(40, 8)
        self.windows = nn.ModuleList(nn.Conv1d(8, 6, k, padding=k // 2) for k in (3, 5, 7))
        self.head = nn.Linear(18, 4)

    def forward(self, x):
        x = self.table(x).transpose(1, 2)
        return self.head(torch.cat([torch.relu(c(x)).amax(2) for c in self.windows], 1))


class Unet(nn.Module):
    """Down, up and across, resized to the size of the skip."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up, self.head = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = torch.relu(self.down(x))
        b = self.up(torch.relu(self.deep(a)))
        b = nn.functional.interpolate(b, size=a.shape[2:], mode="bilinear", align_corners=False)
        return self.head(torch.cat([a, b], 1))


def vision(name, **words):
    def make():
        import torchvision

        return getattr(torchvision.models, name)(**words)

    return make


def vit():
    from torchvision.models import VisionTransformer

    return VisionTransformer(32, 8, 2, 2, 32, 64, num_classes=5)


def swin():
    from torchvision.models.swin_transformer import SwinTransformer

    return SwinTransformer([2, 2], 16, [2, 2], [2, 4], [4, 4], num_classes=5)


def timm(name, **words):
    def make():
        import timm

        return timm.create_model(name, **words)

    return make


def text(name, config, **words):
    def make():
        import transformers

        small = getattr(transformers, config)(**words)
        return Out(getattr(transformers, name)(small), return_dict=False)

    return make


def causal(name, config, **words):
    def make():
        import transformers

        small = getattr(transformers, config)(**words)
        return Out(getattr(transformers, name)(small), return_dict=False, use_cache=False)

    return make


def encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.Sequential(nn.Embedding(50, 16), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 3))


BERT = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
SOUND = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "conv_dim": (8, 8, 8), "conv_stride": (5, 2, 2),
    "conv_kernel": (10, 3, 3), "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "vocab_size": 12,
}  # fmt: skip
IMAGE = (((2, 3, 64, 64),), ((3, 3, 96, 64),))
WORDS = (((2, 9),), ((3, 12),))
MASKED = (((2, 9), (2, 9)), ((3, 12), (3, 12)))
WAVE = (((2, 1, 8000),), ((3, 1, 12000),))
WIDE = ((0, 1),)

CASES: dict[str, Case] = {
    "resnet18": Case(vision("resnet18"), IMAGE),
    "mobilenet_v3_small": Case(vision("mobilenet_v3_small"), IMAGE),
    "densenet121": Case(vision("densenet121"), IMAGE),
    "convnext_tiny": Case(vision("convnext_tiny"), IMAGE),
    "efficientnet_b0": Case(vision("efficientnet_b0"), IMAGE),
    "shufflenet": Case(vision("shufflenet_v2_x0_5"), IMAGE),
    "vit": Case(vit, (((2, 3, 32, 32),), ((3, 3, 32, 32),)), ((0,),)),
    "swin": Case(swin, IMAGE),
    "timm vit": Case(timm("vit_tiny_patch16_224", img_size=64, depth=2, embed_dim=48, num_heads=3), (((2, 3, 64, 64),), ((3, 3, 64, 64),)), ((0,),)),
    "unet": Case(Unet, (((2, 3, 32, 32),), ((3, 3, 33, 47),))),
    "m5": Case(M5, WAVE, ((0, 2),)),
    "spectrogram": Case(Spectrogram, (((2, 4000),), ((3, 6100),)), WIDE),
    "wav2vec2": Case(text("Wav2Vec2ForCTC", "Wav2Vec2Config", **SOUND), (((2, 2000),), ((3, 3001),)), WIDE),
    "lstm tagger": Case(Tagger, WORDS, WIDE, 50),
    "gru tagger": Case(lambda: Tagger(nn.GRU), WORDS, WIDE, 50),
    "bert": Case(text("BertModel", "BertConfig", **BERT), WORDS, WIDE, 60),
    "bert, masked": Case(text("BertModel", "BertConfig", **BERT), MASKED, WIDE * 2, 2, ("script",)),
    "distilbert": Case(text("DistilBertModel", "DistilBertConfig", vocab_size=60, dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=40), WORDS, WIDE, 60),
    "gpt2": Case(causal("GPT2Model", "GPT2Config", vocab_size=60, n_embd=16, n_layer=2, n_head=2, n_positions=40), WORDS, WIDE, 60, ("dynamo",)),
    "t5 encoder": Case(text("T5EncoderModel", "T5Config", vocab_size=60, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2), WORDS, WIDE, 60, ("script",)),
    "encoder": Case(encoder, WORDS, WIDE, 50),
    "char cnn": Case(CharCNN, WORDS, WIDE, 40),
}  # fmt: skip


def drawn(case: Case, which: int) -> tuple[torch.Tensor, ...]:
    """Random inputs at the first, or the second sizes."""
    torch.manual_seed(which)
    if case.rows:
        return tuple(torch.randint(0, case.rows, s) for s in case.sizes[which])
    return tuple(torch.randn(s) for s in case.sizes[which])


def exported(case: Case, model: nn.Module, dynamo: bool, free: bool = True) -> bytes:
    """The file that PyTorch's old exporter writes, or its new one."""
    names = [f"input{i}" for i in range(len(case.sizes[0]))]
    words: dict[str, Any] = {"input_names": names, "dynamo": dynamo}
    if dynamo:
        auto = torch.export.Dim.AUTO
        words["dynamic_shapes"] = tuple(dict.fromkeys(axes, auto) for axes in case.free) if free else None
    else:
        words["opset_version"] = 17
        words["dynamic_axes"] = {n: {a: f"{n}_{a}" for a in axes} for n, axes in zip(names, case.free)} if free else None
    held = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporters speak about themselves
        torch.onnx.export(model.eval(), drawn(case, 0), held, **words)
    return held.getvalue()
