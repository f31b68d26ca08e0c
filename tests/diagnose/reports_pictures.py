"""Classifiers of pictures and signals as people bring them to a forum, each with what a good answer changes. Written before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

PICTURES, report = table()


@report(attr("8", "in_features", 64 * 4 * 4), RESIZE)
def a_third_pool_was_added():
    convs = [m for i, o in ((3, 16), (16, 32), (32, 64)) for m in (nn.Conv2d(i, o, 3, padding=1), nn.MaxPool2d(2))]
    return seq(*convs, nn.ReLU(), nn.Flatten(), nn.Linear(64 * 8 * 8, 10)), (torch.rand(8, 3, 32, 32),)


@report(attr("fc1", "in_features", 64 * 14 * 14), RESIZE)
def mnist_example_on_cifar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3)
            self.dropout, self.fc1, self.fc2 = nn.Dropout(0.25), nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, x):
            x = F.relu(self.conv1(x))
            x = F.relu(self.conv2(x))
            x = F.max_pool2d(x, 2)
            x = torch.flatten(x, 1)
            x = F.relu(self.fc1(self.dropout(x)))
            return F.log_softmax(self.fc2(x), dim=1)

    return Net().eval(), (torch.rand(16, 3, 32, 32),)


@report(attr("conv1", "in_channels", 12), wrong=({"input": "slice", "dim": 1, "to": 3},))
def satellite_bands():
    run = lambda m, x: m.fc(m.conv2(F.relu(m.conv1(x))).mean((2, 3)))
    return Calls(run, conv1=nn.Conv2d(3, 16, 3, padding=1), conv2=nn.Conv2d(16, 32, 3), fc=nn.Linear(32, 10)), (torch.rand(4, 12, 64, 64),)


@report(RESIZE, {"input": "resize", "arg": "all"}, attr("fc", "in_features", 16 * 23 * 23))
def siamese_of_100_pixels():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2))
            self.fc = nn.Linear(16 * 24 * 24, 64)

        def once(self, x):
            x = self.conv(x)
            x = x.view(x.size(0), -1)
            return self.fc(x)

        def forward(self, a, b):
            return F.pairwise_distance(self.once(a), self.once(b))

    return Siamese(), (torch.rand(4, 1, 100, 100), torch.rand(4, 1, 100, 100))


@report(RESIZE, attr("4", "kernel_size", 4), attr("4", "padding", 1), attr("2", "padding", 2), attr("0", "padding", 2))
def kernel_does_not_fit_any_more():
    return seq(nn.Conv2d(1, 8, 5), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.MaxPool2d(2), nn.Conv2d(16, 120, 5), nn.Flatten(), nn.Linear(120, 10)), (
        torch.rand(4, 1, 28, 28),
    )  # fmt: skip


@report({"input": "unsqueeze", "dim": 1})
def scans_without_channel():
    return seq(nn.Conv3d(1, 4, 3, padding=1), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2)), (
        torch.rand(2, 20, 24, 24),
    )


@report({"input": "squeeze", "dim": 1}, FORWARD)
def eeg_with_an_axis_for_pictures():
    return seq(nn.Conv1d(22, 32, 7), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 4)), (torch.rand(8, 1, 22, 250),)


class Basic(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return F.relu(y)


@report(
    {"replace": "1.shortcut", "with": "Conv2d", "args": {}},
)
def residual_block_without_projection():
    return seq(Basic(16, 16), Basic(16, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)).eval(), (
        torch.rand(2, 16, 32, 32),
    )


@report(attr("conv3", "in_channels", 24 + 12 + 12), attr("conv3", "in_channels", 48))
def dense_block_forgot_one_input():
    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.conv3 = (nn.Conv2d(n, 12, 3, padding=1) for n in (24, 36, 36))

        def forward(self, x):
            a = self.conv1(x)
            b = self.conv2(torch.cat([x, a], 1))
            return self.conv3(torch.cat([x, a, b], 1))

    return Dense(), (torch.rand(2, 24, 8, 8),)


@report({"all": [{"insert": "AdaptiveAvgPool2d", "before": "fc"}, {"insert": "Flatten", "before": "fc"}]})
def backbone_cut_before_its_pool():
    return Calls(lambda m, x: m.fc(m.features(x)), features=seq(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1)), fc=nn.Linear(64, 5)), (torch.rand(4, 3, 28, 28),)  # fmt: skip


@report(attr("fc", "in_features", 2048))
def resnet50_with_the_head_of_resnet18():
    run = lambda m, x: m.fc(torch.flatten(m.pool(m.body(x)), 1))
    return Calls(run, body=seq(nn.Conv2d(3, 64, 7, 4, 3), nn.Conv2d(64, 2048, 1)), pool=nn.AdaptiveAvgPool2d(1), fc=nn.Linear(512, 10)), (
        torch.rand(2, 3, 64, 64),
    )


@report(attr("1", "normalized_shape", (8, 32, 32)), RESIZE)
def layer_norm_over_whole_maps():
    return seq(
        nn.Conv2d(1, 8, 3, padding=1), nn.LayerNorm([8, 28, 28]), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    ), (torch.rand(2, 1, 32, 32),)


@report(attr("2", "start_dim", 1), wrong=(attr("3", "in_features", 4 * 8 * 26 * 26),))
def flatten_from_the_first_axis():
    return seq(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(0), nn.Linear(8 * 26 * 26, 10)), (torch.rand(4, 1, 28, 28),)


@report(attr("1", "output_size", 1), attr("3", "in_features", 64 * 49))
def pool_to_seven_then_512():
    return seq(nn.Conv2d(3, 64, 3, 2, 1), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(64, 10)), (torch.rand(2, 3, 56, 56),)


class DQN(nn.Module):
    def __init__(self, actions=6):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(4, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3, 1)
        self.fc1, self.fc2 = nn.Linear(3136, 512), nn.Linear(512, actions)

    def forward(self, x):
        x = F.relu(self.conv3(F.relu(self.conv2(F.relu(self.conv1(x))))))
        x = x.view(x.size(0), -1)
        return self.fc2(F.relu(self.fc1(x)))


@report({"input": "unsqueeze", "dim": 0}, wrong=(attr("fc1", "in_features", 49),))
def one_atari_state():
    return DQN(), (torch.rand(4, 84, 84),)


@report(
    {"all": [{"input": "permute", "dims": (0, 3, 1, 2)}, FORWARD]},  # a view cannot read maps whose channels lie last
    wrong=(attr("conv1", "in_channels", 84),),
)
def atari_frames_last():
    return DQN(), (torch.rand(32, 84, 84, 4),)


@report(RESIZE, attr("fc1", "in_features", 64 * 9 * 9))
def atari_of_100():
    return DQN(), (torch.rand(32, 4, 100, 100),)


@report(FORWARD, BATCH, {"input": "unsqueeze", "dim": 0})
def squeeze_took_the_batch():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool, self.bn, self.fc = nn.Conv2d(3, 64, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm1d(64), nn.Linear(64, 5)

        def forward(self, x):
            x = self.pool(self.conv(x))
            x = x.squeeze()
            return self.fc(self.bn(x))

    return Net().eval(), (torch.rand(1, 3, 32, 32),)


@report(attr("module.classifier.0", "in_features", 32 * 8 * 8), RESIZE)
def wrapped_like_data_parallel():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, *inputs, **keywords):
            return self.module(*inputs, **keywords)

    run = lambda m, x: m.classifier(m.features(x).flatten(1))
    features = seq(nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2))
    return Wrapper(Calls(run, features=features, classifier=seq(nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10)))), (
        torch.rand(4, 3, 32, 32),
    )


@report(FORWARD, {"mode": "eval"})
def auxiliary_heads_in_training():
    class Aux(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc, self.side = nn.Conv2d(3, 8, 3), nn.Linear(8, 10), nn.Linear(8, 10)

        def forward(self, x):
            x = self.conv(x).mean((2, 3))
            return (self.fc(x), self.side(x)) if self.training else self.fc(x)

    class Trains(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.loss = Aux(), nn.CrossEntropyLoss()

        def forward(self, x, y):
            out = self.model(x)
            return self.loss(out, y)

    return Trains().train(), (torch.rand(4, 3, 16, 16), torch.randint(0, 10, (4,)))


@report({"input": "unsqueeze", "dim": 0})
def shape_of_four_unpacked():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)

        def forward(self, x):
            b, _, h, w = x.shape
            x = self.conv(x).view(b, 8, h * w)
            return self.fc(x.mean(2))

    return Net(), (torch.rand(3, 32, 32),)
