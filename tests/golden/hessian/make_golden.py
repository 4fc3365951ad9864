#!/usr/bin/env python3
"""PyTorch's Hessians, by double backward in f64, for the networks of crates/train.

    python3 make_golden.py            every file beside this script
    python3 make_golden.py resnet20   those of one network

Needs torch, safetensors, numpy, scipy; the files were made with torch 2.15.0 on a CPU.

<network>.safetensors, for networks with the weights and batches of ../networks/make_golden.py, in evaluation mode (batch
normalisations with stored statistics), the mean cross-entropy of the batch:

    product_norm.P, product_samples.P   H v of each parameter P: 2-norm, and 64 elements chosen as there; v is the formula's
                                        number of the name P + "#direction"
    largest                             the largest eigenvalues, falling, by ARPACK (scipy's eigsh)
  and for mlp_*:
    mse_product_norm.P, ...             the same of the mean over batch and classes of (logits - one-hot)^2

checkpoints.json: for a checkpoint beside this script, on all of Ionosphere (standardised), loss, norm of the gradient, the
largest eigenvalues and the smallest. quickstart.safetensors is the minimum of experiments/quickstart.toml;
mlp-34-16-2.safetensors has weights at random, and its eigenvalues are those of the dense matrix.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from scipy.sparse.linalg import LinearOperator, eigsh

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "networks"))

import make_golden as networks  # noqa: E402  (the one in ../networks; this script runs as __main__)

LARGEST = {"resnet20": 3}


class Hessian:
    """Of a scalar over parameters, by the derivative of its gradient."""

    def __init__(self, value, parameters):
        self.parameters = parameters
        self.gradient = torch.autograd.grad(value, parameters, create_graph=True)

    def product(self, direction):
        along = sum((g * v).sum() for g, v in zip(self.gradient, direction))
        return torch.autograd.grad(along, self.parameters, retain_graph=True)

    def flat_product(self, v):
        v, parts, begin = torch.tensor(np.asarray(v).ravel()), [], 0
        for parameter in self.parameters:
            parts.append(v[begin : begin + parameter.numel()].reshape(parameter.shape))
            begin += parameter.numel()
        return torch.cat([part.reshape(-1) for part in self.product(parts)]).numpy()

    def n(self):
        return sum(parameter.numel() for parameter in self.parameters)

    def largest(self, k):
        operator = LinearOperator((self.n(), self.n()), matvec=self.flat_product, dtype=float)
        return eigsh(operator, k=k, which="LA", return_eigenvectors=False, tol=1e-10)[::-1]

    def smallest(self):
        operator = LinearOperator((self.n(), self.n()), matvec=self.flat_product, dtype=float)
        found = eigsh(operator, k=1, which="SA", return_eigenvectors=False, maxiter=20000, tol=1e-6)
        return float(found[0])


def products(model, value, prefix=""):
    parameters = dict(model.named_parameters())
    direction = [networks.values(n + "#direction", tuple(p.shape)) for n, p in parameters.items()]
    hessian = Hessian(value, list(parameters.values()))
    out = {}
    for name, product in zip(parameters, hessian.product(direction)):
        out[f"{prefix}product_norm.{name}"] = product.norm()
        out[f"{prefix}product_samples.{name}"] = networks.samples(name, product, networks.N_SAMPLES)
    return hessian, out


def write_network(name):
    make, shape, input_name, _ = networks.NETWORKS[name]
    x = networks.formula_input(shape, input_name).double()
    y = networks.formula_labels(shape[0])
    model = networks.with_formula(make()).double().eval()
    hessian, out = products(model, F.cross_entropy(model(x), y))
    out["largest"] = torch.tensor(hessian.largest(LARGEST.get(name, 8)).copy())
    if name.startswith("mlp"):
        mse = F.mse_loss(model(x), F.one_hot(y, networks.N_CLASSES).double())
        out |= products(model, mse, "mse_")[1]
    out |= {"labels": y, "input_head": x.flatten()[:16].clone()}
    (HERE / f"{name}.safetensors").write_bytes(save(out, {"input": input_name}))
    print(name, out["largest"].tolist())


def of_checkpoint(file):
    state = {name: tensor.double() for name, tensor in load_file(file).items()}
    rows = (HERE / "../../../datasets/ionosphere/ionosphere.data").read_text().split()
    rows = [row.split(",") for row in rows]
    x = np.array([[float(value) for value in row[:-1]] for row in rows])
    deviation = x.std(0)
    x = torch.tensor((x - x.mean(0)) / np.where(deviation == 0, 1, deviation))
    y = torch.tensor([row[-1] == "g" for row in rows]).long()
    n_layers = len(state) // 2
    widths = [x.shape[1]] + [state[f"fc{i + 1}.bias"].numel() for i in range(n_layers)]
    model = networks.Mlp(widths).double()
    model.load_state_dict(state)
    value = F.cross_entropy(model(x), y)
    hessian = Hessian(value, list(model.parameters()))
    if hessian.n() < 1000:
        dense = np.stack([hessian.flat_product(row) for row in np.eye(hessian.n())])
        eigenvalues = np.linalg.eigvalsh((dense + dense.T) / 2)
        largest, smallest = eigenvalues[::-1][:8], float(eigenvalues[0])
    else:
        largest, smallest = hessian.largest(8), hessian.smallest()
    gradient = torch.cat([g.reshape(-1) for g in hessian.gradient])
    return {
        "loss": value.item(),
        "gradient_norm": gradient.norm().item(),
        "largest": [float(value) for value in largest],
        "smallest": smallest,
    }


def main():
    chosen = sys.argv[1:] or ["mlp_relu", "mlp_tanh", "mlp_gelu", "zhu", "resnet20", "checkpoints"]
    for name in chosen:
        if name != "checkpoints":
            write_network(name)
            continue
        found = {
            file: of_checkpoint(HERE / file)
            for file in ("quickstart.safetensors", "mlp-34-16-2.safetensors")
        }
        (HERE / "checkpoints.json").write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
