#!/usr/bin/env python3
"""Loads a checkpoint of ours into torch, and prints what resnet8 makes of the formula's batch.

    python3 check_ours.py FILE.safetensors

Needs torch, safetensors, numpy. Every tensor of the file has to be one of the state dict of
resnet8 and the other way round (strict=True); metadata is ignored. The batch is two images of
32x32 from make_golden.py, input.0.
"""

import sys

import torch
from safetensors.torch import load_file

from make_golden import formula_input
from networks import cifar_resnet


def main():
    torch.set_num_threads(1)
    state = load_file(sys.argv[1])
    model = cifar_resnet(8, n_classes=state["fc.weight"].shape[0]).to(state["fc.weight"].dtype)
    model.load_state_dict(state, strict=True)
    x = formula_input((2, 3, 32, 32)).to(state["fc.weight"].dtype)
    torch.set_printoptions(precision=8, linewidth=100)
    with torch.no_grad():
        print("evaluation", model.eval()(x), sep="\n")
        print("training", model.train()(x), sep="\n")


if __name__ == "__main__":
    main()
