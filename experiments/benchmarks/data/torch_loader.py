#!/usr/bin/env python3
"""Times PyTorch's DataLoader on CIFAR-100 as Parquet: the twin of the example `loader`.

    python3 torch_loader.py DIRECTORY {lazy,decoded} WORKERS

lazy decodes a PNG whenever it is asked for, as data sets of the Hugging Face hub do; decoded decodes all at the start
into one tensor of bytes. Augmentation is torchvision's RandomCrop(32, 4) and RandomHorizontalFlip.
"""
import io, json, resource, sys, time

import numpy as np
import pyarrow.parquet as parquet
import torch
from PIL import Image
from torchvision.transforms import v2

directory, way, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
MEAN, DEVIATION = (0.50707516, 0.48654887, 0.44091784), (0.26733429, 0.25643846, 0.27615047)


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)))


class Images(torch.utils.data.Dataset):
    def __init__(self, path, augmented):
        table = parquet.read_table(path)
        self.labels = table["fine_label"].to_numpy()
        self.files = [row["bytes"] for row in table["img"].to_pylist()]
        if way == "decoded":
            self.files = torch.from_numpy(np.stack([decode(file) for file in self.files])).permute(0, 3, 1, 2).contiguous()
        change = [v2.RandomCrop(32, 4), v2.RandomHorizontalFlip()] if augmented else []
        self.transform = v2.Compose([*change, v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, DEVIATION)])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.files[i]
        if way == "lazy":
            image = torch.from_numpy(decode(image).copy()).permute(2, 0, 1)
        return self.transform(image), self.labels[i]


def epoch(images):
    loader = torch.utils.data.DataLoader(images, 128, shuffle=True, num_workers=workers)
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


start = time.perf_counter()
images = Images(f"{directory}/train-00000-of-00001.parquet", False)
test = Images(f"{directory}/test-00000-of-00001.parquet", False)
load = time.perf_counter() - start
plain = epoch(images)
images.transform = v2.Compose([v2.RandomCrop(32, 4), v2.RandomHorizontalFlip(), images.transform])
augmented = epoch(images)
usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"tool": f"torch {way}, {workers} workers", "load_s": round(load, 3), "epoch_s": round(plain, 3), "augmented_epoch_s": round(augmented, 3), "peak_mib": round(sum(usage) / 1024)}))
