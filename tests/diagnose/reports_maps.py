"""Networks that give pictures, maps or patches, each with what a good answer changes. Written before anything was tried on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, attr, table
from torch import nn

MAPS, report = table()


class Double(nn.Sequential):
    def __init__(self, i, o, padding=0):
        super().__init__(nn.Conv2d(i, o, 3, padding=padding), nn.ReLU(), nn.Conv2d(o, o, 3, padding=padding), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, padding=1, join=32):
        super().__init__()
        self.enc1, self.enc2, self.mid = Double(3, 8, padding), Double(8, 16, padding), Double(16, 32, padding)
        self.up2, self.dec2 = nn.ConvTranspose2d(32, 16, 2, 2), Double(join, 16, padding)
        self.up1, self.dec1, self.out = nn.ConvTranspose2d(16, 8, 2, 2), Double(16, 8, padding), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        d = self.up2(c)
        d = self.dec2(torch.cat([d, b], dim=1))
        d = self.up1(d)
        d = self.dec1(torch.cat([d, a], dim=1))
        return self.out(d)


@report(FORWARD, {"all": [attr(f"{n}.{i}", "padding", 1) for n in ("enc1", "enc2", "mid", "dec2", "dec1") for i in (0, 2)]})
def unet_without_padding_does_not_crop():
    return UNet(padding=0), (torch.rand(1, 3, 124, 124),)


@report(attr("dec2.0", "in_channels", 32))
def unet_forgot_the_skip_in_its_count():
    return UNet(join=16), (torch.rand(1, 3, 64, 64),)


@report(RESIZE, FORWARD)
def unet_on_a_photo():
    return UNet(), (torch.rand(1, 3, 375, 500),)


@report({"all": [attr("up1", "output_padding", 1), attr("up2", "output_padding", 1)]}, RESIZE, FORWARD)
def autoencoder_comes_back_smaller():
    class Auto(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2 = nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.Conv2d(16, 32, 3, stride=2, padding=1)
            self.up1, self.up2 = nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1), nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1)

        def forward(self, x):
            z = F.relu(self.down2(F.relu(self.down1(x))))
            y = torch.sigmoid(self.up2(F.relu(self.up1(z))))
            return F.mse_loss(y, x, reduction="none").mean((1, 2, 3))

    return Auto(), (torch.rand(8, 1, 28, 28),)


@report(FORWARD, attr("fc", "out_features", 128 * 8 * 8))
def generator_view_makes_other_rows():
    class GAN(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.up = nn.Linear(100, 128 * 7 * 7), nn.ConvTranspose2d(128, 1, 4, 2, 1)
            self.judge, self.loss = nn.Conv2d(1, 1, 16), nn.BCEWithLogitsLoss()

        def forward(self, z, label):
            x = self.fc(z)
            x = x.view(-1, 128, 8, 8)
            score = self.judge(self.up(x)).flatten(1)
            return self.loss(score, label)

    return GAN(), (torch.rand(64, 100), torch.ones(64, 1))


@report(attr("mu", "in_features", 64 * 8 * 8), {"all": [attr("mu", "in_features", 4096), attr("logvar", "in_features", 4096)]}, RESIZE)
def vae_encoder_miscounted():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 32, 4, 2, 1), nn.Conv2d(32, 64, 4, 2, 1)
            self.mu, self.logvar, self.back = nn.Linear(64 * 7 * 7, 16), nn.Linear(64 * 7 * 7, 16), nn.Linear(16, 3 * 32 * 32)

        def forward(self, x):
            h = F.relu(self.conv2(F.relu(self.conv1(x)))).flatten(1)
            mu, logvar = self.mu(h), self.logvar(h)
            z = mu + torch.exp(0.5 * logvar)
            return self.back(z).view(-1, 3, 32, 32)

    return VAE(), (torch.rand(4, 3, 32, 32),)


@report(attr("tail", "in_channels", 16), attr("grow", "out_channels", 256))
def pixel_shuffle_takes_the_channels():
    run = lambda m, x: m.tail(m.shuffle(m.grow(m.head(x))))
    layers = {
        "head": nn.Conv2d(3, 64, 3, padding=1),
        "grow": nn.Conv2d(64, 64, 3, padding=1),
        "shuffle": nn.PixelShuffle(2),
        "tail": nn.Conv2d(64, 3, 3, padding=1),
    }
    return Calls(run, **layers), (torch.rand(2, 3, 24, 24),)


class ViT(nn.Module):
    def __init__(self, dim=64, image=224, patch=16):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, patch, patch)
        self.cls, self.pos_embed = nn.Parameter(torch.zeros(1, 1, dim)), nn.Parameter(torch.zeros(1, (image // patch) ** 2 + 1, dim))
        self.block, self.head = nn.TransformerEncoderLayer(dim, 4, 128, batch_first=True), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1)
        x = x + self.pos_embed
        return self.head(self.block(x)[:, 0])


@report(RESIZE, {"param": "pos_embed", "shape": (1, 257, 64)})
def vit_on_256():
    return ViT().eval(), (torch.rand(2, 3, 256, 256),)


@report({"param": "pos_embed", "shape": (1, 197, 64)}, FORWARD)
def vit_positions_without_the_class_token():
    net = ViT().eval()
    net.pos_embed = nn.Parameter(torch.zeros(1, 196, 64))
    return net, (torch.rand(2, 3, 224, 224),)


@report(RESIZE, {"all": [FORWARD, attr("fc_loc.0", "in_features", 10 * 4 * 4)]})
def spatial_transformer_of_mnist():
    class STN(nn.Module):
        def __init__(self):
            super().__init__()
            self.localization = nn.Sequential(
                nn.Conv2d(1, 8, 7), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 10, 5), nn.MaxPool2d(2), nn.ReLU()
            )
            self.fc_loc = nn.Sequential(nn.Linear(10 * 3 * 3, 32), nn.ReLU(), nn.Linear(32, 6))

        def forward(self, x):
            xs = self.localization(x)
            xs = xs.view(-1, 10 * 3 * 3)
            theta = self.fc_loc(xs).view(-1, 2, 3)
            grid = F.affine_grid(theta, x.size(), align_corners=False)
            return F.grid_sample(x, grid, align_corners=False)

    return STN(), (torch.rand(9, 1, 32, 32),)


@report(FORWARD)
def squeeze_and_excite_without_places():
    class SE(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc1, self.fc2 = nn.Conv2d(3, 64, 3, padding=1), nn.Linear(64, 4), nn.Linear(4, 64)

        def forward(self, x):
            x = self.conv(x)
            y = F.adaptive_avg_pool2d(x, 1).flatten(1)
            y = torch.sigmoid(self.fc2(F.relu(self.fc1(y))))
            return x * y

    return SE(), (torch.rand(4, 3, 16, 16),)


@report(FORWARD, {"insert": "Upsample"}, wrong=({"input": "resize"},))
def segmentation_smaller_than_its_mask():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
            self.head = nn.Conv2d(32, 5, 1)

        def forward(self, x, mask):
            out = self.head(self.body(x))
            return F.cross_entropy(out, mask)

    return Seg(), (torch.rand(2, 3, 64, 64), torch.randint(0, 5, (2, 64, 64)))


@report(FORWARD)
def segmentation_gives_a_dictionary():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Conv2d(3, 5, 1)

        def forward(self, x):
            return {"out": self.net(x), "aux": self.net(x)}

    class Trains(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = Deep()

        def forward(self, x, mask):
            out = self.model(x)
            return F.cross_entropy(out, mask)

    return Trains(), (torch.rand(2, 3, 16, 16), torch.randint(0, 5, (2, 16, 16)))


@report(attr("head", "out_channels", 75), attr("", "classes", 80))
def yolo_head_of_another_data_set():
    class Yolo(nn.Module):
        def __init__(self, classes=20):
            super().__init__()
            self.classes = classes
            self.body, self.head = nn.Conv2d(3, 32, 3, 8, 1), nn.Conv2d(32, 255, 1)

        def forward(self, x):
            x = self.head(self.body(x))
            b, _, h, w = x.shape
            return x.view(b, 3, self.classes + 5, h, w).permute(0, 1, 3, 4, 2)

    return Yolo(), (torch.rand(2, 3, 104, 104),)


@report(RESIZE, {"input": "resize", "arg": 1})
def style_of_another_size():
    run = lambda m, content, style: (m.conv(content) - m.conv(style)).pow(2).mean((1, 2, 3))
    return Calls(run, conv=nn.Conv2d(3, 8, 3, padding=1)), (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 96, 128))


@report(RESIZE)
def mixer_counts_its_patches():
    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.tokens, self.channels, self.head = (
                nn.Conv2d(3, 32, 16, 16),
                nn.Linear(196, 196),
                nn.Linear(32, 32),
                nn.Linear(32, 10),
            )

        def forward(self, x):
            x = self.patches(x).flatten(2)
            x = x + self.tokens(x)
            x = x.transpose(1, 2)
            x = x + self.channels(x)
            return self.head(x.mean(1))

    return Mixer(), (torch.rand(2, 3, 256, 256),)
