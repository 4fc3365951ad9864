#!/usr/bin/env python3
"""PyTorch's results on small batches, for the networks of crates/train.

    python3 make_golden.py                      every file beside this script
    python3 make_golden.py resnet20             the files of one network
    python3 make_golden.py margins resnet20 50  how far inputs are from kinks (below)

Needs torch, safetensors, numpy; the files were made with torch 2.15.0 on a CPU, one thread.
Where torchvision is installed, the networks of networks.py are compared with it first.

Weights and batches are not stored, but made by a formula. The tensor NAME has at element i
(row-major, torch's shape) the 64 bits

    h(NAME, i) = mix(fnv1a64(NAME) + i * 0x9E3779B97F4A7C15 mod 2^64),

fnv1a64 over the bytes of the name in UTF-8, from 0xcbf29ce484222325 with 0x100000001b3, and mix
the finaliser of splitmix64: z ^= z >> 30, z *= 0xBF58476D1CE4E5B9, z ^= z >> 27,
z *= 0x94D049BB133111EB, z ^= z >> 31. (The first element is mix of the hash itself.) Then
v = 2 (h >> 40) / 2^24 - 1, in [-1, 1) and exact in f32, and the tensors are

    weight with two dimensions or more   v * 2^-j, j the smallest with fan_in <= 12 * 4^j
                                         (the power of two nearest to sqrt(6 / fan_in))
    weight of a batch norm               1 + v / 4
    bias, of any layer                   v / 8
    running_mean, running_var            v / 8, 1 + v / 4
    num_batches_tracked                  3
    input                                v
    labels                               h mod the number of classes

1 + v / 4 is rounded to f32, to nearest; everything else is exact. The f64 networks have these
f32 values too, so that both start from the same numbers. `labels` is a name as any
other; the input is named `input.K`, see NETWORKS (and the metadata of the file); fan_in is the
number of elements of weight[0].

K is chosen for networks with relu: of their millions of activations some lie so close to the kink
that rounding in f32 decides on which side, and one of them moves gradients by 1e-3. With these K
every argument of relu, and the lead of every maximum in a pooling window, is MARGIN times larger
than the root mean square of the difference between f32 and f64 in its layer.

<network>_f32.safetensors, <network>_f64.safetensors: results in that precision, means over the
batch, and running statistics with momentum 0.1 and the unbiased variance, as torch has them.

    labels, input_head             labels, and the first 16 elements of the input
    eval_logits                    in evaluation mode, before anything else
    logits, loss                   in training mode; mean cross-entropy
    gradient_norm.P, gradient_sum.P, gradient_samples.P
                                   for each parameter P: 2-norm and sum (added in f64) and 64
                                   elements, number k at h(P + "#sample", k) mod numel
    buffers.R                      each running_mean and running_var after that pass; of more than
                                   64 elements in resnet50_cifar: 64 elements, chosen in the same way
    sgd1.samples.P, sgd1.loss      16 elements (the first 16 positions) of each parameter after one
                                   step of SGD, and the loss of a second training pass over the batch
    sgd1.eval_logits               after that second pass, in evaluation mode
  and for mlp_*:
    mse                            mean over batch and classes of (logits - one-hot)^2
    mse_gradient_norm.P, ...       gradients of that, as above
    sgd3.losses, sgd3.samples.P    three steps: the losses before each and after the last
    adamw3.losses, adamw3.samples.P

SGD is torch.optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4), AdamW is
torch.optim.AdamW(lr=1e-3, weight_decay=1e-2), on all parameters. A sum cancels: compare it
relative to the norm times sqrt(numel), and samples relative to the norm over sqrt(numel).

resnet8_torch.safetensors      the state dict of resnet8 by the formula, in f32
state_dicts.json               per network: [name, shape, dtype] in order, number of parameters
initialisation.json            the laws from which torch draws parameters
"""

import json
import math
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save

from networks import Mlp, Zhu, cifar_resnet, torchvision_resnet

HERE = Path(__file__).resolve().parent
GOLDEN_RATIO = 0x9E3779B97F4A7C15
N_SAMPLES = 64
N_CLASSES = 10
MARGIN = 5
MLP_WIDTHS = [784, 100, 100, 10]

# name: (network, shape of the batch, name of the input, precisions)
BOTH = (torch.float32, torch.float64)
F64 = (torch.float64,)
NETWORKS = {
    "resnet20": (lambda: cifar_resnet(20), (8, 3, 32, 32), "input.226", BOTH),
    "resnet18_cifar":
        (lambda: torchvision_resnet(18, 10, cifar_stem=True), (4, 3, 32, 32), "input.10", BOTH),
    "resnet18_imagenet": (lambda: torchvision_resnet(18, 10), (2, 3, 64, 64), "input.0", F64),
    "resnet50_cifar":
        (lambda: torchvision_resnet(50, 10, cifar_stem=True), (2, 3, 16, 16), "input.0", F64),
    "zhu": (Zhu, (8, 1, 28, 28), "input.8", BOTH),
    "mlp_relu": (lambda: Mlp(MLP_WIDTHS, "relu"), (8, 784), "input.1", BOTH),
    "mlp_tanh": (lambda: Mlp(MLP_WIDTHS, "tanh"), (8, 784), "input.1", BOTH),
    "mlp_gelu": (lambda: Mlp(MLP_WIDTHS, "gelu"), (8, 784), "input.1", BOTH),
}


def fnv1a64(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def bits(name, n):
    """h(name, 0), ..., h(name, n - 1); numpy wraps modulo 2^64."""
    z = np.arange(n, dtype=np.uint64) * np.uint64(GOLDEN_RATIO)
    z += np.full(1, fnv1a64(name), dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def values(name, shape):
    u = (bits(name, math.prod(shape)) >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy(2 * u - 1).reshape(shape)


def formula_tensor(name, shape):
    """The tensor of that name in a state dict, in f32 (i64 for the number of batches)."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(3)
    v = values(name, shape)
    if len(shape) >= 2:
        fan_in, j = math.prod(shape[1:]), 0
        while fan_in > 12 * 4**j:
            j += 1
        v = v * 2.0**-j
    elif name.endswith("bias") or name.endswith("running_mean"):
        v = v / 8
    else:
        v = 1 + v / 4
    return v.float()


def with_formula(model):
    tensors = {n: formula_tensor(n, tuple(t.shape)) for n, t in model.state_dict().items()}
    model.load_state_dict(tensors, strict=True)
    return model


def formula_input(shape, name="input.0"):
    return values(name, shape).float()


def formula_labels(n, n_classes=N_CLASSES):
    return torch.from_numpy((bits("labels", n) % np.uint64(n_classes)).astype(np.int64))


def samples(name, tensor, n):
    positions = (bits(name + "#sample", n) % np.uint64(tensor.numel())).astype(np.int64)
    return tensor.detach().flatten()[torch.from_numpy(positions)].clone()


def gradients(model, prefix=""):
    out = {}
    for name, parameter in model.named_parameters():
        wide = parameter.grad.double()
        out[f"{prefix}gradient_norm.{name}"] = wide.norm().to(parameter.dtype)
        out[f"{prefix}gradient_sum.{name}"] = wide.sum().to(parameter.dtype)
        out[f"{prefix}gradient_samples.{name}"] = samples(name, parameter.grad, N_SAMPLES)
    return out


def trained(model, optimizer, x, y, n_steps, prefix):
    """Takes the steps; returns the losses before each and after the last, and 16 samples."""
    losses = []
    for step in range(n_steps + 1):
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.detach())
        if step < n_steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    out = {f"{prefix}.samples.{n}": samples(n, p, 16) for n, p in model.named_parameters()}
    return torch.stack(losses), out


def sgd(model):
    return torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )


def adamw(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)


def golden(name, dtype):
    make, shape, input_name, _ = NETWORKS[name]
    x, y = formula_input(shape, input_name).to(dtype), formula_labels(shape[0])
    fresh = lambda: with_formula(make()).to(dtype).train()
    out = {"labels": y, "input_head": x.flatten()[:16].clone()}

    model = fresh()
    with torch.no_grad():
        out["eval_logits"] = model.eval()(x)
    logits = model.train()(x)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    out["logits"], out["loss"] = logits.detach(), loss.detach()
    out |= gradients(model)
    for buffer_name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            whole = name != "resnet50_cifar" or buffer.numel() <= N_SAMPLES
            kept = buffer.clone() if whole else samples(buffer_name, buffer, N_SAMPLES)
            out[f"buffers.{buffer_name}"] = kept

    model = fresh()
    losses, after = trained(model, sgd(model), x, y, 1, "sgd1")
    assert losses[0] == out["loss"], "a second run gives the same"
    out |= after | {"sgd1.loss": losses[1]}
    with torch.no_grad():
        out["sgd1.eval_logits"] = model.eval()(x)

    if name.startswith("mlp"):
        model = fresh()
        mse = F.mse_loss(model(x), F.one_hot(y, N_CLASSES).to(dtype))
        mse.backward()
        out["mse"] = mse.detach()
        out |= gradients(model, "mse_")
        for prefix, optimizer in [("sgd3", sgd), ("adamw3", adamw)]:
            model = fresh()
            losses, after = trained(model, optimizer(model), x, y, 3, prefix)
            out |= after | {f"{prefix}.losses": losses}
    for key, tensor in out.items():
        assert torch.isfinite(tensor).all(), key
    return out


def write_golden(name):
    runs = {}
    for dtype in NETWORKS[name][3]:
        short = {torch.float32: "f32", torch.float64: "f64"}[dtype]
        runs[short] = golden(name, dtype)
        write_tensors(f"{name}_{short}", runs[short], {"input": NETWORKS[name][2]})
    print(name, "loss", {k: float(r["loss"]) for k, r in runs.items()},
          "then", {k: float(r["sgd1.loss"]) for k, r in runs.items()})
    if len(runs) == 2:
        margin = margin_to_kinks(name, NETWORKS[name][2])
        assert margin > MARGIN, f"{name}: {margin}"
        print_rounding(runs["f32"], runs["f64"])


def write_tensors(name, tensors, metadata=None):
    (HERE / f"{name}.safetensors").write_bytes(save(tensors, metadata))


@contextmanager
def watched(seen):
    """Collects the arguments of relu, and the leads of the maxima in pooling windows."""
    relu, max_pool2d = F.relu, F.max_pool2d

    def watched_relu(x):
        seen.append(x.detach())
        return relu(x)

    def watched_pool(x, kernel, *rest):
        if not rest:  # those that overlap come after a relu, where ties do no harm
            windows = F.unfold(x.detach().flatten(0, 1)[:, None], kernel, stride=kernel)
            first, second = windows.topk(2, dim=1).values.unbind(1)
            seen.append(first - second)
        return max_pool2d(x, kernel, *rest)

    F.relu, F.max_pool2d = watched_relu, watched_pool
    try:
        yield
    finally:
        F.relu, F.max_pool2d = relu, max_pool2d


def margin_to_kinks(name, input_name):
    make, shape, _, _ = NETWORKS[name]
    narrow, wide = [], []
    for dtype, seen in ((torch.float32, narrow), (torch.float64, wide)):
        with watched(seen), torch.no_grad():
            with_formula(make()).to(dtype).train()(formula_input(shape, input_name).to(dtype))
    ratios = [float(w.abs().min() / (n - w).square().mean().sqrt()) for n, w in zip(narrow, wide)]
    return min(ratios, default=math.inf)


def print_rounding(narrow, wide):
    """How far torch's f32 is from its f64: nobody else's f32 can be held to less."""
    worst = {}
    for key in wide:
        if wide[key].is_floating_point():
            scale = wide[key].norm()
            if "gradient_sum" in key:
                scale = wide[key.replace("_sum", "_norm")]
            kind = key.split(".")[0] + ("." + key.split(".")[1] if key[:3] in ("sgd", "ada") else "")
            gap = float((narrow[key].double() - wide[key]).norm() / scale)
            worst[kind] = max(worst.get(kind, (0, "")), (gap, key))
    for kind, (gap, key) in worst.items():
        print(f"    f32 - f64 {gap:8.1e}  {key}")


def layout(model):
    dtypes = {torch.float32: "F32", torch.int64: "I64"}
    tensors = [[n, list(t.shape), dtypes[t.dtype]] for n, t in model.state_dict().items()]
    return {"n_parameters": sum(p.numel() for p in model.parameters()), "tensors": tensors}


def write_state_dicts():
    models = {f"torchvision_resnet{d}": torchvision_resnet(d) for d in (18, 34, 50)}
    models |= {f"resnet{d}": cifar_resnet(d) for d in (20, 32, 44, 56, 110)}
    lines = []
    for name, model in models.items():
        entry = layout(model)
        tensors = ",\n".join("   " + json.dumps(t) for t in entry["tensors"])
        lines.append(f' "{name}": {{\n  "n_parameters": {entry["n_parameters"]},\n'
                     f'  "tensors": [\n{tensors}\n  ]\n }}')
    (HERE / "state_dicts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def laws(name, tensor, fan_ins):
    """The laws of one tensor of a state dict: torch's defaults, torchvision's ResNet, and
    kaiming_normal with fan_in, as He et al. (2015) have it."""
    constant = {"running_var": 1, "running_mean": 0, "num_batches_tracked": 0}
    last = name.split(".")[-1]
    if last in constant:
        return {"all": {"law": "constant", "value": constant[last]}}
    layer = name.rsplit(".", 1)[0]
    if layer not in fan_ins:  # a batch norm
        return {"all": {"law": "constant", "value": 1 if last == "weight" else 0}}
    fan_in = fan_ins[layer]
    # kaiming_uniform with a = sqrt(5): gain sqrt(2 / (1 + 5)), bound gain * sqrt(3 / fan_in).
    default = {"law": "uniform", "bound": 1 / math.sqrt(fan_in)}
    if tensor.dim() != 4:
        return {"all": default}
    fan_out = tensor.shape[0] * math.prod(tensor.shape[2:])
    return {
        "torch_default": default,
        "kaiming_normal_fan_out": {"law": "normal", "std": math.sqrt(2 / fan_out)},
        "kaiming_normal_fan_in": {"law": "normal", "std": math.sqrt(2 / fan_in)},
    }


def write_initialisation():
    torch.manual_seed(0)
    content = {"resnet20": cifar_resnet(20), "mlp": Mlp(MLP_WIDTHS), "zhu": Zhu()}
    text = []
    for network, model in content.items():
        fan_ins = {
            n[: -len(".weight")]: math.prod(t.shape[1:])
            for n, t in model.state_dict().items()
            if t.dim() >= 2
        }
        rows = []
        for name, tensor in model.state_dict().items():
            entry = laws(name, tensor, fan_ins)
            check_laws(model, network, name, tensor, entry)
            rows.append(f"  {json.dumps(name)}: {json.dumps(entry)}")
        text.append(f' "{network}": {{\n' + ",\n".join(rows) + "\n }")
    (HERE / "initialisation.json").write_text("{\n" + ",\n".join(text) + "\n}\n")


def check_laws(model, network, name, tensor, entry):
    """What torch really draws agrees: torch's layers, and networks.py's as torchvision's."""
    used = entry.get("all") or entry["kaiming_normal_fan_out" if network == "resnet20" else "torch_default"]
    check_draw(name, tensor, used)
    if tensor.dim() == 4:
        module = dict(model.named_modules())[name.rsplit(".", 1)[0]]
        module.reset_parameters()
        check_draw(name, module.weight, entry["torch_default"])


def check_draw(name, tensor, law):
    if law["law"] == "constant":
        assert (tensor == law["value"]).all(), name
        return
    std = law["std"] if law["law"] == "normal" else law["bound"] / math.sqrt(3)
    if law["law"] == "uniform":
        assert tensor.abs().max() <= law["bound"] * (1 + 1e-6), name
    n = tensor.numel()
    # Five standard deviations of the second moment; that of a normal law is the wider.
    assert abs(float(tensor.detach().double().square().mean()) / std**2 - 1) < 5 * math.sqrt(2 / n), name


def compare_with_torchvision():
    try:
        from torchvision import models
    except ImportError:
        print("no torchvision to compare with")
        return
    x = formula_input((2, 3, 64, 64))
    for depth in (18, 34, 50):
        ours, theirs = torchvision_resnet(depth), getattr(models, f"resnet{depth}")()
        assert layout(ours) == layout(theirs)
        with_formula(ours), with_formula(theirs)
        assert torch.allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
    print("the same as torchvision")


def main():
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["margins"]:
        for k in range(int(sys.argv[3])):
            print(k, round(margin_to_kinks(sys.argv[2], f"input.{k}"), 2), flush=True)
        return
    names = sys.argv[1:] or list(NETWORKS)
    if not sys.argv[1:]:
        compare_with_torchvision()
        write_tensors("resnet8_torch", with_formula(cifar_resnet(8)).state_dict())
        write_state_dicts()
        write_initialisation()
    for name in names:
        write_golden(name)


if __name__ == "__main__":
    main()
