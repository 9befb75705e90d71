# SPDX-License-Identifier: MIT
"""The golden numbers of test_metrics.c, from well-known implementations: SciPy, scikit-learn, prdc,
scikit-image, TensorFlow.

usage: metrics.py GOLDEN (tests/parity/metrics_golden.h)   holds the file to what is computed now
       metrics.py GOLDEN --write                           writes it
Exit status 77 = skipped.
"""
import os
import re
import sys

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
try:
    import numpy as np
    import scipy.linalg
    import scipy.ndimage
    import tensorflow as tf
    from prdc import compute_prdc
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    from sklearn.metrics.pairwise import polynomial_kernel
    from sklearn.neighbors import KernelDensity, NearestNeighbors
except ImportError as missing:
    print(f"SKIP: {missing} (pip install numpy scipy scikit-learn scikit-image prdc tensorflow-cpu)")
    sys.exit(77)

golden = {}


def words(seed, stream, n):
    """The first n words of gm_rng_new(seed, stream): Philox 4x32-10, Salmon et al. 2011."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    block = np.arange((n + 3) // 4, dtype=np.uint64)
    c = [block & mask, block >> shift, np.full_like(block, stream), np.zeros_like(block)]
    k0, k1 = np.uint64(seed), np.uint64(0)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> shift) ^ c[1] ^ k0, p1 & mask, (p0 >> shift) ^ c[3] ^ k1, p0 & mask]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & mask, (k1 + np.uint64(0xBB67AE85)) & mask
    return np.stack(c, 1).reshape(-1)[:n]


def draw(stream, shape, scale, shift):
    u = (words(7, stream, int(np.prod(shape))) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    return (u * np.float32(scale) + np.float32(shift)).astype(np.float32).reshape(shape)


def fid(x, y):
    """As pytorch-fid: trace of scipy's root of the product of numpy's covariances."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    full = min(len(x), len(y)) > x.shape[1]
    root = np.trace(scipy.linalg.sqrtm(s1 @ s2)).real if full else np.sqrt(np.linalg.eigvals(s1 @ s2) + 0j).real.sum()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * root


x, y, few = draw(2, (300, 16), 1, 0), draw(3, (200, 16), 2, -.25), draw(4, (10, 16), 1, 0)
golden["fid"] = fid(x, y)
golden["fid_few"] = fid(x, few)


def kid(x, y):
    """Binkowski et al.'s estimator over all rows, kernel by scikit-learn."""
    m = len(x)
    k = [polynomial_kernel(a, b, degree=3, gamma=None, coef0=1) for a, b in ((x, x), (y, y), (x, y))]
    within = (k[0].sum() - np.trace(k[0]) + k[1].sum() - np.trace(k[1])) / (m * (m - 1))
    return within - 2 * k[2].sum() / m**2


golden["kid"] = kid(draw(5, (120, 24), 2, 0).astype(np.float64), draw(6, (120, 24), 2, .125).astype(np.float64))

for k in 3, 5:
    a, b = draw(10, (400, 8), 1, 0).astype(np.float64), draw(11, (300, 8), 1, .125).astype(np.float64)
    for name, value in compute_prdc(a, b, nearest_k=k).items():
        golden[f"{name}_{k}"] = float(value)

a, b = draw(12, (200, 4), 1, 0), draw(13, (200, 4), 1, .25)
both = np.concatenate([a, b]).astype(np.float64)
nearest = NearestNeighbors(n_neighbors=2).fit(both).kneighbors(both, return_distance=False)[:, 1]
right = (nearest >= 200) == (np.arange(400) >= 200)
golden["one_nn"], golden["one_nn_real"], golden["one_nn_fake"] = right.mean(), right[:200].mean(), right[200:].mean()


def inception_score(p, splits):
    """As Salimans et al.'s code."""
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits:(i + 1) * len(p) // splits]
        scores.append(np.exp((part * (np.log(part) - np.log(part.mean(0, keepdims=True)))).sum(1).mean()))
    return np.mean(scores), np.std(scores)


logits = draw(14, (105, 12), 8, -4).astype(np.float64)
p = np.exp(logits)
golden["is"], golden["is_std"] = inception_score(p / p.sum(1, keepdims=True), 10)

x, y = draw(16, (50, 6), 1, 0).astype(np.float64), draw(17, (1100, 6), 1, 0).astype(np.float64)
ll = KernelDensity(bandwidth=.2, kernel="gaussian", rtol=0, atol=0).fit(y).score_samples(x)
golden["parzen"], golden["parzen_error"], golden["parzen_last"] = ll.mean(), ll.std() / np.sqrt(50), ll[-1]

a, c = draw(18, (2, 3, 24, 21), 2, -1), draw(19, (2, 3, 24, 21), 2, -1)
b = np.float32(.75) * a + np.float32(.25) * c
for i in 0, 1:
    golden[f"psnr_{i}"] = peak_signal_noise_ratio(a[i].astype(np.float64), b[i].astype(np.float64), data_range=2)
    golden[f"ssim_{i}"] = structural_similarity(
        a[i].astype(np.float64), b[i].astype(np.float64), data_range=2, channel_axis=0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False)

a, c = draw(20, (1, 3, 192, 176), 2, -1), draw(21, (1, 3, 192, 176), 2, -1)
b = np.float32(.25) * a + np.float32(.75) * c
golden["ms_ssim"] = float(tf.image.ssim_multiscale(a.transpose(0, 2, 3, 1), b.transpose(0, 2, 3, 1), max_val=2.)[0])


def swd(pictures, patches, directions, seed):
    """Karras et al.'s protocol by scipy.ndimage and numpy, with gm_rng's places and directions."""
    line = np.float64([1, 4, 6, 4, 1]) / 16
    kernel = np.outer(line, line)[None, None]
    down = lambda x: scipy.ndimage.convolve(x, kernel, mode="mirror")[:, :, ::2, ::2]

    def up(x):
        big = np.zeros(x.shape[:2] + (2 * x.shape[2], 2 * x.shape[3]))
        big[:, :, ::2, ::2] = x
        return scipy.ndimage.convolve(big, 4 * kernel, mode="mirror")

    result, low = [], [x.astype(np.float64) for x in pictures]
    while True:
        last, sets = low[0].shape[3] // 2 < 16, []
        for side in 0, 1:
            x, level = low[side], len(result)
            if not last:
                low[side] = down(x)
                x = x - up(low[side])
            n, ch, h, w = x.shape
            u = words(seed, 2 * level + side, n * patches * 2).reshape(n, patches, 2)
            at = (u * np.array([h - 6, w - 6], np.uint64)) >> np.uint64(32)
            d = np.stack([x[i, :, t:t + 7, e:e + 7] for i in range(n) for t, e in at[i].astype(int)])
            d = (d - d.mean((0, 2, 3), keepdims=True)) / d.std((0, 2, 3), keepdims=True)
            sets.append(d.reshape(len(d), -1))
        u = words(seed, 2**20 + len(result), 2 * directions * ch * 49).reshape(directions, ch * 49, 2).astype(np.float64)
        v = np.sqrt(-2 * np.log((u[:, :, 0] + .5) / 2**32)) * np.cos(2 * np.pi * u[:, :, 1] / 2**32)
        v /= np.sqrt((v**2).sum(1, keepdims=True))
        projected = [np.sort(s @ v.T, 0) for s in sets]
        result.append(np.abs(projected[0] - projected[1]).mean())
        if last:
            return result


real, fake = draw(22, (6, 3, 32, 32), 2, -1), draw(23, (6, 3, 32, 32), 2, -1)
fake = fake * fake * fake
for level, value in enumerate(swd([real, fake], 8, 40, 3)):
    golden[f"swd_{level}"] = value

if "--write" in sys.argv:
    with open(sys.argv[1], "w") as f:
        f.write("/* SPDX-License-Identifier: MIT\n *\n * Written by metrics.py --write; not by hand. */\n")
        for name, value in golden.items():
            f.write(f"GOLDEN({name}, {float(value)!r})\n")
with open(sys.argv[1]) as f:
    kept = {name: float(value) for name, value in re.findall(r"GOLDEN\((\w+), (.*)\)", f.read())}
bad = [f"{n}: {golden.get(n)} now, {kept.get(n)} kept" for n in sorted(set(golden) | set(kept))
       if n not in golden or n not in kept or abs(golden[n] - kept[n]) > 1e-7 * max(1, abs(golden[n]))]
print("\n".join(bad) or f"metrics: {len(kept)} golden numbers hold")
sys.exit(bool(bad))
