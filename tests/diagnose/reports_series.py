"""Series and texts, each with what a good answer changes. Written before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, Calls, attr, seq, table
from torch import nn

SERIES, report = table()


# -- series and texts ---------------------------------------------------------------------------------------------------


class Forecast(nn.Module):
    def __init__(self, features=8, hidden=16, batch_first=True):
        super().__init__()
        self.hidden, self.layers = hidden, 2
        self.lstm, self.fc = nn.LSTM(features, hidden, 2, batch_first=batch_first), nn.Linear(hidden, 1)

    def forward(self, x):
        h0 = torch.zeros(self.layers, x.size(0), self.hidden)
        c0 = torch.zeros(self.layers, x.size(0), self.hidden)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


@report(attr("lstm", "batch_first", True), {"input": "permute", "dims": (1, 0, 2)}, FORWARD)
def states_for_batch_first():
    return Forecast(batch_first=False), (torch.rand(32, 10, 8),)


@report({"input": "unsqueeze", "dim": 1}, {"input": "unsqueeze", "dim": 0})
def table_rows_into_an_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x):
            out, _ = self.lstm(x)
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(32, 8),)


@report(attr("fc", "in_features", 16 * 30), {"input": "truncate", "dim": 1, "to": 20}, {"input": "slice", "dim": 1, "to": 20})
def all_steps_flattened_of_longer_series():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(4, 16, batch_first=True), nn.Linear(16 * 20, 1)

        def forward(self, x):
            out, _ = self.lstm(x)
            out = out.reshape(out.size(0), -1)
            return self.fc(out)

    return Net(), (torch.rand(8, 30, 4),)


@report(FORWARD, attr("lstm", "num_layers", 1))
def two_layers_laid_out_as_rows():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 16, num_layers=2, batch_first=True), nn.Linear(16, 3)

        def forward(self, x, target):
            _, (h, _) = self.lstm(x)
            h = h.view(-1, 16)
            return F.cross_entropy(self.fc(h), target)

    return Net(), (torch.rand(32, 10, 8), torch.randint(0, 3, (32,)))


@report(FORWARD)
def embedding_of_fractions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.Embedding(100, 16), nn.Linear(16, 2)

        def forward(self, x):
            x = self.emb(x)
            return self.fc(x.mean(1))

    return Net(), (torch.randint(0, 100, (4, 9)).float(),)


@report({"input": "squeeze", "dim": 2}, FORWARD)
def word_numbers_in_a_column():
    return Calls(
        lambda m, x: m.fc(m.lstm(m.emb(x))[0][:, -1]), emb=nn.Embedding(50, 8), lstm=nn.LSTM(8, 16, batch_first=True), fc=nn.Linear(16, 2)
    ), (torch.randint(0, 50, (4, 9, 1)),)


@report(FORWARD, {"input": "unsqueeze", "dim": 0}, {"input": "unsqueeze", "dim": 1})
def decoder_step_without_length():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru, self.out = nn.Embedding(50, 16), nn.GRU(16, 32), nn.Linear(32, 50)

        def forward(self, word, hidden):
            x = self.emb(word)
            x, hidden = self.gru(x, hidden)
            return self.out(x[-1]), hidden

    return Decoder(), (torch.randint(0, 50, (4,)), torch.zeros(1, 4, 32))


@report(FORWARD)
def attention_joins_one_state_to_all():
    class Attn(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.v = nn.Linear(64, 32), nn.Linear(32, 1)

        def forward(self, hidden, outputs):
            e = torch.cat((hidden, outputs), dim=2)
            e = self.v(torch.tanh(self.attn(e)))
            return torch.softmax(e.squeeze(2), dim=0)

    return Attn(), (torch.rand(1, 4, 32), torch.rand(10, 4, 32))


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(32, 4, 64)

    def forward(self, x):
        mask = torch.triu(torch.ones(x.size(1), x.size(1)), diagonal=1).bool()
        return self.layer(x, src_mask=mask)


@report(attr("layer.self_attn", "batch_first", True), attr("layer", "batch_first", True), {"input": "permute", "dims": (1, 0, 2)}, FORWARD)
def causal_mask_for_batch_first():
    return Causal(), (torch.rand(6, 10, 32),)


@report({"input": "repeat_interleave", "dim": 0, "repeats": 4, "arg": 1}, FORWARD)
def mask_without_heads():
    run = lambda m, x, mask: m.attn(x, x, x, attn_mask=mask)[0]
    return Calls(run, attn=nn.MultiheadAttention(16, 4, batch_first=True)), (torch.rand(3, 7, 16), torch.zeros(3, 7, 7, dtype=torch.bool))


@report(FORWARD, wrong=(attr("conv3", "in_channels", 8),))
def text_cnn_without_its_channel():
    class TextCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv3, self.fc = nn.Embedding(100, 24), nn.Conv2d(1, 10, (3, 24)), nn.Linear(10, 2)

        def forward(self, x):
            x = self.emb(x)
            x = F.relu(self.conv3(x)).squeeze(3)
            x = F.max_pool1d(x, x.size(2)).squeeze(2)
            return self.fc(x)

    return TextCNN(), (torch.randint(0, 100, (8, 20)),)


@report(
    attr("5", "in_features", 16 * 98),
    {"input": "resize"},
    {"input": "truncate", "dim": 2, "to": 128},
    {"input": "slice", "dim": 2, "to": 128},
)
def longer_signal():
    return seq(nn.Conv1d(1, 8, 3), nn.MaxPool1d(2), nn.Conv1d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 63, 4)), (
        torch.rand(4, 1, 198),
    )


@report({"input": "truncate", "dim": 1, "to": 24}, {"input": "slice", "dim": 1, "to": 24}, attr("1", "in_features", 48 * 7))
def window_of_two_days():
    return seq(nn.Flatten(), nn.Linear(24 * 7, 32), nn.ReLU(), nn.Linear(32, 1)), (torch.rand(16, 48, 7),)


@report(FORWARD)
def cell_gets_the_whole_series():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.fc = nn.GRUCell(8, 16), nn.Linear(16, 1)

        def forward(self, x):
            h = self.cell(x)
            return self.fc(h)

    return Net(), (torch.rand(4, 10, 8),)


@report(FORWARD)
def word2vec_scores():
    class SkipGram(nn.Module):
        def __init__(self):
            super().__init__()
            self.center, self.context = nn.Embedding(100, 32), nn.Embedding(100, 32)

        def forward(self, word, others):
            v = self.center(word)
            u = self.context(others)
            return torch.bmm(v, u)

    return SkipGram(), (torch.randint(0, 100, (8, 1)), torch.randint(0, 100, (8, 5)))


@report(FORWARD, wrong=(attr("norm", "num_features", 20),))
def batch_norm_over_steps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.norm, self.fc = nn.LSTM(8, 64, batch_first=True), nn.BatchNorm1d(64), nn.Linear(64, 2)

        def forward(self, x):
            x, _ = self.lstm(x)
            x = self.norm(x)
            return self.fc(x)

    return Net(), (torch.rand(4, 20, 8),)


@report(FORWARD, attr("", "batch_size", 10))
def state_of_a_written_batch():
    class Net(nn.Module):
        def __init__(self, batch_size=64):
            super().__init__()
            self.batch_size = batch_size
            self.lstm, self.fc = nn.LSTM(8, 16, 2, batch_first=True), nn.Linear(16, 1)

        def forward(self, x):
            h = torch.zeros(2, self.batch_size, 16)
            c = torch.zeros(2, self.batch_size, 16)
            out, _ = self.lstm(x, (h, c))
            return self.fc(out[:, -1])

    return Net(), (torch.rand(10, 5, 8),)


@report(attr("fc", "in_features", 40), attr("gru", "hidden_size", 32))
def hidden_size_changed():
    return Calls(lambda m, x: m.fc(m.gru(x)[0][:, -1]), gru=nn.GRU(6, 40, batch_first=True), fc=nn.Linear(32, 3)), (torch.rand(4, 9, 6),)


@report(attr("lstm", "input_size", 14), wrong=({"input": "slice", "dim": 2, "to": 12},))
def two_features_more():
    return Calls(lambda m, x: m.fc(m.lstm(x)[0][:, -1]), lstm=nn.LSTM(12, 32, batch_first=True), fc=nn.Linear(32, 1)), (
        torch.rand(4, 9, 14),
    )
