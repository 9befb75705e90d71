# SPDX-License-Identifier: MIT
"""Inception v3 and VGG-16 against pytorch-fid's and torchvision's own networks, on the same drawn
weights and pictures; and the Frechet distance of two folders against pytorch-fid's own.

usage: features.py GOLDEN TOOL            holds both to each other, and the golden numbers to what is computed now
       features.py GOLDEN TOOL --write    writes them (tests/parity/features_golden.h)
       features.py GOLDEN TOOL --whole    with VGG-16 at its full width too, which takes 6 GB and minutes
Exit status 77 = skipped.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
try:
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    import pytorch_fid.fid_score
    import pytorch_fid.inception
except ImportError as missing:
    print(f"SKIP: {missing} (pip install numpy pillow torch torchvision pytorch-fid)")
    sys.exit(77)

try:
    import tensorflow
except ImportError:
    tensorflow = None
    print("note: no tensorflow here, so TensorFlow 1's resize is held to its formula in NumPy only")

torch.set_num_threads(2)
GOLDEN, TOOL, WRITE, WHOLE = sys.argv[1], sys.argv[2], "--write" in sys.argv, "--whole" in sys.argv
failed = False


def words(seed, stream, n):
    """The first n words of gm_rng_new(seed, stream): Philox 4x32-10, Salmon et al. 2011."""
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    block = np.arange((n + 3) // 4, dtype=np.uint64)
    c = [block & mask, block >> shift, np.full_like(block, stream & 0xFFFFFFFF), np.full_like(block, stream >> 32)]
    k0, k1 = np.uint64(seed), np.uint64(0)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> shift) ^ c[1] ^ k0, p1 & mask, (p0 >> shift) ^ c[3] ^ k1, p0 & mask]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & mask, (k1 + np.uint64(0xBB67AE85)) & mask
    return np.stack(c, 1).reshape(-1)[:n]


def draw(name, shape):
    """A tensor as src/metrics/network.h says."""
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    size = int(np.prod(shape))
    middle, reach = 0.0, 0.1
    if len(shape) > 1:
        reach = np.sqrt(6.0 / (size // shape[0]))
    elif name.endswith("bn.weight") or name.endswith("running_var"):
        middle, reach = 1.0, 0.2
    u = words(1, h, size).astype(np.float64) * 2.0**-32
    return torch.from_numpy((middle + reach * (2 * u - 1)).astype(np.float32).reshape(shape))


def drawn(model):
    state = {k: v if v.dtype == torch.int64 else draw(k, tuple(v.shape)) for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    return state


def pictures(stream, n, channels, height, width):
    """Bytes: the upper eight bits of words."""
    b = (words(2, stream, n * channels * height * width) >> np.uint64(24)).astype(np.uint8)
    return b.reshape(n, channels, height, width)


def ours(name, weights, b):
    x = b.astype(np.float32) / np.float32(127.5) - np.float32(1)
    out = subprocess.run([TOOL, "run", name, weights, *map(str, b.shape[1:])], input=x.tobytes(),
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(out, np.float32)


def same(what, got, want, tolerance):
    """Relative: the difference's norm over the wanted one's; and the largest of all."""
    global failed
    got, want = np.asarray(got, np.float64).ravel(), np.asarray(want, np.float64).ravel()
    off = np.linalg.norm(got - want) / np.linalg.norm(want)
    most = np.abs(got - want).max() / np.abs(want).max()
    ok = got.shape == want.shape and off <= tolerance and most <= tolerance
    failed |= not ok
    print(f"{'ok  ' if ok else 'FAIL'} {what}: relative {off:.2e}, largest {most:.2e} (allowed {tolerance:g})")


def resize_tf1(x, side):
    """tf.compat.v1.image.resize_bilinear without align_corners: pixel i lies at i * in / out."""
    def axis(n):
        at = np.arange(side, dtype=np.float32) * np.float32(n / side)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, n - 1), (at - low).astype(np.float32)
    top, bottom, v = axis(x.shape[2])
    left, right, h = axis(x.shape[3])
    a, b = x[:, :, top], x[:, :, bottom]
    a, b = a[..., left] + (a[..., right] - a[..., left]) * h, b[..., left] + (b[..., right] - b[..., left]) * h
    return torch.from_numpy(a + (b - a) * v[:, None])


def check_resize(what, b):
    if tensorflow:
        x = b.astype(np.float32)
        theirs = tensorflow.compat.v1.image.resize_bilinear(x.transpose(0, 2, 3, 1), (299, 299), align_corners=False).numpy()
        same(f"TensorFlow's resize, {what}", resize_tf1(x, 299), theirs.transpose(0, 3, 1, 2), 1e-6)


def colour(b):
    return np.repeat(b, 3, 1) if b.shape[1] == 1 else b


golden = {}
sets = {"colour": pictures(0, 3, 3, 40, 56), "grey": pictures(1, 2, 1, 28, 28), "large": pictures(2, 1, 3, 320, 310)}
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    # pytorch-fid's own network, told to load these weights instead of the published ones
    inner = {}

    def remember(*args, **kwargs):
        return inner["state"]

    pytorch_fid.inception.load_state_dict_from_url = remember
    bare = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
    inner["state"] = drawn(bare)
    net = pytorch_fid.inception.InceptionV3([3]).eval()
    plain = pytorch_fid.inception.InceptionV3([3], resize_input=False, normalize_input=False).eval()
    state = inner["state"]
    files = {"zip": folder + "/zip.pth", "pickles": folder + "/pickles.pth", "npz": folder + "/weights.npz"}
    torch.save(state, files["zip"])
    torch.save({"state_dict": state, "epoch": 3}, files["pickles"], _use_new_zipfile_serialization=False)
    np.savez(files["npz"], **{k: v.numpy() for k, v in state.items()})

    for what, b in sets.items():
        n = len(b)
        check_resize(what, b)
        f = net(torch.from_numpy(colour(b).astype(np.float32) / 255))[0].reshape(n, 2048)
        logits = f @ state["fc.weight"].T + state["fc.bias"]
        got = ours("inception", files["zip"], b)
        same(f"inception, {what}: features", got[:n * 2048], f, 1e-4)
        same(f"inception, {what}: logits", got[n * 2048:], logits, 1e-4)
        golden[f"inception_{what}"] = f[-1][::64]
        if what == "colour":
            for how in ("pickles", "npz"):
                again = ours("inception", files[how], b)
                same(f"inception, {what}, weights by {how}", again, got, 0)
            same(f"inception, {what}, weights drawn by ours", ours("inception", "-", b), got, 0)
        t = (resize_tf1(colour(b).astype(np.float32), 299) - 128) / 128
        f = plain(t)[0].reshape(n, 2048)
        got = ours("inception-tf", files["zip"], b)
        same(f"inception-tf, {what}: features", got[:n * 2048], f, 1e-4)
        same(f"inception-tf, {what}: logits", got[n * 2048:], f @ state["fc.weight"].T, 1e-4)
        golden[f"inception_tf_{what}"] = f[-1][::64]

    # two folders, by pytorch-fid's own command
    rows = 24
    for name, stream, drift in (("a", 5, 0), ("b", 6, 40)):
        os.mkdir(f"{folder}/{name}")
        b = pictures(stream, rows, 3, 8, 8).astype(int) // 2 + drift
        with open(f"{folder}/{name}.txt", "w") as listing:
            for i in range(rows):
                path = f"{folder}/{name}/{i:03}.png"
                big = np.asarray(Image.fromarray(b[i].transpose(1, 2, 0).astype(np.uint8)).resize((64, 48), Image.BICUBIC))
                Image.fromarray(big).save(path)
                listing.write(path + "\n")
    theirs = {}
    for name in "ab":
        theirs[name] = pytorch_fid.fid_score.compute_statistics_of_path(f"{folder}/{name}", net, 12, 2048, "cpu", 0)
    (m1, s1), (m2, s2) = theirs["a"], theirs["b"]
    # Of 24 pictures the covariances have rank 23, where scipy's sqrtm is at its worst: the root's
    # trace is that of the eigenvalues of s1 s2, here from a symmetric form of the same.
    w, v = np.linalg.eigh(s1)
    root = v * np.sqrt(np.maximum(w, 0)) @ v.T
    trace = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ s2 @ root), 0)).sum()
    want = ((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * trace
    got = float(subprocess.run([TOOL, "fid", "inception", files["zip"], f"{folder}/a.txt", f"{folder}/b.txt"],
                               stdout=subprocess.PIPE, check=True).stdout)
    same(f"fid of two folders, by a symmetric root: {got:.6f} for {want:.6f}", got, want, 1e-3)
    try:
        want = pytorch_fid.fid_score.calculate_frechet_distance(m1, s1, m2, s2)
        same(f"fid of two folders, by pytorch-fid: {got:.6f} for {want:.6f}", got, want, 1e-3)
    except Exception as trouble:
        print(f"pytorch-fid's own distance fails here: {trouble}")

    # VGG-16 at an eighth of its width, which tests can afford, and whole
    class Narrow(torchvision.models.vgg.VGG):
        def __init__(self, divide):
            shape = [v if v == "M" else v // divide for v in torchvision.models.vgg.cfgs["D"]]
            super().__init__(torchvision.models.vgg.make_layers(shape), init_weights=False)
            wide = 4096 // divide
            self.classifier[0] = torch.nn.Linear(512 // divide * 49, wide)
            self.classifier[3] = torch.nn.Linear(wide, wide)
            self.classifier[6] = torch.nn.Linear(wide, 1000)

    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for name, divide in (("vgg16-narrow", 8), ("vgg16", 1))[:1 + WHOLE]:
        vgg = Narrow(divide).eval()
        path = folder + "/vgg.pth"
        torch.save(drawn(vgg), path)
        for what, b in sets.items():
            x = resize_tf1(colour(b).astype(np.float32), 224) / 255
            x = (x - mean[:, None, None]) / deviation[:, None, None]
            x = torch.flatten(vgg.avgpool(vgg.features(x)), 1)
            f = vgg.classifier[:5](x)
            d = f.shape[1]
            got = ours(name, path, b)
            same(f"{name}, {what}: features", got[:len(b) * d], f, 1e-4)
            same(f"{name}, {what}: logits", got[len(b) * d:], vgg.classifier[6](f), 1e-4)
            if divide == 8:
                golden[f"vgg16_narrow_{what}"] = f[-1][::16]
            if divide == 1:
                break

used = ("inception_colour", "inception_grey", "inception_tf_large", "vgg16_narrow_colour", "vgg16_narrow_grey")
golden = {k: golden[k] for k in used}
lines = "".join(f"GOLDEN({k}, {', '.join(f'{float(x):.9g}' for x in v)})\n" for k, v in golden.items())
header = ("/* SPDX-License-Identifier: MIT\n *\n * features_golden.h -- written by features.py: every 64th (of VGG-16 every\n"
          " * 16th) feature of the last picture of each set, by pytorch-fid's and torchvision's networks. */\n"
          "/* clang-format off */\n")
if WRITE:
    with open(GOLDEN, "w") as out:
        out.write(header + lines)
else:
    kept = {m[1]: [float(x) for x in m[2].split(",")] for m in re.finditer(r"^GOLDEN\((\w+), (.*)\)$", open(GOLDEN).read(), re.M)}
    for k, v in golden.items():
        same(f"golden {k}", kept.get(k, []), v, 1e-5)
sys.exit(failed)
