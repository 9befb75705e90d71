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


def adam(net, lr, beta1, how, beta2=.999):
    o = torch.optim.Adam(net.parameters(), lr=lr, betas=(beta1, beta2), fused=how == 'fused' or None,
                         foreach=how == 'foreach' or None)
    return o


class Game:
    """D's steps, then G's, each on fakes of its own; the non-saturating loss or the Wasserstein one with a penalty.

    `joined`: D sees real and fake examples as one batch, which is the same where D has no batch norm.
    """

    def __init__(self, G, D, data, nz, lr, beta1, k=1, penalty=0., drift=0., beta2=.999, average=0., joined=False,
                 optimiser='fused', wrap=lambda f: f):
        self.G, self.D, self.data, self.nz, self.k, self.penalty, self.joined = G, D, data, nz, k, penalty, joined
        self.drift, self.average = drift, average
        self.mean = [p.detach().clone() for p in G.parameters()] if average else []
        self.opt_g, self.opt_d = adam(G, lr, beta1, optimiser, beta2), adam(D, lr, beta1, optimiser, beta2)
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
        loss = b.mean() - a.mean() + self.penalty * ((slope.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()
        return loss + self.drift * a.square().mean() if self.drift else loss

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
        if self.average:
            with torch.no_grad():
                torch._foreach_lerp_(self.mean, list(self.G.parameters()), 1 - self.average)


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


class Residual(nn.Module):
    """Two convolutions beside a shortcut, normalised before (He et al. 2016b; Miyato et al. 2018, figure 8)."""

    def __init__(self, a, b, up=False, down=False, first=False, norm=None, sn=lambda m: m, codes=0):
        super().__init__()
        self.up, self.down, self.first, self.codes = up, down, first, codes
        self.conv1, self.conv2 = sn(nn.Conv2d(a, b, 3, 1, 1)), sn(nn.Conv2d(b, b, 3, 1, 1))
        self.short = sn(nn.Conv2d(a, b, 1)) if up or down or a != b else None
        self.norm1 = norm(a) if norm else nn.Identity()
        self.norm2 = norm(b) if norm else nn.Identity()
        if codes:  # gains and biases of both norms are linear in the code
            self.maps = nn.ModuleList(sn(nn.Linear(codes, n, bias=False)) for n in (a, a, b, b))

    def _norm(self, i, x, code):
        x = (self.norm2 if i else self.norm1)(x)
        if self.codes:
            x = x * (1 + self.maps[2 * i](code))[:, :, None, None] + self.maps[2 * i + 1](code)[:, :, None, None]
        return F.relu(x)

    def forward(self, x, code=None):
        y = x if self.first else self._norm(0, x, code)
        if self.up:
            x, y = F.interpolate(x, scale_factor=2), F.interpolate(y, scale_factor=2)
        y = self.conv2(self._norm(1, self.conv1(y), code))
        if self.down:
            y = F.avg_pool2d(y, 2)
            if self.first:
                x = F.avg_pool2d(x, 2)
        if self.short is not None:
            x = self.short(x)
        return y + (F.avg_pool2d(x, 2) if self.down and not self.first else x)


class Attention(nn.Module):
    """Zhang et al. 2018 as in BigGAN: keys and values are pooled by 2."""

    def __init__(self, c, sn):
        super().__init__()
        self.f, self.g = sn(nn.Conv2d(c, c // 8, 1, bias=False)), sn(nn.Conv2d(c, c // 8, 1, bias=False))
        self.h, self.v = sn(nn.Conv2d(c, c // 2, 1, bias=False)), sn(nn.Conv2d(c // 2, c, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        f, g, h = F.max_pool2d(self.f(x), 2).flatten(2), self.g(x).flatten(2), F.max_pool2d(self.h(x), 2).flatten(2)
        o = h @ torch.softmax(f.transpose(1, 2) @ g, 1)
        return self.gamma * self.v(o.view(len(x), -1, *x.shape[2:])) + x


def spectral(m):
    return nn.utils.parametrizations.spectral_norm(m)


class ResG(nn.Module):
    """SN-GAN's generator (table 4); with classes BigGAN's for 32 pixels."""

    def __init__(self, width, nz=128, classes=0, chunk=20, embed=128):
        super().__init__()
        sn = spectral if classes else (lambda m: m)
        self.width, self.chunk, self.classes = width, chunk, classes
        self.small = sn(nn.Linear(chunk if classes else nz, width * 16))
        self.label = sn(nn.Embedding(classes, embed)) if classes else None
        self.blocks = nn.ModuleList(Residual(width, width, up=True, norm=lambda c: nn.BatchNorm2d(c, affine=not classes), sn=sn,
                                             codes=chunk + embed if classes else 0) for _ in range(3))
        self.attention = Attention(width, sn) if classes else None
        self.norm, self.last = nn.BatchNorm2d(width), sn(nn.Conv2d(width, 3, 3, 1, 1))

    def forward(self, z, y=None):
        parts = z.split(self.chunk, 1) if self.classes else [z]
        x, label = self.small(parts[0]).view(-1, self.width, 4, 4), self.label(y) if self.classes else None
        for i, block in enumerate(self.blocks):
            x = block(x, torch.cat([label, parts[i + 1]], 1) if self.classes else None)
            if self.attention is not None and x.shape[2] == 16:
                x = self.attention(x)
        return torch.tanh(self.last(F.relu(self.norm(x))))


class ResD(nn.Module):
    """SN-GAN's discriminator (table 4); with classes a projection discriminator with attention, as BigGAN's."""

    def __init__(self, width, classes=0):
        super().__init__()
        self.blocks = nn.ModuleList(Residual(a, width, down=i < 2, first=i == 0, sn=spectral)
                                    for i, a in enumerate([3, width, width, width]))
        self.attention = Attention(width, spectral) if classes else None
        self.logit = spectral(nn.Linear(width, 1, bias=False))
        self.label = spectral(nn.Embedding(classes, width)) if classes else None

    def forward(self, x, y=None):
        for block in self.blocks:
            x = block(x)
            if self.attention is not None and x.shape[2] == 16:
                x = self.attention(x)
        h = F.relu(x).sum((2, 3))
        return self.logit(h) + (0 if y is None else (self.label(y) * h).sum(1, keepdim=True))


class Hinge:
    """SN-GAN's and BigGAN's turn: five steps of D, hinge loss, spectral norm's power iteration once in each step of D."""

    def __init__(self, G, D, data, nz, beta1, beta2, k=5, classes=0, ortho=0., average=0., joined=False, optimiser='fused',
                 wrap=lambda f: f):
        self.G, self.D, self.data, self.nz, self.k, self.classes, self.ortho = G, D, data, nz, k, classes, ortho
        self.joined = joined
        self.opt_g, self.opt_d = adam(G, 2e-4, beta1, optimiser, beta2), adam(D, 2e-4, beta1, optimiser, beta2)
        self.loss_d, self.loss_g = wrap(self._loss_d), wrap(self._loss_g)
        self.average = average
        self.mean = [p.detach().clone() for p in G.parameters()] if average else []
        self.weights = [p for n, p in G.named_parameters() if p.dim() > 1 and not n.startswith('label')]

    def _loss_d(self, x, z, y):
        with torch.no_grad():
            fake = self.G(z, y)
        with nn.utils.parametrize.cached():
            if self.joined:
                a, b = self.D(torch.cat([x, fake]), None if y is None else torch.cat([y, y])).chunk(2)
            else:
                a, b = self.D(x, y), self.D(fake, y)
        return F.relu(1 - a).mean() + F.relu(1 + b).mean()

    def _loss_g(self, z, y):
        loss = -self.D(self.G(z, y), y).mean()
        if self.ortho:
            for w in self.weights:
                gram = w.flatten(1) @ w.flatten(1).T
                loss = loss + self.ortho * (gram - torch.diag(gram.diagonal())).square().sum()
        return loss

    def turn(self):
        m = self.data.batch
        for _ in range(self.k):
            y = torch.randint(self.classes, (m,)) if self.classes else None
            x = self.data()
            if not self.classes:
                x = x + torch.rand_like(x) / 128
            loss = self.loss_d(x, torch.randn(m, self.nz), y)
            self.opt_d.zero_grad(set_to_none=True)
            loss.backward()
            self.opt_d.step()
        self.D.requires_grad_(False)
        loss = self.loss_g(torch.randn(m, self.nz), torch.randint(self.classes, (m,)) if self.classes else None)
        self.opt_g.zero_grad(set_to_none=True)
        loss.backward()
        self.opt_g.step()
        self.D.requires_grad_(True)
        if self.average:
            with torch.no_grad():
                torch._foreach_lerp_(self.mean, list(self.G.parameters()), 1 - self.average)


def residual_game(width, classes=0, **game):
    def make(channels_last=False, **o):
        nz = 80 if classes else 128
        G, D, x = ResG(width, nz, classes), ResD(width // 2, classes), pictures(3, 32)
        if channels_last:
            G, D = G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
            x = x.contiguous(memory_format=torch.channels_last)
        return Hinge(G, D, Data(x, 64), nz, classes=classes, **game, **o)
    return make


def instance(c):
    return nn.InstanceNorm2d(c, affine=True)


class Equalised(nn.Module):
    """A convolution or dense layer whose weights are N(0, 1) and scaled in use (Karras et al. 2018, section 4.1)."""

    def __init__(self, *shape, gain=2 ** .5):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.zeros(shape[0]))
        self.scale = gain / self.w[0].numel() ** .5

    def forward(self, x):
        w = self.w * self.scale
        return F.linear(x, w, self.b) if w.dim() == 2 else F.conv2d(x, w, self.b, padding=w.shape[2] // 2)


def pixel_norm(x):
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class GrowingG(nn.Module):
    """ProGAN's generator after the last fade: what the fades would add, peers do not compute."""

    def __init__(self, maps, nz=512):
        super().__init__()
        self.dense = Equalised(maps[0] * 16, nz, gain=2 ** .5 / 4)
        self.a = nn.ModuleList(Equalised(b, a, 3, 3) for a, b in zip(maps, maps[1:]))
        self.b = nn.ModuleList(Equalised(b, b, 3, 3) for b in maps)
        self.rgb = nn.ModuleList(Equalised(3, b, 1, 1, gain=1) for b in maps)

    def forward(self, z):
        x = self.dense(pixel_norm(z)).view(len(z), -1, 4, 4)
        x = pixel_norm(F.leaky_relu(x, .2))
        x = pixel_norm(F.leaky_relu(self.b[0](x), .2))
        for a, b in zip(self.a, self.b[1:]):
            x = pixel_norm(F.leaky_relu(a(F.interpolate(x, scale_factor=2)), .2))
            x = pixel_norm(F.leaky_relu(b(x), .2))
        return self.rgb[-1](x)


class GrowingD(nn.Module):
    """Its discriminator, with the standard deviation of groups of four examples as a map."""

    def __init__(self, maps):
        super().__init__()
        self.rgb = nn.ModuleList(Equalised(b, 3, 1, 1) for b in maps)
        self.b = nn.ModuleList(Equalised(b, b + (i == 0), 3, 3) for i, b in enumerate(maps))
        self.a = nn.ModuleList(Equalised(a, b, 3, 3) for a, b in zip(maps, maps[1:]))
        self.dense, self.score = Equalised(maps[0], maps[0] * 16), Equalised(1, maps[0], gain=1)

    def forward(self, x):
        x = F.leaky_relu(self.rgb[-1](x), .2)
        for a, b in zip(reversed(self.a), reversed(self.b[1:])):
            x = F.avg_pool2d(F.leaky_relu(a(F.leaky_relu(b(x), .2)), .2), 2)
        groups = x.view(4, -1, *x.shape[1:])
        spread = ((groups - groups.mean(0)).square().mean(0) + 1e-8).sqrt().mean((1, 2, 3), keepdim=True)
        x = torch.cat([x, spread.repeat(4, 1, *x.shape[2:])], 1)
        return self.score(F.leaky_relu(self.dense(F.leaky_relu(self.b[0](x), .2).flatten(1)), .2))


def growing(maps, side, batch):
    def make(channels_last=False, **o):
        G, D, x = GrowingG(maps), GrowingD(maps), pictures(3, side)
        if channels_last:
            G, D = G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
            x = x.contiguous(memory_format=torch.channels_last)
        return Game(G, D, Data(x, batch), 512, 1e-3, 0., penalty=10., drift=1e-3, beta2=.99, average=.999, **o)
    return make


class Translator(nn.Module):
    """CycleGAN's for 128 pixels: six residual blocks (appendix 7.2)."""

    def __init__(self, width=64, blocks=6):
        super().__init__()
        w = width
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, w, 7, bias=False), instance(w), nn.ReLU(inplace=True)]
        for _ in range(2):
            layers += [nn.Conv2d(w, 2 * w, 3, 2, 1, bias=False), instance(2 * w), nn.ReLU(inplace=True)]
            w *= 2
        self.start = nn.Sequential(*layers)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(w, w, 3, bias=False), instance(w), nn.ReLU(inplace=True),
                          nn.ReflectionPad2d(1), nn.Conv2d(w, w, 3, bias=False), instance(w)) for _ in range(blocks))
        layers = []
        for _ in range(2):
            layers += [nn.ConvTranspose2d(w, w // 2, 3, 2, 1, 1, bias=False), instance(w // 2), nn.ReLU(inplace=True)]
            w //= 2
        self.end = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh())

    def forward(self, x):
        x = self.start(x)
        for block in self.blocks:
            x = x + block(x)
        return self.end(x)


def patch_discriminator(width=64):
    layers, a = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(.2, inplace=True)], width
    for stride in (2, 2, 1):
        layers += [nn.Conv2d(a, 2 * a, 4, stride, 1, bias=False), instance(2 * a), nn.LeakyReLU(.2, inplace=True)]
        a *= 2
    return nn.Sequential(*layers, nn.Conv2d(a, 1, 4, 1, 1))


class Cycle:
    """CycleGAN's turn with identity losses, the pool of 50, and all four nets updated from the same translations."""

    def __init__(self, channels_last=False, joined=False, optimiser='fused', wrap=lambda f: f):
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.G = nn.ModuleList(Translator() for _ in range(2)).to(memory_format=form)
        self.D = nn.ModuleList(patch_discriminator() for _ in range(2)).to(memory_format=form)
        self.data = [Data(pictures(3, 128, 64).contiguous(memory_format=form), 1) for _ in range(2)]
        self.opt_g, self.opt_d = adam(self.G, 2e-4, .5, optimiser), adam(self.D, 2e-4, .5, optimiser)
        self.loss_g, self.loss_d, self.old = wrap(self._loss_g), wrap(self._loss_d), [[], []]

    def _loss_g(self, a, b):
        loss, fakes = 0, []
        for i, x in enumerate((a, b)):
            y = self.G[i](x)
            loss = loss + (self.D[i](y) - 1).square().mean() + 10 * (self.G[1 - i](y) - x).abs().mean()
            loss = loss + 5 * (self.G[1 - i](x) - x).abs().mean()
            fakes.append(y.detach())
        return loss, *fakes

    def _loss_d(self, a, b, fake_b, fake_a):
        return sum((self.D[i](x) - 1).square().mean() / 2 + self.D[i](y).square().mean() / 2
                   for i, (x, y) in enumerate(((b, fake_b), (a, fake_a))))

    def _pooled(self, i, x):
        old = self.old[i]
        if len(old) < 50:
            old.append(x)
        elif torch.rand(()) < .5:
            k = int(torch.randint(50, ()))
            x, old[k] = old[k], x
        return x

    def turn(self):
        a, b = self.data[0](), self.data[1]()
        self.D.requires_grad_(False)
        loss, *fakes = self.loss_g(a, b)
        self.opt_g.zero_grad(set_to_none=True)
        loss.backward()
        self.D.requires_grad_(True)
        loss = self.loss_d(a, b, *[self._pooled(i, x) for i, x in enumerate(fakes)])
        self.opt_d.zero_grad(set_to_none=True)
        loss.backward()
        self.opt_g.step()
        self.opt_d.step()


class Resolution(nn.Module):
    """SRResNet, factor 4 (Ledig et al. 2017, figure 4)."""

    def __init__(self, width=64, blocks=16):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 9, 1, 4), nn.PReLU(width))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width),
                          nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)) for _ in range(blocks))
        self.merge = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        up = []
        for _ in range(2):  # ours learns a slope for each of the 4 width maps before the shuffle
            up += [nn.Conv2d(width, 4 * width, 3, 1, 1), nn.PReLU(4 * width), nn.PixelShuffle(2)]
        self.up = nn.Sequential(*up, nn.Conv2d(width, 3, 9, 1, 4))

    def forward(self, x):
        first = y = self.first(x)
        for block in self.blocks:
            y = y + block(y)
        return self.up(first + self.merge(y))


class Enlarge:
    """SRResNet's step: the mean squared error of pixels. D, which SRGAN needs later, has its weights in memory, as ours."""

    def __init__(self, channels_last=False, joined=False, optimiser='fused', wrap=lambda f: f):
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.G, layers, a = Resolution().to(memory_format=form), [], 3
        for i in range(8):
            b = 64 << i // 2
            layers += [nn.Conv2d(a, b, 3, 1 + i % 2, 1, bias=i == 0)] + ([nn.BatchNorm2d(b)] if i else [])
            a = b
        self.D = nn.Sequential(*layers, nn.Linear(512 * 36, 1024), nn.Linear(1024, 1))
        self.data = Data(pictures(3, 96, 256).contiguous(memory_format=form), 4)
        self.opt_g, self.loss = adam(self.G, 1e-4, .9, optimiser), wrap(self._loss)

    def _loss(self, low, high):
        return F.mse_loss(self.G(low), high)

    def turn(self):
        high = self.data()
        low = F.interpolate(high, scale_factor=.25, mode='bicubic', antialias=True, align_corners=False)
        loss = self.loss(low, high)
        self.opt_g.zero_grad(set_to_none=True)
        loss.backward()
        self.opt_g.step()


class Wavenet(nn.Module):
    """Two stacks of nine gated layers, 32 channels, 128 of the skip connections, 256 levels (van den Oord et al. 2016)."""

    def __init__(self, width=32, skip=128, levels=256, layers=9, stacks=2):
        super().__init__()
        self.dilations = [1 << i for i in range(layers)] * stacks
        self.old, self.new = nn.Embedding(levels, width), nn.Embedding(levels, width)
        self.gates = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=d) for d in self.dilations)
        self.skips = nn.ModuleList(nn.Conv1d(width, skip, 1) for _ in self.dilations)
        self.outs = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in self.dilations[1:])
        self.head, self.logits = nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, levels, 1)

    def layers(self, h, gate):
        """gate(i, h): layer i's convolution, over a whole sound or its last sample."""
        total = 0
        for i in range(len(self.dilations)):
            a, b = gate(i, h).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            total = total + self.skips[i](y)
            h = h + self.outs[i](y) if i < len(self.outs) else h
        return self.logits(F.relu(self.head(F.relu(total))))

    def forward(self, level):
        h = F.pad(self.new(level), (0, 0, 1, -1)) + F.pad(self.old(level), (0, 0, 2, -2))
        return self.layers(h.transpose(1, 2), lambda i, h: self.gates[i](F.pad(h, (self.dilations[i], 0))))


class Generator(nn.Module):
    """Samples of a Wavenet, each from activations that are kept in queues (Le Paine et al. 2016)."""

    def __init__(self, net, samples):
        super().__init__()
        self.net, self.samples = net, samples

    def forward(self, z):
        net, m = self.net, len(z)
        queues = [torch.zeros(d, m, c.in_channels, 1) for d, c in zip(net.dilations, net.gates)]
        level, before, out = None, None, []
        for t in range(self.samples):
            def gate(i, h):
                at = t % net.dilations[i]
                x = torch.cat([queues[i][at], h], 2)
                queues[i][at] = h
                return F.conv1d(x, net.gates[i].weight, net.gates[i].bias)
            h = torch.zeros(m, net.new.embedding_dim) if level is None else net.new(level)
            h = h if before is None else h + net.old(before)
            logits = net.layers(h[:, :, None], gate)[:, :, 0]
            before, level = level, torch.distributions.Categorical(logits=logits).sample()
            out.append(level)
        return torch.stack(out, 1)


class Sounds:
    """WaveNet's step: the cross-entropy of every sample of 8 sounds of 1024."""

    nz = 1

    def __init__(self, channels_last=False, joined=False, optimiser='fused', wrap=lambda f: f):
        self.net, self.D = Wavenet(), nn.Module()
        self.G, self.sampler = self.net, Generator(self.net, 1024)
        self.data = Data(torch.randint(256, (512, 1024)), 8)
        self.opt, self.loss = adam(self.net, 1e-3, .9, optimiser), wrap(self._loss)

    def _loss(self, level):
        return F.cross_entropy(self.net(level), level)

    def turn(self):
        loss = self.loss(self.data())
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        self.opt.step()


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
    'cyclegan-128': (Cycle, True, False),
    'srresnet-x4': (Enlarge, True, False),
    'sngan-resnet-32': (residual_game(64, beta1=0., beta2=.9), True, True),
    'progan-64': (growing([64, 64, 64, 64, 32], 64, 16), True, False),
    'wavenet': (Sounds, False, False),
    'biggan-32': (residual_game(64, classes=8, beta1=.5, beta2=.999, ortho=1e-4, average=.9999), True, True),
}
do_not_sample = {'cyclegan-128', 'srresnet-x4'}
