# SPDX-License-Identifier: MIT
"""The tasks of nets.py in JAX: the same shapes and the same game, each turn one compiled function on channels-last images.

Parameters are a dictionary that the first call of a net fills. Two things are left out that PyTorch and Ganymede do: running
statistics of batch norm, and biases and pools that cost nothing measurable; both are to JAX's advantage.
"""
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

random = np.random.default_rng(0)


class Weights:
    """Hands out weights in the order in which a net asks for them; makes them when there are none yet."""

    def __init__(self, p=None):
        self.p, self.new, self.count = {} if p is None else p, p is None, 0

    def __call__(self, *shape, value=None):
        name = f'{self.count:03d}'
        self.count += 1
        if self.new:
            self.p[name] = jnp.asarray(random.normal(0, .02, shape) if value is None else np.full(shape, value), jnp.float32)
        return self.p[name]


def made(net, *example):
    w = Weights()
    net(w, *example)
    return w.p


def dense(w, x, out, bias=True):
    y = x @ w(x.shape[-1], out)
    return y + w(out, value=0) if bias else y


def conv(w, x, out, kernel, stride=1, pad=0, bias=True):
    y = lax.conv_general_dilated(x, w(kernel, kernel, x.shape[-1], out), (stride, stride), [(pad, pad)] * 2,
                                 dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
    return y + w(out, value=0) if bias else y


def conv_transposed(w, x, out, kernel, pad, out_pad=0):
    low = kernel - 1 - pad
    return lax.conv_general_dilated(x, w(kernel, kernel, x.shape[-1], out), (1, 1), [(low, low + out_pad)] * 2,
                                    lhs_dilation=(2, 2), dimension_numbers=('NHWC', 'HWIO', 'NHWC'))


def norm(w, x, axes, affine=True, eps=1e-5):
    mean = x.mean(axes, keepdims=True)
    y = (x - mean) * lax.rsqrt(jnp.square(x - mean).mean(axes, keepdims=True) + eps)
    return y * w(x.shape[-1], value=1) + w(x.shape[-1], value=0) if affine else y


def batch_norm(w, x, affine=True):
    return norm(w, x, tuple(range(x.ndim - 1)), affine)


def instance_norm(w, x):
    return norm(w, x, (1, 2))


def leaky(x, slope=.2):
    return jnp.where(x > 0, x, slope * x)


def adam_start(p):
    return jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.zeros(())


def adam(p, g, state, lr, beta1, beta2=.999, eps=1e-8):
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda a, b: beta1 * a + (1 - beta1) * b, m, g)
    v = jax.tree.map(lambda a, b: beta2 * a + (1 - beta2) * b * b, v, g)
    rate = lr / (1 - beta1 ** t)
    p = jax.tree.map(lambda a, b, c: a - rate * b / (jnp.sqrt(c / (1 - beta2 ** t)) + eps), p, m, v)
    return p, (m, v, t)


class Task:
    """state = (parameters, optimisers, ...) goes through one compiled turn; self.G and self.D are what is counted."""

    def __init__(self, turn, state, data, G, D):
        self.data = [jnp.asarray(x) for x in data]
        self.state, self.key = state, jax.random.key(0)
        self.count = [sum(x.size for x in jax.tree.leaves(p)) for p in (G, D)]
        self.compiled = jax.jit(turn, donate_argnums=0)

    def turn(self):
        self.state, self.key = self.compiled(self.state, self.key, *self.data)
        jax.block_until_ready(self.state)


def draw(key, data, batch):
    return data[jax.random.randint(key, (batch,), 0, len(data))]


def points():
    a = random.integers(8, size=65536) * (np.pi / 4)
    return (np.stack([np.cos(a), np.sin(a)], 1) + .01 * random.normal(size=(65536, 2))).astype(np.float32)


def pictures(side, channels=3, n=2048):
    return random.uniform(-1, 1, (n, side, side, channels)).astype(np.float32)


# ---- nets ----------------------------------------------------------------------------------------------------------------------

def mlp(w, x, sizes, act, last=None):
    for i, n in enumerate(sizes):
        x = dense(w, x, n)
        x = act(x) if i < len(sizes) - 1 else x
    return last(x) if last else x


def dcgan_g(w, z, width, side, channels):
    small, levels = side, 0
    while small % 2 == 0 and small >= 8:
        small, levels = small // 2, levels + 1
    f = width << (levels - 1)
    x = dense(w, z, f * small * small, bias=False).reshape(len(z), small, small, f)
    x = jax.nn.relu(batch_norm(w, x))
    for _ in range(levels - 1):
        f //= 2
        x = jax.nn.relu(batch_norm(w, conv_transposed(w, x, f, 4, 1)))
    return jnp.tanh(conv_transposed(w, x, channels, 4, 1))


def dcgan_d(w, x, width, normed):
    f, first, side = width, True, x.shape[1]
    while side % 2 == 0 and side >= 8:
        x = conv(w, x, f, 4, 2, 1, bias=not normed)
        x = leaky(batch_norm(w, x) if normed and not first else x)
        f, side, first = 2 * f, side // 2, False
    return dense(w, x.reshape(len(x), -1), 1, bias=not normed)


def double(x):
    return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)


def halve(x):
    m, h, v, c = x.shape
    return x.reshape(m, h // 2, 2, v // 2, 2, c).mean((2, 4))


def residual(w, x, out, up=False, down=False, first=False, normed=None):
    y = x if first else jax.nn.relu(normed(x) if normed else x)
    y, x = (double(y), double(x)) if up else (y, x)
    y = conv(w, y, out, 3, 1, 1)
    y = conv(w, jax.nn.relu(normed(y) if normed else y), out, 3, 1, 1)
    if down:
        y, x = halve(y), halve(x) if first else x
    if up or down or x.shape[-1] != out:
        x = conv(w, x, out, 1)
    return y + (halve(x) if down and not first else x)


def attention(w, x):
    m, h, v, c = x.shape

    def pooled(y):
        return y.reshape(m, h // 2, 2, v // 2, 2, -1).max((2, 4)).reshape(m, h * v // 4, -1)

    key, query = pooled(conv(w, x, c // 8, 1, bias=False)), conv(w, x, c // 8, 1, bias=False).reshape(m, h * v, -1)
    value = pooled(conv(w, x, c // 2, 1, bias=False))
    o = jax.nn.softmax(query @ key.transpose(0, 2, 1), -1) @ value
    return w(1, value=0) * conv(w, o.reshape(m, h, v, -1), c, 1, bias=False) + x


def res_g(w, z, y, width, classes, chunk=20, embed=128):
    label = w(classes, embed)[y] if classes else None
    x = dense(w, z[:, :chunk] if classes else z, width * 16).reshape(len(z), 4, 4, width)
    for i in range(3):
        code = jnp.concatenate([label, z[:, (i + 1) * chunk:(i + 2) * chunk]], 1) if classes else None

        def normed(h):
            if not classes:
                return batch_norm(w, h)
            h = batch_norm(w, h, affine=False)
            gain, bias = dense(w, code, width, bias=False), dense(w, code, width, bias=False)
            return h * (1 + gain)[:, None, None] + bias[:, None, None]

        x = residual(w, x, width, up=True, normed=normed)
        x = attention(w, x) if classes and x.shape[1] == 16 else x
    return jnp.tanh(conv(w, jax.nn.relu(batch_norm(w, x)), 3, 3, 1, 1))


def res_d(w, x, y, width, classes):
    for i in range(4):
        x = residual(w, x, width, down=i < 2, first=i == 0)
        x = attention(w, x) if classes and x.shape[1] == 16 else x
    h = jax.nn.relu(x).sum((1, 2))
    logit = dense(w, h, 1, bias=False)
    return logit + (w(classes, width)[y] * h).sum(1, keepdims=True) if classes else logit


def equalised(w, x, out, kernel=0, gain=2 ** .5):
    inputs = x.shape[-1] * max(kernel, 1) ** 2
    weight = w(*[kernel] * 2, x.shape[-1], out) if kernel else w(x.shape[-1], out)
    weight = weight * (gain / inputs ** .5)
    if not kernel:
        return x @ weight + w(out, value=0)
    y = lax.conv_general_dilated(x, weight, (1, 1), [(kernel // 2,) * 2] * 2, dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
    return y + w(out, value=0)


def pixel_norm(x):
    return x * lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-8)


def growing_g(w, z, maps):
    x = equalised(w, pixel_norm(z), maps[0] * 16, gain=2 ** .5 / 4).reshape(len(z), 4, 4, maps[0])
    x = pixel_norm(leaky(x))
    for i, n in enumerate(maps):
        if i:
            x = pixel_norm(leaky(equalised(w, double(x), n, 3)))
        x = pixel_norm(leaky(equalised(w, x, n, 3)))
    return equalised(w, x, 3, 1, gain=1)


def growing_d(w, x, maps):
    x = leaky(equalised(w, x, maps[-1], 1))
    for i in range(len(maps) - 1, 0, -1):
        x = halve(leaky(equalised(w, leaky(equalised(w, x, maps[i], 3)), maps[i - 1], 3)))
    groups = x.reshape(4, -1, *x.shape[1:])
    spread = jnp.sqrt(jnp.square(groups - groups.mean(0)).mean(0) + 1e-8).mean((1, 2, 3), keepdims=True)
    x = jnp.concatenate([x, jnp.broadcast_to(jnp.tile(spread, (4, 1, 1, 1)), (*x.shape[:3], 1))], 3)
    x = leaky(equalised(w, x, maps[0], 3)).reshape(len(x), -1)
    return equalised(w, leaky(equalised(w, x, maps[0])), 1, gain=1)


def translator(w, x, width=64, blocks=6):
    def reflected(x, n):
        return jnp.pad(x, ((0, 0), (n, n), (n, n), (0, 0)), mode='reflect')

    x = jax.nn.relu(instance_norm(w, conv(w, reflected(x, 3), width, 7, bias=False)))
    for i in (2, 4):
        x = jax.nn.relu(instance_norm(w, conv(w, x, i * width, 3, 2, 1, bias=False)))
    for _ in range(blocks):
        y = jax.nn.relu(instance_norm(w, conv(w, reflected(x, 1), 4 * width, 3, bias=False)))
        x = x + instance_norm(w, conv(w, reflected(y, 1), 4 * width, 3, bias=False))
    for i in (2, 1):
        x = jax.nn.relu(instance_norm(w, conv_transposed(w, x, i * width, 3, 1, 1)))
    return jnp.tanh(conv(w, reflected(x, 3), 3, 7))


def patches(w, x, width=64):
    x = leaky(conv(w, x, width, 4, 2, 1))
    for i, stride in enumerate((2, 2, 1)):
        x = leaky(instance_norm(w, conv(w, x, width * 2 << i, 4, stride, 1, bias=False)))
    return conv(w, x, 1, 4, 1, 1)


def prelu(w, x):
    return jnp.where(x > 0, x, w(x.shape[-1], value=.25) * x)


def resolution(w, x, width=64, blocks=16):
    first = y = prelu(w, conv(w, x, width, 9, 1, 4))
    for _ in range(blocks):
        h = prelu(w, batch_norm(w, conv(w, y, width, 3, 1, 1, bias=False)))
        y = y + batch_norm(w, conv(w, h, width, 3, 1, 1, bias=False))
    y = first + batch_norm(w, conv(w, y, width, 3, 1, 1, bias=False))
    for _ in range(2):
        y = prelu(w, conv(w, y, 4 * width, 3, 1, 1))
        m, h, v, c = y.shape
        y = y.reshape(m, h, v, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(m, 2 * h, 2 * v, c // 4)
    return conv(w, y, 3, 9, 1, 4)


# ---- games ---------------------------------------------------------------------------------------------------------------------

def softplus_game(G, D, data, batch, nz, lr, beta1, k=1, penalty=0., drift=0., beta2=.999, average=0., apart=True):
    """D's steps, then G's; the non-saturating loss, or Wasserstein's with a gradient penalty."""
    g, d = made(G, jnp.zeros((batch, nz))), made(D, jnp.zeros((batch, *data.shape[1:])))

    def judge(d, a, b):
        if apart:
            return D(Weights(d), a), D(Weights(d), b)
        return jnp.split(D(Weights(d), jnp.concatenate([a, b])), 2)

    def loss_d(d, g, x, z, t):
        fake = G(Weights(g), z)
        a, b = judge(d, x, fake)
        if not penalty:
            return jax.nn.softplus(-a).mean() + jax.nn.softplus(b).mean()
        slope = jax.grad(lambda m: D(Weights(d), m).sum())(fake + t * (x - fake))
        length = jnp.sqrt(jnp.square(slope).sum(tuple(range(1, slope.ndim))) + 1e-12)
        return b.mean() - a.mean() + penalty * jnp.square(length - 1).mean() + drift * jnp.square(a).mean()

    def loss_g(g, d, z):
        y = D(Weights(d), G(Weights(g), z))
        return -y.mean() if penalty else jax.nn.softplus(-y).mean()

    def turn(state, key, data):
        g, d, og, od, mean = state
        for _ in range(k):
            key, a, b, c = jax.random.split(key, 4)
            t = jax.random.uniform(c, (batch,) + (1,) * (data.ndim - 1))
            grad = jax.grad(loss_d)(d, g, draw(a, data, batch), jax.random.normal(b, (batch, nz)), t)
            d, od = adam(d, grad, od, lr, beta1, beta2)
        key, a = jax.random.split(key)
        g, og = adam(g, jax.grad(loss_g)(g, d, jax.random.normal(a, (batch, nz))), og, lr, beta1, beta2)
        if average:
            mean = jax.tree.map(lambda m, w: average * m + (1 - average) * w, mean, g)
        return (g, d, og, od, mean), key

    mean = jax.tree.map(jnp.copy, g) if average else ()
    return Task(turn, (g, d, adam_start(g), adam_start(d), mean), [data], g, d)


def plane(layers, width, batch):
    sizes = [width] * layers
    return softplus_game(lambda w, z: mlp(w, z, [*sizes, 2], jax.nn.relu), lambda w, x: mlp(w, x, [*sizes, 1], jax.nn.relu), points(),
                         batch, 2, 1e-3, .5, apart=False)


def gan_mlp():
    return softplus_game(lambda w, z: mlp(w, z, [512, 512, 784], leaky, jnp.tanh), lambda w, x: mlp(w, x, [512, 512, 1], leaky),
                         pictures(28, 1).reshape(-1, 784), 64, 100, 2e-4, .5, apart=False)


def dcgan(side, width, batch, channels=3, normed=True, **game):
    return softplus_game(lambda w, z: dcgan_g(w, z, width, side, channels), lambda w, x: dcgan_d(w, x, width, normed),
                         pictures(side, channels), batch, 100, 2e-4, .5, apart=normed, **game)


def pacgan(batch=200, nz=2, pack=2):
    def G(w, z):
        for _ in range(4):
            z = jax.nn.relu(batch_norm(w, dense(w, z, 400, bias=False)))
        return dense(w, z, 2)

    def D(w, x):
        for _ in range(3):
            x = dense(w, x, 1000).reshape(len(x), 200, 5).max(2)
        return dense(w, x, 1)

    g, d = made(G, jnp.zeros((batch, nz))), made(D, jnp.zeros((batch // pack, 2 * pack)))

    def turn(state, key, data):
        g, d, og, od = state
        key, a, b = jax.random.split(key, 3)
        x, z = draw(a, data, batch).reshape(-1, 2 * pack), jax.random.normal(b, (batch, nz))

        def loss_d(d, fake):
            a, b = jnp.split(D(Weights(d), jnp.concatenate([x, fake])), 2)
            return jax.nn.softplus(-a).mean() + jax.nn.softplus(b).mean()

        fake, back = jax.vjp(lambda g: G(Weights(g), z).reshape(-1, 2 * pack), g)
        grad_d = jax.grad(loss_d)(d, fake)
        grad_g, = back(jax.grad(lambda f: jax.nn.softplus(-D(Weights(d), f)).mean())(fake))
        (d, od), (g, og) = adam(d, grad_d, od, 1e-4, .8), adam(g, grad_g, og, 1e-4, .8)
        return (g, d, og, od), key

    return Task(turn, (g, d, adam_start(g), adam_start(d)), [points()], g, d)


def spectral(p, u):
    """The weights over their largest singular values, by one power iteration from u; and the next u."""
    done, after = dict(p), {}
    for name, start in u.items():
        flat = p[name].reshape(-1, p[name].shape[-1])
        fixed = lax.stop_gradient(flat)
        v = fixed @ start
        v = v / (jnp.linalg.norm(v) + 1e-12)
        after[name] = v @ fixed
        after[name] = after[name] / (jnp.linalg.norm(after[name]) + 1e-12)
        done[name] = p[name] / (v @ flat @ after[name])
    return done, after


def starts(p):
    return {k: jnp.asarray(random.normal(size=x.shape[-1]), jnp.float32) for k, x in p.items() if x.ndim > 1}


def hinge_game(width, beta1, beta2, classes=0, ortho=0., average=0., k=5, batch=64):
    nz = 80 if classes else 128
    data, some = pictures(32), jnp.zeros(batch, jnp.int32)
    net_g, net_d = functools.partial(res_g, width=width, classes=classes), functools.partial(res_d, width=width // 2, classes=classes)
    g, d = made(net_g, jnp.zeros((batch, nz)), some), made(net_d, jnp.zeros((batch, 32, 32, 3)), some)
    ug, ud = starts(g) if classes else {}, starts(d)

    def loss_d(d, ud, fake, x, y):
        weights, ud = spectral(d, ud)
        a, b = jnp.split(net_d(Weights(weights), jnp.concatenate([x, fake]), jnp.concatenate([y, y])), 2)
        return jax.nn.relu(1 - a).mean() + jax.nn.relu(1 + b).mean(), ud

    def loss_g(g, ug, d, z, y):
        weights, ug = spectral(g, ug)
        loss = -net_d(Weights(d), net_g(Weights(weights), z, y), y).mean()
        for name in list(ug)[1:] if ortho else []:
            flat = g[name].reshape(-1, g[name].shape[-1])
            gram = flat.T @ flat
            loss = loss + ortho * jnp.square(gram - jnp.diag(jnp.diag(gram))).sum()
        return loss, ug

    def turn(state, key, data):
        g, d, og, od, ug, ud, mean = state
        for _ in range(k):
            key, a, b, c, e = jax.random.split(key, 5)
            x, y = draw(a, data, batch), jax.random.randint(c, (batch,), 0, max(classes, 1))
            x = x if classes else x + jax.random.uniform(e, x.shape) / 128
            fake = net_g(Weights(spectral(g, ug)[0]), jax.random.normal(b, (batch, nz)), y)
            grad, ud = jax.grad(loss_d, has_aux=True)(d, ud, fake, x, y)
            d, od = adam(d, grad, od, 2e-4, beta1, beta2)
        key, b, c = jax.random.split(key, 3)
        y = jax.random.randint(c, (batch,), 0, max(classes, 1))
        grad, ug = jax.grad(loss_g, has_aux=True)(g, ug, spectral(d, ud)[0], jax.random.normal(b, (batch, nz)), y)
        g, og = adam(g, grad, og, 2e-4, beta1, beta2)
        if average:
            mean = jax.tree.map(lambda m, w: average * m + (1 - average) * w, mean, g)
        return (g, d, og, od, ug, ud, mean), key

    mean = jax.tree.map(jnp.copy, g) if average else ()
    return Task(turn, (g, d, adam_start(g), adam_start(d), ug, ud, mean), [data], g, d)


def cycle():
    """Fakes for D come from the pool, which is a part of the state."""
    x = jnp.zeros((1, 128, 128, 3))
    g, d = [made(translator, x) for _ in range(2)], [made(patches, x) for _ in range(2)]
    T, P = lambda p, x: translator(Weights(p), x), lambda p, x: patches(Weights(p), x)

    def loss_g(g, d, xs):
        loss, fakes = 0, []
        for i, x in enumerate(xs):
            y = T(g[i], x)
            loss = loss + jnp.square(P(d[i], y) - 1).mean() + 10 * jnp.abs(T(g[1 - i], y) - x).mean()
            loss = loss + 5 * jnp.abs(T(g[1 - i], x) - x).mean()
            fakes.append(y)
        return loss, fakes

    def loss_d(d, xs, fakes):
        return sum(jnp.square(P(d[i], xs[1 - i]) - 1).mean() / 2 + jnp.square(P(d[i], fakes[i])).mean() / 2 for i in range(2))

    def turn(state, key, a, b):
        g, d, og, od, pool = state
        key, *keys = jax.random.split(key, 7)
        xs = [draw(keys[0], a, 1), draw(keys[1], b, 1)]
        grad, fakes = jax.grad(loss_g, has_aux=True)(g, d, xs)
        shown, after = [], []
        for i in range(2):
            at, old = jax.random.randint(keys[2 + i], (), 0, 50), jax.random.bernoulli(keys[4 + i])
            shown.append(jnp.where(old, pool[i][at][None], fakes[i]))
            after.append(pool[i].at[at].set(jnp.where(old, fakes[i][0], pool[i][at])))
        grad_d = jax.grad(loss_d)(d, xs, shown)
        (g, og), (d, od) = adam(g, grad, og, 2e-4, .5), adam(d, grad_d, od, 2e-4, .5)
        return (g, d, og, od, after), key

    pool = [jnp.zeros((50, 128, 128, 3)) for _ in range(2)]
    return Task(turn, (g, d, adam_start(g), adam_start(d), pool), [pictures(128, n=64), pictures(128, n=64)], g, d)


def enlarge():
    g = made(resolution, jnp.zeros((4, 24, 24, 3)))

    def turn(state, key, data):
        g, og = state
        key, a = jax.random.split(key)
        high = draw(a, data, 4)
        low = jax.image.resize(high, (4, 24, 24, 3), 'cubic')
        grad = jax.grad(lambda g: jnp.square(resolution(Weights(g), low) - high).mean())(g)
        g, og = adam(g, grad, og, 1e-4, .9)
        return (g, og), key

    return Task(turn, (g, adam_start(g)), [pictures(96, n=256)], g, {})


def wavenet(w, level, width=32, skip=128, levels=256, layers=9, stacks=2):
    def later(x, steps):
        return jnp.pad(x, ((0, 0), (steps, 0), (0, 0)))[:, :-steps]

    dilations = [1 << i for i in range(layers)] * stacks
    h, total = later(w(levels, width)[level], 1) + later(w(levels, width)[level], 2), 0
    for i, d in enumerate(dilations):
        a, b = jnp.split(dense(w, jnp.concatenate([later(h, d), h], 2), 2 * width), 2, 2)
        y = jnp.tanh(a) * jax.nn.sigmoid(b)
        total = total + dense(w, y, skip)
        h = h + dense(w, y, width) if i + 1 < len(dilations) else h
    return dense(w, jax.nn.relu(dense(w, jax.nn.relu(total), skip)), levels)


def sounds():
    g = made(wavenet, jnp.zeros((8, 1024), jnp.int32))

    def loss(g, level):
        p = jax.nn.log_softmax(wavenet(Weights(g), level))
        return -jnp.take_along_axis(p, level[:, :, None], 2).mean()

    def turn(state, key, data):
        g, og = state
        key, a = jax.random.split(key)
        grad = jax.grad(loss)(g, draw(a, data, 8))
        g, og = adam(g, grad, og, 1e-3, .9)
        return (g, og), key

    return Task(turn, (g, adam_start(g)), [random.integers(256, size=(512, 1024)).astype(np.int32)], g, {})


def growing(maps, side, batch):
    return softplus_game(lambda w, z: growing_g(w, z, maps), lambda w, x: growing_d(w, x, maps), pictures(side), batch, 512, 1e-3,
                         0., penalty=10., drift=1e-3, beta2=.99, average=.999)


tasks = {
    'progan-64': lambda: growing([64, 64, 64, 64, 32], 64, 16),
    'wavenet': sounds,
    'points': lambda: plane(2, 128, 512),
    'points-512': lambda: plane(3, 512, 256),
    'pacgan': pacgan,
    'gan-mlp': gan_mlp,
    'dcgan-28': lambda: dcgan(28, 64, 64, 1),
    'dcgan-32': lambda: dcgan(32, 64, 64),
    'dcgan-64': lambda: dcgan(64, 64, 64),
    'dcgan-128': lambda: dcgan(128, 32, 32),
    'wgan-gp': lambda: dcgan(32, 64, 64, normed=False, k=5, penalty=10.),
    'cyclegan-128': cycle,
    'srresnet-x4': enlarge,
    'sngan-resnet-32': lambda: hinge_game(64, 0., .9),
    'biggan-32': lambda: hinge_game(64, .5, .999, classes=8, ortho=1e-4, average=.9999),
}
