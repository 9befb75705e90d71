# SPDX-License-Identifier: MIT
"""Python's own safetensors reads what we write, and we read what it writes.

usage: safetensors.py TOOL (tests/parity/safetensors_tool.c, built). Exit status 77 = skipped.
"""
import os
import subprocess
import sys
import tempfile

# This file has the package's name: its own folder must not come first.
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
try:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file
except ImportError as missing:
    print(f"SKIP: {missing} (pip install safetensors numpy)")
    sys.exit(77)

tool = sys.argv[1]
failures = []


def check(what, got, want):
    if got != want:
        failures.append(f"{what}: got {got!r}, want {want!r}")


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "ours.safetensors")
    subprocess.run([tool, "write", path], check=True)
    known = {
        "u8": ("uint8", [1, 2, 255]), "G/weight": ("float32", [[0, 1, 2], [3, 4, 5]]),
        "scalar": ("float64", 2.5), "i32": ("int32", [-1, 7]), "i64": ("int64", [-5]),
        "u64": ("uint64", 2**64 - 1), "empty": ("float32", []), 'é "q" \\': ("uint8", [1, 2, 255]),
    }
    with safe_open(path, "np") as f:
        check("metadata", f.metadata(), {"model": "dcgan", "text": 'a "b"\n\t\x01 é'})
        check("names", set(f.keys()), set(known))
        for name, (dtype, value) in known.items():
            t = f.get_tensor(name)
            check(name, (str(t.dtype), t.tolist()), (dtype, value))
        check("empty", f.get_tensor("empty").shape, (0, 4))

    rng = np.random.default_rng(1)
    types = {"F32": "f4", "F64": "f8", "I32": "i4", "I64": "i8", "U64": "u8", "U8": "u1", "BOOL": "?", "F16": "f2"}
    tensors, want = {}, set()
    for i, (name, dtype) in enumerate(types.items()):
        shape = tuple(int(n) for n in rng.integers(0, 4, i % 4))
        tensors[f"t/{name}"] = t = np.asarray(rng.integers(0, 100, shape)).astype(dtype)
        want.add(f"t/{name}|{name}|{','.join(map(str, shape))}|{sum(t.tobytes())}")
    want.add("meta|schlüssel|wert")
    path = os.path.join(folder, "theirs.safetensors")
    save_file(tensors, path, {"schlüssel": "wert"})
    lines = subprocess.run([tool, "read", path], check=True, capture_output=True, text=True).stdout
    check("lines", set(lines.splitlines()), want)

print("\n".join(failures) or "safetensors: both directions agree")
sys.exit(bool(failures))
