#!/usr/bin/env python3
"""Times whole training steps in PyTorch, eager, on the CPU: the twin of the example `steps`.

    python3 torch_steps.py [--threads 2] [--json] [--channels-last] [--fused] [--case NAME]

Without --case every case, each in a process of its own. Needs torch, numpy. A step is
zero_grad(set_to_none=True), forward, mean cross-entropy, backward, SGD with learning rate 0.1
(plain for the perceptrons, momentum 0.9 for the ResNets), on one random batch of a fixed seed.

    ms_per_step    median over at least 2 seconds and 10 steps, after a warm-up
    ms_forward     of that, forward and loss, with the graph recorded
    ms_backward    of that, backward; the rest is the step of SGD
    ms_least       the fastest step: far below the median where others use the machine
    peak_mib       largest resident set of the process, libraries included
    base_mib       resident set after `import torch`, before anything is made
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "golden" / "networks"))

MNIST_MLP, SMALL_MLP = [784, 100, 100, 10], [21, 100, 100, 2]
# name: (network, shape of the batch, number of classes, momentum)
CASES = {
    **{f"mlp784_b{b}": (MNIST_MLP, (b, 784), 10, 0.0) for b in (8, 128, 1024)},
    **{f"mlp21_b{b}": (SMALL_MLP, (b, 21), 2, 0.0) for b in (8, 128)},
    "resnet20_b128": ("resnet20", (128, 3, 32, 32), 10, 0.9),
    "resnet18_b32": ("resnet18", (32, 3, 32, 32), 10, 0.9),
}
WARM_UP_S, LEAST_S, LEAST_STEPS = 0.5, 2.0, 10


def memory_mib(field):
    # Not ru_maxrss: that of a new program starts with what its parent had.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def run_case(name, args):
    import torch

    base_mib = memory_mib("VmRSS")
    from networks import Mlp, cifar_resnet, torchvision_resnet

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    network, shape, n_classes, momentum = CASES[name]
    if network == "resnet20":
        model = cifar_resnet(20, n_classes)
    elif network == "resnet18":
        model = torchvision_resnet(18, n_classes, cifar_stem=True)
    else:
        model = Mlp(network)
    x, y = torch.randn(shape), torch.randint(n_classes, shape[:1])
    if args.channels_last and len(shape) == 4:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=momentum, fused=args.fused or None
    )

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x), y)
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        optimizer.step()
        return time.perf_counter() - start, forward - start, backward - forward, loss

    deadline, n_warm = time.perf_counter() + WARM_UP_S, 0
    while n_warm < 2 or time.perf_counter() < deadline:
        step()
        n_warm += 1
    times, end = [], time.perf_counter() + LEAST_S
    while len(times) < LEAST_STEPS or time.perf_counter() < end:
        *parts, loss = step()
        times.append(parts)
    assert torch.isfinite(loss), "the training diverged"
    ms = [1e3 * statistics.median(column) for column in zip(*times)]
    return {
        "case": name,
        "tool": "pytorch " + torch.__version__.split("+")[0],
        "threads": args.threads,
        "ms_per_step": round(ms[0], 4),
        "peak_mib": round(memory_mib("VmHWM"), 1),
        "ms_forward": round(ms[1], 4),
        "ms_backward": round(ms[2], 4),
        "base_mib": round(base_mib, 1),
        "ms_least": round(1e3 * min(total for total, *_ in times), 4),
        "n_steps": len(times),
        "memory_format": "channels_last" if args.channels_last else "contiguous",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--fused", action="store_true", help="the fused SGD of torch")
    parser.add_argument("--json", action="store_true", help="one line of JSON per case")
    args = parser.parse_args()
    if args.case is None:
        for name in CASES:
            subprocess.run([sys.executable, *sys.argv, "--case", name], check=True)
        return
    row = run_case(args.case, args)
    if args.json:
        print(json.dumps(row), flush=True)
    else:
        print(
            f"{row['case']:14} {row['ms_per_step']:10.3f} ms"
            f" (least {row['ms_least']:.3f}, forward {row['ms_forward']:.3f},"
            f" backward {row['ms_backward']:.3f})"
            f" {row['peak_mib']:8.1f} MiB (torch alone {row['base_mib']:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
