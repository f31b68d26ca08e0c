"""A seventh round of what people report, of rarer kinds, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

SEVENTH_FIRST, report = table()
both = lambda *edits: {"all": list(edits)}


@report(FORWARD, attr("embed.proj", "stride", 14), {"param": "embed.pos", "shape": (1, 169, 32)}, RESIZE)
def table_of_positions_is_for_patches_with_overlap():
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = nn.Conv2d(3, 32, 14, 8)
            self.pos = nn.Parameter(torch.zeros(1, 64, 32))

        def forward(self, x):
            return self.proj(x).flatten(2).transpose(1, 2) + self.pos

    return Calls(lambda m, x: m.head(m.embed(x).mean(1)), embed=Embed(), head=nn.Linear(32, 4)), (torch.rand(1, 3, 112, 112),)


@report(attr("queries", "num_embeddings", 100), {"param": "bias", "shape": (50, 32)}, FORWARD)
def queries_of_two_tables_are_added():
    class Detr(nn.Module):
        def __init__(self):
            super().__init__()
            self.queries, self.bias, self.cls = nn.Embedding(50, 32), nn.Parameter(torch.zeros(100, 32)), nn.Linear(32, 5)

        def forward(self, memory):
            q = self.queries.weight + self.bias
            att = (q @ memory.transpose(1, 2)).softmax(-1)
            return self.cls(att @ memory)

    return Detr(), (torch.rand(2, 40, 32),)


@report(attr("head_box.2", "out_channels", 24), FORWARD)
def boxes_are_laid_out_for_six_anchors():
    class SSD(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = seq(nn.Conv2d(3, 32, 3, 4, 1), nn.ReLU())
            self.head_box = seq(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 16, 3, padding=1))

        def forward(self, x):
            f = self.body(x)
            b, _, h, w = f.shape
            boxes = self.head_box(f)
            return boxes.view(b, 6, 4, h, w).permute(0, 3, 4, 1, 2).reshape(b, -1, 4)

    return SSD(), (torch.rand(2, 3, 64, 64),)


@report(attr("head", "out_channels", 75), attr("", "classes", 80), FORWARD)
def anchors_times_classes_of_the_other_data_set():
    class Yolo(nn.Module):
        def __init__(self, classes=20):
            super().__init__()
            self.classes = classes
            self.backbone, self.head = seq(nn.Conv2d(3, 16, 3, 8, 1), nn.LeakyReLU(0.1)), nn.Conv2d(16, 255, 1)

        def forward(self, x):
            y = self.head(self.backbone(x))
            n, _, g, _ = y.shape
            return y.view(n, 3, self.classes + 5, g, g).permute(0, 1, 3, 4, 2)

    return Yolo(), (torch.rand(2, 3, 104, 104),)


@report(FORWARD)
def mean_over_the_channels_instead_of_the_places():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 40, 3, 2, 1), nn.Linear(40, 10)

        def forward(self, x):
            x = F.relu(self.conv(x))
            x = x.mean(dim=1).flatten(1)
            return self.fc(x)

    return Net(), (torch.rand(4, 3, 20, 20),)


@report(FORWARD)
def gated_attention_forgets_one_axis():
    class MIL(nn.Module):
        def __init__(self):
            super().__init__()
            self.v, self.u, self.w, self.c = nn.Linear(64, 16), nn.Linear(64, 16), nn.Linear(16, 1), nn.Linear(64, 1)

        def forward(self, bag):
            a = self.w(torch.tanh(self.v(bag)) * torch.sigmoid(self.u(bag)))
            a = a.softmax(0)
            return self.c(torch.mm(a, bag))

    return MIL(), (torch.rand(30, 64),)


@report(FORWARD, attr("fc", "in_features", 16))
def projected_states_are_narrower():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 32, proj_size=16, batch_first=True), nn.Linear(32, 4)

        def forward(self, x):
            y, _ = self.lstm(x)
            return self.fc(y[:, -1])

    return Net(), (torch.rand(3, 10, 8),)


@report(attr("dec", "hidden_size", 64), FORWARD, attr("enc", "bidirectional", False), {"insert": "Linear", "before": "dec"})
def state_of_both_directions_starts_a_plain_decoder():
    class Seq2Seq(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec = nn.GRU(10, 32, batch_first=True, bidirectional=True), nn.GRU(6, 32, batch_first=True)
            self.out = nn.Linear(32, 12)

        def forward(self, src, tgt):
            _, h = self.enc(src)
            y, _ = self.dec(tgt, h)
            return self.out(y)

    return Seq2Seq(), (torch.rand(4, 9, 10), torch.rand(4, 5, 6))


@report(FORWARD, {"input": "permute", "dims": (1, 0, 2)}, attr("rnn", "batch_first", True))
def states_made_from_the_second_axis():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(5, 11, batch_first=True), nn.Linear(11, 1)

        def forward(self, x):
            h = torch.zeros(1, x.size(1), 11)
            y, _ = self.rnn(x, h)
            return self.fc(y[:, -1])

    return Net(), (torch.rand(16, 7, 5),)


@report(attr("conv.0", "in_channels", 7), FORWARD)
def coordinates_are_joined_but_not_counted():
    class CoordConv(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = seq(nn.Conv2d(5, 8, 3, padding=1), nn.ReLU())

        def forward(self, x):
            b, _, h, w = x.shape
            ys = torch.linspace(-1, 1, h).view(1, 1, h, 1).expand(b, 1, h, w)
            xs = torch.linspace(-1, 1, w).view(1, 1, 1, w).expand(b, 1, h, w)
            return self.conv(torch.cat([x, ys, xs], 1))

    return CoordConv(), (torch.rand(2, 5, 16, 16),)


@report(FORWARD)
def noise_is_joined_without_its_places():
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3 + 8, 3, 3, padding=1)

        def forward(self, img, z):
            return self.conv(torch.cat([img, z], dim=1))

    return G(), (torch.rand(2, 3, 24, 24), torch.rand(2, 8))


@report(FORWARD, attr("fc", "in_features", 30))
def five_columns_of_three_steps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.fc = nn.Linear(5, 10), nn.Linear(10, 1)

        def forward(self, x):
            h = torch.relu(self.enc(x))
            h = h.reshape(h.shape[0], -1)
            return self.fc(h)

    return Net(), (torch.rand(6, 3, 5),)


@report(RESIZE, attr("fc", "in_features", 16 * 31), {"input": "pad_length"}, FORWARD)
def two_seconds_instead_of_three():
    net = Calls(
        lambda m, x: m.fc(m.pool(F.relu(m.conv(x))).flatten(1)),
        conv=nn.Conv1d(1, 16, 64, 16, 24),
        pool=nn.MaxPool1d(4),
        fc=nn.Linear(16 * 46, 3),
    )
    return net, (torch.rand(4, 1, 2000),)


@report(attr("3", "num_channels", 48), attr("2", "out_channels", 32))
def group_norm_before_the_widening():
    return seq(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 48, 3), nn.GroupNorm(4, 32), nn.ReLU(), nn.Conv2d(48, 3, 1)), (
        torch.rand(1, 3, 20, 20),
    )


@report(
    RESIZE,
    {"replace": "conv.0", "with": "ZeroPad2d"},
    attr("conv.0", "padding", 3),
    attr("conv.0", "padding", (3, 3, 3, 3)),
)
def reflection_wider_than_the_last_map():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.conv = nn.Conv2d(3, 8, 4, 4), seq(nn.ReflectionPad2d(4), nn.Conv2d(8, 8, 3))

        def forward(self, x):
            return self.conv(self.down(x))

    return Net(), (torch.rand(1, 3, 16, 16),)


@report(FORWARD, RESIZE)
def upsampled_by_a_typed_size():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.out = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(16, 1, 1)

        def forward(self, x):
            s = self.a(x)
            u = F.interpolate(self.b(s), size=(256, 256))
            return self.out(torch.cat([s, u], 1))

    return Net(), (torch.rand(1, 3, 192, 192),)


@report(
    attr("out", "out_features", 1),
    {"target": "one_hot"},
    FORWARD,
    {"replace": "loss", "with": "CrossEntropyLoss"},
    both(attr("out", "out_features", 1), {"target": "unsqueeze", "dim": 1}),
)
def two_columns_and_a_list_of_yes_and_no():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.loss = nn.Linear(7, 2), nn.BCEWithLogitsLoss()

        def forward(self, x, y):
            return self.loss(self.out(x), y)

    return Net(), (torch.rand(9, 7), torch.ones(9))


@report(FORWARD, {"target": "squeeze", "dim": -1}, {"target": "squeeze", "dim": 2})
def tags_in_a_column_for_each_word():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.out = nn.Embedding(40, 8), nn.Linear(8, 5)

        def forward(self, words, tags):
            scores = self.out(self.emb(words)).transpose(1, 2)
            return F.cross_entropy(scores, tags)

    return Tagger(), (torch.randint(0, 40, (3, 6)), torch.randint(0, 5, (3, 6, 1)))
