"""A fourth round, of series, attention, joined branches and losses, each with what a good answer changes. Written before anything was tried."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

FOURTH_OTHERS, report = table()
both = lambda *edits: {"all": list(edits)}


@report(attr("conv1", "in_channels", 9), {"input": "permute", "dims": (0, 2, 1)})
def length_typed_for_channels():
    run = lambda m, x: m.fc(F.adaptive_max_pool1d(F.relu(m.conv1(x)), 1).flatten(1))
    return Calls(run, conv1=nn.Conv1d(128, 64, 3), fc=nn.Linear(64, 6)), (torch.rand(16, 9, 128),)


@report(attr("fc", "in_features", 32 * 23), FORWARD)
def words_pooled_but_not_over_all_places():
    class TextCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.conv, self.fc = nn.Embedding(1000, 50), nn.Conv1d(50, 32, 5), nn.Linear(32, 2)

        def forward(self, ids):
            x = self.embed(ids).permute(0, 2, 1)
            x = F.max_pool1d(F.relu(self.conv(x)), 2)
            x = x.flatten(1)
            return self.fc(x)

    return TextCNN(), (torch.randint(0, 1000, (8, 50)),)


@report(attr("gru", "input_size", 5), {"input": "permute", "dims": (0, 2, 1)})
def gru_counts_steps_for_features():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(30, 32, batch_first=True), nn.Linear(32, 1)

        def forward(self, x):
            out, _ = self.gru(x)
            return self.fc(out[:, -1])

    return Net(), (torch.rand(16, 30, 5),)


@report(FORWARD, attr("lstm", "num_layers", 1))
def states_of_one_layer_for_two():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = 24
            self.lstm, self.fc = nn.LSTM(6, 24, num_layers=2, batch_first=True), nn.Linear(24, 1)

        def forward(self, x):
            h0 = torch.zeros(1, x.size(0), self.hidden)
            c0 = torch.zeros(1, x.size(0), self.hidden)
            out, _ = self.lstm(x, (h0, c0))
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(8, 20, 6),)


@report(FORWARD, {"input": "permute", "dims": (1, 0, 2), "arg": 1})
def weights_times_states_with_length_in_front():
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.score, self.out = nn.Linear(32, 12), nn.Linear(64, 10)

        def forward(self, hidden, encoder_outputs):
            weights = F.softmax(self.score(hidden), dim=1).unsqueeze(1)
            context = torch.bmm(weights, encoder_outputs)
            return self.out(torch.cat((hidden, context.squeeze(1)), dim=1))

    return Attend(), (torch.rand(16, 32), torch.rand(12, 16, 32))


@report({"insert": "Linear", "before": "encoder"}, FORWARD, {"insert": "Linear", "before": "encoder.layers.0"})
def six_features_into_a_transformer_of_64():
    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 1, enable_nested_tensor=False)
            self.fc = nn.Linear(64, 1)

        def forward(self, x):
            x = self.encoder(x)
            return self.fc(x[:, -1])

    return Forecast(), (torch.rand(8, 24, 6),)


@report(FORWARD)
def mask_made_before_the_class_token():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cls, self.attn = nn.Parameter(torch.zeros(1, 1, 32)), nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, x):
            mask = torch.triu(torch.ones(x.size(1), x.size(1), dtype=torch.bool), diagonal=1)
            x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1)
            return self.attn(x, x, x, attn_mask=mask)[0]

    return Net(), (torch.rand(4, 16, 32),)


@report(FORWARD, attr("", "heads", 4))
def width_of_a_head_is_typed():
    class Attention(nn.Module):
        def __init__(self, dim=256, heads=8):
            super().__init__()
            self.heads = heads
            self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))

        def forward(self, x):
            b, n, _ = x.shape
            q = self.q(x).view(b, n, self.heads, 64).transpose(1, 2)
            k = self.k(x).view(b, n, self.heads, 64).transpose(1, 2)
            v = self.v(x).view(b, n, self.heads, 64).transpose(1, 2)
            y = torch.softmax(q @ k.transpose(-2, -1) / 8, dim=-1) @ v
            return self.out(y.transpose(1, 2).reshape(b, n, -1))

    return Attention(), (torch.rand(2, 10, 256),)


@report(FORWARD)
def tags_are_not_flattened_with_their_scores():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm, self.fc = nn.Embedding(500, 32), nn.LSTM(32, 32, batch_first=True), nn.Linear(32, 9)
            self.criterion = nn.CrossEntropyLoss()

        def forward(self, words, tags):
            scores = self.fc(self.lstm(self.embed(words))[0])
            scores = scores.view(-1, 9)
            return self.criterion(scores, tags)

    return Tagger(), (torch.randint(0, 500, (8, 50)), torch.randint(0, 9, (8, 50)))


@report(attr("net.2", "out_features", 12))
def horizon_of_24_against_12():
    return Trained(seq(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 24)), nn.L1Loss()), (torch.rand(32, 48), torch.rand(32, 12))


@report(attr("bn", "num_features", 128), attr("lstm", "hidden_size", 32))
def norm_behind_both_directions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(10, 64, bidirectional=True, batch_first=True)
            self.bn, self.fc = nn.BatchNorm1d(64), nn.Linear(128, 3)

        def forward(self, x):
            _, (h, _) = self.lstm(x)
            x = torch.cat((h[-2], h[-1]), dim=1)
            return self.fc(self.bn(x))

    return Net().eval(), (torch.rand(8, 15, 10),)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = seq(nn.Conv2d(1, 8, 3, 1, 1), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 1, 1), nn.MaxPool2d(2), nn.Conv2d(16, 32, (8, 1)))
        self.rnn, self.fc = nn.LSTM(32, 16, bidirectional=True), nn.Linear(32, 11)


@report(RESIZE)
def words_of_48_rows_into_a_reader_of_32():
    class CRNN(Reader):
        def forward(self, x):
            x = self.cnn(x)
            h = x.size(2)
            assert h == 1, "the height of conv must be 1"
            x = x.squeeze(2).permute(2, 0, 1)
            return self.fc(self.rnn(x)[0])

    return CRNN(), (torch.rand(4, 1, 48, 100),)


@report(FORWARD)
def maps_into_an_lstm():
    class CRNN(Reader):
        def forward(self, x):
            x = self.cnn(x)
            x, _ = self.rnn(x)
            return self.fc(x)

    return CRNN(), (torch.rand(4, 1, 32, 100),)


@report(RESIZE, attr("head.0", "in_features", 16 * 16 * 16 + 10))
def picture_branch_of_64_beside_a_table():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = seq(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.MaxPool2d(2), nn.Flatten())
            self.mlp, self.head = seq(nn.Linear(6, 10), nn.ReLU()), seq(nn.Linear(16 * 8 * 8 + 10, 32), nn.ReLU(), nn.Linear(32, 1))

        def forward(self, picture, row):
            joined = torch.cat([self.cnn(picture), self.mlp(row)], dim=1)
            return self.head(joined)

    return Mixed(), (torch.rand(4, 3, 64, 64), torch.rand(4, 6))


@report(attr("head", "in_features", 72))
def head_forgot_the_second_branch():
    run = lambda m, a, b: m.head(torch.cat([F.relu(m.left(a)), F.relu(m.right(b))], dim=-1))
    return Calls(run, left=nn.Linear(20, 64), right=nn.Linear(5, 8), head=nn.Linear(64, 2)), (torch.rand(16, 20), torch.rand(16, 5))


@report(FORWARD)
def state_of_the_text_joined_to_the_picture():
    class VQA(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm = nn.Embedding(200, 16), nn.LSTM(16, 32, batch_first=True)
            self.picture, self.fc = nn.Linear(100, 48), nn.Linear(80, 4)

        def forward(self, features, words):
            _, (h, _) = self.lstm(self.embed(words))
            joined = torch.cat((self.picture(features), h), dim=1)
            return self.fc(joined)

    return VQA(), (torch.rand(8, 100), torch.randint(0, 200, (8, 12)))


@report(attr("l1", "in_features", 5), attr("l1", "in_features", 4 + 1))
def critic_without_the_width_of_the_action():
    class Critic(nn.Module):
        def __init__(self, state_dim=4):
            super().__init__()
            self.l1, self.l2 = nn.Linear(state_dim, 64), nn.Linear(64, 1)

        def forward(self, state, action):
            q = F.relu(self.l1(torch.cat([state, action], 1)))
            return self.l2(q)

    return Critic(), (torch.rand(32, 4), torch.rand(32, 1))


@report(FORWARD, RESIZE)
def decoder_views_seven_where_eight_were_coded():
    class Auto(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = seq(nn.Conv2d(3, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU())
            self.dec = seq(nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 3, 4, 2, 1))

        def forward(self, x):
            z = self.enc(x).flatten(1)
            y = z.view(-1, 32, 7, 7)
            return self.dec(y)

    return Auto(), (torch.rand(4, 3, 32, 32),)


@report(FORWARD, both(FORWARD, FORWARD), {"input": "squeeze", "dim": 0}, {"input": "index", "dim": 0, "index": 0})
def graphs_in_batches_multiplied_as_matrices():
    class GCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.rand(16, 8))

        def forward(self, x, adj):
            support = torch.mm(x, self.weight)
            return torch.mm(adj, support)

    return GCN(), (torch.rand(4, 30, 16), torch.rand(30, 30))


@report(attr("norm", "normalized_shape", 96), attr("norm", "normalized_shape", (96,)))
def norm_over_the_length():
    return Calls(lambda m, x: m.fc(m.norm(F.relu(m.up(x)))), up=nn.Linear(32, 96), norm=nn.LayerNorm(50), fc=nn.Linear(96, 4)), (
        torch.rand(4, 50, 32),
    )


@report(attr("2", "num_channels", 24), attr("0", "out_channels", 32))
def groups_of_a_wider_layer():
    return seq(nn.Conv2d(3, 24, 3), nn.ReLU(), nn.GroupNorm(8, 32), nn.Conv2d(24, 8, 1)), (torch.rand(2, 3, 16, 16),)


@report(attr("net.2", "out_features", 9), {"param": "loss.weight", "shape": (10,)})
def class_weights_for_nine_of_ten():
    net = seq(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 10))
    return Trained(net, nn.CrossEntropyLoss(weight=torch.ones(9))), (torch.rand(8, 20), torch.randint(0, 9, (8,)))


@report({"target": "squeeze", "dim": 1}, FORWARD)
def one_hot_rows_with_an_axis_between():
    target = F.one_hot(torch.randint(0, 4, (8, 1)), 4).float()
    return Trained(seq(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 4)), nn.CrossEntropyLoss()), (torch.rand(8, 20), target)
