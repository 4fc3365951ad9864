#!/usr/bin/env python3
"""Digests, moments and a few pixels of real data sets, computed without this project.

    pip install numpy scipy pyarrow pillow
    python3 make_golden.py DATA [FASHION] > golden.json

DATA holds mnist/, cifar100/ and so on as crates/train/tests/data.rs names them; FASHION the four archives of
Fashion-MNIST. The digest of a sample is the SHA-256 of its label (u32, little-endian) and its values (pixels as bytes,
channel by channel; other features as f32, little-endian); that of a data set is the SHA-256 of the digests of the
training samples, sorted, then those of the test samples, sorted.
"""
import gzip, hashlib, io, json, pathlib, re, struct, sys

import numpy as np
import pyarrow.parquet as parquet
import scipy.io
from PIL import Image

data = pathlib.Path(sys.argv[1])


def idx(folder, split):
    images = gzip.decompress((folder / f"{split}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{split}-labels-idx1-ubyte.gz").read_bytes())
    n, height, width = struct.unpack(">3I", images[4:16])
    return np.frombuffer(images, np.uint8, offset=16).reshape(n, 1, height, width), np.frombuffer(labels, np.uint8, offset=8)


def png_parquet(path, label):
    table = parquet.read_table(path)
    images = [np.asarray(Image.open(io.BytesIO(row["bytes"]))).transpose(2, 0, 1) for row in table["img"].to_pylist()]
    return np.stack(images), np.array(table[label])


def cifar_binary(path, n_labels):
    records = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, n_labels + 3072)
    return records[:, n_labels:].reshape(-1, 3, 32, 32), records[:, n_labels - 1]


def folder(path):
    images, labels = [], []
    for label, name in enumerate(sorted(p.name for p in path.iterdir())):
        for file in sorted((path / name).iterdir()):
            images.append(np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1))
            labels.append(label)
    return np.stack(images), np.array(labels)


def mat(path):
    found = scipy.io.loadmat(path)
    return found["X"].astype(np.float32), found["y"].ravel().astype(int)


def cola(*files, n_features=1024):
    """Signed hashing of lower-case words (Weinberger et al. 2009) by mixed FNV-1a; rows of length 1."""
    rows, labels, mask = [], [], 2**64 - 1
    for line in "\n".join((data / "cola" / f).read_text("utf-8").strip("\n") for f in files).split("\n"):
        _, label, _, sentence = line.split("\t")
        row = np.zeros(n_features, np.float32)
        for word in re.findall(r"(?:[^\W_]|')+", sentence.lower()):
            h = 0xCBF29CE484222325
            for byte in word.encode():
                h = (h ^ byte) * 0x100000001B3 & mask
            h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & mask
            h = (h ^ h >> 27) * 0x94D049BB133111EB & mask
            h ^= h >> 31
            row[h % n_features] += -1 if h >> 63 else 1
        length = np.sqrt(np.float32((row * row).sum()))
        rows.append(row / length if length > 0 else row)
        labels.append(int(label))
    return np.stack(rows), np.array(labels)


def one(label, values):
    values = values if values.dtype == np.uint8 else values.astype("<f4")
    return hashlib.sha256(struct.pack("<I", int(label)) + values.tobytes()).digest()


def describe(*splits):
    digests = [[one(label, x) for x, label in zip(*split)] for split in splits]
    images, labels = splits[0]
    if images.dtype == np.uint8:
        scaled = images.astype(np.float64) / 255
        moments = [[scaled[:, c].mean(), scaled[:, c].std()] for c in range(images.shape[1])]
    else:
        moments = [[images.astype(np.float64).mean(), images.astype(np.float64).std()]]
    first = images[0].reshape(-1)
    return {
        "n": [len(split[1]) for split in splits],
        "in_order": hashlib.sha256(b"".join(b"".join(d) for d in digests)).hexdigest(),
        "any_order": hashlib.sha256(b"".join(b"".join(sorted(d)) for d in digests)).hexdigest(),
        "moments": moments,
        "first_labels": [int(label) for label in labels[:8]],
        # Values of the first sample, spread over it: row, column and channel order show in them.
        "first_sample": [float(first[i]) for i in range(0, len(first), max(1, len(first) // 61))],
    }


found = {
    "mnist": describe(idx(data / "mnist", "train"), idx(data / "mnist", "t10k")),
    "cifar10-binary-sample": describe(*(cifar_binary(data / "cifar10-binary-sample" / f, 1) for f in ("data_batch_1.bin", "test_batch.bin"))),
    "cifar100-binary-sample": describe(*(cifar_binary(data / "cifar100-binary-sample" / f, 2) for f in ("train.bin", "test.bin"))),
    "cinic10-sample": describe(*(folder(data / "cinic10-sample" / split) for split in ("train", "test"))),
    "cardio": describe(mat(data / "odds/cardio.mat")),
    "ionosphere-odds": describe(mat(data / "odds/ionosphere.mat")),
    "cola": describe(cola("in_domain_train.tsv"), cola("in_domain_dev.tsv", "out_of_domain_dev.tsv")),
    "musk": describe(mat(data / "odds/musk.mat")),
}
if len(sys.argv) > 2:
    fashion = pathlib.Path(sys.argv[2])
    found["fashion-mnist"] = describe(idx(fashion, "train"), idx(fashion, "t10k"))
for name, label in ("cifar10-subset", "label"), ("cifar100", "fine_label"), ("cifar100-coarse", "coarse_label"):
    files = sorted((data / name.removesuffix("-coarse")).glob("*.parquet"), reverse=True)
    found[name] = describe(*(png_parquet(file, label) for file in files))
json.dump(found, sys.stdout, indent=1)
print()
