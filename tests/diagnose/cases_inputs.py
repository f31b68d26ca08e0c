"""Mistakes about what goes in: pictures of another size, axes, channels, numbers typed. Written from general knowledge."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

INPUTS, mistake = table()


# -- a picture of another size -----------------------------------------------------------------------------------------


@mistake(RESIZE, attr("6", "in_features", 16 * 61 * 61))
def cifar_net_on_256():
    return seq(
        nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 5 * 5, 10)
    ), (torch.rand(4, 3, 256, 256),)


@mistake(RESIZE, attr("4", "kernel_size", 1), {"replace": "4", "with": "AdaptiveAvgPool2d"})
def average_pool_of_seven_on_cifar():
    return seq(
        nn.Conv2d(3, 8, 7, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(8, 8, 3, 4, 1),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Linear(8, 10),
    ), (torch.rand(2, 3, 32, 32),)


@mistake(RESIZE)
def five_pools_on_a_thumbnail():
    blocks = [m for _ in range(5) for m in (nn.Conv2d(3 if not _ else 8, 8, 3, padding=1), nn.MaxPool2d(2))]
    return seq(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)), (torch.rand(2, 3, 16, 16),)


class Crops(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(400, 10)

    def forward(self, x):
        x = F.max_pool2d(self.conv2(F.max_pool2d(self.conv1(x), 2)), 2)
        x = x.view(-1, 400)
        return self.fc(x)


@mistake(RESIZE, {"all": [FORWARD, attr("fc", "in_features", 256)]})
def view_400_of_28_pixels():
    return Crops(), (torch.rand(4, 3, 28, 28),)


@mistake(RESIZE)
def patches_that_do_not_tile():
    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3 * 16 * 16, 64)

        def forward(self, x):
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // 16, 16, w // 16, 16).permute(0, 2, 4, 1, 3, 5).flatten(3)
            return self.fc(x)

    return Patches(), (torch.rand(2, 3, 225, 225),)


@mistake(RESIZE)
def asserted_height():
    class Asserts(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 16, 16)

        def forward(self, x):
            torch._assert(x.shape[2] == 224, f"Wrong image height! Expected 224 but got {x.shape[2]}!")
            return self.conv(x).flatten(2)

    return Asserts(), (torch.rand(2, 3, 256, 224),)


# -- axes of the input -------------------------------------------------------------------------------------------------


@mistake({"insert": "Flatten", "before": "0"}, {"input": "reshape", "shape": (8, 784)})
def mlp_gets_pictures():
    return seq(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)), (torch.rand(8, 1, 28, 28),)


@mistake({"input": "unsqueeze", "dim": 1})
def no_channel_axis():
    return seq(nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)), (torch.rand(64, 28, 28),)


@mistake({"input": "unsqueeze", "dim": 0})
def one_picture_without_batch():
    return seq(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 10)), (torch.rand(3, 64, 64),)


@mistake({"input": "permute", "dims": (0, 3, 1, 2)}, wrong=(attr("0", "in_channels", 48),))
def channels_last_batch():
    return seq(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)), (torch.rand(5, 48, 40, 3),)


@mistake({"all": [{"input": "permute", "dims": (2, 0, 1)}, {"input": "unsqueeze", "dim": 0}]})
def one_picture_channels_last():
    return seq(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)), (torch.rand(48, 40, 3),)


@mistake({"input": "permute", "dims": (0, 2, 1)}, wrong=(attr("0", "in_channels", 100),))
def series_with_channels_last():
    return seq(nn.Conv1d(6, 16, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 3)), (torch.rand(8, 100, 6),)


@mistake({"input": "unsqueeze", "dim": 1})
def signal_without_channel():
    return seq(nn.Conv1d(1, 16, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 3)), (torch.rand(8, 100),)


@mistake({"input": "permute", "dims": (0, 2, 1, 3, 4)})
def video_with_frames_first():
    return seq(nn.Conv3d(3, 8, 3, padding=1), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 5)), (torch.rand(2, 16, 3, 32, 32),)


@mistake({"input": "reshape", "shape": (16, 3, 32, 32)})
def clips_into_a_picture_net():
    return seq(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)), (torch.rand(2, 8, 3, 32, 32),)


@mistake({"input": "reshape", "shape": (16, 3, 32, 32)})
def rows_of_cifar():
    return seq(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)), (torch.rand(16, 3072),)


@mistake({"input": "reshape", "shape": (8, 100, 1, 1)}, {"all": [{"input": "unsqueeze", "dim": 2}, {"input": "unsqueeze", "dim": 3}]})
def noise_without_places():
    return seq(nn.ConvTranspose2d(100, 64, 4), nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1)).eval(), (
        torch.rand(8, 100),
    )


@mistake({"input": "squeeze", "dim": 1})
def one_axis_too_many():
    return seq(nn.Conv2d(3, 8, 3), nn.ReLU()), (torch.rand(4, 1, 3, 20, 20),)


# -- channels ----------------------------------------------------------------------------------------------------------


@mistake({"input": "slice", "dim": 1, "to": 3}, attr("0", "in_channels", 4))
def png_with_transparency():
    return seq(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 1)), (torch.rand(2, 4, 32, 32),)


@mistake({"input": "grayscale"}, attr("0", "in_channels", 3))
def colour_into_mnist_net():
    return seq(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 26 * 26, 10)), (torch.rand(2, 3, 28, 28),)


@mistake(attr("2", "in_channels", 32), attr("0", "out_channels", 64))
def second_convolution_miscounted():
    return seq(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(64, 64, 3)), (torch.rand(2, 3, 32, 32),)


@mistake(attr("3", "in_channels", 24), attr("0", "out_channels", 16))
def depthwise_then_wrong_count():
    return seq(nn.Conv2d(3, 24, 1), nn.BatchNorm2d(24), nn.Conv2d(24, 24, 3, padding=1, groups=24), nn.Conv2d(16, 40, 1)), (
        torch.rand(2, 3, 16, 16),
    )


# -- typed numbers -----------------------------------------------------------------------------------------------------


@mistake(attr("fc", "in_features", 128), attr("lstm", "bidirectional", False), attr("lstm", "hidden_size", 32))
def both_directions_forgotten():
    return Calls(lambda m, x: m.fc(m.lstm(x)[0][:, -1]), lstm=nn.LSTM(10, 64, batch_first=True, bidirectional=True), fc=nn.Linear(64, 2)), (
        torch.rand(4, 7, 10),
    )


@mistake(attr("lstm", "input_size", 26), attr("emb", "embedding_dim", 32))
def lstm_for_another_embedding():
    return Calls(lambda m, x: m.lstm(m.emb(x))[0], emb=nn.Embedding(50, 26), lstm=nn.LSTM(32, 20, batch_first=True)), (
        torch.randint(0, 50, (4, 9)),
    )


@mistake({"input": "unsqueeze", "dim": 2}, wrong=(attr("lstm", "input_size", 30),))
def series_without_feature_axis():
    return Calls(lambda m, x: m.fc(m.lstm(x)[0][:, -1]), lstm=nn.LSTM(1, 20, batch_first=True), fc=nn.Linear(20, 1)), (torch.rand(8, 30),)


class Joined(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.text, self.picture, self.head = nn.Linear(30, 64), nn.Linear(100, 128), nn.Linear(width, 5)

    def forward(self, text, picture):
        return self.head(torch.cat([self.text(text), self.picture(picture)], dim=1))


@mistake(attr("head", "in_features", 192), attr("picture", "out_features", 64))
def joined_width_miscounted():
    return Joined(128), (torch.rand(4, 30), torch.rand(4, 100))


@mistake(attr("1", "num_features", 24), attr("0", "out_channels", 32))
def batch_norm_of_another_width():
    return seq(nn.Conv2d(3, 24, 3), nn.BatchNorm2d(32), nn.ReLU()), (torch.rand(2, 3, 16, 16),)


@mistake(attr("1", "normalized_shape", 48), attr("0", "out_features", 64))
def layer_norm_of_another_width():
    return seq(nn.Linear(20, 48), nn.LayerNorm(64), nn.Linear(48, 2)), (torch.rand(5, 20),)


@mistake(attr("1", "num_channels", 24), attr("0", "out_channels", 32))
def group_norm_of_another_width():
    return seq(nn.Conv2d(3, 24, 3), nn.GroupNorm(8, 32)), (torch.rand(2, 3, 16, 16),)


@mistake(attr("1", "num_parameters", 24), attr("0", "out_channels", 16))
def prelu_of_another_width():
    return seq(nn.Conv2d(3, 24, 3), nn.PReLU(16)), (torch.rand(2, 3, 16, 16),)


@mistake(attr("0", "out_channels", 27), attr("1", "upscale_factor", 2), attr("0", "out_channels", 36))
def pixels_that_do_not_share_out():
    return seq(nn.Conv2d(3, 32, 3, padding=1), nn.PixelShuffle(3)), (torch.rand(2, 3, 16, 16),)


@mistake(attr("attn", "embed_dim", 48), attr("emb", "embedding_dim", 64))
def attention_of_another_width():
    def run(m, x):
        e = m.emb(x)
        return m.attn(e, e, e)[0]

    return Calls(run, emb=nn.Embedding(50, 48), attn=nn.MultiheadAttention(64, 4, batch_first=True)), (torch.randint(0, 50, (2, 9)),)


@mistake({"replace": "1", "with": "BatchNorm2d"})
def batch_norm_1d_on_maps():
    return seq(nn.Conv2d(3, 24, 3), nn.BatchNorm1d(24), nn.ReLU()), (torch.rand(2, 3, 16, 16),)


@mistake({"replace": "2", "with": "BatchNorm1d"})
def batch_norm_2d_on_rows():
    return seq(nn.Flatten(), nn.Linear(48, 24), nn.BatchNorm2d(24), nn.ReLU()), (torch.rand(2, 3, 4, 4),)
