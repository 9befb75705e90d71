# SPDX-License-Identifier: MIT
"""compare.py GANYMEDE [TASK...] [--pairs N] [--seconds S] [--how "WORD..."]: the same training in Ganymede and in PyTorch.

For each task PyTorch is tried in every way first (eager and compiled, both layouts, joined and apart, both kinds of its Adam) and
the fastest is kept. Then both run turn about, in processes of their own, and the ratio is printed pair by pair: above 1,
Ganymede is faster. --how takes one way without trying; --list prints the ways' times only.
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


def ours(program, task, seconds):
    r = subprocess.run([program, 'bench', task, '--json', '--seconds', str(seconds)], capture_output=True, text=True)
    if r.returncode:
        sys.exit(r.stderr)
    return json.loads(r.stdout)[0]


def ways(task):
    _, maps, joins = nets.tasks[task]
    for layout, mode in itertools.product(['default', 'channels_last'] if maps else ['default'], ['eager', 'compile']):
        for join in ['apart', 'joined'] if joins else ['apart']:
            yield f'{mode} {layout} {join} fused'
    yield f'eager {"channels_last" if maps else "default"} {"joined" if joins else "apart"} foreach'


def best_way(task, seconds):
    best = None
    for words in ways(task):
        r = peer(task, seconds, words)
        if r:
            print(f'  {words:40} {1e3 * r["step_seconds"]:9.2f} ms')
            if best is None or r['step_seconds'] < best['step_seconds']:
                best = r
    return best['how'] if best else None


def main():
    p = argparse.ArgumentParser()
    p.add_argument('program')
    p.add_argument('task', nargs='*')
    p.add_argument('--pairs', type=int, default=3)
    p.add_argument('--seconds', type=float, default=3)
    p.add_argument('--how')
    p.add_argument('--list', action='store_true')
    a = p.parse_args()
    for task in a.task or nets.tasks:
        if task not in nets.tasks:
            sys.exit(f'there is no task {task}: {", ".join(nets.tasks)}')
        print(task)
        how = a.how or best_way(task, min(a.seconds, 2))
        if not how or a.list:
            continue
        print(f'  PyTorch: {how}')
        ratios = []
        for i in range(a.pairs):
            b, c = (ours(a.program, task, a.seconds), peer(task, a.seconds, how))
            if not c:
                break
            if i == 0:
                n = c['parameters_G'] + c['parameters_D']
                print(f'  parameters: {b["parameters"]} and {n}{"" if b["parameters"] == n else "  NOT THE SAME NETS"}; '
                      f'{b["threads"]} and {c["threads"]} threads; torch {c["torch"]}')
            ratios.append(c['step_seconds'] / b['step_seconds'])
            print(f'  {1e3 * b["step_seconds"]:9.2f} ms, PyTorch {1e3 * c["step_seconds"]:9.2f} ms: ratio {ratios[-1]:.2f}   '
                  f'({100 * b["share_of_sgemm"]:.0f}% of sgemm\'s {b["sgemm_gflop_per_second"]:.0f} GFLOP/s; peak '
                  f'{b["peak_resident_bytes"] / 1e6:.0f} and {c["peak_resident_bytes"] / 1e6:.0f} MB; first step after '
                  f'{b["seconds_to_first_step"]:.2f} and {c["seconds_to_first_step"]:.2f} s)', flush=True)
        if ratios:
            print(f'  median ratio {statistics.median(ratios):.2f}')


if __name__ == '__main__':
    main()
