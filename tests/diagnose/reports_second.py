"""A second round of reports, each with what a good answer changes. Written after the first had been met, before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

SECOND, report = table()


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


# -- series -------------------------------------------------------------------------------------------------------------


@report({"input": "permute", "dims": (0, 2, 1)}, wrong=(attr("0", "in_channels", 128),))
def accelerometer_steps_first():
    return seq(nn.Conv1d(9, 32, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(32 * 63, 6)), (torch.rand(16, 128, 9),)


@report({"input": "unsqueeze", "dim": 1})
def spectra_without_channel():
    return seq(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 96, 2)), (torch.rand(32, 100),)


@report({"input": "unsqueeze", "dim": 2}, {"input": "unsqueeze", "dim": -1}, wrong=(attr("rnn", "input_size", 50),))
def prices_without_feature_axis():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x):
            out, _ = self.rnn(x)
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(8, 50),)


@report(attr("fc", "in_features", 128), FORWARD, attr("lstm", "bidirectional", False))
def bidirectional_states_forgotten():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm, self.fc = nn.Embedding(99, 32), nn.LSTM(32, 64, bidirectional=True, batch_first=True), nn.Linear(64, 2)

        def forward(self, x):
            _, (h, _) = self.lstm(self.emb(x))
            h = torch.cat([h[-2], h[-1]], dim=1)
            return self.fc(h)

    return Net(), (torch.randint(0, 99, (4, 12)),)


@report(FORWARD, attr("", "directions", 2), attr("lstm", "bidirectional", False))
def first_state_for_one_direction():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.directions = 1
            self.lstm, self.fc = nn.LSTM(8, 16, bidirectional=True, batch_first=True), nn.Linear(32, 2)

        def forward(self, x):
            h = torch.zeros(self.directions, x.size(0), 16)
            out, _ = self.lstm(x, (h, h))
            return self.fc(out[:, -1])

    return Net(), (torch.rand(4, 6, 8),)


@report(FORWARD)
def lstm_output_not_unpacked():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 2)

        def forward(self, x):
            x = self.lstm(x)
            x = x.mean(1)
            return self.fc(x)

    return Net(), (torch.rand(4, 6, 8),)


@report({"input": "truncate", "dim": 1, "to": 64}, {"input": "slice", "dim": 1, "to": 64}, {"param": "pos", "shape": (1, 100, 32)})
def learned_positions_of_64():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj, self.pos = nn.Linear(8, 32), nn.Parameter(torch.zeros(1, 64, 32))
            self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)

        def forward(self, x):
            x = self.proj(x) + self.pos
            return self.layer(x)

    return Net().eval(), (torch.rand(2, 100, 8),)


@report(attr("proj", "out_features", 32), attr("layer.self_attn", "embed_dim", 30), attr("proj", "out_features", 32))
def model_width_of_the_transformer():
    run = lambda m, x: m.layer(m.proj(x))
    return Calls(run, proj=nn.Linear(8, 30), layer=nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)), (torch.rand(2, 9, 8),)


@report({"input": "permute", "dims": (1, 0), "arg": 1}, attr("layer.self_attn", "batch_first", True), FORWARD)
def padding_mask_of_length_first_data():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(16, 4, 32)

        def forward(self, x, mask):
            return self.layer(x, src_key_padding_mask=mask)

    return Net(), (torch.rand(10, 3, 16), torch.zeros(10, 3, dtype=torch.bool))


@report(FORWARD, {"input": "unsqueeze", "dim": 1, "arg": 0})
def context_added_to_every_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.ctx, self.step = nn.Linear(5, 16), nn.Linear(8, 16)

        def forward(self, context, x):
            c = self.ctx(context)
            h = self.step(x) + c
            return h.mean(1)

    return Net(), (torch.rand(4, 5), torch.rand(4, 10, 8))


@report(FORWARD)
def context_joined_to_every_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8 + 5, 16)

        def forward(self, x, context):
            context = context * 2
            h = torch.cat([x, context], dim=2)
            return self.fc(h)

    return Net(), (torch.rand(4, 10, 8), torch.rand(4, 5))


# -- plain code and losses ----------------------------------------------------------------------------------------------


@report(attr("1", "in_features", 128), attr("0", "out_features", 64))
def mlp_widths():
    return seq(nn.Linear(20, 128), nn.Linear(64, 10)), (torch.rand(8, 20),)


@report({"input": "reshape", "shape": (8, 3072)}, {"insert": "Flatten", "before": "0"})
def mlp_on_cifar():
    return seq(nn.Linear(3072, 64), nn.ReLU(), nn.Linear(64, 10)), (torch.rand(8, 3, 32, 32),)


@report(attr("fc1", "in_features", 3072), RESIZE, {"input": "grayscale"})
def mnist_mlp_on_cifar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x):
            x = x.view(x.shape[0], -1)
            return self.fc2(F.relu(self.fc1(x)))

    return Net(), (torch.rand(8, 3, 32, 32),)


@report(FORWARD, {"all": [FORWARD, attr("fc1", "in_features", 3072)]}, attr("fc1", "in_features", 3072), RESIZE)
def view_784_of_cifar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.loss = nn.Linear(784, 10), nn.CrossEntropyLoss()

        def forward(self, x, y):
            x = x.view(-1, 784)
            return self.loss(self.fc1(x), y)

    return Net(), (torch.rand(49, 3, 32, 32), torch.randint(0, 10, (49,)))


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def bce_of_a_column():
    return Trained(seq(nn.Linear(8, 1), nn.Sigmoid()), nn.BCELoss()), (torch.rand(16, 8), torch.randint(0, 2, (16,)).float())


@report({"target": "squeeze", "dim": 1}, {"target": "squeeze", "dim": -1})
def nll_of_a_column():
    return Trained(seq(nn.Linear(8, 4), nn.LogSoftmax(1)), nn.NLLLoss()), (torch.rand(16, 8), torch.randint(0, 4, (16, 1)))


@report(FORWARD, {"target": "permute", "dims": (0, 2, 1)})
def tag_scores_per_token():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.fc = nn.Embedding(50, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 7)
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x, tags):
            out, _ = self.rnn(self.emb(x))
            logits = self.fc(out)
            return self.loss(logits, tags)

    return Tagger(), (torch.randint(0, 50, (4, 9)), torch.randint(0, 7, (4, 9)))


@report(attr("net", "out_channels", 3), {"target": "slice"})
def colour_targets_for_gray_output():
    return Trained(nn.Conv2d(3, 1, 3, padding=1), nn.BCEWithLogitsLoss()), (torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))


@report({"target": "argmax", "dim": 1}, FORWARD)
def segmentation_one_hot_masks():
    return Trained(nn.Conv2d(3, 5, 1), nn.CrossEntropyLoss()), (torch.rand(2, 3, 8, 8), torch.randint(0, 2, (2, 5, 8, 8)))


@report({"input": "unsqueeze", "dim": 0})
def one_state_of_an_agent():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.out = nn.Linear(4, 16), nn.Linear(16, 2)

        def forward(self, s):
            h = F.relu(self.fc(s))
            return torch.softmax(self.out(h), dim=1)

    return Policy(), (torch.rand(4),)


@report(FORWARD)
def matrix_times_batch():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.rand(12, 6))

        def forward(self, x):
            return torch.matmul(self.w, x)

    return Net(), (torch.rand(4, 12),)


@report(FORWARD)
def outer_scores_of_two_towers():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Linear(10, 16), nn.Linear(20, 16)

        def forward(self, u, i):
            return self.user(u) @ self.item(i)

    return Two(), (torch.rand(8, 10), torch.rand(12, 20))


@report(attr("fc", "in_features", 5), {"input": "unsqueeze", "dim": 1}, wrong=())
def last_axis_is_not_the_batch():
    return Calls(lambda m, x: m.fc(x.t()), fc=nn.Linear(8, 2)), (torch.rand(5, 8),)


@report(BATCH, {"mode": "eval"})
def norm_of_one_row_in_training():
    return seq(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)).train(), (torch.rand(1, 4),)


@report(attr("head", "in_features", 96))
def three_branches_joined():
    run = lambda m, a, b, c: m.head(torch.cat([m.a(a), m.b(b), m.c(c)], dim=-1))
    return Calls(run, a=nn.Linear(4, 32), b=nn.Linear(5, 32), c=nn.Linear(6, 32), head=nn.Linear(64, 1)), (
        torch.rand(2, 4),
        torch.rand(2, 5),
        torch.rand(2, 6),
    )
