"""A sixth round of what people report, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

SIXTH_FIRST, report = table()
both = lambda *edits: {"all": list(edits)}


@report(attr("fc1", "in_features", 64 * 12 * 12), FORWARD, {"input": "resize"})
def pool_of_the_example_was_left_out():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
            self.fc1, self.fc2 = nn.Linear(36864, 128), nn.Linear(128, 10)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = F.max_pool2d(x, 2)
            x = torch.flatten(x, 1)
            return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

    return Net(), (torch.rand(4, 1, 28, 28),)


@report(attr("fc.1", "in_features", 64 * 8 * 8), RESIZE, FORWARD)
def head_after_two_pools_counts_one():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = seq(
                nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
            )
            self.fc = seq(nn.Dropout(), nn.Linear(64 * 16 * 16, 10))

        def forward(self, img):
            out = self.features(img)
            return self.fc(out.reshape(out.shape[0], -1))

    return Net().eval(), (torch.rand(8, 3, 32, 32),)


@report({"input": "permute", "dims": (0, 3, 1, 2)})
def keras_arrays_of_faces():
    net = seq(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 23 * 23, 7))
    return net, (torch.rand(12, 48, 48, 1),)


@report({"input": "unsqueeze", "dim": 1})
def fashion_pictures_as_the_array_holds_them():
    net = seq(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(392, 10))
    return net.eval(), (torch.rand(50, 28, 28),)


@report({"input": "unsqueeze", "dim": 0})
def one_spectrogram_into_a_trained_net():
    class Audio(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn, self.fc = nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.Linear(16, 35)

        def forward(self, s):
            return self.fc(F.relu(self.bn(self.conv(s))).mean((-2, -1)))

    return Audio().eval(), (torch.rand(1, 40, 98),)


@report(FORWARD, attr("post", "in_features", 200))
def both_ends_of_a_bidirectional_reader():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm, self.post = (
                nn.Embedding(100, 50),
                nn.LSTM(50, 100, bidirectional=True, batch_first=True),
                nn.Linear(100, 5),
            )

        def forward(self, words):
            out, _ = self.lstm(self.emb(words))
            return self.post(out)

    return Net(), (torch.randint(0, 100, (3, 12)),)


@report(FORWARD, wrong=(attr("conv", "in_channels", 4),))
def text_as_one_channel_of_a_flat_convolution():
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv, self.fc = nn.Embedding(500, 300), nn.Conv2d(1, 100, (3, 300)), nn.Linear(100, 2)

        def forward(self, words):
            e = self.emb(words)
            c = F.relu(self.conv(e)).squeeze(3)
            return self.fc(F.max_pool1d(c, c.size(2)).squeeze(2))

    return Text(), (torch.randint(0, 500, (4, 20)),)


@report(
    attr("attn", "batch_first", True),
    FORWARD,
    {"input": "permute", "dims": (1, 0), "arg": 1},
)
def padding_mask_beside_batches_in_front():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.fc = nn.MultiheadAttention(32, 4), nn.Linear(32, 2)

        def forward(self, x, pad):
            y, _ = self.attn(x, x, x, key_padding_mask=pad)
            return self.fc(y)

    return Net(), (torch.rand(6, 9, 32), torch.zeros(6, 9, dtype=torch.bool))


@report(attr("attn", "embed_dim", 96), {"insert": "Linear", "before": "attn"}, attr("proj", "out_features", 64), FORWARD)
def attention_of_64_over_vectors_of_96():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj, self.attn, self.out = nn.Linear(20, 96), nn.MultiheadAttention(64, 8, batch_first=True), nn.Linear(64, 3)

        def forward(self, x):
            x = self.proj(x)
            y, _ = self.attn(x, x, x)
            return self.out(y.mean(1))

    return Net(), (torch.rand(2, 7, 20),)


@report(FORWARD)
def causal_mask_of_a_fixed_length():
    class GPT(nn.Module):
        def __init__(self, block=64):
            super().__init__()
            self.qkv, self.proj = nn.Linear(32, 96), nn.Linear(32, 32)
            self.register_buffer("mask", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

        def forward(self, x):
            b, t, c = x.shape
            q, k, v = (y.view(b, t, 4, 8).transpose(1, 2) for y in self.qkv(x).split(32, dim=2))
            att = (q @ k.transpose(-2, -1)) / math.sqrt(8)
            att = att.masked_fill(self.mask == 0, float("-inf"))
            return self.proj((att.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c))

    return GPT(), (torch.rand(2, 20, 32),)


@report({"input": "truncate", "dim": 1, "to": 32}, attr("pos", "num_embeddings", 50), RESIZE, FORWARD)
def prompt_longer_than_the_positions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.tok, self.pos, self.head = nn.Embedding(60, 16), nn.Embedding(32, 16), nn.Linear(16, 60)

        def forward(self, idx):
            return self.head(self.tok(idx) + self.pos(torch.arange(idx.size(1))))

    return Net(), (torch.randint(0, 60, (2, 50)),)


@report({"input": "permute", "dims": (0, 2, 1)}, FORWARD)
def sensor_windows_of_time_first():
    class TCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.block, self.fc = seq(nn.Conv1d(9, 64, 3, padding=2, dilation=2), nn.BatchNorm1d(64), nn.ReLU()), nn.Linear(64, 6)

        def forward(self, x):
            return self.fc(self.block(x)[:, :, -1])

    return TCN().eval(), (torch.rand(5, 128, 9),)


@report(
    attr("decoder.2", "padding", 2),
    attr("decoder.2", "output_padding", 0),
    attr("decoder.2", "kernel_size", 4),
    RESIZE,
    FORWARD,
    attr("decoder.0", "output_padding", 0),
)
def autoencoder_of_series_comes_out_longer():
    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = seq(nn.Conv1d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv1d(8, 16, 4, 2, 1))
            self.decoder = seq(nn.ConvTranspose1d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose1d(8, 1, 6, 2, 1))

        def forward(self, x):
            return F.mse_loss(self.decoder(self.encoder(x)), x)

    return AE(), (torch.rand(3, 1, 100),)


@report(attr("up1.conv.0", "in_channels", 192), FORWARD)
def bilinear_decoder_keeps_its_channels():
    class Up(nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.up, self.conv = (
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                seq(nn.Conv2d(a, b, 3, padding=1), nn.ReLU()),
            )

        def forward(self, x, skip):
            return self.conv(torch.cat([skip, self.up(x)], dim=1))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.inc, self.down = nn.Conv2d(3, 64, 3, padding=1), seq(nn.MaxPool2d(2), nn.Conv2d(64, 128, 3, padding=1))
            self.up1, self.outc = Up(128, 64), nn.Conv2d(64, 1, 1)

        def forward(self, x):
            x1 = self.inc(x)
            return self.outc(self.up1(self.down(x1), x1))

    return UNet(), (torch.rand(1, 3, 32, 32),)


@report(RESIZE, FORWARD)
def decoder_of_a_phone_photo():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            c = [3, 8, 16, 32, 64]
            self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(c))
            self.ups = nn.ModuleList(nn.ConvTranspose2d(b, b // 2, 2, 2) for b in c[:1:-1])
            self.mix = nn.ModuleList(nn.Conv2d(b, b // 2, 3, padding=1) for b in c[:1:-1])

        def forward(self, x):
            skips = []
            for i, down in enumerate(self.downs):
                x = F.relu(down(x))
                if i < len(self.downs) - 1:
                    skips.append(x)
                    x = F.max_pool2d(x, 2)
            for up, mix, skip in zip(self.ups, self.mix, reversed(skips)):
                x = mix(torch.cat((skip, up(x)), dim=1))
            return x

    return Seg(), (torch.rand(1, 3, 150, 200),)


@report(attr("shortcut.0", "stride", 2), attr("conv1", "stride", 1), FORWARD)
def projection_forgot_its_stride():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
            self.conv2, self.bn2 = nn.Conv2d(32, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32)
            self.shortcut = seq(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32))

        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            out += self.shortcut(x)
            return F.relu(out)

    return Block().eval(), (torch.rand(2, 16, 28, 28),)


@report(
    attr("expand.0", "groups", 1), attr("dw.0", "groups", 96), both(attr("dw.0", "groups", 96)), attr("dw.0", "in_channels", 96), FORWARD
)
def inverted_block_counts_its_width_before():
    run = lambda m, x: m.project(m.dw(m.expand(x)))
    return Calls(
        run,
        expand=seq(nn.Conv2d(16, 96, 1, bias=False), nn.ReLU6()),
        dw=seq(nn.Conv2d(64, 96, 3, padding=1, groups=32, bias=False), nn.ReLU6()),
        project=nn.Conv2d(96, 16, 1, bias=False),
    ), (torch.rand(2, 16, 14, 14),)


@report(attr("norm", "num_features", 256), attr("fc1", "out_features", 128))
def batch_norm_of_half_the_units():
    net = Calls(lambda m, x: m.fc2(F.relu(m.norm(m.fc1(x)))), fc1=nn.Linear(30, 256), norm=nn.BatchNorm1d(128), fc2=nn.Linear(256, 1))
    return net.eval(), (torch.rand(16, 30),)


@report(attr("backbone.fc.0", "in_features", 512))
def two_layer_head_for_the_larger_resnet():
    from torchvision.models import resnet34

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = resnet34(weights=None)
            self.backbone.fc = seq(nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 3))

        def forward(self, x):
            return self.backbone(x)

    return Model().eval(), (torch.rand(1, 3, 64, 64),)


@report(
    FORWARD,
    {"insert": "Flatten", "before": "head"},
    {"insert": "AdaptiveAvgPool2d", "before": "head"},
    both({"insert": "Flatten", "before": "head"}, {"insert": "AdaptiveAvgPool2d", "before": "head"}),
    both({"insert": "AdaptiveAvgPool2d", "before": "head"}, {"insert": "Flatten", "before": "head"}),
)
def features_of_a_mobile_net_straight_to_the_head():
    from torchvision.models import mobilenet_v2

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.head = mobilenet_v2(weights=None).features, nn.Linear(1280, 12)

        def forward(self, x):
            x = self.features(x)
            return self.head(x)

    return Model().eval(), (torch.rand(1, 3, 96, 96),)


@report({"input": "expand_channels", "to": 3}, attr("stem.0", "in_channels", 1))
def handwriting_into_a_small_colour_net():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.fc = seq(nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.Hardswish()), nn.Linear(24, 62)

        def forward(self, x):
            return self.fc(F.adaptive_avg_pool2d(self.stem(x), 1).flatten(1))

    return Net().eval(), (torch.rand(9, 1, 64, 64),)


@report({"target": "squeeze", "dim": 1}, FORWARD)
def masks_loaded_with_to_tensor():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.criterion = nn.Conv2d(3, 21, 1), nn.CrossEntropyLoss()

        def forward(self, images, masks):
            return self.criterion(self.net(images), masks)

    return Seg(), (torch.rand(2, 3, 30, 30), torch.randint(0, 21, (2, 1, 30, 30)))


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def judge_scores_against_a_list_of_ones():
    return Trained(seq(nn.Flatten(), nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), nn.Sigmoid()), nn.BCELoss()), (
        torch.rand(10, 1, 28, 28),
        torch.ones(10),
    )


@report({"target": "argmax", "dim": 1}, FORWARD, {"replace": "loss", "with": "CrossEntropyLoss"})
def one_hot_labels_for_negative_log_likelihood():
    return Trained(seq(nn.Linear(8, 3), nn.LogSoftmax(1)), nn.NLLLoss()), (
        torch.rand(7, 8),
        torch.eye(3)[torch.tensor([0, 1, 2, 0, 1, 2, 0])].long(),
    )
