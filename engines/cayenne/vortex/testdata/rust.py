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
    option.write(t, str(path))
    save(t, path.with_suffix(".arrow"))


def allowed(t, edition):
    """Columns of types that an edition has; those of later ones cannot be written."""
    def old(typ):
        if pa.types.is_map(typ) or pa.types.is_fixed_size_list(typ):
            return False
        if pa.types.is_list(typ):
            return edition >= "core2025.10.0" and old(typ.value_type)
        if pa.types.is_struct(typ):
            return all(old(f.type) for f in typ)
        return True
    return t.select([f.name for f in t.schema if old(f.type)])


def write(out, seed=1):
    files = 0
    for group in tables.GROUPS:
        for n in ROWS:
            t = tables.table(group, n, seed)
            for name, option in options():
                if "-" in name:
                    if n not in (1000, 8193):
                        continue
                    part = allowed(t, name.split("-")[1])
                else:
                    part = t
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
        print(write(out, int(rest[1]) if len(rest) > 1 else 1), "files in", round(time.time() - start, 1), "s")
