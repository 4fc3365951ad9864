#!/usr/bin/env python3
"""Times the gradients behind a probe in PyTorch, on the CPU: the twin of the example `draw_times`.

    python3 torch_probe.py CASE N_SAMPLES THREADS      CASE: mlp (784-100-100-100-1, mean square
                                                      on ±1) or resnet20

Prints a line of JSON. Needs torch, numpy.

    loop_s    the loop of backward passes: 1000 minibatches at B = 8, 32, 128, 400 and 100 numbers picked out of each
              gradient. From a few of each size, since all of them take most of an hour with ResNet-20.
    func_s    torch.func: vmap(grad) over N_SAMPLES samples in chunks, 100 numbers of each, and the means of 1000 minibatches
              of every size by index_select. From a share of the samples.

Random inputs, since no time depends on their values. Batch normalisation is in evaluation mode, its statistics frozen.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "golden" / "networks"))

import torch
import torch.nn.functional as F
from networks import Mlp, cifar_resnet
from torch.func import functional_call, grad, vmap

SIZES, N_DRAWS, N_PARAMETERS = (8, 32, 128, 400), 1000, 100
case, n_samples, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)
if case == "mlp":
    model, shape, chunk, n_timed = Mlp([784, 100, 100, 100, 1], "relu"), (784,), 512, 8192
    criterion = F.mse_loss
else:
    model, shape, chunk, n_timed = cifar_resnet(20, 100), (3, 32, 32), 64, 512
    criterion = F.cross_entropy
model.eval()
params = list(model.parameters())
ends = torch.tensor([p.numel() for p in params]).cumsum(0)
chosen = torch.randperm(int(ends[-1]))[:N_PARAMETERS].sort().values
tensor_of = torch.searchsorted(ends, chosen, right=True)
starts = ends - torch.tensor([p.numel() for p in params])
inputs = torch.randn(max(n_timed, 400), *shape)
if case == "mlp":
    targets = 2.0 * torch.randint(2, (len(inputs), 1)) - 1.0
else:
    targets = torch.randint(100, (len(inputs),))


def pick(gradients, leading):
    columns = []
    for idx in range(len(params)):
        offsets = chosen[tensor_of == idx] - starts[idx]
        if len(offsets):
            columns.append(gradients[idx].reshape(*leading, -1)[..., offsets])
    return torch.cat(columns, -1)


def loop_step(batch_size):
    order = torch.randperm(len(inputs))[:batch_size]
    for p in params:
        p.grad = None
    criterion(model(inputs[order]), targets[order]).backward()
    return pick([p.grad for p in params], ())


def seconds_per_step(batch_size):
    loop_step(batch_size)
    times, begun = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begun < 2:
        start = time.perf_counter()
        loop_step(batch_size)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


steps = {b: seconds_per_step(b) for b in SIZES}
loop_s = sum(N_DRAWS * seconds for seconds in steps.values())

named = {name: p.detach() for name, p in model.named_parameters()}
buffers = dict(model.named_buffers())


def loss(values, x, y):
    return criterion(functional_call(model, (values, buffers), (x[None],)), y[None])


of_samples = vmap(grad(loss), in_dims=(None, 0, 0))


def rows(x, y):
    return pick(list(of_samples(named, x, y).values()), (len(x),))


rows(inputs[:chunk], targets[:chunk])
times = []
for start in range(0, n_timed, chunk):
    begun = time.perf_counter()
    found = rows(inputs[start : start + chunk], targets[start : start + chunk])
    times.append(time.perf_counter() - begun)
# Of a pass of the same chunks without single samples: what the price is beside.
gradients_s = statistics.median(times) / chunk * n_samples
table = torch.randn(n_samples, N_PARAMETERS)
begun = time.perf_counter()
for b in SIZES:
    for _ in range(N_DRAWS):
        table.index_select(0, torch.randperm(n_samples)[:b]).mean(0)
means_s = time.perf_counter() - begun
print(
    json.dumps(
        {
            "tool": f"pytorch {torch.__version__}",
            "case": case,
            "threads": threads,
            "n_samples": n_samples,
            "loop_s": loop_s,
            "loop_400_s": steps[400],
            "func_s": gradients_s + means_s,
            "func_gradients_s": gradients_s,
        }
    )
)
