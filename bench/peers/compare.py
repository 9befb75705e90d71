# SPDX-License-Identifier: MIT
"""compare.py GANYMEDE [TASK...] [--pairs N] [--seconds S] [--how "WORD..."] [--sample]: Ganymede beside PyTorch and JAX.

For each task PyTorch is tried in every way first (eager and compiled, both layouts, joined and apart, both kinds of its Adam) and
the fastest is kept. Then all run turn about, in processes of their own, and the ratios are printed round by round: above 1,
Ganymede is faster. --sample times the generator alone, in batches of 64, with ONNX Runtime as a further peer and without JAX. --how
takes one way of PyTorch without trying; --list prints the ways' times only. JAX and ONNX Runtime are left out, with a word, where
this Python has not got them.
"""
import argparse
import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys

if importlib.util.find_spec('torch') is None:
    print('SKIPPED: this Python has no torch: python3 -m venv venv && venv/bin/pip install torch, then\n'
          '         make peers PEERS_PYTHON=venv/bin/python', file=sys.stderr)
    sys.exit(77)

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import nets  # noqa: E402


def peer(task, seconds, words):
    r = subprocess.run([sys.executable, os.path.join(here, 'peer.py'), task, str(seconds), *words.split()],
                       capture_output=True, text=True)
    if r.returncode:
        print(f'  {words}: {r.stderr.strip().splitlines()[-1] if r.stderr.strip() else "failed"}')
        return None
    return json.loads(r.stdout.splitlines()[-1])


def ours(program, task, seconds, sample):
    r = subprocess.run([program, 'bench', task, '--json', '--seconds', str(seconds), *(['--sample'] if sample else [])],
                       capture_output=True, text=True)
    if r.returncode:
        sys.exit(r.stderr)
    return json.loads(r.stdout)[0]


def ways(task, sample):
    _, maps, joins = nets.tasks[task]
    layouts = ['default', 'channels_last'] if maps else ['default']
    for layout, mode in itertools.product(layouts, ['eager', 'compile']):
        for join in ['apart', 'joined'] if joins and not sample else ['apart']:
            yield f'{mode} {layout} {join} fused' + (' sample' if sample else '')
    if not sample:
        yield f'eager {"channels_last" if maps else "default"} {"joined" if joins else "apart"} foreach'


def best_way(task, seconds, sample):
    best = None
    for words in ways(task, sample):
        r = peer(task, seconds, words)
        if r:
            print(f'  {words:40} {1e3 * r["step_seconds"]:9.2f} ms', flush=True)
            if best is None or r['step_seconds'] < best['step_seconds']:
                best = r
    return best['how'] if best else None


def peers_of(sample):
    """Name to words, of the peers beside PyTorch that this Python has."""
    name, module, words = ('ONNX Runtime', 'onnxruntime', 'onnx sample') if sample else ('JAX', 'jax', 'jax')
    if importlib.util.find_spec(module) is None:
        print(f'SKIPPED: {name}: this Python has no {module} (pip install {"onnx onnxruntime" if sample else "jax"})', file=sys.stderr)
        return {}
    return {name: words}


def compare(program, task, peers, pairs, seconds, sample):
    ratios = {name: [] for name in peers}
    for i in range(pairs):
        b = ours(program, task, seconds, sample)
        print(f'  Ganymede {1e3 * b["step_seconds"]:.2f} ms ({100 * b["share_of_sgemm"]:.0f}% of sgemm\'s '
              f'{b["sgemm_gflop_per_second"]:.0f} GFLOP/s), peak {b["peak_resident_bytes"] / 1e6:.0f} MB, first step after '
              f'{b["seconds_to_first_step"]:.2f} s')
        for name, words in list(peers.items()):
            c = peer(task, seconds, words)
            if not c:
                del peers[name]
                continue
            n = c['parameters_G'] + c['parameters_D']
            if i == 0:
                print(f'  {name} {c["version"]}: {n} parameters, ours {b["parameters"]}; {c["threads"]} threads, ours {b["threads"]}')
            ratios[name].append(c['step_seconds'] / b['step_seconds'])
            print(f'    {name} {1e3 * c["step_seconds"]:.2f} ms: ratio {ratios[name][-1]:.2f}; peak '
                  f'{c["peak_resident_bytes"] / 1e6:.0f} MB, first step after {c["seconds_to_first_step"]:.2f} s', flush=True)
    for name, r in ratios.items():
        if r:
            print(f'  {task}{" --sample" if sample else ""}, {name}: median ratio {statistics.median(r):.2f} of {len(r)}', flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('program')
    p.add_argument('task', nargs='*')
    p.add_argument('--pairs', type=int, default=3)
    p.add_argument('--seconds', type=float, default=3)
    p.add_argument('--how')
    p.add_argument('--list', action='store_true')
    p.add_argument('--sample', action='store_true')
    a = p.parse_args()
    others = peers_of(a.sample)
    for task in a.task or nets.tasks:
        if task not in nets.tasks:
            sys.exit(f'there is no task {task}: {", ".join(nets.tasks)}')
        if a.sample and task in nets.do_not_sample:
            if a.task:
                sys.exit(f'{task} does not generate from noise: --sample is not for it')
            continue
        print(task)
        how = a.how or best_way(task, min(a.seconds, 2), a.sample)
        if how and not a.list:
            compare(a.program, task, {f'PyTorch ({how})': how, **others}, a.pairs, a.seconds, a.sample)


if __name__ == '__main__':
    main()
