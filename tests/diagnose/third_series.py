"""A third round, of series and words: recurrent networks, transformers, attention written by hand."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, attr, seq, table
from torch import nn

THIRD_SERIES, report = table()
words = lambda *shape: torch.randint(0, 50, shape)


@report(attr("lstm", "batch_first", True))
def states_made_for_the_batch_in_front():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(10, 32, 2), nn.Linear(32, 1)

        def forward(self, x):
            h0 = torch.zeros(2, x.size(0), 32)
            c0 = torch.zeros(2, x.size(0), 32)
            out, _ = self.lstm(x, (h0, c0))
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(16, 7, 10),)


@report(FORWARD, attr("gru", "bidirectional", False))
def states_of_one_direction_for_two():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_layers = 2
            self.gru = nn.GRU(8, 24, 2, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(48, 3)

        def forward(self, x):
            h0 = torch.zeros(2, x.size(0), 24)
            out, _ = self.gru(x, h0)
            return self.fc(out[:, -1])

    return Net(), (torch.rand(5, 12, 8),)


@report(attr("fc", "in_features", 128), attr("lstm", "bidirectional", False), attr("lstm", "hidden_size", 32))
def both_directions_are_joined():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm = nn.Embedding(50, 32), nn.LSTM(32, 64, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(64, 2)

        def forward(self, x):
            out, _ = self.lstm(self.emb(x))
            return self.fc(out[:, -1, :])

    return Net(), (words(4, 20),)


@report(FORWARD)
def every_step_against_one_label():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc, self.loss = nn.GRU(6, 16, batch_first=True), nn.Linear(16, 4), nn.CrossEntropyLoss()

        def forward(self, x, y):
            out, _ = self.rnn(x)
            scores = self.fc(out)
            return self.loss(scores, y)

    return Net(), (torch.rand(8, 15, 6), torch.randint(0, 4, (8,)))


@report(FORWARD)
def next_letter_for_every_place():
    class CharRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(50, 16), nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 50)

        def forward(self, x, y):
            o, _ = self.rnn(self.emb(x))
            logits = self.out(o)
            return F.cross_entropy(logits, y)

    return CharRNN(), (words(4, 25), words(4, 25))


@report({"input": "unsqueeze", "dim": 1}, FORWARD)
def rows_of_a_table_into_an_lstm_with_states():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(9, 20, batch_first=True), nn.Linear(20, 1)

        def forward(self, x):
            h = torch.zeros(1, x.size(0), 20)
            c = torch.zeros(1, x.size(0), 20)
            out, _ = self.lstm(x, (h, c))
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(32, 9),)


@report(FORWARD, {"input": "permute", "dims": (1, 0, 2), "arg": 1}, {"input": "permute", "dims": (1, 0, 2)})
def context_and_word_lie_otherwise():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru, self.out = nn.Embedding(50, 16), nn.GRU(16 + 32, 32), nn.Linear(32, 50)

        def forward(self, word, context, hidden):
            e = self.emb(word).unsqueeze(0)
            x = torch.cat((e, context), dim=2)
            o, hidden = self.gru(x, hidden)
            return self.out(o.squeeze(0)), hidden

    return Decoder(), (words(6), torch.rand(6, 1, 32), torch.rand(1, 6, 32))


@report(FORWARD)
def convolution_before_the_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.lstm, self.fc = nn.Conv1d(4, 32, 3, padding=1), nn.LSTM(32, 64, batch_first=True), nn.Linear(64, 2)

        def forward(self, x):
            x = F.relu(self.conv(x))
            out, _ = self.lstm(x)
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(8, 4, 100),)


@report(BATCH, {"input": "slice", "dim": 1, "to": 20, "arg": 1})
def last_batch_is_smaller_than_the_state():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(5, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x, hidden):
            out, hidden = self.rnn(x, hidden)
            return self.fc(out), hidden

    return Net(), (torch.rand(20, 11, 5), torch.zeros(1, 32, 16))


@report(*[attr("", "heads", n) for n in (2, 4, 5, 10)], *[attr("", "n_heads", n) for n in (2, 4, 5, 10)])
def width_does_not_divide_by_heads():
    class Attention(nn.Module):
        def __init__(self, dim=100, heads=8):
            super().__init__()
            self.heads = heads
            self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)

        def forward(self, x):
            B, N, C = x.shape
            qkv = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
            q, k, v = qkv[0], qkv[1], qkv[2]
            attn = (q @ k.transpose(-2, -1)).softmax(dim=-1)
            return self.proj((attn @ v).transpose(1, 2).reshape(B, N, C))

    return Attention(), (torch.rand(2, 10, 100),)


@report({"input": "repeat_interleave", "dim": 0, "repeats": 4, "arg": 1}, FORWARD)
def one_mask_for_each_sentence_not_for_each_head():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

        def forward(self, src, mask):
            return self.encoder(src, mask=mask)

    return Net(), (torch.rand(3, 9, 32), torch.zeros(3, 9, 9))


@report({"input": "permute", "dims": (1, 0), "arg": 1}, FORWARD, attr("encoder.layers.0.self_attn", "batch_first", True))
def padding_mask_the_other_way_round():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32), 1, enable_nested_tensor=False)

        def forward(self, src, pad):
            return self.encoder(src, src_key_padding_mask=pad)

    return Net(), (torch.rand(12, 5, 16), torch.zeros(12, 5).bool())


@report(FORWARD, {"input": "permute", "dims": (1, 0, 2)})
def positions_made_for_the_length_in_front():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("pe", torch.zeros(500, 1, 32))
            self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)

        def forward(self, x):
            x = x + self.pe[: x.size(1)]
            return self.layer(x)

    return Net(), (torch.rand(8, 20, 32),)


@report({"param": "pos", "shape": (1, 16, 24)}, FORWARD)
def places_counted_with_a_class_token_that_is_not_there():
    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.pos, self.head = nn.Conv2d(3, 24, 8, 8), nn.Parameter(torch.zeros(1, 17, 24)), nn.Linear(24, 5)

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = x + self.pos
            return self.head(x.mean(dim=1))

    return ViT(), (torch.rand(2, 3, 32, 32),)


class ByHand(nn.Module):
    """Attention as tutorials write it."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def split(self, x):
        return x.view(x.size(0), x.size(1), 4, 8).transpose(1, 2)


@report(FORWARD)
def keys_are_not_turned():
    class Net(ByHand):
        def forward(self, x):
            q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
            scores = torch.matmul(q, k) / 8**0.5
            x = torch.matmul(scores.softmax(-1), v)
            return self.out(x.transpose(1, 2).flatten(2))

    return Net(), (torch.rand(2, 10, 32),)


@report(FORWARD)
def heads_are_viewed_before_they_lie_together():
    class Net(ByHand):
        def forward(self, x):
            b, n, c = x.shape
            q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
            x = (q @ k.transpose(-1, -2)).softmax(-1) @ v
            x = x.transpose(1, 2).view(b, n, c)
            return self.out(x)

    return Net(), (torch.rand(2, 10, 32),)


@report(
    {"insert": "Linear", "before": "decoder"},
    attr("encoder.self_attn", "embed_dim", 32),
    attr("bridge", "out_features", 32),
    FORWARD,
)
def memory_is_wider_than_the_decoder():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.bridge = nn.Linear(20, 64)
            self.decoder = nn.TransformerDecoderLayer(32, 4, 64, batch_first=True)

        def forward(self, features, tgt):
            memory = self.bridge(features)
            return self.decoder(tgt, memory)

    return Net(), (torch.rand(2, 9, 20), torch.rand(2, 6, 32))


@report(attr("transformer", "batch_first", True), {"input": "permute", "dims": (1, 0, 2), "arg": "all"})
def sentences_of_two_lengths_in_batches():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            with warnings.catch_warnings():  # PyTorch would like the batch in front
                warnings.simplefilter("ignore")
                self.transformer = nn.Transformer(16, 2, 1, 1, 32)

        def forward(self, src, tgt):
            return self.transformer(src, tgt)

    return Net(), (torch.rand(4, 10, 16), torch.rand(4, 7, 16))


@report(FORWARD)
def mean_over_the_sentences_not_the_words():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc, self.loss = nn.Embedding(50, 24), nn.Linear(24, 3), nn.CrossEntropyLoss()

        def forward(self, text, label):
            x = self.emb(text)
            x = x.mean(dim=0)
            return self.loss(self.fc(x), label)

    return Net(), (words(6, 30), torch.randint(0, 3, (6,)))


@report(FORWARD)
def words_convolved_along_their_features():
    class TextCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv, self.fc = nn.Embedding(50, 40), nn.Conv1d(40, 64, 3), nn.Linear(64, 2)

        def forward(self, x):
            x = self.emb(x)
            x = F.relu(self.conv(x))
            x = x.max(dim=2)[0]
            return self.fc(x)

    return TextCNN(), (words(8, 30),)


@report(FORWARD)
def norm_over_features_of_a_series():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.bn, self.out = nn.Linear(12, 32), nn.BatchNorm1d(32), nn.Linear(32, 1)

        def forward(self, x):
            x = self.fc(x)
            x = self.bn(x)
            return self.out(F.relu(x))

    return Net(), (torch.rand(4, 25, 12),)


@report(FORWARD)
def letters_forget_the_heads():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 16)

        def forward(self, x):
            b, n, _ = x.shape
            q = self.q(x).view(b, n, 2, 8).transpose(1, 2)
            k = self.k(x).view(b, n, 2, 8).transpose(1, 2)
            return torch.einsum("bqd,bkd->bqk", q, k).softmax(-1)

    return Net(), (torch.rand(3, 7, 16),)


@report(FORWARD)
def hidden_state_as_it_is_into_the_head():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc, self.loss = nn.LSTM(5, 16, num_layers=2, batch_first=True), nn.Linear(16, 3), nn.CrossEntropyLoss()

        def forward(self, x, y):
            _, (h, _) = self.lstm(x)
            return self.loss(self.fc(h), y)

    return Net(), (torch.rand(8, 10, 5), torch.randint(0, 3, (8,)))


@report(
    {"input": "pad_length", "dim": 2, "to": 6},
    attr("4", "kernel_size", (1, 2, 2)),
    attr("4", "kernel_size", 1),
    {"all": [attr("1", "kernel_size", (1, 2, 2)), attr("4", "kernel_size", (1, 2, 2))]},
)
def five_frames_pooled_away():
    return seq(
        nn.Conv3d(3, 8, 3), nn.MaxPool3d(2), nn.ReLU(), nn.Conv3d(8, 8, (1, 3, 3)), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten()
    ), (torch.rand(2, 3, 5, 32, 32),)
