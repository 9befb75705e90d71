# SPDX-License-Identifier: MIT
"""The nets of `ganymede bench` in PyTorch: the same shapes, biases and normalisers, the same batch, the same game.

Each task gives `turn()`, one turn of the game as `ganymede bench` times it (picking a batch included), and its nets. Data are
random numbers of the right shape in memory: what is measured is training, not reading.
"""
import torch
from torch import nn
from torch.nn import functional as F


def points(n=65536):
    a = torch.randint(8, (n,)) * (torch.pi / 4)
    return torch.stack([a.cos(), a.sin()], 1) + .01 * torch.randn(n, 2)


def pictures(channels, side, n=2048):
    return torch.rand(n, channels, side, side) * 2 - 1


class Data:
    """Batches drawn with replacement from a tensor in memory."""

    def __init__(self, x, batch):
        self.x, self.batch = x, batch

    def __call__(self):
        return self.x.index_select(0, torch.randint(len(self.x), (self.batch,)))


def mlp(sizes, slope, last=None):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers.append(nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True))
    return nn.Sequential(*layers, *([last] if last else []))


class DcganG(nn.Module):
    def __init__(self, width, side, channels, nz=100):
        super().__init__()
        small, levels = side, 0
        while small % 2 == 0 and small >= 8:
            small, levels = small // 2, levels + 1
        f = width << (levels - 1)
        self.shape = (f, small, small)
        self.project = nn.Linear(nz, f * small * small, bias=False)
        layers = [nn.BatchNorm2d(f), nn.ReLU(inplace=True)]
        for _ in range(levels - 1):
            layers += [nn.ConvTranspose2d(f, f // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(f // 2), nn.ReLU(inplace=True)]
            f //= 2
        layers += [nn.ConvTranspose2d(f, channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.rest = nn.Sequential(*layers)

    def forward(self, z):
        return self.rest(self.project(z).view(-1, *self.shape))


class DcganD(nn.Module):
    def __init__(self, width, side, channels, norm=True):
        super().__init__()
        layers, c, f, first = [], channels, width, True
        while side % 2 == 0 and side >= 8:
            layers.append(nn.Conv2d(c, f, 4, 2, 1, bias=not norm))
            if norm and not first:
                layers.append(nn.BatchNorm2d(f))
            layers.append(nn.LeakyReLU(.2, inplace=True))
            c, f, side, first = f, f * 2, side // 2, False
        self.maps = nn.Sequential(*layers)
        self.logit = nn.Linear(c * side * side, 1, bias=not norm)

    def forward(self, x):
        return self.logit(self.maps(x).flatten(1))


class Maxout(nn.Module):
    def __init__(self, a, b, pieces=5):
        super().__init__()
        self.pieces = pieces
        self.all = nn.Linear(a, b * pieces)

    def forward(self, x):
        return self.all(x).unflatten(1, (-1, self.pieces)).amax(2)


def adam(net, lr, beta1, how):
    o = torch.optim.Adam(net.parameters(), lr=lr, betas=(beta1, .999), fused=how == 'fused' or None,
                         foreach=how == 'foreach' or None)
    return o


class Game:
    """D's steps, then G's, each on fakes of its own; the non-saturating loss or the Wasserstein one with a penalty.

    `joined`: D sees real and fake examples as one batch, which is the same where D has no batch norm.
    """

    def __init__(self, G, D, data, nz, lr, beta1, k=1, penalty=0., joined=False, optimiser='fused', wrap=lambda f: f):
        self.G, self.D, self.data, self.nz, self.k, self.penalty, self.joined = G, D, data, nz, k, penalty, joined
        self.opt_g, self.opt_d = adam(G, lr, beta1, optimiser), adam(D, lr, beta1, optimiser)
        self.loss_d, self.loss_g = wrap(self._loss_d), wrap(self._loss_g)

    def z(self):
        return torch.randn(self.data.batch, self.nz)

    def _judge(self, x, fake):
        if self.joined:
            y = self.D(torch.cat([x, fake]))
            return y[:len(x)], y[len(x):]
        return self.D(x), self.D(fake)

    def _loss_d(self, x, z):
        with torch.no_grad():
            fake = self.G(z)
        a, b = self._judge(x, fake)
        if not self.penalty:
            return F.softplus(-a).mean() + F.softplus(b).mean()
        t = torch.rand(len(x), *[1] * (x.dim() - 1))
        mix = (fake + t * (x - fake)).requires_grad_()
        slope, = torch.autograd.grad(self.D(mix).sum(), mix, create_graph=True)
        return b.mean() - a.mean() + self.penalty * ((slope.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()

    def _loss_g(self, z):
        y = self.D(self.G(z))
        return -y.mean() if self.penalty else F.softplus(-y).mean()

    def turn(self):
        for _ in range(self.k):
            loss = self.loss_d(self.data(), self.z())
            self.opt_d.zero_grad(set_to_none=True)
            loss.backward()
            self.opt_d.step()
        for p in self.D.parameters():  # G's step wants no gradients of D's weights
            p.requires_grad_(False)
        loss = self.loss_g(self.z())
        self.opt_g.zero_grad(set_to_none=True)
        loss.backward()
        self.opt_g.step()
        for p in self.D.parameters():
            p.requires_grad_(True)


class Packs:
    """Both players at once on the same fakes, D about two examples side by side (PacGAN)."""

    def __init__(self, data, nz=2, pack=2, lr=1e-4, beta1=.8, optimiser='fused', wrap=lambda f: f, joined=False):
        layers, a = [], nz
        for _ in range(4):
            layers += [nn.Linear(a, 400, bias=False), nn.BatchNorm1d(400), nn.ReLU(inplace=True)]
            a = 400
        self.G = nn.Sequential(*layers, nn.Linear(400, 2))
        self.D = nn.Sequential(Maxout(2 * pack, 200), Maxout(200, 200), Maxout(200, 200), nn.Linear(200, 1))
        self.data, self.nz, self.pack, self.joined = data, nz, pack, joined
        self.opt_g, self.opt_d = adam(self.G, lr, beta1, optimiser), adam(self.D, lr, beta1, optimiser)
        self.losses = wrap(self._losses)

    def _losses(self, x, z):
        packs = (len(x) // self.pack, -1)
        fake = self.G(z).view(packs)
        if self.joined:
            a, b = self.D(torch.cat([x.view(packs), fake])).chunk(2)
        else:
            a, b = self.D(x.view(packs)), self.D(fake)
        return F.softplus(-a).mean() + F.softplus(b).mean(), F.softplus(-b).mean()

    def turn(self):
        loss_d, loss_g = self.losses(self.data(), torch.randn(self.data.batch, self.nz))
        pd, pg = list(self.D.parameters()), list(self.G.parameters())
        for p, g in zip(pd, torch.autograd.grad(loss_d, pd, retain_graph=True)):
            p.grad = g
        for p, g in zip(pg, torch.autograd.grad(loss_g, pg)):
            p.grad = g
        self.opt_d.step()
        self.opt_g.step()


def plane(layers, width, batch):
    def make(**o):
        hidden = [width] * layers
        return Game(mlp([2, *hidden, 2], 0), mlp([2, *hidden, 1], 0), Data(points(), batch), 2, 1e-3, .5, **o)
    return make


def gan_mlp(**o):
    return Game(mlp([100, 512, 512, 784], .2, nn.Tanh()), mlp([784, 512, 512, 1], .2), Data(pictures(1, 28).flatten(1), 64), 100,
                2e-4, .5, **o)


def dcgan(side, width, batch, channels=3, norm=True, **game):
    def make(channels_last=False, **o):
        G, D = DcganG(width, side, channels), DcganD(width, side, channels, norm)
        x = pictures(channels, side)
        if channels_last:
            G, D = G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
            x = x.contiguous(memory_format=torch.channels_last)
        return Game(G, D, Data(x, batch), 100, 2e-4, .5, **game, **o)
    return make


# name: maker, whether nets are convolutional, whether D has no batch norm and so takes both halves at once
tasks = {
    'points': (plane(2, 128, 512), False, True),
    'points-512': (plane(3, 512, 256), False, True),
    'pacgan': (lambda **o: Packs(Data(points(), 200), **o), False, True),
    'gan-mlp': (gan_mlp, False, True),
    'dcgan-28': (dcgan(28, 64, 64, 1), True, False),
    'dcgan-32': (dcgan(32, 64, 64), True, False),
    'dcgan-64': (dcgan(64, 64, 64), True, False),
    'dcgan-128': (dcgan(128, 32, 32), True, False),
    'wgan-gp': (dcgan(32, 64, 64, norm=False, k=5, penalty=10.), True, True),
}
