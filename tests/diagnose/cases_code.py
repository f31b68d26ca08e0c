"""Mistakes in branches, code, states, losses and checkpoints. Written from general knowledge."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

CODE, mistake = table()


# -- branches ----------------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    def __init__(self, stride=2, short=1, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(32, 64, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.shortcut = nn.Conv2d(32, width, 1, stride=short)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))) + self.shortcut(x))


@mistake(attr("shortcut", "stride", 2), attr("conv1", "stride", 1))
def shortcut_without_stride():
    return Residual(), (torch.rand(2, 32, 56, 56),)


@mistake(attr("shortcut", "out_channels", 64))
def shortcut_of_another_width():
    return Residual(1, 1, 48), (torch.rand(2, 32, 28, 28),)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        return self.out(torch.cat([a, self.up(b)], 1))


@mistake(RESIZE, FORWARD)
def skip_of_an_odd_picture():
    return Tiny(), (torch.rand(1, 3, 101, 64),)


@mistake(attr("up", "output_padding", 1), RESIZE, FORWARD)
def decoder_one_short():
    class Coder(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = nn.Conv2d(1, 8, 3, 2, 1), nn.ConvTranspose2d(8, 1, 3, 2, 1)

        def forward(self, x):
            return (self.up(self.down(x)) - x).pow(2).mean((1, 2, 3))

    return Coder(), (torch.rand(4, 1, 28, 28),)


# -- code --------------------------------------------------------------------------------------------------------------


class FlattensAll(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        x = torch.flatten(self.conv(x))
        return self.fc(x)


@mistake(FORWARD, wrong=(attr("fc", "in_features", 4 * 8 * 14 * 14),))
def batch_flattened_too():
    return FlattensAll(), (torch.rand(4, 3, 16, 16),)


class FixedBatch(nn.Module):
    def __init__(self, batch_size=64):
        super().__init__()
        self.batch_size = batch_size
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8 * 14 * 14, 10)

    def forward(self, x):
        x = self.conv(x).view(self.batch_size, -1)
        return self.fc(x)


@mistake(FORWARD, attr("", "batch_size", 16), wrong=(attr("fc", "in_features", 392),))
def batch_size_written_down():
    return FixedBatch(), (torch.rand(16, 3, 16, 16),)


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(64, 5)

    def forward(self, x):
        x = self.pool(self.conv(x))
        return self.fc(x)


@mistake({"insert": "Flatten", "before": "fc"}, FORWARD)
def pooled_but_not_flattened():
    return Pooled(), (torch.rand(4, 3, 16, 16),)


class WordCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.conv = nn.Embedding(100, 32), nn.Conv1d(32, 16, 3)

    def forward(self, x):
        x = self.emb(x)
        x = self.conv(x)
        return x.max(2).values


@mistake(FORWARD, wrong=(attr("conv", "in_channels", 20),))
def embedding_not_transposed():
    return WordCNN(), (torch.randint(0, 100, (4, 20)),)


class TakesTuple(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x):
        x = self.lstm(x)
        return self.fc(x)


@mistake(FORWARD)
def lstm_gives_a_pair():
    return TakesTuple(), (torch.rand(4, 9, 8),)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.up = nn.Linear(20, 128 * 8 * 8), nn.ConvTranspose2d(128, 1, 4, 2, 1)

    def forward(self, z):
        return self.up(self.fc(z).view(z.size(0), 128, 7, 7))


@mistake(attr("fc", "out_features", 128 * 7 * 7), FORWARD)
def decoder_view_of_another_map():
    return Decoder(), (torch.rand(4, 20),)


# -- states, masks, tables ---------------------------------------------------------------------------------------------


@mistake({"input": "permute", "dims": (1, 0, 2), "arg": 1})
def state_with_batch_first():
    return Calls(lambda m, x, h: m.gru(x, h)[0], gru=nn.GRU(10, 16, num_layers=2, batch_first=True)), (
        torch.rand(4, 7, 10),
        torch.zeros(4, 2, 16),
    )


@mistake(
    {"input": "repeat_interleave", "dim": 0, "repeats": 2, "arg": 1}, attr("gru", "num_layers", 1), attr("gru", "bidirectional", False)
)
def state_of_one_direction():
    return Calls(lambda m, x, h: m.gru(x, h)[0], gru=nn.GRU(10, 16, batch_first=True, bidirectional=True)), (
        torch.rand(4, 7, 10),
        torch.zeros(1, 4, 16),
    )


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.pos = nn.Embedding(100, 32), nn.Parameter(torch.zeros(1, 128, 32))

    def forward(self, x):
        return self.emb(x) + self.pos


@mistake({"input": "truncate", "dim": 1, "to": 128}, {"param": "pos", "shape": (1, 200, 32)})
def text_longer_than_positions():
    return Positions(), (torch.randint(0, 100, (2, 200)),)


@mistake(attr("emb", "num_embeddings", 121))
def word_beyond_the_table():
    ids = torch.randint(0, 100, (4, 9))
    ids[2, 3] = 120
    return Calls(lambda m, x: m.fc(m.emb(x)), emb=nn.Embedding(100, 8), fc=nn.Linear(8, 2)), (ids,)


@mistake({"input": "permute", "dims": (1, 0), "arg": 1})
def mask_transposed():
    run = lambda m, x, mask: m.attn(x, x, x, key_padding_mask=mask)[0]
    return Calls(run, attn=nn.MultiheadAttention(16, 4, batch_first=True)), (torch.rand(3, 7, 16), torch.zeros(7, 3, dtype=torch.bool))


# -- losses ------------------------------------------------------------------------------------------------------------


@mistake({"target": "squeeze", "dim": 1})
def class_numbers_in_a_column():
    return Trained(nn.Linear(10, 3), nn.CrossEntropyLoss()), (torch.rand(4, 10), torch.randint(0, 3, (4, 1)))


@mistake({"target": "squeeze", "dim": 1})
def mask_with_a_channel():
    return Trained(nn.Conv2d(3, 4, 1), nn.CrossEntropyLoss()), (torch.rand(2, 3, 8, 8), torch.randint(0, 4, (2, 1, 8, 8)))


@mistake({"target": "unsqueeze", "dim": 1}, FORWARD)
def yes_or_no_without_column():
    return Trained(nn.Linear(10, 1), nn.BCEWithLogitsLoss()), (torch.rand(4, 10), torch.rand(4))


@mistake({"target": "argmax", "dim": 1})
def one_hot_masks():
    return Trained(nn.Conv2d(3, 4, 1), nn.NLLLoss()), (torch.rand(2, 3, 8, 8), torch.randint(0, 2, (2, 4, 8, 8)))


@mistake(attr("net", "out_features", 11), {"target": "subtract"})
def classes_counted_from_one():
    target = torch.randint(1, 11, (16,))
    target[0] = 10
    return Trained(nn.Linear(8, 10), nn.CrossEntropyLoss()), (torch.rand(16, 8), target)


# -- training, checkpoints, batches -------------------------------------------------------------------------------------


@mistake(BATCH, {"mode": "eval"})
def last_batch_of_one():
    return seq(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 2)).train(), (
        torch.rand(1, 3, 8, 8),
    )


@mistake({"input": "resize", "arg": "all"}, {"input": "resize", "arg": 1})
def pictures_of_two_sizes():
    return Calls(lambda m, *pictures: m.conv(torch.stack(pictures)), conv=nn.Conv2d(3, 4, 3)), (
        torch.rand(3, 32, 32),
        torch.rand(3, 40, 32),
        torch.rand(3, 32, 32),
    )


@mistake({"all": [{"input": "pad_length", "dim": 0, "to": 9}, {"input": "pad_length", "dim": 0, "to": 9, "arg": 2}]})
def texts_of_several_lengths():
    ids = [torch.randint(0, 50, (n,)) for n in (5, 9, 7)]
    return Calls(lambda m, *texts: m.emb(torch.stack(texts)), emb=nn.Embedding(50, 4)), tuple(ids)


@mistake({"state_dict": "drop", "keys": []}, attr("net.1", "out_features", 20))
def checkpoint_of_twenty_classes():
    state = seq(nn.Linear(8, 8), nn.Linear(8, 20)).state_dict()

    def run(m, x):
        m.net.load_state_dict(state)
        return m.net(x)

    return Calls(run, net=seq(nn.Linear(8, 8), nn.Linear(8, 5))), (torch.rand(2, 8),)


@mistake(
    {"all": [{"input": "permute", "dims": (0, 3, 1, 2)}, attr("4", "in_features", 8 * 14 * 14)]},
    {"all": [{"input": "permute", "dims": (0, 3, 1, 2)}, RESIZE]},
)
def two_mistakes():
    return seq(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 16 * 16, 10)), (torch.rand(4, 30, 30, 3),)


# -- products, skips and states ------------------------------------------------------------------------------------------


class Scores(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x):
        q, k = self.q(x), self.k(x)
        return torch.softmax(q @ k, -1)


@mistake(FORWARD)
def keys_not_transposed():
    return Scores(), (torch.rand(2, 7, 16),)


class TagsWords(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lstm, self.fc, self.loss = nn.Embedding(50, 16), nn.LSTM(16, 32), nn.Linear(32, 5), nn.CrossEntropyLoss()

    def forward(self, x, target):
        out, _ = self.lstm(self.emb(x))
        return self.loss(self.fc(out[-1]), target)


@mistake({"input": "permute", "dims": (1, 0)})
def batch_first_into_a_length_first_lstm():
    return TagsWords(), (torch.randint(0, 50, (4, 20)), torch.randint(0, 5, (4,)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x)))


@mistake(attr("conv2", "padding", 1))
def padding_forgotten_in_a_block():
    return Block(), (torch.rand(1, 8, 28, 28),)


@mistake(attr("1", "unflattened_size", (128, 7, 7)), attr("0", "out_features", 8192))
def unflatten_to_another_map():
    return seq(nn.Linear(20, 128 * 49), nn.Unflatten(1, (128, 8, 8)), nn.ConvTranspose2d(128, 1, 4, 2, 1)), (torch.rand(4, 20),)


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4), nn.Sigmoid())
        self.loss = nn.BCELoss()

    def forward(self, x, label):
        out = self.main(x)
        return self.loss(out, label)


@mistake(FORWARD)
def judgement_with_axes_of_one():
    return Judge(), (torch.rand(4, 1, 8, 8), torch.rand(4))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.fc = nn.Embedding(50, 8), nn.Linear(8, 50)

    def forward(self, x, y):
        out = self.fc(self.emb(x))
        return F.cross_entropy(out.view(-1, 50), y)


@mistake(FORWARD)
def words_laid_in_a_row_targets_not():
    return Words(), (torch.randint(0, 50, (4, 9)), torch.randint(0, 50, (4, 9)))


@mistake({"input": "slice", "dim": 1, "to": 4, "arg": 1})
def state_made_for_a_full_batch():
    run = lambda m, x, h: m.lstm(x, (h, h))[0]
    return Calls(run, lstm=nn.LSTM(8, 16, 2, batch_first=True)), (torch.rand(4, 5, 8), torch.zeros(2, 8, 16))
