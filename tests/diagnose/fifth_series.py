"""A fifth round, of series, words and attention, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

FIFTH_SERIES, report = table()
both = lambda *edits: {"all": list(edits)}


@report(attr("lstm", "batch_first", True), {"input": "permute", "dims": (1, 0, 2)}, FORWARD)
def states_and_sentences_count_the_batch_differently():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.out = nn.LSTM(20, 32, num_layers=2), nn.Linear(32, 9)

        def forward(self, x, h, c):
            y, _ = self.lstm(x, (h, c))
            return self.out(y)

    return Tagger(), (torch.rand(16, 11, 20), torch.zeros(2, 16, 32), torch.zeros(2, 16, 32))


@report(attr("rnn", "input_size", 100), attr("emb", "embedding_dim", 128))
def vectors_of_100_into_a_reader_of_128():
    class Sentiment(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.fc = nn.Embedding(500, 100), nn.LSTM(128, 64, 2, batch_first=True, dropout=0.2), nn.Linear(64, 1)

        def forward(self, ids):
            _, (h, _) = self.rnn(self.emb(ids))
            return torch.sigmoid(self.fc(h[-1]))

    return Sentiment().eval(), (torch.randint(0, 500, (8, 30)),)


@report(attr("gru", "bidirectional", True), FORWARD, attr("fc", "in_features", 40))
def both_directions_are_joined_but_there_is_one():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(12, 40, batch_first=True), nn.Linear(80, 3)

        def forward(self, x):
            _, h = self.gru(x)
            h = h.permute(1, 0, 2).reshape(x.size(0), -1)
            return self.fc(h)

    return Net(), (torch.rand(6, 15, 12),)


@report(FORWARD, {"replace": "cell", "with": "GRU"}, {"input": "index", "dim": 1, "index": 0}, {"input": "index", "dim": 1, "index": -1})
def cell_is_given_all_steps():
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.fc = nn.GRUCell(10, 24), nn.Linear(24, 2)

        def forward(self, x):
            h = torch.zeros(x.size(0), 24)
            h = self.cell(x, h)
            return self.fc(h)

    return Step(), (torch.rand(4, 8, 10),)


@report(FORWARD, *(both({"input": "squeeze", "dim": 0, "arg": a}, {"input": "squeeze", "dim": 0, "arg": 3 - a}) for a in (1, 2)))
def cell_is_given_the_state_of_a_layer():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out = nn.LSTMCell(16, 32), nn.Linear(32, 50)

        def forward(self, word, h, c):
            h, c = self.cell(word, (h, c))
            return self.out(h), h, c

    return Decoder(), (torch.rand(5, 16), torch.zeros(1, 5, 32), torch.zeros(1, 5, 32))


@report({"input": "unsqueeze", "dim": 1}, FORWARD)
def rows_without_steps_beside_a_state():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(9, 20, batch_first=True), nn.Linear(20, 1)

        def forward(self, x):
            h0 = torch.zeros(1, x.shape[0], 20)
            out, _ = self.rnn(x, h0)
            return self.fc(out[:, -1])

    return Net(), (torch.rand(32, 9),)


@report(
    FORWARD, both(attr("conv1", "padding", 4), attr("conv2", "padding", 4)), both(attr("conv1", "padding", 2), attr("conv2", "padding", 6))
)
def causal_block_forgets_to_cut_its_end():
    class TemporalBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv1d(16, 16, 3, padding=8, dilation=4), nn.Conv1d(16, 16, 3, padding=8, dilation=4)

        def forward(self, x):
            y = F.relu(self.conv2(F.relu(self.conv1(x))))
            return F.relu(x + y)

    return TemporalBlock(), (torch.rand(4, 16, 60),)


@report({"input": "unsqueeze", "dim": 1}, FORWARD)
def beats_in_rows_into_a_convolution():
    net = seq(
        nn.Conv1d(1, 8, 7, 2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(8, 16, 5),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(64, 5),
    )
    return net, (torch.rand(16, 187),)


@report(attr("fc1", "in_features", 32 * 48), RESIZE, {"input": "pad_length"}, {"input": "truncate", "dim": 2, "to": 180}, FORWARD)
def vibrations_cut_a_little_longer():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2, self.fc1 = nn.Conv1d(3, 16, 5, padding=2), nn.Conv1d(16, 32, 5, padding=2), nn.Linear(32 * 45, 4)

        def forward(self, x):
            x = F.max_pool1d(F.relu(self.c1(x)), 2)
            x = F.max_pool1d(F.relu(self.c2(x)), 2)
            return self.fc1(x.view(len(x), -1))

    return Net(), (torch.rand(8, 3, 192),)


@report(
    attr("embed", "embedding_dim", 128),
    FORWARD,
    {"insert": "Linear", "before": "encoder"},
    {"insert": "Linear", "before": "encoder.layers.0"},
)
def glove_vectors_into_a_wider_transformer():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(300, 50)
            layer = nn.TransformerEncoderLayer(d_model=128, nhead=8, dim_feedforward=256, batch_first=True)
            self.encoder, self.cls = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False), nn.Linear(128, 4)

        def forward(self, ids):
            return self.cls(self.encoder(self.embed(ids)).mean(dim=1))

    return Net().eval(), (torch.randint(0, 300, (3, 14)),)


@report(attr("transformer", "batch_first", True), {"input": "permute", "dims": (1, 0, 2), "arg": "all"}, FORWARD)
def whole_transformer_without_batch_first():
    class Translate(nn.Module):
        def __init__(self):
            super().__init__()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch tells that batch_first would be faster
                self.transformer = nn.Transformer(32, 4, 1, 1, 64)
            self.out = nn.Linear(32, 80)

        def forward(self, src, tgt):
            return self.out(self.transformer(src, tgt))

    return Translate().eval(), (torch.rand(8, 12, 32), torch.rand(8, 9, 32))


@report(FORWARD)
def mask_of_the_source_for_the_target():
    class Translate(nn.Module):
        def __init__(self):
            super().__init__()
            self.transformer = nn.Transformer(32, 4, 1, 1, 64, batch_first=True)

        def forward(self, src, tgt):
            mask = nn.Transformer.generate_square_subsequent_mask(src.size(1))
            return self.transformer(src, tgt, tgt_mask=mask)

    return Translate().eval(), (torch.rand(2, 12, 32), torch.rand(2, 9, 32))


@report({"input": "truncate", "dim": 1, "to": 100}, RESIZE, {"param": "pos.pe", "shape": (1, 128, 32)}, FORWARD)
def sentences_longer_than_the_sine_table():
    class Pos(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("pe", torch.zeros(1, 100, 32))

        def forward(self, x):
            return x + self.pe[:, : x.size(1)]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.pos, self.fc = nn.Embedding(90, 32), Pos(), nn.Linear(32, 3)

        def forward(self, ids):
            return self.fc(self.pos(self.emb(ids)).max(1).values)

    return Net(), (torch.randint(0, 90, (4, 128)),)


@report({"input": "squeeze", "dim": 1}, FORWARD, {"input": "reshape", "shape": (8, 25)})
def token_numbers_with_an_axis_of_one():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm, self.fc = nn.Embedding(400, 24), nn.LSTM(24, 48, batch_first=True), nn.Linear(48, 2)

        def forward(self, ids):
            _, (h, _) = self.lstm(self.emb(ids))
            return self.fc(h.squeeze(0))

    return Net(), (torch.randint(0, 400, (8, 1, 25)),)


@report(FORWARD)
def repeated_state_is_not_turned():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.v = nn.Linear(48, 24), nn.Linear(24, 1, bias=False)

        def forward(self, hidden, outputs):
            hidden = hidden.unsqueeze(0).repeat(outputs.size(1), 1, 1)
            energy = torch.tanh(self.attn(torch.cat((hidden, outputs), dim=2)))
            return F.softmax(self.v(energy).squeeze(2), dim=1)

    return Attention(), (torch.rand(6, 24), torch.rand(6, 10, 24))


@report(attr("rnn", "input_size", 56), attr("emb", "embedding_dim", 8), FORWARD)
def decoder_forgot_that_context_is_joined():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(70, 32), nn.GRU(32, 24, batch_first=True), nn.Linear(24, 70)

        def forward(self, word, context):
            x = torch.cat([self.emb(word), context], dim=-1)
            y, _ = self.rnn(x)
            return self.out(y[:, 0])

    return Decoder(), (torch.randint(0, 70, (5, 1)), torch.rand(5, 1, 24))


@report(RESIZE, attr("rnn", "input_size", 64), FORWARD)
def word_pictures_of_twice_the_height():
    class CRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = seq(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.MaxPool2d((8, 1)))
            self.rnn, self.fc = nn.LSTM(32, 48, bidirectional=True), nn.Linear(96, 37)

        def forward(self, x):
            f = self.cnn(x)
            b, c, h, w = f.size()
            f = f.reshape(b, c * h, w).permute(2, 0, 1)
            return self.fc(self.rnn(f)[0])

    return CRNN(), (torch.rand(2, 1, 64, 100),)


@report({"input": "squeeze", "dim": 1}, FORWARD)
def spectrograms_keep_their_channel():
    net = Calls(lambda m, x: m.fc(m.conv(x).mean(-1)), conv=seq(nn.Conv1d(64, 32, 3), nn.BatchNorm1d(32), nn.ReLU()), fc=nn.Linear(32, 12))
    return net.eval(), (torch.rand(4, 1, 64, 101),)


@report(FORWARD)
def speech_maps_into_the_recurrent_layer():
    class Speech(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gru, self.fc = nn.Conv2d(1, 8, 3, (2, 1), 1), nn.GRU(8 * 20, 64, batch_first=True), nn.Linear(64, 29)

        def forward(self, spec):
            x = F.relu(self.conv(spec))
            x, _ = self.gru(x)
            return self.fc(x)

    return Speech(), (torch.rand(2, 1, 40, 70),)


@report(FORWARD)
def einsum_names_the_axes_as_they_were():
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k = nn.Linear(32, 32), nn.Linear(32, 32)

        def forward(self, x, y):
            q, k = self.q(x), self.k(y).transpose(1, 2)
            scores = torch.einsum("bqd,bkd->bqk", q, k)
            return scores.softmax(-1) @ y

    return Attend(), (torch.rand(2, 7, 32), torch.rand(2, 11, 32))


@report(FORWARD)
def heads_scored_without_turning_the_keys():
    class MHA(nn.Module):
        def __init__(self):
            super().__init__()
            self.h, self.d = 4, 16
            self.wq, self.wk, self.wv, self.wo = (nn.Linear(64, 64) for _ in range(4))

        def forward(self, x):
            b, t, _ = x.shape
            split = lambda y: y.view(b, t, self.h, self.d).transpose(1, 2)
            q, k, v = split(self.wq(x)), split(self.wk(x)), split(self.wv(x))
            att = torch.matmul(q, k) / self.d**0.5
            return self.wo((att.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1))

    return MHA(), (torch.rand(3, 10, 64),)


@report({"insert": "Flatten", "before": "mlp"}, {"insert": "Flatten", "before": "mlp.0"}, FORWARD)
def window_of_weather_into_a_perceptron():
    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = seq(nn.Linear(24 * 7, 64), nn.ReLU(), nn.Linear(64, 6))

        def forward(self, window):
            return self.mlp(window)

    return Forecast(), (torch.rand(32, 24, 7),)


@report(FORWARD)
def code_repeated_along_the_wrong_axis():
    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec, self.out = nn.LSTM(5, 16, batch_first=True), nn.LSTM(16, 16, batch_first=True), nn.Linear(16, 5)

        def forward(self, x):
            _, (h, _) = self.enc(x)
            z = h.repeat(1, x.size(1), 1)
            y, _ = self.dec(z)
            return F.mse_loss(self.out(y), x)

    return AE(), (torch.rand(6, 20, 5),)


@report(FORWARD)
def convolution_behind_the_recurrent_layer():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.conv, self.fc = nn.GRU(8, 32, batch_first=True, bidirectional=True), nn.Conv1d(64, 16, 3), nn.Linear(16, 2)

        def forward(self, x):
            x, _ = self.gru(x)
            x = F.relu(self.conv(x))
            return self.fc(x.max(dim=2)[0])

    return Net(), (torch.rand(4, 25, 8),)


@report(
    attr("attn", "kdim", 48),
    both(attr("attn", "kdim", 48), attr("attn", "vdim", 48)),
    attr("vision", "out_features", 32),
    {"insert": "Linear", "before": "attn"},
    FORWARD,
)
def text_asks_pictures_of_another_width():
    class Cross(nn.Module):
        def __init__(self):
            super().__init__()
            self.vision, self.attn = nn.Linear(100, 48), nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, text, regions):
            v = self.vision(regions)
            return self.attn(text, v, v)[0]

    return Cross(), (torch.rand(2, 6, 32), torch.rand(2, 9, 100))
