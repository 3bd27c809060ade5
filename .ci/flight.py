"""Clients of Arrow Flight against a running pitwall, see .ci/flight.

flight.py make DIR               writes the rows that the datasets have
flight.py test DIR OPEN CLOSED   the addresses (host:port) of a pitwall that is open to all, and of one with API keys and TLS
"""

import datetime
import decimal
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.flight as fl
import pyarrow.parquet as pq

ROWS = 200_000


def make(folder):
    n = pa.array(range(ROWS), pa.int64())
    small = pc.bit_wise_and(n, 127)

    def every(k, a):
        return pc.if_else(pc.equal(pc.bit_wise_and(n, k), 0), pa.scalar(None, a.type), a)

    table = pa.table({
        "id": n,
        "i8": small.cast(pa.int8()), "u16": small.cast(pa.uint16()), "i32": every(7, n.cast(pa.int32())), "u64": n.cast(pa.uint64()),
        "f32": small.cast(pa.float32()), "f64": every(3, pc.divide(n.cast(pa.float64()), 3.0)), "b": every(15, pc.equal(small, 1)),
        "s": every(31, pc.binary_join_element_wise("text é", n.cast(pa.string()), "-")), "long": pc.binary_repeat("0123456789", small),
        "raw": n.cast(pa.string()).cast(pa.binary()), "day": n.cast(pa.int32()).cast(pa.date32()),
        "at": pc.multiply(n, 1_000_003).cast(pa.timestamp("us")), "zone": pc.multiply(n, 1_000_003).cast(pa.timestamp("us", "UTC")),
        "price": pa.array([decimal.Decimal(i) / 100 for i in range(ROWS)], pa.decimal128(12, 2)),
        "list": pa.ListArray.from_arrays(pa.array(range(0, ROWS + 1), pa.int32()), n),
    })
    pq.write_table(table, f"{folder}/rows.parquet")


def raises(kind, text, call):
    try:
        call()
    except kind as e:
        assert text in str(e), f"{text!r} is not in {e!r}"
        return
    raise AssertionError(f"no {kind} with {text!r}")


def fetch(client, descriptor, options=None):
    info = client.get_flight_info(descriptor, options)
    table = client.do_get(info.endpoints[0].ticket, options).read_all()
    assert info.schema.equals(table.schema), f"the info says {info.schema}, the rows {table.schema}"
    assert client.get_schema(descriptor, options).schema.equals(table.schema)
    return table


def flights(want, address):
    with fl.connect(f"grpc://{address}") as c:
        begun = time.time()
        got = fetch(c, fl.FlightDescriptor.for_path("duck"))
        print(f"  {got.num_rows} rows, {got.nbytes >> 20} MiB in {time.time() - begun:.2f} s")
        assert got.schema.equals(want.schema), f"{got.schema} instead of {want.schema}"
        assert got.sort_by("id").equals(want), "the rows differ"
        lite = fetch(c, fl.FlightDescriptor.for_path("sub", "lite")).sort_by("id")
        for name in ("id", "i8", "f64", "s", "at", "price"):
            assert lite[name].cast(want[name].type).equals(want[name]), name
        got = fetch(c, fl.FlightDescriptor.for_command("SELECT sum(id) AS n, max(price) AS p FROM duck WHERE id < 1000"))
        assert got.to_pylist() == [{"n": 499500, "p": decimal.Decimal("9.99")}], got
        got = fetch(c, fl.FlightDescriptor.for_command("SELECT d.s FROM duck d JOIN sub.lite l ON d.id = l.id WHERE l.id = 33"))
        assert got.to_pylist() == [{"s": "text é-33"}], got
        assert fetch(c, fl.FlightDescriptor.for_command("SELECT id FROM duck WHERE false")).num_rows == 0
        assert sorted(f.descriptor.path[0] for f in c.list_flights()) == [b"duck", b"sub.lite"]
        raises(pa.ArrowInvalid, "did you mean", lambda: c.get_flight_info(fl.FlightDescriptor.for_command("SELECT * FROM duk")))
        raises(pa.ArrowKeyError, "no dataset", lambda: c.get_flight_info(fl.FlightDescriptor.for_path("nope")))
        raises(fl.FlightUnauthorizedError, "not a query", lambda: c.get_flight_info(fl.FlightDescriptor.for_command("DROP TABLE duck")))
        reader = c.do_get(fl.Ticket(b"SELECT * FROM duck"))
        reader.read_chunk()
        reader.cancel()
        raises(fl.FlightCancelledError, "", lambda: [reader.read_chunk() for _ in range(ROWS)])  # read_all would take it for ctrl+c
        assert "CancelFlightInfo" in [a.type for a in c.list_actions()]


def keys(folder, address):
    with open(f"{folder}/closed/cert.pem") as f:
        roots = f.read()
    count = fl.FlightDescriptor.for_command("SELECT count(*) AS n FROM duck")
    with fl.connect(f"grpc+tls://{address}", tls_root_certs=roots) as c:
        raises(fl.FlightUnauthenticatedError, "needs an API key", lambda: c.get_flight_info(count))
        raises(fl.FlightUnauthenticatedError, "needs an API key", lambda: c.authenticate_basic_token("me", "wrong"))
        token = c.authenticate_basic_token("me", "look")
        for header in (token, (b"authorization", b"Bearer change"), (b"x-api-key", b"look")):
            assert fetch(c, count, fl.FlightCallOptions(headers=[header])).to_pylist() == [{"n": ROWS}]
    with fl.connect(f"grpc://{address}") as c:
        raises(fl.FlightUnavailableError, "", lambda: c.get_flight_info(count))


def adbc(folder, want, address, closed):
    import adbc_driver_flightsql
    import adbc_driver_flightsql.dbapi as dbapi

    with dbapi.connect(f"grpc://{address}", autocommit=True) as conn:
        info = conn.adbc_get_info()
        assert info["vendor_name"] == "pitwall", info
        assert conn.adbc_get_table_types() == ["TABLE", "VIEW"]
        assert conn.adbc_get_table_schema("duck").equals(want.schema), conn.adbc_get_table_schema("duck")
        objects = conn.adbc_get_objects(depth="all").read_all().to_pylist()
        tables = {(s["db_schema_name"], t["table_name"]): t for o in objects for s in o["catalog_db_schemas"] for t in s["db_schema_tables"]}
        assert [o["catalog_name"] for o in objects] == ["spice"] and sorted(tables) == [("public", "duck"), ("sub", "lite")], tables
        duck = tables["public", "duck"]
        assert [x["column_name"] for x in duck["table_columns"]] == want.column_names
        with conn.cursor() as cur:
            cur.execute("SELECT * FROM spice.public.duck ORDER BY id")
            assert cur.fetch_arrow_table().equals(want)
            day = datetime.date(1970, 1, 11)
            cur.execute("SELECT id, s FROM duck WHERE day = ? AND price < ? AND s = ? AND zone < ?",
                        (day, decimal.Decimal("10.50"), "text é-10", datetime.datetime.now(datetime.timezone.utc)))
            assert cur.fetchall() == [(10, "text é-10")]
            cur.execute("SELECT count(*) FROM sub.lite WHERE id < $1 AND b IS NOT DISTINCT FROM $2", (64, None))
            assert cur.fetchone() == (4,)
            cur.execute("SELECT id FROM duck ORDER BY id LIMIT 3")
            assert [r[0] for r in cur] == [0, 1, 2]
            assert cur.adbc_execute_schema("SELECT price, at FROM duck").equals(pa.schema([want.schema.field("price"), want.schema.field("at")]))
            raises(dbapi.ProgrammingError, "nope", lambda: cur.execute("SELECT nope FROM duck"))
            cur.execute("SELECT * FROM duck")
            cur.fetch_record_batch().read_next_batch()
            cur.adbc_cancel()
        with conn.cursor() as cur:
            cur.execute("SELECT 1 AS one")
            assert cur.fetchone() == (1,)
    with open(f"{folder}/closed/cert.pem") as f:
        tls = {adbc_driver_flightsql.DatabaseOptions.TLS_ROOT_CERTS.value: f.read()}
    for options in ({"username": "me", "password": "look"}, {adbc_driver_flightsql.DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer change"}):
        with dbapi.connect(f"grpc+tls://{closed}", db_kwargs={**tls, **options}, autocommit=True) as conn, conn.cursor() as cur:
            cur.execute("SELECT count(*) FROM duck")
            assert cur.fetchone() == (ROWS,)


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    folder, address, closed = sys.argv[2:]
    want = pq.read_table(f"{folder}/rows.parquet")
    want = want.cast(want.schema.set(want.schema.get_field_index("list"), pa.field("list", pa.list_(pa.field("l", pa.int64())))))  # as DuckDB calls it
    for name, run in (("pyarrow.flight", lambda: flights(want, address)), ("API keys and TLS", lambda: keys(folder, closed)),
                      ("ADBC", lambda: adbc(folder, want, address, closed))):
        begun = time.time()
        run()
        print(f"{name}: ok in {time.time() - begun:.1f} s")
