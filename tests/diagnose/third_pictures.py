"""A third round, of pictures: networks that sort them, cut them out and make them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

THIRD_PICTURES, report = table()
permute, unsqueeze = (
    (lambda *dims, **k: {"input": "permute", "dims": dims, **k}),
    (lambda dim, **k: {"input": "unsqueeze", "dim": dim, **k}),
)
flatten = lambda before: {"insert": "Flatten", "before": before}
both = lambda *edits: {"all": list(edits)}


class Tutorial(nn.Module):
    """Two convolutions, two pools, three layers, made for 32 x 32."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


@report(RESIZE, both(FORWARD, attr("fc1", "in_features", 16 * 53 * 53)))
def tutorial_on_my_own_photos():
    return Tutorial(), (torch.rand(4, 3, 224, 224),)


@report(RESIZE, both(FORWARD, attr("net.fc1", "in_features", 16 * 13 * 13)))
def tutorial_counts_169_rows_for_25_photos():
    return Trained(Tutorial(), nn.CrossEntropyLoss()), (torch.rand(25, 3, 64, 64), torch.randint(0, 10, (25,)))


@report({"input": "grayscale"}, attr("c1", "in_channels", 3))
def digits_saved_as_png_are_read_in_colour():
    run = lambda m, x: m.out(torch.flatten(F.max_pool2d(torch.relu(m.c2(torch.relu(m.c1(x)))), 2), 1))
    return Calls(run, c1=nn.Conv2d(1, 32, 3), c2=nn.Conv2d(32, 64, 3), out=nn.Linear(9216, 10)), (torch.rand(8, 3, 28, 28),)


@report(both(permute(2, 0, 1), unsqueeze(0)))
def opencv_frame_for_prediction():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = seq(nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
            self.fc = nn.Linear(16, 5)

        def forward(self, x):
            x = self.stem(x).mean([2, 3])
            return self.fc(x)

    return Net().eval(), (torch.rand(120, 160, 3),)


@report(
    both(FORWARD, attr("net.fc", "in_features", 2048)),
    {"replace": "net.pool", "with": "AdaptiveAvgPool2d"},
    {"replace": "net.pool", "with": "AdaptiveMaxPool2d"},
    RESIZE,
)
def view_keeps_channels_and_loses_images():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool, self.fc = nn.Conv2d(3, 128, 3, padding=1), nn.MaxPool2d(8), nn.Linear(128, 10)

        def forward(self, x):
            x = self.pool(F.relu(self.conv(x)))
            x = x.view(-1, 128)
            return self.fc(x)

    return Trained(Net(), nn.CrossEntropyLoss()), (torch.rand(16, 3, 32, 32), torch.randint(0, 10, (16,)))


@report(unsqueeze(0))
def one_picture_into_batch_norm():
    return seq(nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)).eval(), (
        torch.rand(3, 64, 64),
    )


@report(unsqueeze(1), wrong=(attr("enc.0", "in_channels", 40),))
def slices_of_a_scan():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = seq(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
            self.head = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            return self.head(self.enc(x))

    return Net(), (torch.rand(40, 64, 64),)


@report(
    RESIZE, attr("fc", "in_features", 16 * 16 * 43), {"input": "slice", "dim": 3, "to": 128}, {"input": "truncate", "dim": 3, "to": 128}
)
def spectrogram_of_a_longer_clip():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.fc = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.Linear(16 * 16 * 32, 50)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.a(x)), 2)
            x = F.max_pool2d(F.relu(self.b(x)), 2)
            x = x.reshape(x.shape[0], -1)
            return self.fc(x)

    return Net(), (torch.rand(6, 1, 64, 173),)


@report(flatten("fc"), FORWARD)
def pooled_to_one_place_but_not_flat():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.gap, self.fc = seq(nn.Conv2d(3, 64, 3), nn.ReLU()), nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(64, 7)

        def forward(self, x):
            x = self.body(x)
            x = self.gap(x)
            return self.fc(x)

    return Net(), (torch.rand(2, 3, 48, 48),)


@report(
    both(attr("conv2", "in_channels", 16), attr("bn2", "num_features", 64), attr("fc", "in_features", 64 * 8 * 8)),
    both(attr("conv1", "out_channels", 32), attr("bn2", "num_features", 64), attr("fc", "in_features", 64 * 8 * 8)),
    both(attr("conv2", "in_channels", 16), attr("conv2", "out_channels", 32), attr("fc", "in_features", 32 * 8 * 8)),
    both(attr("conv1", "out_channels", 32), attr("conv2", "out_channels", 32), attr("fc", "in_features", 32 * 8 * 8)),
    both(attr("conv2", "in_channels", 16), attr("bn2", "num_features", 64), RESIZE),
    both(attr("conv1", "out_channels", 32), attr("bn2", "num_features", 64), RESIZE),
)
def three_numbers_copied_wrong():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
            self.bn2, self.fc = nn.BatchNorm2d(32), nn.Linear(64 * 7 * 7, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
            return self.fc(x.flatten(1))

    return Net().eval(), (torch.rand(4, 3, 32, 32),)


class UNet(nn.Module):
    def __init__(self, joined=64):
        super().__init__()
        block = lambda i, o: seq(nn.Conv2d(i, o, 3, padding=1), nn.ReLU())
        self.d1, self.d2, self.mid = block(1, 16), block(16, 32), block(32, 64)
        self.up2, self.u2 = nn.ConvTranspose2d(64, 32, 2, 2), block(joined, 32)
        self.up1, self.u1, self.out = nn.ConvTranspose2d(32, 16, 2, 2), block(32, 16), nn.Conv2d(16, 2, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.pool(a))
        x = self.mid(self.pool(b))
        x = self.u2(torch.cat((b, self.up2(x)), dim=1))
        x = self.u1(torch.cat((a, self.up1(x)), dim=1))
        return self.out(x)


@report(RESIZE, FORWARD)
def unet_on_a_scan_of_odd_sides():
    return UNet(), (torch.rand(1, 1, 50, 75),)


@report(attr("u2.0", "in_channels", 64))
def unet_forgot_that_skips_double():
    return UNet(joined=32), (torch.rand(1, 1, 64, 64),)


@report({"target": "squeeze", "dim": 1})
def masks_with_a_channel_axis():
    return Trained(UNet(), nn.CrossEntropyLoss()), (torch.rand(2, 1, 32, 32), torch.randint(0, 2, (2, 1, 32, 32)))


@report({"target": "permute", "dims": (0, 3, 1, 2)}, {"target": "argmax", "dim": 3})
def one_hot_masks_with_classes_last():
    net = seq(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 1))
    return Trained(net, nn.CrossEntropyLoss()), (torch.rand(2, 3, 24, 24), F.one_hot(torch.randint(0, 5, (2, 24, 24)), 5).float())


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def binary_mask_lacks_the_channel():
    net = seq(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    return Trained(net, nn.BCEWithLogitsLoss()), (torch.rand(2, 3, 24, 24), torch.rand(2, 24, 24))


@report(attr("net.2", "out_channels", 1))
def two_channels_for_a_binary_mask():
    net = seq(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    return Trained(net, nn.BCEWithLogitsLoss()), (torch.rand(4, 3, 24, 24), torch.rand(4, 1, 24, 24))


@report(
    both(attr("dec.0", "output_padding", 1), attr("dec.2", "output_padding", 1)),
    both(attr("dec.0", "kernel_size", 4), attr("dec.2", "kernel_size", 4)),
    FORWARD,
)
def autoencoder_comes_out_three_short():
    class Auto(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = seq(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
            self.dec = seq(nn.ConvTranspose2d(32, 16, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 3, 2, 1), nn.Sigmoid())

        def forward(self, x):
            return F.mse_loss(self.dec(self.enc(x)), x)

    return Auto(), (torch.rand(4, 1, 28, 28),)


@report(attr("shuffle", "upscale_factor", 2), attr("conv2", "out_channels", 27))
def pixels_shuffled_by_three():
    run = lambda m, x: m.shuffle(m.conv2(torch.relu(m.conv1(x))))
    return Calls(run, conv1=nn.Conv2d(3, 32, 5, padding=2), conv2=nn.Conv2d(32, 12, 3, padding=1), shuffle=nn.PixelShuffle(3)), (
        torch.rand(1, 3, 20, 20),
    )


@report(FORWARD, RESIZE)
def coarse_scores_against_fine_labels():
    class Seg(nn.Module):
        def __init__(self):
            super().__init__()
            self.back, self.head, self.loss = (
                seq(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1)),
                nn.Conv2d(16, 21, 1),
                nn.CrossEntropyLoss(ignore_index=255),
            )

        def forward(self, images, labels):
            scores = self.head(self.back(images))
            return self.loss(scores, labels)

    return Seg(), (torch.rand(2, 3, 64, 64), torch.randint(0, 21, (2, 64, 64)))


@report(FORWARD)
def judge_gives_maps_labels_are_a_list():
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.netD = seq(
                nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 8), nn.Sigmoid()
            )
            self.criterion = nn.BCELoss()

        def forward(self, real, label):
            output = self.netD(real)
            return self.criterion(output, label)

    return Step(), (torch.rand(16, 3, 32, 32), torch.ones(16))


@report(RESIZE)
def judge_made_for_64_sees_digits():
    layers = [nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2)]
    layers += [nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 1, 4)]
    return seq(*layers), (torch.rand(8, 1, 28, 28),)


@report(FORWARD, attr("decoder.0", "in_features", 40))
def variational_code_is_never_split():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = seq(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2 * 20))
            self.decoder = seq(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())

        def reparameterize(self, code):
            return code + torch.randn_like(code)

        def forward(self, x):
            code = self.encoder(x.view(-1, 784))
            z = self.reparameterize(code)
            return self.decoder(z)

    return VAE(), (torch.rand(8, 1, 28, 28),)


@report(RESIZE, both(attr("mu", "in_features", 32 * 16 * 16), attr("var", "in_features", 32 * 16 * 16)))
def variational_encoder_on_faces():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = seq(nn.Conv2d(3, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU())
            self.mu, self.var, self.back = nn.Linear(32 * 8 * 8, 16), nn.Linear(32 * 8 * 8, 16), nn.Linear(16, 32 * 8 * 8)

        def encode(self, x):
            h = self.conv(x).flatten(start_dim=1)
            return self.mu(h), self.var(h)

        def forward(self, x):
            mu, logvar = self.encode(x)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            return self.back(z), mu, logvar

    return VAE(), (torch.rand(4, 3, 64, 64),)


@report({"input": "squeeze", "dim": 1, "arg": 1}, FORWARD)
def labels_of_a_conditional_generator_are_a_column():
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.net = nn.Embedding(10, 10), seq(nn.Linear(110, 64), nn.ReLU(), nn.Linear(64, 784))

        def forward(self, noise, labels):
            x = torch.cat([noise, self.emb(labels)], 1)
            return self.net(x).view(-1, 1, 28, 28)

    return G(), (torch.rand(16, 100), torch.randint(0, 10, (16, 1)))


@report(attr("fc", "out_features", 128 * 7 * 7), FORWARD)
def generator_written_for_eight_by_eight():
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(62, 128 * 8 * 8)
            self.up = seq(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1))

        def forward(self, z):
            h = self.fc(z)
            h = h.view(z.size(0), 128, 7, 7)
            return self.up(h)

    return G(), (torch.rand(32, 62),)
