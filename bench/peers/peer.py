# SPDX-License-Identifier: MIT
"""peer.py TASK SECONDS [WORD...]: runs one of the tasks for about so many seconds and prints a line of JSON.

Words: torch, jax or onnx; for torch: eager or compile, default or channels_last, apart or joined, fused or foreach. With the word
sample the generator is timed alone, in batches of 64: onnx is ONNX Runtime with PyTorch's generator, and exists only for that.
"""
import json
import os
import statistics
import sys
import time

began = time.perf_counter()
threads = int(os.environ.get('OMP_NUM_THREADS', os.cpu_count()))
BATCH = 64


def torch_task(name, words):
    import torch
    import nets
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    make, maps, _ = nets.tasks[name]
    options = {'joined': 'joined' in words, 'optimiser': 'foreach' if 'foreach' in words else 'fused'}
    if maps:
        options['channels_last'] = 'channels_last' in words
    if 'compile' in words:
        options['wrap'] = torch.compile
    task = make(**options)
    task.count = [sum(p.numel() for p in n.parameters()) for n in (task.G, task.D)]
    return task, torch.__version__


def torch_samples(name, words):
    """The generator in inference mode, with spectral norm folded into the weights."""
    import torch
    task, version = torch_task(name, words - {'compile'})
    for m in task.G.modules():
        if hasattr(m, 'parametrizations'):
            torch.nn.utils.parametrize.remove_parametrizations(m, 'weight')
    task.G.eval().requires_grad_(False)
    task.G = getattr(task, 'sampler', task.G)
    classes = getattr(task, 'classes', 0)
    given = [torch.randn(BATCH, task.nz)] + ([torch.arange(BATCH) % classes] if classes else [])
    return task, given, version


class TorchSamples:
    def __init__(self, name, words):
        import torch
        task, self.given, self.version = torch_samples(name, words)
        self.G, self.mode = torch.compile(task.G) if 'compile' in words else task.G, torch.inference_mode
        self.count = task.count

    def turn(self):
        with self.mode():
            self.given[0].normal_()
            self.G(*self.given)


class OnnxSamples:
    def __init__(self, name, words):
        import io
        import onnxruntime
        import torch
        task, given, _ = torch_samples(name, words - {'channels_last'})
        file, names = io.BytesIO(), ['z', 'y'][:len(given)]
        torch.onnx.export(task.G, tuple(given), file, input_names=names, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(file.getvalue(), options, providers=['CPUExecutionProvider'])
        have = {i.name for i in self.session.get_inputs()}
        self.given = {k: v.numpy() for k, v in zip(names, given) if k in have}
        self.count, self.draw, self.version = task.count, torch.Tensor.normal_, onnxruntime.__version__
        self.z = given[0]

    def turn(self):
        self.draw(self.z)  # self.given has the same memory
        self.session.run(None, self.given)


def jax_task(name):
    import jax
    import nets_jax
    return nets_jax.tasks[name](), jax.__version__


def main():
    name, seconds, words = sys.argv[1], float(sys.argv[2]), set(sys.argv[3:])
    if 'sample' in words:
        task = (OnnxSamples if 'onnx' in words else TorchSamples)(name, words)
        version = task.version
    else:
        task, version = jax_task(name) if 'jax' in words else torch_task(name, words)
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
                      'parameters_G': task.count[0], 'parameters_D': task.count[1], 'seconds_to_first_step': ready,
                      'peak_resident_bytes': peak, 'threads': threads, 'version': version}))


if __name__ == '__main__':
    main()
