#!/usr/bin/env python3
"""Times training steps on a GPU, ours and PyTorch's alternately, and prints a table.

    python3 compare_torch.py OURS [--rounds 3] [--case resnet18_b128 ...]

OURS is the example `steps` of noisescope-train, built with --features cuda. Needs torch with CUDA. A
step is zero_grad, forward, mean cross-entropy, backward and SGD with momentum 0.9 on one random
batch; the GPU is waited for at the end of each. PyTorch runs eager and compiled, in both memory
formats, of which the faster counts; precision is that of products: f32, TF32, and for PyTorch bf16
by autocast.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "golden" / "networks"))

CASES = ["mlp784_b128", "resnet20_b128", "resnet18_b128", "resnet18_b400"]
LEAST_S, LEAST_STEPS, WARM_UP = 2.0, 20, 10


def ours(program, case, precision):
    words = [program, "--case", case, "--device", "cuda:0"]
    words += ["--tf32"] if precision == "tf32" else []
    return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["ms_per_step"]


def torch_step(case, precision, compiled, channels_last):
    import torch
    from networks import Mlp, cifar_resnet, torchvision_resnet

    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    name, batch_size = case.split("_b")
    batch_size = int(batch_size)
    model, shape = {
        "mlp784": lambda: (Mlp([784, 100, 100, 10]), (784,)),
        "resnet20": lambda: (cifar_resnet(20, 10), (3, 32, 32)),
        "resnet18": lambda: (torchvision_resnet(18, 10, cifar_stem=True), (3, 32, 32)),
    }[name]()
    x = torch.randn((batch_size, *shape), device="cuda")
    y = torch.randint(10, (batch_size,), device="cuda")
    model = model.cuda()
    if channels_last and len(shape) == 3:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    run = torch.compile(model) if compiled else model

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(run(x), y)
        loss.backward()
        optimizer.step()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    for _ in range(WARM_UP):
        step()
    times, end = [], time.perf_counter() + LEAST_S
    while len(times) < LEAST_STEPS or time.perf_counter() < end:
        times.append(step())
    return 1e3 * statistics.median(times)


def main():
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", nargs="*", default=CASES)
    args = parser.parse_args()
    rows = {}
    for number in range(args.rounds):
        for case in args.case:
            for precision in ("f32", "tf32", "bf16"):
                print(f"round {number + 1} of {args.rounds}: {case}, {precision}", file=sys.stderr)
                times = {}
                if precision != "bf16":
                    times["ours"] = ours(args.ours, case, precision)
                for compiled in (False, True):
                    formats = (False, True) if case.startswith("resnet") else (False,)
                    best = min(torch_step(case, precision, compiled, last) for last in formats)
                    times["compiled" if compiled else "eager"] = best
                for tool, milliseconds in times.items():
                    rows.setdefault((case, precision), {}).setdefault(tool, []).append(milliseconds)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; ms per step, medians of {args.rounds} rounds\n")
    print("| case | products | ours | eager | compiled | ours / eager | ours / compiled |")
    print("|---|---|---|---|---|---|---|")
    for (case, precision), tools in rows.items():
        median = {tool: statistics.median(times) for tool, times in tools.items()}
        own = median.get("ours", float("nan"))
        cells = [own, median["eager"], median["compiled"]]
        cells = [f"{cell:.3f}" for cell in cells] + [f"{own / median['eager']:.2f}", f"{own / median['compiled']:.2f}"]
        print(f"| {case} | {precision} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
