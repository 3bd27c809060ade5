"""Tables for the tests of package vortex: columns of every type that vortex-data writes, in the patterns that make
its writer choose one encoding or another. The same seed gives the same tables."""

import decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def nulls(rng, n, share):
    return rng.random(n) < share


def masked(values, mask, typ=None):
    return pa.array(values, type=typ, mask=mask)


def integers(rng, n):
    out = {}
    for t in INTS:
        info = np.iinfo(t)
        narrow = lambda v: np.clip(v, info.min, info.max).astype(t)
        full = rng.integers(info.min, info.max, n, dtype=t, endpoint=True)
        few = rng.integers(max(info.min, -20), 20, n).astype(t)
        out[t + "_random"] = pa.array(full)
        out[t + "_nulls"] = masked(few, nulls(rng, n, 0.3))
        out[t + "_sequence"] = pa.array(narrow(np.arange(n) % 100 if info.bits == 8 else np.arange(n) * 3 + 7))
        out[t + "_sorted"] = pa.array(np.sort(full))
        out[t + "_runs"] = pa.array(np.repeat(rng.integers(max(info.min, -100), 100, n // 50 + 1), 50)[:n].astype(t))
        out[t + "_constant"] = pa.array(np.full(n, 17, t))
        sparse = np.zeros(n, t)
        sparse[rng.random(n) < 0.01] = 99
        out[t + "_sparse"] = pa.array(sparse)
        out[t + "_mostly_null"] = masked(few, nulls(rng, n, 0.97))
        outliers = few.copy()
        outliers[rng.random(n) < 0.005] = info.max
        out[t + "_outliers"] = pa.array(outliers)
        if info.bits > 8:
            near = (info.max // 2 + rng.integers(-60, 60, n)).astype(t)
            out[t + "_offset"] = pa.array(near)
            out[t + "_steps"] = pa.array(narrow(np.cumsum(rng.integers(0, 9, n))))
            out[t + "_distinct"] = pa.array(rng.choice(rng.integers(info.min, info.max, 40, dtype=t), n))
    return out


def floats(rng, n):
    out = {}
    for t in ["float32", "float64"]:
        cents = np.round(rng.uniform(-500, 500, n), 2).astype(t)
        real = rng.standard_normal(n).astype(t)
        special = real.copy()
        for i, x in enumerate([np.nan, np.inf, -np.inf, -0.0, 0.0, np.finfo(t).tiny / 4, np.finfo(t).max]):
            special[i::31] = x
        mixed = cents.copy()
        mixed[rng.random(n) < 0.01] = np.pi
        mixed[3::97] = np.nan
        out[t + "_cents"] = pa.array(cents)
        out[t + "_cents_nulls"] = masked(cents, nulls(rng, n, 0.2))
        out[t + "_cents_patched"] = masked(mixed, nulls(rng, n, 0.1))
        out[t + "_real"] = pa.array(real)
        out[t + "_real_nulls"] = masked(real, nulls(rng, n, 0.2))
        out[t + "_special"] = pa.array(special)
        out[t + "_constant"] = pa.array(np.full(n, 2.5, t))
        out[t + "_runs"] = pa.array(np.repeat(real, 40)[:n])
        out[t + "_few"] = pa.array(rng.choice(real[:9] if n else np.zeros(1, t), n))
        out[t + "_whole"] = pa.array(rng.integers(0, 1000, n).astype(t))
        out[t + "_walk"] = pa.array((20 + np.cumsum(real) * 0.01).astype(t))
        sparse = np.zeros(n, t)
        sparse[rng.random(n) < 0.01] = 1.25
        out[t + "_sparse"] = pa.array(sparse)
        out[t + "_near"] = pa.array((rng.random(n) * 1e-3 + 51.5).astype(t))
        out[t + "_nans"] = pa.array(np.full(n, np.nan, t))
        out[t + "_zeros"] = pa.array(np.where(rng.random(n) < 0.5, 0.0, -0.0).astype(t))
    halves = rng.standard_normal(n).astype("float16")
    out["float16"] = pa.array(halves)
    out["float16_nulls"] = masked(np.round(halves), nulls(rng, n, 0.2), pa.float16())
    return out


WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "ünïcode", "日本語", "🚕🚲", ""]


def text(rng, n):
    out = {}
    numbers = rng.integers(0, 1 << 40, n)
    few = [WORDS[i] for i in rng.integers(0, len(WORDS), n)]
    urls = [f"https://example.com/{WORDS[x % 10]}/{x % 9973}?page={x % 17}" for x in numbers.tolist()]
    random = [rng.bytes(int(k)).hex() for k in rng.integers(0, 30, n)]
    long = ["x" * int(k) + str(i) for i, k in enumerate(rng.integers(0, 300, n))]
    sentences = [" ".join(WORDS[(x >> (3 * k)) % 13] for k in range(x % 9)) for x in numbers.tolist()]
    mask = nulls(rng, n, 0.2)
    out["few"] = pa.array(few, pa.string())
    out["few_nulls"] = pa.array(few, pa.string(), mask=mask)
    out["urls"] = pa.array(urls, pa.string())
    out["urls_nulls"] = pa.array(urls, pa.string(), mask=mask)
    out["random"] = pa.array(random, pa.string())
    out["long"] = pa.array(long, pa.string(), mask=nulls(rng, n, 0.05))
    out["sentences"] = pa.array(sentences, pa.string(), mask=mask)
    out["constant"] = pa.array(["the same text in every row"] * n, pa.string())
    out["empty"] = pa.array([""] * n, pa.string())
    out["mostly_null"] = pa.array(urls, pa.string(), mask=nulls(rng, n, 0.98))
    out["all_null"] = pa.array([None] * n, pa.string())
    out["sorted"] = pa.array(sorted(urls), pa.string())
    out["runs"] = pa.array([few[i // 64] for i in range(n)], pa.string())
    out["binary_random"] = pa.array([rng.bytes(int(k)) for k in rng.integers(0, 40, n)], pa.binary())
    out["binary_few"] = pa.array([w.encode() + b"\xff\x00" for w in few], pa.binary(), mask=mask)
    return out


def temporal(rng, n):
    out = {}
    days = rng.integers(-30000, 30000, n).astype("int32")
    mask = nulls(rng, n, 0.2)
    out["date32"] = pa.array(days, pa.date32())
    out["date32_nulls"] = pa.array(days, pa.date32(), mask=mask)
    out["date64"] = pa.array(days.astype("int64") * 86400000, pa.date64())
    second = rng.integers(0, 86400, n)
    out["time32_s"] = pa.array(second.astype("int32"), pa.time32("s"))
    out["time32_ms"] = pa.array((second * 1000 + 7).astype("int32"), pa.time32("ms"), mask=mask)
    out["time64_us"] = pa.array(second * 1000000 + 123456, pa.time64("us"))
    out["time64_ns"] = pa.array(second * 1000000000 + 7, pa.time64("ns"))
    for unit, per in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items():
        at = rng.integers(-(2**31), 2**32, n) * per + rng.integers(0, per, n)
        out["timestamp_" + unit] = pa.array(at, pa.timestamp(unit))
        out["timestamp_" + unit + "_nulls"] = pa.array(at, pa.timestamp(unit), mask=mask)
        out["timestamp_" + unit + "_utc"] = pa.array(np.sort(at), pa.timestamp(unit, tz="UTC"))
        out["timestamp_" + unit + "_even"] = pa.array(at // per // 60 * 60 * per, pa.timestamp(unit, tz="Europe/Berlin"))
        out["timestamp_" + unit + "_steps"] = pa.array(1700000000 * per + np.arange(n) * per, pa.timestamp(unit))
    out["timestamp_constant"] = pa.array(np.full(n, 1700000000123456), pa.timestamp("us"))
    return out


def decimals(rng, n):
    out = {}
    for precision, scale in [(2, 1), (4, 2), (9, 2), (18, 4), (19, 0), (30, 5), (38, 10), (39, 3), (60, 20), (76, 0)]:
        typ = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
        exact = decimal.Context(prec=80)
        most = 10**precision - 1
        big = [int.from_bytes(rng.bytes(33), "little", signed=True) % most * (-1 if k % 3 == 0 else 1) for k in range(n)]
        small = [int(v) for v in rng.integers(-min(most, 900), min(most, 900), n)]
        make = lambda v, mask=None: pa.array([decimal.Decimal(x).scaleb(-scale, exact) for x in v], typ, mask=mask)
        name = f"decimal_{precision}_{scale}"
        out[name] = make(big)
        out[name + "_small"] = make(small)
        out[name + "_nulls"] = make(small, nulls(rng, n, 0.25))
        out[name + "_constant"] = make([max(-42, -most)] * n)
    return out


def nested(rng, n):
    out = {}
    sizes = rng.integers(0, 5, n)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype("int32")
    total = int(offsets[-1])
    mask = nulls(rng, n, 0.2)
    numbers = pa.array(rng.integers(-1000, 1000, total), mask=nulls(rng, total, 0.1))
    words = pa.array([WORDS[i] for i in rng.integers(0, len(WORDS), total)], pa.string())
    out["list_int"] = pa.ListArray.from_arrays(offsets, numbers)
    out["list_int_nulls"] = pa.ListArray.from_arrays(offsets, numbers, mask=pa.array(mask))
    out["list_text"] = pa.ListArray.from_arrays(offsets, words)
    out["list_list"] = pa.array([[[i, None], []] if i % 3 else None for i in range(n)], pa.list_(pa.list_(pa.int32())))
    out["list_empty"] = pa.array([[] for _ in range(n)], pa.list_(pa.float64()))
    out["list_constant"] = pa.array([[1, 2]] * n, pa.list_(pa.int16()))
    pairs = pa.array(rng.integers(0, 9, 3 * n).astype("float32"))
    out["fixed_list"] = pa.FixedSizeListArray.from_arrays(pairs, 3)
    out["fixed_list_nulls"] = pa.array([[float(i), None] if i % 4 else None for i in range(n)], pa.list_(pa.float64(), 2))
    inner = pa.StructArray.from_arrays([pa.array(rng.integers(0, 5, n)), pa.array([WORDS[i % 13] for i in range(n)])], ["k", "w"])
    out["struct"] = inner
    out["struct_nulls"] = pa.StructArray.from_arrays(
        [pa.array(rng.integers(0, 99, n), mask=nulls(rng, n, 0.1)), inner, pa.array(rng.random(n) < 0.5)], ["a", "b", "c"], mask=pa.array(mask))
    out["struct_constant"] = pa.array([{"x": 1, "y": "same", "z": None}] * n, pa.struct([("x", pa.int8()), ("y", pa.string()), ("z", pa.bool_())]))
    out["list_struct"] = pa.array([[{"p": k, "q": str(k)} for k in range(i % 3)] for i in range(n)], pa.list_(pa.struct([("p", pa.int64()), ("q", pa.string())])))
    out["map"] = pa.array([[(f"k{k}", k + i) for k in range(i % 3)] if i % 7 else None for i in range(n)], pa.map_(pa.string(), pa.int64()))
    out["map_constant"] = pa.array([[("a", 1.5)]] * n, pa.map_(pa.string(), pa.float64()))
    return out


def booleans(rng, n):
    out = {}
    random = rng.random(n) < 0.5
    out["random"] = pa.array(random)
    out["random_nulls"] = pa.array(random, mask=nulls(rng, n, 0.3))
    out["mostly"] = pa.array(rng.random(n) < 0.995)
    out["runs"] = pa.array((np.arange(n) // 777) % 2 == 0)
    out["true"] = pa.array(np.ones(n, bool))
    out["false_or_null"] = pa.array(np.zeros(n, bool), mask=random)
    out["mostly_null"] = pa.array(random, mask=nulls(rng, n, 0.99))
    out["all_null"] = pa.array([None] * n, pa.bool_())
    out["null"] = pa.nulls(n)
    for t in [pa.int64(), pa.float64(), pa.timestamp("us"), pa.date32(), pa.decimal128(20, 2), pa.decimal256(50, 2), pa.binary(), pa.list_(pa.int8()), pa.struct([("a", pa.int8())])]:
        out["all_null_" + str(t)] = pa.nulls(n, t)
    return out


def others(rng, n):
    """Columns of Arrow types that Vortex has other types for: see plain."""
    out = {}
    mask = nulls(rng, n, 0.2)
    words = [WORDS[i] * 3 for i in rng.integers(0, len(WORDS), n)]
    lists = [[i, None] if i % 3 else None for i in range(n)]
    out["uuid"] = pa.array([rng.bytes(16) for _ in range(n)], pa.uuid())
    out["uuid_nulls"] = pa.array([None if m else rng.bytes(16) for m in mask], pa.uuid())
    out["uuid_constant"] = pa.array([b"0123456789abcdef"] * n, pa.uuid())
    out["json"] = pa.array(['{"a":%d}' % i for i in range(n)], pa.json_())
    out["large_string"] = pa.array(words, pa.large_string(), mask=mask)
    out["string_view"] = pa.array(words, pa.string_view(), mask=mask)
    out["large_binary"] = pa.array([w.encode() for w in words], pa.large_binary())
    out["binary_view"] = pa.array([w.encode() for w in words], pa.binary_view(), mask=mask)
    out["dictionary"] = pa.array(words, pa.string(), mask=mask).dictionary_encode()
    out["large_list"] = pa.array(lists, pa.large_list(pa.int32()))
    out["list_view"] = pa.array(lists, pa.list_view(pa.int32()))
    out["list_map"] = pa.array([[[("a", i)]] for i in range(n)], pa.list_(pa.map_(pa.string(), pa.int32())))
    out["decimal32"] = pa.array(rng.integers(-999, 999, n).tolist(), pa.decimal128(5, 1)).cast(pa.decimal32(5, 1))
    out["decimal64"] = pa.array(rng.integers(-999, 999, n).tolist(), pa.decimal128(12, 1)).cast(pa.decimal64(12, 1))
    out["decimal_scale"] = pa.array(rng.integers(-999, 999, n).astype("object") * 100, pa.decimal128(10, -2), mask=mask)
    out["run_end"] = pa.RunEndEncodedArray.from_arrays(pa.array(range(1, n + 1), pa.int32()), pa.array(rng.integers(0, 9, n)))
    return out


def plain(t):
    """The same rows in the types in which they come out of a Vortex file."""
    columns = []
    for f, c in zip(t.schema, t.columns):
        typ = f.type
        if isinstance(typ, pa.BaseExtensionType):
            c = pa.chunked_array([k.storage for k in c.chunks], typ.storage_type)
        elif pa.types.is_run_end_encoded(typ):
            c = pa.chunked_array([pc.run_end_decode(k) for k in c.chunks], typ.value_type)
        to = c.type
        if pa.types.is_dictionary(to):
            to = to.value_type
        if pa.types.is_large_string(to) or pa.types.is_string_view(to):
            to = pa.string()
        elif pa.types.is_large_binary(to) or pa.types.is_binary_view(to):
            to = pa.binary()
        elif pa.types.is_large_list(to) or pa.types.is_list_view(to):
            to = pa.list_(to.value_field)
        elif pa.types.is_decimal32(to) or pa.types.is_decimal64(to):
            to = pa.decimal128(to.precision, to.scale)
        columns.append(pa.chunked_array([c.to_pylist()], to) if pa.types.is_list_view(c.type) else c.cast(to))
    return pa.table(columns, pa.schema([pa.field(f.name, c.type, f.nullable) for f, c in zip(t.schema, columns)]))


GROUPS = {"integers": integers, "floats": floats, "text": text, "temporal": temporal, "decimals": decimals, "nested": nested, "booleans": booleans, "others": others}


def table(group, n, seed=1):
    """The table of a group with n rows. Where values are made one by one, many rows are a few again and again. Every
    other column that has no nulls is of a type that allows none."""
    some = n if group in ("integers", "floats", "temporal", "booleans", "others") else min(n, 20000)
    t = pa.table(GROUPS[group](np.random.default_rng([seed, n]), some))
    if group == "others":
        return t
    fields = [f.with_nullable(k % 2 == 0 or t.column(k).null_count > 0 or f.type == pa.null()) for k, f in enumerate(t.schema)]
    t = t.cast(pa.schema(fields))
    if some == n:
        return t
    return pa.concat_tables([t] * (n // some) + [t.slice(0, n % some)]).combine_chunks()
