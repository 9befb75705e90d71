#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""events.py GANYMEDE -- TensorBoard's own reader finds in a run's event files what stats.jsonl says.

Skipped (77) where Python has no tensorboard."""
import glob, json, os, subprocess, sys, tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as e:
    print(f"SKIPPED: Python here has no TensorBoard ({e}); pip install tensorboard")
    sys.exit(77)

with tempfile.TemporaryDirectory() as out:
    train = [sys.argv[1], "train"]
    subprocess.run(train + "dcgan --data shapes --width 4 --batch 8 --steps 6 --log-every 2 --sample-every 3"
                   " --tensorboard yes --outdir".split() + [out], check=True, capture_output=True)
    run = glob.glob(out + "/*")[0]
    subprocess.run(train + ["--resume", run, "--steps", "8", "--log-every", "2"], check=True, capture_output=True)
    acc = EventAccumulator(run, size_guidance={"scalars": 0, "images": 0})
    acc.Reload()
    lines = [json.loads(line) for line in open(os.path.join(run, "stats.jsonl"))]
    tags = [k for k in lines[0] if k not in ("step", "seen")]
    assert sorted(acc.Tags()["scalars"]) == sorted(tags), (acc.Tags(), tags)
    for tag in tags:
        got = {e.step: e.value for e in acc.Scalars(tag)}
        for line in lines:
            want = line[tag]
            assert abs(got[line["step"]] - want) <= 1e-6 * abs(want), (tag, line["step"], got, want)
    images = acc.Images("samples")
    assert [i.step for i in images] == [0, 3, 6, 8] or [i.step for i in images] == [0, 3, 6, 6, 8], images
    first = open(os.path.join(run, "fakes-init.png"), "rb").read()
    assert images[0].encoded_image_string == first and images[0].width > 0
    print(f"TensorBoard reads {len(tags)} scalars at {len(lines)} steps and {len(images)} pictures")
