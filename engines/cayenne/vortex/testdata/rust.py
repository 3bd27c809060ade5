#!/usr/bin/env python3
"""Writes and reads Vortex files with vortex-data, the Rust implementation, for the tests of package vortex.

rust.py version           tells the version of vortex-data
rust.py write DIR [SEED]  writes files of all types; GROUP-ROWS.OPTIONS.vortex has the rows of GROUP-ROWS.arrow
rust.py fixtures DIR      writes rust.zip, the small files that are kept beside this script
rust.py check DIR         reads files that pitwall wrote, GROUP-ROWS.OPTIONS.pitwall, and compares them with the same
                          rows; runs filters over them and compares the counts
"""

import datetime
import importlib.metadata
import pathlib
import sys
import tempfile
import time
import zipfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc
import vortex as vx
import vortex.expr as ve

import tables

ROWS = [0, 1, 7, 1000, 8193, 65537, 200000]
EDITIONS = ["core2026.08.0", "core2025.10.0", "core2025.06.0", "core2025.05.0"]


def options():
    plain, compact = vx.io.VortexWriteOptions.default(), vx.io.VortexWriteOptions.compact()
    yield "default", plain
    yield "compact", compact
    for edition in EDITIONS:
        yield "default-" + edition, plain.with_edition(edition)
        yield "compact-" + edition, compact.with_edition(edition)


def save(t, path):
    t = tables.plain(t)
    with ipc.new_file(path, t.schema) as f:
        f.write_table(t)


refused = {}


def write_one(t, option, path, older):
    """Writes a table. An older edition has not all types: without the columns that vortex-data refuses to write,
    which are counted. Whoever reads the file says whether the others are right."""
    try:
        option.write(t, str(path))
    except RuntimeError:
        if not older:
            raise
        good = []
        for name in t.column_names:
            try:
                option.write(t.select([name]), str(path))
                good.append(name)
            except RuntimeError as e:
                why = str(e).splitlines()[0]
                refused[why] = refused.get(why, 0) + 1
        option.write(t.select(good), str(path))


def write(out, seed):
    files = 0
    for group in tables.GROUPS:
        for n in ROWS:
            if group == "others" and n > 10000:
                continue
            t = tables.table(group, n, seed)
            save(t, out / f"{group}-{n}.arrow")
            for name, option in options():
                older = "-" in name
                if older and n not in (1000, 8193) or name == "compact" and n == 65537:
                    continue
                write_one(t, option, out / f"{group}-{n}.{name}.vortex", older)
                files += 1
            if n == 8193:  # in small batches, copied as slices made vortex-data panic
                sink = pa.BufferOutputStream()
                with ipc.new_stream(sink, t.schema) as s:
                    s.write_table(t, 777)
                plain = vx.io.VortexWriteOptions.default()
                plain.write(ipc.open_stream(sink.getvalue()), str(out / f"{group}-{n}.stream.vortex"))
                files += 1
    return files


def fixtures(out):
    """The small files that are kept: as few as show every encoding that the writer uses."""
    kept = ["compact", "default-core2025.05.0"]
    with tempfile.TemporaryDirectory() as d, zipfile.ZipFile(out / "rust.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for group in tables.GROUPS:
            for n in [0, 1, 60] + [1030] * (group != "others") + [4100] * (group == "floats"):
                t = tables.table(group, n, 7)
                if n > 4000:  # enough for ALP-RD
                    t = t.select(["float64_near", "float64_walk"])
                elif n > 1000:
                    t = t.select(t.column_names[:: 9 if group == "decimals" else 2])
                save(t, pathlib.Path(d) / f"{group}-{n}.arrow")
                for name, option in options():
                    if n == 60 and name in kept or name == "default" or n > 1000 and name == "compact":
                        write_one(t, option, pathlib.Path(d) / f"{group}-{n}.{name}.vortex", "-" in name)
        for path in sorted(pathlib.Path(d).iterdir()):
            z.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def bits(a):
    """Floats as their bits, so that NaN equals NaN and -0 does not equal 0."""
    if isinstance(a, pa.ChunkedArray):
        a = a.combine_chunks()
    if pa.types.is_floating(a.type):
        return a.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[a.type.bit_width])
    return a


def compare(name, got, want, differences):
    got = pa.chunked_array([c.cast(want.type) for c in got.chunks], want.type)
    if not bits(got).equals(bits(want)):
        at = next((i for i, (a, b) in enumerate(zip(got.to_pylist(), want.to_pylist())) if a != b), -1)
        differences.append(f"{name}: row {at}: {got[at] if at >= 0 else got} is not {want[at] if at >= 0 else want}")


def total_order(a):
    """Whole numbers in the order that Vortex compares floats in: -0 below 0, NaN above all others."""
    a = bits(a)
    top = pa.scalar((1 << (a.type.bit_width - 1)) - 1, a.type)
    return pc.if_else(pc.less(a, pa.scalar(0, a.type)), pc.bit_wise_xor(a, top), a)


def dtype(t):
    if pa.types.is_timestamp(t):
        return vx.timestamp(t.unit, tz=t.tz)
    if pa.types.is_date32(t):
        return vx.date("days")
    return None


def filters(name, column):
    """Filters over a column: how they are called, the filter for Vortex, and the rows that Arrow says are right."""
    t = column.type
    x = ve.column(name)
    yield "is null", ve.is_null(x), pc.is_null(column)
    values = column.drop_null()
    if len(values) == 0:
        return
    if pa.types.is_boolean(t):
        yield "true", x, column
        return
    ordered = pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_string(t) or pa.types.is_timestamp(t) or pa.types.is_date32(t)
    if not ordered or pa.types.is_float16(t):
        return
    v = values[len(values) // 2]
    if pa.types.is_floating(t) and v.as_py() != v.as_py():
        return
    if pa.types.is_unsigned_integer(t) and v.as_py() >= 1 << 63:  # vortex-data takes no such number
        v = pc.min(values)
        if v.as_py() >= 1 << 63:
            return
    if pa.types.is_timestamp(t) or pa.types.is_date32(t):
        literal = ve.literal(dtype(t), v.value)
    elif pa.types.is_integer(t):
        literal = ve.literal((vx.uint if pa.types.is_unsigned_integer(t) else vx.int_)(t.bit_width), v.as_py())
    elif pa.types.is_floating(t):
        literal = ve.literal(vx.float_(t.bit_width), v.as_py())
    else:
        literal = ve.literal(vx.utf8(), v.as_py())
    told = v.value if hasattr(v, "value") else v
    if pa.types.is_floating(t):
        column, v = total_order(column), total_order(pa.array([v]))[0]
    yield f"= {told}", x == literal, pc.equal(column, v)
    yield f">= {told}", x >= literal, pc.greater_equal(column, v)
    yield f"< {told}", x < literal, pc.less(column, v)


def check(out):
    files = values = counted = 0
    differences = []
    for path in sorted(out.glob("*.pitwall")):
        want = ipc.open_file(path.with_name(path.name.split(".")[0] + ".arrow")).read_all()
        f = vx.open(str(path))
        got = f.scan().read_all().to_arrow_table()
        files += 1
        if got.num_rows != want.num_rows:
            differences.append(f"{path.name}: {got.num_rows} rows, not {want.num_rows}")
            continue
        for name in got.column_names:
            values += got.num_rows
            compare(f"{path.name}: {name}", got[name], want[name], differences)
        if want.num_rows < 1000:
            continue
        for name in got.column_names[:: 1 if want.num_rows < 100000 else 4]:
            for call, expr, right in filters(name, want[name].combine_chunks()):
                n, m = f.scan([name], expr=expr).read_all().to_arrow_table().num_rows, pc.sum(right).as_py() or 0
                counted += 1
                if n != m:
                    differences.append(f"{path.name}: {name} {call}: {n} rows, not {m}")
    for d in differences[:40]:
        print(d)
    print(f"vortex-data {version()}: {files} files of pitwall read, {values} values compared, {counted} filters counted, {len(differences)} differences")
    return 1 if differences or not files else 0


def version():
    return importlib.metadata.version("vortex-data")


if __name__ == "__main__":
    command, rest = sys.argv[1], sys.argv[2:]
    start = time.time()
    if command == "version":
        print(version())
        sys.exit(0)
    directory = pathlib.Path(rest[0])
    directory.mkdir(parents=True, exist_ok=True)
    if command == "check":
        sys.exit(check(directory))
    if command == "fixtures":
        fixtures(directory)
    if command == "write":
        print(f"vortex-data {version()} wrote {write(directory, int(rest[1]) if len(rest) > 1 else 1)} files in {time.time() - start:.0f} s; columns that it refused for older editions: {refused}")
