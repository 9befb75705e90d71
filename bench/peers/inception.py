# SPDX-License-Identifier: MIT
"""inception.py GANYMEDE [--pairs N] [--seconds S]: Inception features of 32 pictures of 32 x 32 in Ganymede and in PyTorch.

The peer is pytorch-fid's own network with drawn weights, in eager mode without gradients, its resizing included, in PyTorch's
own layout and channels last. All run turn about, in processes of their own, and the ratio is printed pair by pair: above 1,
Ganymede is faster. Peak is resident memory: of Ganymede while the row ran, of PyTorch the process's largest, less what it was
before the network was made in brackets.
"""
import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time

missing = [m for m in ('torch', 'torchvision', 'pytorch_fid') if importlib.util.find_spec(m) is None]
if missing:
    print(f'SKIPPED: this Python has no {", ".join(missing)}: python3 -m venv venv && venv/bin/pip install torch torchvision '
          'pytorch-fid', file=sys.stderr)
    sys.exit(77)


def peer(layout, seconds):
    import torch
    import torchvision
    import pytorch_fid.inception
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bare = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
    pytorch_fid.inception.load_state_dict_from_url = lambda *args, **kwargs: bare.state_dict()
    net = pytorch_fid.inception.InceptionV3([3]).eval()
    del bare
    x = torch.rand(32, 3, 32, 32)
    if layout == 'channels_last':
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    took = []
    with torch.no_grad():
        start = time.monotonic()
        while len(took) < 3 or time.monotonic() - start < seconds:
            t = time.monotonic()
            net(x)
            took.append(time.monotonic() - t)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({'step_seconds': statistics.median(took[1:]), 'threads': torch.get_num_threads(),
                      'peak': peak * 1024, 'net': (peak - before) * 1024}))


def run(words):
    r = subprocess.run(words, capture_output=True, text=True)
    if r.returncode:
        sys.exit(r.stderr)
    return json.loads(r.stdout[r.stdout.index('[') if r.stdout.startswith('[') else r.stdout.index('{'):])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('program', help='ganymede')
parser.add_argument('--pairs', type=int, default=3)
parser.add_argument('--seconds', type=float, default=5)
parser.add_argument('--peer', help=argparse.SUPPRESS)
a = parser.parse_args()
if a.peer:
    peer(a.peer, a.seconds)
    sys.exit()
for layout in ('default', 'channels_last'):
    ratios = []
    for pair in range(a.pairs):
        theirs = run([sys.executable, __file__, a.program, '--peer', layout, '--seconds', str(a.seconds)])
        ours = run([a.program, 'bench', 'inception', '--json', '--seconds', str(a.seconds)])[0]
        ratios.append(theirs['step_seconds'] / ours['step_seconds'])
        print(f'{layout:14} ours {32 / ours["step_seconds"]:7.2f} images/s, peak {ours["peak_resident_bytes"] / 1e6:6.0f} MB; '
              f'PyTorch {32 / theirs["step_seconds"]:7.2f} images/s, peak {theirs["peak"] / 1e6:6.0f} MB '
              f'({theirs["net"] / 1e6:.0f}), {theirs["threads"]} threads; ratio {ratios[-1]:.2f}', flush=True)
    print(f'{layout:14} median ratio {statistics.median(ratios):.2f}')
