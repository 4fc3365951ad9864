#!/usr/bin/env python3
"""Make the embedded data sets from two Debian packages, and print the figures of their cards.

    apt-get download weka dataset-fashion-mnist
    for deb in *.deb; do dpkg -x "$deb" unpacked; done
    python3 datasets/make_embedded.py unpacked

ionosphere:       the rows of weka's ionosphere.arff, as they stand.
fashion-mnist-6k: the first 500 images of each class of the training set and the first 100 of each class of the
                  test set, in the original order, in the original format (idx, gzip without time stamp).
"""
import gzip, hashlib, pathlib, struct, sys

root, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent


def write(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(path.relative_to(here), len(data), "bytes, sha256", hashlib.sha256(data).hexdigest())


def idx(name):
    raw = gzip.decompress((root / "usr/share/datasets/fashion-mnist" / name).read_bytes())
    n_dims = raw[3]
    shape = struct.unpack(f">{n_dims}I", raw[4 : 4 + 4 * n_dims])
    return raw[:4], shape, raw[4 + 4 * n_dims :]


def mean_and_deviation(values):
    n, total, squares = len(values), sum(values), sum(v * v for v in values)
    return total / n, (squares / n - (total / n) ** 2) ** 0.5


arff = (root / "usr/share/doc/weka/examples/ionosphere.arff").read_text()
rows = [line for line in arff.split("@data")[1].splitlines() if line and not line.startswith("%")]
write(here / "ionosphere/ionosphere.data", ("\n".join(rows) + "\n").encode())
cells = [float(cell) for row in rows for cell in row.split(",")[:-1]]
print("ionosphere", len(rows), "rows; mean, deviation", mean_and_deviation(cells))

for split, per_class in ("train", 500), ("t10k", 100):
    magic, (_, height, width), pixels = idx(f"{split}-images-idx3-ubyte.gz")
    label_magic, _, labels = idx(f"{split}-labels-idx1-ubyte.gz")
    seen, chosen = [0] * 10, []
    for i, label in enumerate(labels):
        if seen[label] < per_class:
            seen[label] += 1
            chosen.append(i)
    size = height * width
    subset = b"".join(pixels[i * size : (i + 1) * size] for i in chosen)
    images = magic + struct.pack(">3I", len(chosen), height, width) + subset
    write(here / f"fashion-mnist-6k/{split}-images-idx3-ubyte.gz", gzip.compress(images, 9, mtime=0))
    chosen_labels = bytes(labels[i] for i in chosen)
    write(here / f"fashion-mnist-6k/{split}-labels-idx1-ubyte.gz",
          gzip.compress(label_magic + struct.pack(">I", len(chosen)) + chosen_labels, 9, mtime=0))
    print(split, "first labels", list(chosen_labels[:8]), "mean, deviation of pixels / 255",
          [v / 255 for v in mean_and_deviation(subset)])
