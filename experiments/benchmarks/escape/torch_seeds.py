#!/usr/bin/env python3
"""Times a step of one seed among many in PyTorch: the twin of the example `seed_steps`.

    python3 torch_seeds.py [--device cpu] [--threads 1] [--batch-sizes 8,128] [--seeds 16,64,256] [--seconds 3]

The network is 21-100-100-2 with ReLU and biases, the loss the mean cross-entropy, a step is plain SGD with a minibatch of
its own for every seed, gathered from 1831 random samples. Prints a line of JSON for each way to do it:

    loop         one seed after the other, forward, backward, update, without torch.nn and without an optimizer object
    vmap         torch.func: vmap(grad(loss)) over the seeds, weights stacked
    bmm          batched matrix products with the backward pass by hand, the update inside of them (baddbmm_): no gradient
                 of a weight is written

The ways take turns, one burst after the other; a burst is a step of all seeds, or 16 of the loop.

    us_per_seed_step   median over bursts of the time of a burst, by seeds and steps
    us_processor       the same of the time on processors, all threads together, by threads: what it would be on a machine
                       without other work

First all three are checked against each other: after 3 steps from the same weights with the same minibatches they agree.
"""

import argparse
import json
import statistics
import time

import torch
from torch.func import grad, vmap

WIDTHS, N_SAMPLES, RATE = [21, 100, 100, 2], 1831, 0.01


def weights():
    torch.manual_seed(1)
    params = []
    for n_in, n_out in zip(WIDTHS, WIDTHS[1:]):
        bound = n_in**-0.5
        params += [torch.empty(n_in, n_out).uniform_(-bound, bound), torch.empty(1, n_out).uniform_(-bound, bound)]
    return params


def loss_of(params, x, y):
    w1, b1, w2, b2, w3, b3 = params
    h = torch.relu(x @ w1 + b1)
    h = torch.relu(h @ w2 + b2)
    return torch.nn.functional.cross_entropy(h @ w3 + b3, y)


class Loop:
    """One seed; a list of weights with the graph of autograd."""

    def __init__(self, n_seeds):
        self.params = [p.clone().requires_grad_() for p in weights()]

    def step(self, x, y):
        loss = loss_of(self.params, x[0], y[0])
        gradients = torch.autograd.grad(loss, self.params)
        with torch.no_grad():
            torch._foreach_add_(self.params, gradients, alpha=-RATE)

    def first(self):
        return [p.detach() for p in self.params]


class Vmap:
    def __init__(self, n_seeds):
        self.params = [p.expand(n_seeds, -1, -1).contiguous() for p in weights()]
        self.gradient = vmap(grad(loss_of))

    def step(self, x, y):
        torch._foreach_add_(self.params, list(self.gradient(self.params, x, y)), alpha=-RATE)

    def first(self):
        return [p[0] for p in self.params]


class Bmm:
    def __init__(self, n_seeds):
        self.params = [p.expand(n_seeds, -1, -1).contiguous() for p in weights()]

    def step(self, x, y):
        w1, b1, w2, b2, w3, b3 = self.params
        h1 = torch.baddbmm(b1, x, w1).relu_()
        h2 = torch.baddbmm(b2, h1, w2).relu_()
        delta = torch.baddbmm(b3, h2, w3).softmax(-1)
        delta.scatter_add_(-1, y.unsqueeze(-1), torch.full_like(delta[..., :1], -1.0))
        delta /= y.shape[-1]
        for w, b, values in ((w3, b3, h2), (w2, b2, h1), (w1, b1, x)):
            below = None if values is x else torch.bmm(delta, w.mT).mul_(values > 0)
            w.baddbmm_(values.mT, delta, alpha=-RATE)
            b.sub_(delta.sum(1, keepdim=True), alpha=RATE)
            delta = below

    def first(self):
        return [p[0] for p in self.params]


def check():
    x, y = torch.randn(N_SAMPLES, WIDTHS[0]), torch.randint(WIDTHS[-1], (N_SAMPLES,))
    ways = [Loop(1), Vmap(3), Bmm(3)]
    for _ in range(3):
        samples = torch.randint(N_SAMPLES, (8,))
        for way in ways:
            n = 1 if isinstance(way, Loop) else 3
            way.step(x[samples].expand(n, -1, -1).contiguous(), y[samples].expand(n, -1).contiguous())
    for way in ways[1:]:
        for found, expected in zip(way.first(), ways[0].first()):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-sizes", type=numbers, default=[8, 128])
    parser.add_argument("--seeds", type=numbers, default=[16, 64, 256])
    parser.add_argument("--seconds", type=float, default=3, help="for each way")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_default_device(args.device)
    wait = torch.cuda.synchronize if args.device.startswith("cuda") else lambda: None
    check()
    features, labels = torch.randn(N_SAMPLES, WIDTHS[0]), torch.randint(WIDTHS[-1], (N_SAMPLES,))
    for batch_size in args.batch_sizes:
        ways = [("loop", 1, Loop(1), 16)]
        for n_seeds in args.seeds:
            ways += [("vmap", n_seeds, Vmap(n_seeds), 1), ("bmm", n_seeds, Bmm(n_seeds), 1)]
        times = [([], []) for _ in ways]
        end = time.perf_counter() + args.seconds * len(ways)
        while time.perf_counter() < end or len(times[0][0]) < 10:
            for (_, n_seeds, way, n_steps), (clock, processor) in zip(ways, times):
                minibatches = torch.randint(N_SAMPLES, (n_steps, n_seeds, batch_size))
                begin, begin_processor = time.perf_counter(), time.process_time()
                for samples in minibatches:
                    way.step(features[samples], labels[samples])
                wait()
                by = 1e6 / (n_seeds * n_steps)
                processor.append((time.process_time() - begin_processor) * by / args.threads)
                clock.append((time.perf_counter() - begin) * by)
        for (name, n_seeds, _, _), (clock, processor) in zip(ways, times):
            row = {
                "tool": "pytorch " + torch.__version__.split("+")[0],
                "way": name,
                "seeds": n_seeds,
                "batch_size": batch_size,
                "threads": args.threads,
                "us_per_seed_step": round(statistics.median(clock[2:]), 2),
                "us_processor": round(statistics.median(processor[2:]), 2),
                "bursts": len(clock),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
