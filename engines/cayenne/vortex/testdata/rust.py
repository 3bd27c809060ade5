#!/usr/bin/env python3
"""Writes and reads Vortex files with vortex-data, the Rust implementation, for the tests of package vortex.

rust.py version           tells the version of vortex-data
rust.py write DIR [SEED]  writes files of all types, each with the rows in Arrow IPC beside it
rust.py fixtures DIR      writes the small files that are kept in this directory
rust.py check DIR         reads files that pitwall wrote and compares them with the Arrow IPC beside them
"""

import importlib.metadata
import json
import pathlib
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc
import vortex as vx

import tables

ROWS = [0, 1, 7, 1000, 8193, 65537, 200000]


def options():
    plain, compact = vx.io.VortexWriteOptions.default(), vx.io.VortexWriteOptions.compact()
    yield "default", plain
    yield "compact", compact
    for edition in ["core2025.10.0", "core2025.06.0", "core2025.05.0"]:
        yield "default-" + edition, plain.with_edition(edition)
        yield "compact-" + edition, compact.with_edition(edition)


def save(t, path):
    with ipc.new_file(path, t.schema, options=ipc.IpcWriteOptions(compression=None)) as f:
        f.write_table(t)


def write_one(t, option, path):
    """Writes a table, without the columns that vortex-data itself cannot write with these options. It says so where
    it cannot; a column that is wrong in the file is found by whoever reads it."""
    try:
        option.write(t, str(path))
    except RuntimeError:
        good = []
        for name in t.column_names:
            try:
                option.write(t.select([name]), str(path))
                good.append(name)
            except RuntimeError as e:
                refused[str(e).splitlines()[0]] = refused.get(str(e).splitlines()[0], 0) + 1
        t = t.select(good)
        option.write(t, str(path))
    save(t, path.with_suffix(".arrow"))


refused = {}


def write(out, seed=1):
    files = 0
    for group in tables.GROUPS:
        for n in ROWS:
            t = tables.table(group, n, seed)
            for name, option in options():
                part = t
                if "-" in name and n not in (1000, 8193):
                    continue
                if n == 200000 and group == "decimals":
                    part = part.select(part.column_names[::3])
                write_one(part, option, out / f"{group}-{n}-{name}.vortex")
                files += 1
    return files


if __name__ == "__main__":
    command, rest = sys.argv[1], sys.argv[2:]
    if command == "version":
        print(importlib.metadata.version("vortex-data"))
    elif command == "write":
        out = pathlib.Path(rest[0])
        out.mkdir(parents=True, exist_ok=True)
        start = time.time()
        print(write(out, int(rest[1]) if len(rest) > 1 else 1), "files in", round(time.time() - start, 1), "s; columns that vortex-data refused to write:", refused)
