"""The seventh round's second half, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

SEVENTH_SECOND, report = table()
both = lambda *edits: {"all": list(edits)}


@report({"target": "argmax", "dim": 3}, {"target": "permute", "dims": (0, 3, 1, 2)}, FORWARD)
def masks_coded_one_hot_channels_last():
    return Trained(nn.Conv2d(3, 4, 1), nn.CrossEntropyLoss()), (torch.rand(2, 3, 10, 10), F.one_hot(torch.randint(0, 4, (2, 10, 10)), 4))


@report(attr("proj_text", "out_features", 64), attr("proj_image", "out_features", 32))
def pictures_and_texts_end_in_two_spaces():
    class Clip(nn.Module):
        def __init__(self):
            super().__init__()
            self.image, self.proj_image, self.proj_text = nn.Conv2d(3, 20, 3, 2), nn.Linear(20, 64), nn.Linear(30, 32)

        def forward(self, image, text):
            i = F.normalize(self.proj_image(self.image(image).mean((2, 3))), dim=-1)
            t = F.normalize(self.proj_text(text), dim=-1)
            return i @ t.t()

    return Clip(), (torch.rand(5, 3, 32, 32), torch.rand(5, 30))


@report(
    FORWARD,
    {"input": "unsqueeze", "dim": 2, "arg": 1},
    {"input": "unsqueeze", "dim": -1, "arg": 1},
)
def rewards_weigh_log_probabilities_of_actions():
    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.pi = nn.Linear(4, 3)

        def forward(self, states, rewards):
            logp = self.pi(states).log_softmax(-1)
            return -(logp * rewards).sum(-1)

    return Loss(), (torch.rand(8, 10, 4), torch.rand(8, 10))


@report(attr("value.0", "in_features", 128), attr("shared.2", "out_features", 64), FORWARD)
def value_head_of_the_smaller_body():
    class AC(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = seq(nn.Linear(24, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh())
            self.policy, self.value = nn.Linear(128, 4), seq(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))

        def forward(self, obs):
            h = self.shared(obs)
            return self.policy(h), self.value(h)

    return AC(), (torch.rand(1, 24),)


@report({"input": "permute", "dims": (0, 1, 4, 2, 3)}, FORWARD)
def stack_of_frames_with_colours_last():
    class Video(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 5, 4), nn.Linear(8, 2)

        def forward(self, x):
            b, t = x.shape[:2]
            f = self.conv(x.flatten(0, 1)).mean((2, 3))
            return self.fc(f.view(b, t, -1).mean(1))

    return Video(), (torch.rand(2, 6, 40, 40, 3),)


@report({"input": "permute", "dims": (0, 3, 1, 2)}, FORWARD)
def multispectral_tiles_with_bands_last_in_a_residual_net():
    class Res(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.body, self.head = nn.Conv2d(12, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1), nn.Linear(16, 9)

        def forward(self, x):
            x = F.relu(self.stem(x))
            x = x + self.body(x)
            return self.head(F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1))

    return Res(), (torch.rand(4, 64, 64, 12),)


@report(attr("blocks.2.0", "in_channels", 64), attr("blocks.1.0", "out_channels", 32))
def list_of_blocks_skips_a_width():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(
                seq(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()) for a, b in ((3, 16), (16, 64), (32, 64))
            )
            self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(64, 3)

        def forward(self, x):
            for block in self.blocks:
                x = F.max_pool2d(block(x), 2)
            return self.fc(self.pool(x).view(x.size(0), -1))

    return Net().eval(), (torch.rand(2, 3, 40, 40),)


@report(attr("fc1.0", "in_features", 512 * 7 * 7), FORWARD, {"insert": "AdaptiveAvgPool2d", "before": "fc1.0"}, RESIZE)
def own_head_on_vgg_features():
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = seq(nn.Conv2d(3, 64, 3, 4, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 512, 3, 4, 1), nn.ReLU())
            self.fc1 = seq(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 2))

        def forward(self, x):
            x = self.features(x)
            x = torch.flatten(x, 1)
            return self.fc1(x)

    return Head(), (torch.rand(2, 3, 224, 224),)


@report(
    attr("token.0", "in_features", 49),
    RESIZE,
    both(attr("token.0", "in_features", 49), attr("token.2", "out_features", 49)),
    attr("token.2", "out_features", 49),
)
def mixer_for_smaller_maps():
    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.token = nn.Conv2d(3, 24, 16, 16), seq(nn.Linear(36, 20), nn.GELU(), nn.Linear(20, 36))
            self.head = nn.Linear(24, 5)

        def forward(self, x):
            x = self.patch(x).flatten(2)
            x = x + self.token(x)
            return self.head(x.mean(2))

    return Mixer(), (torch.rand(1, 3, 112, 112),)


@report(FORWARD, attr("fc", "in_features", 15))
def sum_over_the_features_for_over_the_words():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.Embedding(60, 20), nn.Linear(20, 3)

        def forward(self, ids):
            return self.fc(self.emb(ids).sum(dim=2))

    return Bag(), (torch.randint(0, 60, (4, 15)),)


@report(FORWARD, {"input": "squeeze", "dim": 2}, {"input": "reshape", "shape": (8, 12)})
def one_hot_of_numbers_in_a_column():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv, self.fc = nn.Embedding(30, 6), nn.Conv1d(6, 8, 3), nn.Linear(8, 2)

        def forward(self, ids):
            x = self.emb(ids).transpose(1, 2)
            return self.fc(self.conv(x).amax(2))

    return Net(), (torch.randint(0, 30, (8, 12, 1)),)


@report(FORWARD)
def weights_of_heads_are_joined_too_early():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.o = (nn.Linear(24, 24) for _ in range(4))

        def forward(self, x):
            b, t = x.shape[:2]
            q, k, v = (f(x).view(b, t, 3, 8).transpose(1, 2) for f in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v)
            y = y.transpose(1, 2).flatten(1)
            return self.o(y)

    return Heads(), (torch.rand(2, 5, 24),)


@report(attr("fuse", "in_channels", 56), FORWARD)
def three_scales_joined_for_two():
    class HR(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
            self.fuse = nn.Conv2d(24, 4, 1)

        def forward(self, x):
            a = self.a(x)
            b = self.b(a)
            c = self.c(b)
            up = lambda t: F.interpolate(t, size=a.shape[-2:])
            return self.fuse(torch.cat([a, up(b), up(c)], dim=1))

    return HR(), (torch.rand(1, 3, 64, 64),)


@report(BATCH, {"mode": "eval"}, FORWARD)
def last_row_of_the_epoch_meets_a_norm():
    net = seq(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    return net.train(), (torch.rand(1, 20),)


@report(FORWARD, {"input": "unsqueeze", "dim": 0})
def flatten_of_one_unbatched_map():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 6, 5), nn.Linear(6 * 12 * 12, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv(x)), 2)
            x = x.flatten(start_dim=1)
            return self.fc(x)

    return Net(), (torch.rand(1, 28, 28),)


@report(attr("conv_out", "in_channels", 32), FORWARD, attr("shuffle", "upscale_factor", 1))
def shuffle_divides_the_channels():
    run = lambda m, x: m.conv_out(m.shuffle(m.conv(x)))
    return Calls(run, conv=nn.Conv2d(3, 128, 3, padding=1), shuffle=nn.PixelShuffle(2), conv_out=nn.Conv2d(128, 3, 3, padding=1)), (
        torch.rand(1, 3, 16, 16),
    )


@report(attr("align", "out_channels", 20), FORWARD)
def flow_is_added_to_features_of_another_count():
    class Warp(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.align, self.dec = nn.Conv2d(3, 20, 3, padding=1), nn.Conv2d(2, 16, 3, padding=1), nn.Conv2d(20, 2, 3, padding=1)

        def forward(self, x, flow):
            return self.dec(self.enc(x) + self.align(flow))

    return Warp(), (torch.rand(1, 3, 16, 16), torch.rand(1, 2, 16, 16))
