#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stats.py GANYMEDE -- statistics of features as NumPy has them: what --save-stats writes is numpy's mean and
covariance and loads without pickle, and what numpy.savez writes is read. Skipped (77) where Python has no NumPy."""
import json, subprocess, sys, tempfile

try:
    import numpy as np
except ImportError as e:
    print(f"SKIPPED: Python here has no NumPy ({e}); pip install numpy")
    sys.exit(77)


def fid(m1, s1, m2, s2):
    """The definition, by the eigenvalues of the product, which are real and not negative."""
    roots = np.sqrt(np.maximum(np.linalg.eigvals(s1 @ s2).real, 0)).sum()
    return ((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * roots


with tempfile.TemporaryDirectory() as d:
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((500, 5)) @ rng.standard_normal((5, 5)) + 3).astype(np.float32)
    np.save(d + "/x.npy", x)
    run = lambda *a: subprocess.run([sys.argv[1], "fid", *a], check=True, capture_output=True, cwd=d, text=True).stdout
    run("x.npy", "--save-stats", "x.npz")
    with np.load(d + "/x.npz", allow_pickle=False) as f:
        mu, sigma, protocol = f["mu"], f["sigma"], json.loads(bytes(f["protocol"]))
    assert mu.dtype == sigma.dtype == np.float64 and sigma.shape == (5, 5)
    far = max(abs(mu - x.astype(np.float64).mean(0)).max(), abs(sigma - np.cov(x.astype(np.float64), rowvar=False)).max())
    assert far < 1e-12, far
    assert protocol["of"]["count"] == 500 and protocol["extractor"] == "pixels"
    y = rng.standard_normal((400, 5))
    m2, s2 = y.mean(0), np.cov(y, rowvar=False)
    for order in "C", "F":
        np.savez(d + "/y.npz", mu=m2, sigma=np.asarray(s2, order=order))
        run("x.npz", "y.npz", "--json", "out.json")
        got, want = json.load(open(d + "/out.json"))["scores"]["fid"]["value"], fid(mu, sigma, m2, s2)
        assert abs(got - want) < 1e-9 * want, (got, want)
    np.savez_compressed(d + "/y.npz", mu=m2.astype(np.float32), sigma=s2.astype(np.float32))
    run("x.npz", "y.npz")
    print(f"NumPy reads and writes the same statistics, to {far:.1g}; FID {got:.6f}")
