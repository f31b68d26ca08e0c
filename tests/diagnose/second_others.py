"""A second round of reports, of series and the rest, each with what a good answer changes. Written after the first had been met, before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

SECOND_OTHERS, report = table()


# -- series -------------------------------------------------------------------------------------------------------------


@report({"input": "permute", "dims": (0, 2, 1)}, wrong=(attr("0", "in_channels", 128),))
def accelerometer_steps_first():
    return seq(nn.Conv1d(9, 32, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(32 * 63, 6)), (torch.rand(16, 128, 9),)


@report({"input": "unsqueeze", "dim": 1})
def spectra_without_channel():
    return seq(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 96, 2)), (torch.rand(32, 100),)


@report({"input": "unsqueeze", "dim": 2}, {"input": "unsqueeze", "dim": -1}, wrong=(attr("rnn", "input_size", 50),))
def prices_without_feature_axis():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x):
            out, _ = self.rnn(x)
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(8, 50),)


@report(attr("fc", "in_features", 128), FORWARD, attr("lstm", "bidirectional", False))
def bidirectional_states_forgotten():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm, self.fc = nn.Embedding(99, 32), nn.LSTM(32, 64, bidirectional=True, batch_first=True), nn.Linear(64, 2)

        def forward(self, x):
            _, (h, _) = self.lstm(self.emb(x))
            h = torch.cat([h[-2], h[-1]], dim=1)
            return self.fc(h)

    return Net(), (torch.randint(0, 99, (4, 12)),)


@report(FORWARD, attr("", "directions", 2), attr("lstm", "bidirectional", False))
def first_state_for_one_direction():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.directions = 1
            self.lstm, self.fc = nn.LSTM(8, 16, bidirectional=True, batch_first=True), nn.Linear(32, 2)

        def forward(self, x):
            h = torch.zeros(self.directions, x.size(0), 16)
            out, _ = self.lstm(x, (h, h))
            return self.fc(out[:, -1])

    return Net(), (torch.rand(4, 6, 8),)


@report(FORWARD)
def lstm_output_not_unpacked():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 2)

        def forward(self, x):
            x = self.lstm(x)
            x = x.mean(1)
            return self.fc(x)

    return Net(), (torch.rand(4, 6, 8),)


@report({"input": "truncate", "dim": 1, "to": 64}, {"input": "slice", "dim": 1, "to": 64}, {"param": "pos", "shape": (1, 100, 32)})
def learned_positions_of_64():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj, self.pos = nn.Linear(8, 32), nn.Parameter(torch.zeros(1, 64, 32))
            self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)

        def forward(self, x):
            x = self.proj(x) + self.pos
            return self.layer(x)

    return Net().eval(), (torch.rand(2, 100, 8),)


@report(attr("proj", "out_features", 32), attr("layer.self_attn", "embed_dim", 30), attr("proj", "out_features", 32))
def model_width_of_the_transformer():
    run = lambda m, x: m.layer(m.proj(x))
    return Calls(run, proj=nn.Linear(8, 30), layer=nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)), (torch.rand(2, 9, 8),)


@report({"input": "permute", "dims": (1, 0), "arg": 1}, attr("layer.self_attn", "batch_first", True), FORWARD)
def padding_mask_of_length_first_data():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(16, 4, 32)

        def forward(self, x, mask):
            return self.layer(x, src_key_padding_mask=mask)

    return Net(), (torch.rand(10, 3, 16), torch.zeros(10, 3, dtype=torch.bool))


@report(FORWARD, {"input": "unsqueeze", "dim": 1, "arg": 0})
def context_added_to_every_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.ctx, self.step = nn.Linear(5, 16), nn.Linear(8, 16)

        def forward(self, context, x):
            c = self.ctx(context)
            h = self.step(x) + c
            return h.mean(1)

    return Net(), (torch.rand(4, 5), torch.rand(4, 10, 8))


@report(FORWARD)
def context_joined_to_every_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8 + 5, 16)

        def forward(self, x, context):
            context = context * 2
            h = torch.cat([x, context], dim=2)
            return self.fc(h)

    return Net(), (torch.rand(4, 10, 8), torch.rand(4, 5))


# -- plain code and losses ----------------------------------------------------------------------------------------------


@report(attr("1", "in_features", 128), attr("0", "out_features", 64))
def mlp_widths():
    return seq(nn.Linear(20, 128), nn.Linear(64, 10)), (torch.rand(8, 20),)


@report({"input": "reshape", "shape": (8, 3072)}, {"insert": "Flatten", "before": "0"})
def mlp_on_cifar():
    return seq(nn.Linear(3072, 64), nn.ReLU(), nn.Linear(64, 10)), (torch.rand(8, 3, 32, 32),)


@report(attr("fc1", "in_features", 3072), RESIZE, {"input": "grayscale"})
def mnist_mlp_on_cifar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x):
            x = x.view(x.shape[0], -1)
            return self.fc2(F.relu(self.fc1(x)))

    return Net(), (torch.rand(8, 3, 32, 32),)


@report(FORWARD, {"all": [FORWARD, attr("fc1", "in_features", 3072)]}, attr("fc1", "in_features", 3072), RESIZE)
def view_784_of_cifar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.loss = nn.Linear(784, 10), nn.CrossEntropyLoss()

        def forward(self, x, y):
            x = x.view(-1, 784)
            return self.loss(self.fc1(x), y)

    return Net(), (torch.rand(49, 3, 32, 32), torch.randint(0, 10, (49,)))


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def bce_of_a_column():
    return Trained(seq(nn.Linear(8, 1), nn.Sigmoid()), nn.BCELoss()), (torch.rand(16, 8), torch.randint(0, 2, (16,)).float())


@report({"target": "squeeze", "dim": 1}, {"target": "squeeze", "dim": -1})
def nll_of_a_column():
    return Trained(seq(nn.Linear(8, 4), nn.LogSoftmax(1)), nn.NLLLoss()), (torch.rand(16, 8), torch.randint(0, 4, (16, 1)))


@report(FORWARD, {"target": "permute", "dims": (0, 2, 1)})
def tag_scores_per_token():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.fc = nn.Embedding(50, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 7)
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x, tags):
            out, _ = self.rnn(self.emb(x))
            logits = self.fc(out)
            return self.loss(logits, tags)

    return Tagger(), (torch.randint(0, 50, (4, 9)), torch.randint(0, 7, (4, 9)))


@report(attr("net", "out_channels", 3), {"target": "slice"})
def colour_targets_for_gray_output():
    return Trained(nn.Conv2d(3, 1, 3, padding=1), nn.BCEWithLogitsLoss()), (torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))


@report({"target": "argmax", "dim": 1}, FORWARD)
def segmentation_one_hot_masks():
    return Trained(nn.Conv2d(3, 5, 1), nn.CrossEntropyLoss()), (torch.rand(2, 3, 8, 8), torch.randint(0, 2, (2, 5, 8, 8)))


@report({"input": "unsqueeze", "dim": 0})
def one_state_of_an_agent():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.out = nn.Linear(4, 16), nn.Linear(16, 2)

        def forward(self, s):
            h = F.relu(self.fc(s))
            return torch.softmax(self.out(h), dim=1)

    return Policy(), (torch.rand(4),)


@report(FORWARD)
def matrix_times_batch():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.rand(12, 6))

        def forward(self, x):
            return torch.matmul(self.w, x)

    return Net(), (torch.rand(4, 12),)


@report(FORWARD)
def outer_scores_of_two_towers():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Linear(10, 16), nn.Linear(20, 16)

        def forward(self, u, i):
            return self.user(u) @ self.item(i)

    return Two(), (torch.rand(8, 10), torch.rand(12, 20))


@report(FORWARD, attr("fc", "in_features", 5))
def last_axis_is_not_the_batch():
    return Calls(lambda m, x: m.fc(x.t()), fc=nn.Linear(8, 2)), (torch.rand(5, 8),)


@report(BATCH, {"mode": "eval"})
def norm_of_one_row_in_training():
    return seq(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)).train(), (torch.rand(1, 4),)


@report(attr("head", "in_features", 96))
def three_branches_joined():
    run = lambda m, a, b, c: m.head(torch.cat([m.a(a), m.b(b), m.c(c)], dim=-1))
    return Calls(run, a=nn.Linear(4, 32), b=nn.Linear(5, 32), c=nn.Linear(6, 32), head=nn.Linear(64, 1)), (
        torch.rand(2, 4),
        torch.rand(2, 5),
        torch.rand(2, 6),
    )
