# SPDX-License-Identifier: MIT
"""The golden numbers of test_metrics.c, from well-known implementations: SciPy, scikit-learn, prdc.

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
    from prdc import compute_prdc
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
