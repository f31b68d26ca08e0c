"""Plain code and losses, each with what a good answer changes. Written before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

PLAIN, report = table()


# -- code ---------------------------------------------------------------------------------------------------------------


@report(FORWARD, {"param": "weight", "shape": (5, 20)})
def weight_the_other_way_round():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.rand(20, 5)), nn.Parameter(torch.zeros(5))

        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

    return Own(), (torch.rand(8, 20),)


@report({"param": "bias", "shape": (5,)})
def bias_of_another_width():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.rand(20, 5)), nn.Parameter(torch.zeros(10))

        def forward(self, x):
            return x @ self.weight + self.bias

    return Own(), (torch.rand(8, 20),)


@report(FORWARD)
def einsum_with_heads_not_split():
    class Attn(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 16)

        def forward(self, x):
            q, k = self.q(x), self.k(x)
            return torch.einsum("bhid,bhjd->bhij", q, k)

    return Attn(), (torch.rand(2, 7, 16),)


@report(FORWARD)
def view_of_permuted():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8 * 14 * 14, 5)

        def forward(self, x):
            x = self.conv(x).permute(0, 2, 3, 1)
            x = x.view(x.size(0), -1)
            return self.fc(x)

    return Net(), (torch.rand(4, 3, 16, 16),)


@report({"input": "unsqueeze", "dim": 0})
def permute_of_one_picture():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)

        def forward(self, x):
            x = x.permute(0, 3, 1, 2)
            x = self.conv(x)
            return self.fc(x.mean((2, 3)))

    return Net(), (torch.rand(32, 32, 3),)


@report(FORWARD)
def joined_along_the_batch():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.fc = nn.Linear(10, 64), nn.Linear(20, 128), nn.Linear(192, 2)

        def forward(self, x, y):
            z = torch.cat([self.a(x), self.b(y)], dim=0)
            return self.fc(z)

    return Two(), (torch.rand(4, 10), torch.rand(4, 20))


@report({"input": "unsqueeze", "dim": 1, "arg": 1}, FORWARD)
def action_without_column():
    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(9, 1)

        def forward(self, state, action):
            x = torch.cat([state, action], dim=1)
            return self.fc(x)

    return Critic(), (torch.rand(16, 8), torch.rand(16))


@report({"input": "unsqueeze", "dim": 1, "arg": 1}, FORWARD)
def gather_with_a_flat_index():
    class Q(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, state, action):
            q = self.fc(state)
            return q.gather(1, action)

    return Q(), (torch.rand(16, 4), torch.randint(0, 2, (16,)))


@report(attr("fc", "in_features", 64 + 10), attr("picture.3", "out_features", 54))
def table_joined_to_a_picture():
    run = lambda m, x, t: m.fc(torch.cat([m.picture(x), t], 1))
    return Calls(run, picture=seq(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 676, 64)), fc=nn.Linear(64, 2)), (
        torch.rand(8, 1, 28, 28),
        torch.rand(8, 10),
    )


@report(
    {"input": "truncate", "dim": 1, "to": 30},
    {"input": "slice", "dim": 1, "to": 30},
    attr("0", "in_features", 31),
    attr("1", "in_features", 31),
)
def label_column_left_in_the_table():
    return seq(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1)), (torch.rand(32, 31),)


@report(attr("norm", "num_features", 128), attr("fc1", "out_features", 64))
def norm_of_the_layer_before():
    return Calls(lambda m, x: m.fc2(F.relu(m.norm(m.fc1(x)))), fc1=nn.Linear(20, 128), norm=nn.BatchNorm1d(64), fc2=nn.Linear(128, 2)), (
        torch.rand(8, 20),
    )


@report(attr("emb", "num_embeddings", 1200), {"state_dict": "drop", "keys": ["emb.weight"]})
def vocabulary_grew_since_the_checkpoint():
    state = Calls(None, emb=nn.Embedding(1200, 16), fc=nn.Linear(16, 2)).state_dict()

    def run(m, x):
        m.load_state_dict(state)
        return m.fc(m.emb(x).mean(1))

    return Calls(run, emb=nn.Embedding(1000, 16), fc=nn.Linear(16, 2)), (torch.randint(0, 1000, (4, 9)),)


# -- losses -------------------------------------------------------------------------------------------------------------


class Net28(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.fc = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5), nn.Linear(320, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 320)
        return self.fc(x)


@report(RESIZE, {"all": [FORWARD, attr("net.fc", "in_features", 500)]})
def sixteen_pictures_became_25_rows():
    return Trained(Net28(), nn.CrossEntropyLoss()), (torch.rand(16, 1, 32, 32), torch.randint(0, 10, (16,)))


@report({"target": "one_hot", "classes": 2}, {"all": [attr("net.2", "out_features", 1), {"target": "unsqueeze", "dim": 1}]}, FORWARD)
def two_scores_for_yes_or_no():
    return Trained(seq(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 2), nn.Sigmoid()), nn.BCELoss()), (
        torch.rand(6, 10),
        torch.randint(0, 2, (6,)).float(),
    )


@report(attr("net", "out_features", 2))
def one_score_for_two_classes():
    return Trained(nn.Linear(10, 1), nn.CrossEntropyLoss()), (torch.rand(6, 10), torch.tensor([0, 1, 1, 0, 1, 0]))


@report(FORWARD)
def rows_compared_with_pictures():
    class Auto(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(784, 32), nn.Linear(32, 784)

        def forward(self, x, picture):
            y = self.decode(F.relu(self.encode(x.flatten(1))))
            return F.mse_loss(y, picture)

    return Auto(), (torch.rand(8, 1, 28, 28), torch.rand(8, 1, 28, 28))


@report({"target": "squeeze", "dim": 1})
def cosine_target_in_a_column():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.loss = nn.Linear(10, 4), nn.CosineEmbeddingLoss()

        def forward(self, a, b, target):
            return self.loss(self.fc(a), self.fc(b), target)

    return Pair(), (torch.rand(6, 10), torch.rand(6, 10), torch.ones(6, 1))


@report(FORWARD)
def ctc_wants_the_length_first():
    class OCR(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc, self.loss = nn.LSTM(12, 16, batch_first=True), nn.Linear(16, 20), nn.CTCLoss()

        def forward(self, x, target):
            out, _ = self.lstm(x)
            logp = F.log_softmax(self.fc(out), dim=2)
            lengths = torch.full((x.size(0),), x.size(1), dtype=torch.long)
            wanted = torch.full((x.size(0),), target.size(1), dtype=torch.long)
            return self.loss(logp, target, lengths, wanted)

    return OCR(), (torch.rand(4, 30, 12), torch.randint(1, 20, (4, 8)))


@report(FORWARD)
def loss_with_its_arguments_swapped():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.loss = nn.Linear(10, 3), nn.CrossEntropyLoss()

        def forward(self, x, y):
            out = self.fc(x)
            return self.loss(y, out)

    return Net(), (torch.rand(6, 10), torch.randint(0, 3, (6,)))


@report({"target": "argmax", "dim": 1}, FORWARD)
def one_hot_whole_numbers():
    return Trained(nn.Linear(10, 3), nn.CrossEntropyLoss()), (torch.rand(6, 10), F.one_hot(torch.tensor([0, 1, 2, 0, 1, 2]), 3))


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def binary_mask_without_channel():
    return Trained(nn.Conv2d(3, 1, 1), nn.BCEWithLogitsLoss()), (torch.rand(2, 3, 16, 16), torch.rand(2, 16, 16))


@report(RESIZE, {"input": "resize", "arg": "all"}, FORWARD)
def mask_larger_than_what_comes_back():
    net = seq(nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Upsample(scale_factor=4), nn.Conv2d(8, 1, 3, padding=1))
    return Trained(net, nn.BCEWithLogitsLoss()), (torch.rand(2, 1, 101, 101), torch.rand(2, 1, 101, 101))


@report({"target": "permute", "dims": (0, 2, 1)}, FORWARD)
def tokens_scored_along_the_last_axis():
    class LM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.Embedding(50, 8), nn.Linear(8, 50)

        def forward(self, x, y):
            logits = self.fc(self.emb(x))
            return F.nll_loss(F.log_softmax(logits, -1), y)

    return LM(), (torch.randint(0, 50, (4, 9)), torch.randint(0, 50, (4, 9)))


@report(attr("net.0", "in_features", 13), {"input": "slice", "dim": 1, "to": 10}, {"input": "truncate", "dim": 1, "to": 10})
def boston_has_thirteen():
    return Trained(seq(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 1)), nn.MSELoss()), (torch.rand(20, 13), torch.rand(20, 1))


@report(attr("net.2", "out_features", 10), {"target": "slice"})
def targets_of_ten_columns():
    return Trained(seq(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 7)), nn.MSELoss()), (torch.rand(20, 30), torch.rand(20, 10))
