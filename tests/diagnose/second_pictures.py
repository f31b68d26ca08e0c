"""A second round of reports, of pictures, each with what a good answer changes. Written after the first had been met, before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

SECOND_PICTURES, report = table()


# -- pictures -----------------------------------------------------------------------------------------------------------


class AlexLike(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = seq(
            nn.Conv2d(3, 16, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)
        )
        self.classifier = seq(nn.Dropout(), nn.Linear(32 * 13 * 13, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


@report({"input": "expand_channels", "to": 3}, attr("features.0", "in_channels", 1))
def x_rays_into_alexnet():
    return AlexLike().eval(), (torch.rand(2, 1, 224, 224),)


@report(RESIZE)
def alexnet_on_cifar():
    return AlexLike().eval(), (torch.rand(4, 3, 32, 32),)


@report(RESIZE, {"replace": "features.5", "with": "AdaptiveMaxPool2d"}, attr("classifier.1", "in_features", 32 * 15 * 15))
def alexnet_on_256():
    return AlexLike().eval(), (torch.rand(4, 3, 256, 256),)


@report({"input": "permute", "dims": (0, 3, 1, 2)})
def numpy_batch_into_alexnet():
    return AlexLike().eval(), (torch.rand(4, 224, 224, 3),)


@report({"input": "slice", "dim": 1, "to": 3}, wrong=(attr("0", "in_channels", 4),))
def screenshot_with_alpha():
    return seq(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)).eval(), (
        torch.rand(1, 4, 90, 120),
    )


@report(attr("conv2", "in_channels", 16), attr("conv1", "out_channels", 6))
def lenet_widened_halfway():
    run = lambda m, x: m.fc(m.pool(F.relu(m.conv2(m.pool(F.relu(m.conv1(x)))))).flatten(1))
    return Calls(run, conv1=nn.Conv2d(3, 16, 5), conv2=nn.Conv2d(6, 32, 5), pool=nn.MaxPool2d(2), fc=nn.Linear(32 * 25, 10)), (
        torch.rand(4, 3, 32, 32),
    )


@report(attr("bn2", "num_features", 32), attr("conv2", "out_channels", 64))
def norm_copied_from_above():
    run = lambda m, x: m.bn2(m.conv2(F.relu(m.bn1(m.conv1(x)))))
    return Calls(run, conv1=nn.Conv2d(3, 64, 3), bn1=nn.BatchNorm2d(64), conv2=nn.Conv2d(64, 32, 3), bn2=nn.BatchNorm2d(64)), (
        torch.rand(2, 3, 16, 16),
    )


@report(attr("4", "in_features", 32 * 8 * 8), RESIZE)
def stride_instead_of_pool():
    return seq(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.Flatten(), nn.Linear(32 * 16 * 16, 10)), (
        torch.rand(8, 3, 32, 32),
    )


@report(FORWARD, {"insert": "Flatten", "before": "fc1"})
def flatten_forgotten_in_forward():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc1, self.fc2 = nn.Conv2d(1, 6, 5), nn.Linear(6 * 12 * 12, 32), nn.Linear(32, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv(x)), 2)
            x = F.relu(self.fc1(x))
            return self.fc2(x)

    return Net(), (torch.rand(4, 1, 28, 28),)


@report({"input": "unsqueeze", "dim": 0}, wrong=(attr("fc", "in_features", 6),))
def one_digit_predicted():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 6, 5), nn.Linear(6 * 24 * 24, 10)

        def forward(self, x):
            x = F.relu(self.conv(x))
            x = torch.flatten(x, 1)
            return self.fc(x)

    return Net(), (torch.rand(1, 28, 28),)


@report(
    {"all": [{"input": "unsqueeze", "dim": 0}, {"input": "unsqueeze", "dim": 0}]},
    {"all": [{"input": "unsqueeze", "dim": 0}, {"input": "unsqueeze", "dim": 1}]},
)
def gray_array_predicted():
    return seq(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 24 * 24, 10)), (torch.rand(28, 28),)


@report(RESIZE, attr("fc", "in_features", 4 * 60 * 80))
def frames_of_a_game():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(4 * 42 * 42, 4)

        def forward(self, x):
            return self.fc(self.conv(x).reshape(x.shape[0], -1))

    return Net(), (torch.rand(2, 3, 120, 160),)


@report(attr("up", "in_channels", 64), attr("mid", "out_channels", 32))
def decoder_channels_miscounted():
    run = lambda m, x: m.up(F.relu(m.mid(F.relu(m.down(x)))))
    layers = {"down": nn.Conv2d(3, 32, 4, 2, 1), "mid": nn.Conv2d(32, 64, 3, 1, 1), "up": nn.ConvTranspose2d(32, 3, 4, 2, 1)}
    return Calls(run, **layers), (torch.rand(2, 3, 32, 32),)


@report(attr("judge.4", "in_features", 16 * 8 * 8), RESIZE)
def judge_of_generated_pictures():
    class GAN(nn.Module):
        def __init__(self):
            super().__init__()
            self.make = seq(nn.Linear(64, 32 * 8 * 8), nn.Unflatten(1, (32, 8, 8)), nn.ConvTranspose2d(32, 3, 4, 2, 1))
            self.judge = seq(nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(16 * 16 * 16, 1))

        def forward(self, z):
            return self.judge(self.make(z))

    return GAN().eval(), (torch.rand(8, 64),)


@report({"input": "reshape", "shape": (16, 100, 1, 1)}, {"all": [{"input": "unsqueeze", "dim": 2}, {"input": "unsqueeze", "dim": 3}]})
def dcgan_noise_in_rows():
    return seq(
        nn.ConvTranspose2d(100, 32, 4, 1, 0, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh()
    ), (torch.rand(16, 100),)


@report(attr("embed", "embedding_dim", 100), attr("fc", "in_features", 150), attr("noise", "out_features", 50))
def conditional_gan_width():
    run = lambda m, z, y: m.fc(torch.cat([m.noise(z), m.embed(y)], 1))
    return Calls(run, noise=nn.Linear(20, 100), embed=nn.Embedding(10, 50), fc=nn.Linear(200, 784)), (
        torch.rand(8, 20),
        torch.randint(0, 10, (8,)),
    )


@report(
    attr("conv", "groups", 1),
    attr("conv", "groups", 8),
    attr("conv", "groups", 2),
    attr("before", "out_channels", 32),
    attr("conv", "in_channels", 16),
)
def grouped_convolution_of_fewer():
    return Calls(lambda m, x: m.conv(m.before(x)), before=nn.Conv2d(3, 16, 1), conv=nn.Conv2d(32, 64, 3, groups=4)), (
        torch.rand(2, 3, 9, 9),
    )


@report(RESIZE, attr("2", "kernel_size", 4), attr("2", "padding", 2))
def seven_by_seven_pool_on_small_maps():
    return seq(nn.Conv2d(3, 8, 3, 8, 1), nn.ReLU(), nn.AvgPool2d(7), nn.Flatten(), nn.Linear(8, 10)), (torch.rand(2, 3, 32, 32),)


@report({"all": [{"input": "permute", "dims": (0, 4, 1, 2, 3)}]}, {"input": "permute", "dims": (0, 4, 1, 2, 3)})
def video_channels_last():
    return seq(nn.Conv3d(3, 4, 3, padding=1), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 5)), (torch.rand(2, 8, 24, 24, 3),)


@report(RESIZE, FORWARD)
def pyramid_adds_unequal_maps():
    class FPN(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2, self.top, self.lat = (
                nn.Conv2d(3, 8, 3, 2, 1),
                nn.Conv2d(8, 16, 3, 2, 1),
                nn.Conv2d(16, 8, 1),
                nn.Conv2d(8, 8, 1),
            )

        def forward(self, x):
            a = self.c1(x)
            b = self.c2(a)
            up = F.interpolate(self.top(b), scale_factor=2)
            return up + self.lat(a)

    return FPN(), (torch.rand(1, 3, 100, 150),)


@report(RESIZE)
def patches_of_unfold():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.pos = nn.Linear(3 * 64, 32), nn.Parameter(torch.zeros(1, 64, 32))

        def forward(self, x):
            x = F.unfold(x, 8, stride=8).transpose(1, 2)
            return self.fc(x) + self.pos

    return Net(), (torch.rand(2, 3, 72, 72),)
