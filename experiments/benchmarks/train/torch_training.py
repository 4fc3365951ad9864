#!/usr/bin/env python3
"""Trains ResNet-20 with PyTorch by the recipe of experiments/resnet20-*.toml, and writes a CSV row per epoch.

    python3 torch_training.py TRAIN.parquet TEST.parquet LABEL_COLUMN EPOCHS SEED THREADS > curve.csv

Needs torch, torchvision's layers are not used; numpy, pyarrow, pillow.
"""
import io, math, sys, time

import numpy as np
import pyarrow.parquet as parquet
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, __file__.rsplit("/", 1)[0] + "/../../../tests/golden/networks")
from networks import cifar_resnet  # noqa: E402

train_file, test_file, label, epochs, seed, threads = sys.argv[1:]
epochs, batch = int(epochs), 128
torch.set_num_threads(int(threads))
torch.manual_seed(int(seed))


def read(path):
    table = parquet.read_table(path)
    images = np.stack([np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["img"].to_pylist()])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, torch.tensor(table[label].to_pylist())


train, train_labels = read(train_file)
test, test_labels = read(test_file)
mean, deviation = train.mean((0, 2, 3), keepdim=True), train.std((0, 2, 3), unbiased=False, keepdim=True)
train, test = (train - mean) / deviation, (test - mean) / deviation

network = cifar_resnet(20, int(train_labels.max()) + 1).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
steps = math.ceil(len(train) / batch)


def evaluate(inputs, labels):
    network.eval()
    with torch.no_grad():
        outputs = torch.cat([network(x) for x in inputs.split(500)])
    return F.cross_entropy(outputs, labels).item(), (outputs.argmax(1) == labels).float().mean().item()


def augmented(images):
    padded, n = F.pad(images, (4, 4, 4, 4)), len(images)
    down, right = torch.randint(0, 9, (2, n)).tolist()
    cut = torch.stack([padded[i, :, down[i] : down[i] + 32, right[i] : right[i] + 32] for i in range(n)])
    flip = torch.rand(n) < 0.5
    cut[flip] = cut[flip].flip(3)
    return cut.contiguous(memory_format=torch.channels_last)


print("epoch,seconds,loss,accuracy,test_loss,test_accuracy", flush=True)
seconds = 0.0
for epoch in range(1, epochs + 1):
    network.train()
    start = time.perf_counter()
    for step, chosen in enumerate(torch.randperm(len(train)).split(batch)):
        progress = ((epoch - 1) * steps + step) / (epochs * steps)
        optimizer.param_groups[0]["lr"] = 0.1 * (1 + math.cos(math.pi * progress)) / 2
        optimizer.zero_grad()
        F.cross_entropy(network(augmented(train[chosen])), train_labels[chosen]).backward()
        optimizer.step()
    seconds += time.perf_counter() - start
    print(epoch, round(seconds, 1), *evaluate(train, train_labels), *evaluate(test, test_labels), sep=",", flush=True)
