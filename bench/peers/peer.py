# SPDX-License-Identifier: MIT
"""peer.py TASK SECONDS [WORD...]: trains one of nets.py's tasks for about so many seconds and prints a line of JSON.

Words: eager or compile, default or channels_last, apart or joined, fused or foreach.
"""
import json
import os
import statistics
import sys
import time

began = time.perf_counter()
import torch

import nets


def main():
    name, seconds, words = sys.argv[1], float(sys.argv[2]), set(sys.argv[3:])
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', os.cpu_count())))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    make, maps, _ = nets.tasks[name]
    options = {'joined': 'joined' in words, 'optimiser': 'foreach' if 'foreach' in words else 'fused'}
    if maps:
        options['channels_last'] = 'channels_last' in words
    if 'compile' in words:
        options['wrap'] = torch.compile
    task = make(**options)
    count = [sum(p.numel() for p in n.parameters()) for n in (task.G, task.D)]
    task.turn()
    ready = time.perf_counter() - began
    for _ in range(2):
        task.turn()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        t = time.perf_counter()
        task.turn()
        times.append(time.perf_counter() - t)
    with open('/proc/self/status') as f:
        peak = next(int(line.split()[1]) * 1024 for line in f if line.startswith('VmHWM'))
    print(json.dumps({'task': name, 'how': ' '.join(sys.argv[3:]), 'step_seconds': statistics.median(times), 'turns': len(times),
                      'parameters_G': count[0], 'parameters_D': count[1], 'seconds_to_first_step': ready,
                      'peak_resident_bytes': peak, 'threads': torch.get_num_threads(), 'torch': torch.__version__}))


if __name__ == '__main__':
    main()
