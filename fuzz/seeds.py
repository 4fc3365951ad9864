#!/usr/bin/env python3
"""Writes corpus/<target>/ from the published data in $NOISESCOPE_TEST_DATA, small enough to be changed usefully."""

import csv
import gzip
import io
import json
import os
import pathlib
import struct
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ["NOISESCOPE_TEST_DATA"])


def put(target, name, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def lines(path, n):
    return b"".join((DATA / path).read_bytes().splitlines(True)[:n])


put("csv", "odds", lines("odds/cardio.csv", 4))
put("csv", "tabs", lines("odds/cardio.csv", 3).replace(b",", b"\t"))
put("csv", "bare", lines("uci-ionosphere/ionosphere.data", 4))
put("csv", "quotes", b'\xef\xbb\xbf"a,b",label\r\n1,"x ""y"""\r\n')
put("cola", "dev", lines("cola/in_domain_dev.tsv", 6))
put("cifar_binary", "two", (DATA / "cifar10-binary-sample/test_batch.bin").read_bytes()[: 2 * 3073])

images = gzip.decompress((DATA / "mnist/t10k-images-idx3-ubyte.gz").read_bytes())
put("idx", "images", gzip.compress(images[:4] + struct.pack(">3I", 2, 28, 28) + images[16 : 16 + 2 * 784]))
labels = gzip.decompress((DATA / "mnist/t10k-labels-idx1-ubyte.gz").read_bytes())
put("idx", "labels", gzip.compress(labels[:4] + struct.pack(">I", 9) + labels[8:17]))

rows = [[float(cell) for cell in row] for row in csv.reader(io.StringIO(lines("odds/cardio.csv", 9).decode())) if row[0] != "x0"]
n, p = len(rows), len(rows[0]) - 1
x = b"".join(struct.pack(f"<{p}d", *row[:-1]) for row in rows)
y = b"".join(struct.pack("<q", int(row[-1])) for row in rows)


def mat_element(kind, content):
    return struct.pack("<2I", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def mat_variable(name, sizes, kind, values):
    flags, sizes = struct.pack("<2I", 6, 0), struct.pack("<2i", *sizes)
    parts = ((6, flags), (5, sizes), (1, name), (kind, values))
    return mat_element(14, b"".join(mat_element(*part) for part in parts))


def mat_packed(variable):
    content = zlib.compress(variable)
    return struct.pack("<2I", 15, len(content)) + content


variables = [mat_variable(b"X", (n, p), 9, x), mat_variable(b"y", (n, 1), 12, y)]
put("mat", "plain", b" " * 124 + b"\0\1IM" + b"".join(variables))
put("mat", "packed", b" " * 124 + b"\0\1IM" + b"".join(map(mat_packed, variables)))


def npy(descr, shape, values, fortran=False):
    header = str({"descr": descr, "fortran_order": fortran, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + values


arrays = {"x": npy("<f8", (n, p), x), "y": npy("<i8", (n,), y)}
for name, content in arrays.items():
    put("npy", name, content)
put("npy", "fortran", npy("<f8", (p, n), x, True))
for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as writer:
        for name, content in arrays.items():
            with writer.open(name + ".npy", "w", force_zip64=True) as member:
                member.write(content)
    put("npy", f"archive-{method}", archive.getvalue())

header = json.dumps(
    {
        "__metadata__": {"made": "here"},
        "x": {"dtype": "F64", "shape": [n, p], "data_offsets": [0, len(x)]},
        "y": {"dtype": "I64", "shape": [n], "data_offsets": [len(x), len(x) + len(y)]},
    }
).encode()
put("safetensors", "both", struct.pack("<Q", len(header)) + header + x + y)

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    print("no seed for parquet_images: it needs pyarrow")
else:
    table = pyarrow.parquet.ParquetFile(DATA / "cifar10-subset/test-00000-of-00001.parquet").read_row_group(0).slice(0, 3)
    for compression in "none", "snappy":
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file, compression=compression, row_group_size=2)
        put("parquet_images", compression, file.getvalue())
