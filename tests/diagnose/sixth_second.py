"""The sixth round's second half, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

SIXTH_SECOND, report = table()
both = lambda *edits: {"all": list(edits)}


@report(attr("net.2", "out_features", 5), FORWARD)
def five_targets_one_output():
    return Trained(seq(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 3)), nn.BCEWithLogitsLoss()), (torch.rand(9, 12), torch.rand(9, 5))


@report(FORWARD, {"target": "permute", "dims": (0, 2, 1)})
def letters_scored_for_every_place_without_turning():
    class LM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(30, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 30)

        def forward(self, x, y):
            h, _ = self.rnn(self.emb(x))
            return F.cross_entropy(self.out(h), y)

    return LM(), (torch.randint(0, 30, (4, 15)), torch.randint(0, 30, (4, 15)))


@report(attr("critic.0", "in_features", 11), FORWARD)
def critic_of_states_alone_is_given_actions_too():
    class AC(nn.Module):
        def __init__(self):
            super().__init__()
            self.actor, self.critic = seq(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3)), seq(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))

        def forward(self, s):
            a = torch.tanh(self.actor(s))
            return self.critic(torch.cat([s, a], dim=-1))

    return AC(), (torch.rand(20, 8),)


@report(
    {"input": "unsqueeze", "dim": 0},
    {"input": "permute", "dims": (2, 0, 1)},
    both({"input": "permute", "dims": (2, 0, 1)}, {"input": "unsqueeze", "dim": 0}),
)
def one_screen_of_a_game_channels_last():
    net = seq(nn.Conv2d(3, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 9 * 9, 4))
    return net, (torch.rand(84, 84, 3),)


@report(FORWARD)
def outer_state_is_squeezed_away():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.pi = nn.Linear(4, 16), nn.Linear(16, 2)

        def forward(self, s):
            h = F.relu(self.fc(s)).squeeze()
            return self.pi(h).softmax(dim=1)

    return Policy(), (torch.rand(1, 4),)


@report(attr("decode.0", "in_features", 26), FORWARD)
def condition_is_joined_in_the_decoder_too():
    class CVAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.mu = nn.Linear(50 + 10, 40), nn.Linear(40, 16)
            self.decode = seq(nn.Linear(16, 40), nn.ReLU(), nn.Linear(40, 50))

        def forward(self, x, c):
            z = self.mu(F.relu(self.encode(torch.cat([x, c], 1))))
            return self.decode(torch.cat([z, c], 1))

    return CVAE(), (torch.rand(4, 50), torch.rand(4, 10))


@report(FORWARD, {"input": "unsqueeze", "dim": 1, "arg": 1}, {"input": "unsqueeze", "dim": 2, "arg": 1})
def channel_weights_lack_their_places():
    class Film(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gamma = nn.Conv2d(3, 16, 3), nn.Linear(8, 16)

        def forward(self, x, z):
            return self.conv(x) * self.gamma(z)

    return Film(), (torch.rand(2, 3, 20, 20), torch.rand(2, 8))


@report({"param": "weight", "shape": (64, 32)}, FORWARD, attr("lin", "out_features", 32))
def own_layer_multiplies_the_wrong_way():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin, self.weight = nn.Linear(10, 64), nn.Parameter(torch.rand(32, 64))

        def forward(self, x):
            return torch.mm(self.lin(x), self.weight)

    return Own(), (torch.rand(3, 10),)


@report(FORWARD, {"input": "unsqueeze", "dim": 2}, {"input": "unsqueeze", "dim": -1})
def product_with_a_list_of_weights_for_words():
    class Pool(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.Embedding(50, 12), nn.Linear(12, 2)

        def forward(self, ids, weights):
            e = self.emb(ids)
            return self.fc((e * weights).sum(1))

    return Pool(), (torch.randint(0, 50, (4, 7)), torch.rand(4, 7))


@report(FORWARD, BATCH, attr("", "batch_size", 6))
def state_of_the_whole_batch_size():
    class Net(nn.Module):
        def __init__(self, batch_size=32):
            super().__init__()
            self.batch_size = batch_size
            self.lstm, self.fc = nn.LSTM(10, 20, batch_first=True), nn.Linear(20, 1)

        def forward(self, x):
            h = (torch.zeros(1, self.batch_size, 20), torch.zeros(1, self.batch_size, 20))
            out, _ = self.lstm(x, h)
            return self.fc(out[:, -1])

    return Net(), (torch.rand(6, 14, 10),)


@report(
    RESIZE,
    attr("patch", "kernel_size", 14),
    FORWARD,
    both(attr("patch", "kernel_size", 14), attr("patch", "stride", 14)),
    {"param": "pos", "shape": (1, 257, 48)},
)
def patches_of_14_for_positions_of_16():
    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.cls, self.pos = (
                nn.Conv2d(3, 48, 16, 16),
                nn.Parameter(torch.zeros(1, 1, 48)),
                nn.Parameter(torch.zeros(1, 257, 48)),
            )
            self.head = nn.Linear(48, 10)

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat((self.cls.expand(x.size(0), -1, -1), x), dim=1) + self.pos
            return self.head(x[:, 0])

    return ViT(), (torch.rand(2, 3, 224, 224),)


@report(RESIZE, FORWARD, attr("", "window", 5), attr("", "window", 10))
def windows_do_not_tile_the_map():
    class Swin(nn.Module):
        def __init__(self, window=7):
            super().__init__()
            self.window, self.embed, self.out = window, nn.Conv2d(3, 24, 4, 4), nn.Linear(24, 24)

        def forward(self, x):
            x = self.embed(x).permute(0, 2, 3, 1)
            b, h, w, c = x.shape
            x = x.view(b, h // self.window, self.window, w // self.window, self.window, c)
            return self.out(x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.window**2, c))

    return Swin(), (torch.rand(1, 3, 160, 160),)


@report(FORWARD, {"replace": "norm", "with": "LayerNorm"})
def norm_of_rows_over_steps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.norm, self.out = nn.Linear(10, 32), nn.BatchNorm1d(32), nn.Linear(32, 1)

        def forward(self, x):
            x = self.norm(self.fc(x))
            return self.out(x[:, -1])

    return Net().eval(), (torch.rand(6, 12, 10),)


@report(attr("stages.1.0", "in_channels", 48), attr("stages.0.0", "out_channels", 32))
def stage_reads_what_was_planned_earlier():
    stage = lambda a, b: seq(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.GELU())
    return Calls(
        lambda m, x: m.head(m.stages(x).mean((2, 3))), stages=seq(stage(3, 48), stage(32, 64), stage(64, 128)), head=nn.Linear(128, 4)
    ).eval(), (torch.rand(2, 3, 64, 64),)


@report(attr("dense.2.conv", "in_channels", 40), FORWARD)
def third_dense_layer_counts_the_growth_once():
    class Layer(nn.Module):
        def __init__(self, a):
            super().__init__()
            self.conv = nn.Conv2d(a, 12, 3, padding=1)

        def forward(self, x):
            return torch.cat([x, F.relu(self.conv(x))], 1)

    return Calls(lambda m, x: m.out(m.dense(x)), dense=seq(Layer(16), Layer(28), Layer(28)), out=nn.Conv2d(52, 2, 1)), (
        torch.rand(1, 16, 20, 20),
    )


@report(attr("merge", "in_features", 96), attr("a.2", "out_features", 16), attr("b.2", "out_features", 32), FORWARD)
def three_encoders_joined_for_two():
    enc = lambda n, d: seq(nn.Linear(n, 20), nn.ReLU(), nn.Linear(20, d))
    run = lambda m, a, b, c: m.merge(torch.cat([m.a(a), m.b(b), m.c(c)], 1))
    return Calls(run, a=enc(4, 32), b=enc(5, 32), c=enc(6, 32), merge=nn.Linear(64, 1)), (
        torch.rand(3, 4),
        torch.rand(3, 5),
        torch.rand(3, 6),
    )


@report({"input": "unsqueeze", "dim": 1}, FORWARD)
def volumes_of_scans_for_a_3d_net():
    net = seq(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
    return net, (torch.rand(2, 24, 40, 40),)


@report({"input": "permute", "dims": (0, 2, 1, 3, 4)}, FORWARD)
def clips_with_frames_before_colours():
    class Video(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv3d(3, 8, 3, padding=1), nn.Linear(8, 11)

        def forward(self, clip):
            return self.fc(self.conv(clip).mean((2, 3, 4)))

    return Video(), (torch.rand(2, 16, 3, 32, 32),)


@report(FORWARD)
def siamese_pair_in_one_tensor():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.fc = seq(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()), nn.Linear(128, 1)

        def forward(self, pair):
            return self.fc(torch.abs(self.net(pair[:, 0]) - self.net(pair[1])))

    return Siamese(), (torch.rand(15, 2, 1, 28, 28),)


@report({"insert": "Flatten", "before": "0"}, {"input": "reshape", "shape": (8, 784)})
def perceptron_given_pictures_in_a_list_of_layers():
    return seq(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)), (torch.rand(8, 1, 28, 28),)


@report(attr("out", "in_features", 64), FORWARD)
def last_step_and_mean_are_joined_but_not_counted():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.out = nn.GRU(6, 32, batch_first=True), nn.Linear(32, 2)

        def forward(self, x):
            y, _ = self.gru(x)
            return self.out(torch.cat([y[:, -1], y.mean(1)], dim=1))

    return Net(), (torch.rand(5, 9, 6),)


@report(attr("res.conv2", "padding", 1), attr("res.conv1", "padding", 2), FORWARD)
def second_convolution_of_a_block_unpadded():
    class Res(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(24, 24, 3, padding=1), nn.Conv2d(24, 24, 3)

        def forward(self, x):
            return x + self.conv2(F.relu(self.conv1(x)))

    return Calls(lambda m, x: m.res(m.stem(x)), stem=nn.Conv2d(3, 24, 3, padding=1), res=Res()), (torch.rand(1, 3, 18, 18),)


@report(attr("linear", "in_features", 128), FORWARD)
def flat_features_after_an_adaptive_pool_of_two():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool, self.linear = nn.Conv2d(1, 32, 3), nn.AdaptiveAvgPool2d(2), nn.Linear(32, 10)

        def forward(self, x):
            x = self.pool(F.relu(self.conv(x)))
            x = x.view(x.size(0), -1)
            return self.linear(x)

    return Net(), (torch.rand(6, 1, 28, 28),)
