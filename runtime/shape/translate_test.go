//go:build duckdb_arrow

package shape_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/runtime/shape"
)

// pushed are conditions of which nothing may be left for DuckDB.
var pushed = []string{
	"i8 = 5", "5 < i8", "i8 >= 1000", "i8 <> -128", "i64 = 5000000000", "i64 > 9007199254740992", "u64 > -1", "u64 = 18446744073709551615", "u8 <= 300",
	"i32 IN (1, 5, -1)", "i32 NOT IN (1, 5)", "i32 BETWEEN 0 AND 5", "i32 NOT BETWEEN 0 AND 5", "i64 = 5::bigint", "0x10 > i8",
	"f32 > 0.5", "f32 = 0", "f32 < 16777216", "f64 > 0.1", "f64 = 0.1", "f64 <= 5", "f64 = 1e3", "f64 IN (0.5, 0.1)", "f64 < 1234567.891", "f64 = 0.5::double precision",
	"dec = 1.5", "dec > 5", "dec IN (1.5, -1.50)", "dec < 9999999999.99", "dec = 1.234", "wide < 0.5",
	"s = 'a'", "s > 'a'", "s IN ('a', 'ä')", "s <> ''", "s = 'a'::text", "view = 'abc'", "dict = 'abc'", "s BETWEEN 'a' AND 'b'",
	"ok", "NOT ok", "ok = true", "ok <> true", "ok IS TRUE", "ok IS NOT TRUE", "ok IS FALSE", "ok IS NOT FALSE", "ok IS UNKNOWN", "ok IS NOT UNKNOWN", "NOT (ok IS TRUE)",
	"s IS NULL", "s IS NOT NULL", "tags IS NULL", "nothing IS NULL", "nothing IS NOT NULL", "NOT (i32 > 0 AND ok)", "i32 > 0 OR s = 'a' AND NOT ok",
	"day = '2024-01-01'", "day > date '2024-01-01'", "day < timestamp '2024-01-01 12:00:00'", "day64 >= '2024-01-01'", "day > current_date", "day > now()", "day = current_date - 7",
	"day >= now()::date", "day > current_date - interval '1 month'",
	"ts > '2024-01-01'", "ts >= '2024-01-01 12:00:00.5'", "ts = timestamp '2024-01-01T00:00:00.000001'", "ts > now()", "ts > now() - interval '1 day'", "ts < date '2024-01-01'",
	"ts < '2024-01-01 00:00:00+02'::timestamptz", "ts >= current_timestamp - interval '1 month'", "ts >= localtimestamp", "ts < now()::timestamp - interval '1' day",
	"ts_s > '2024-01-01 11:59:59.5'", "ts_s = now()", "ts_s < now()", "ts_ms > timestamp '2024-01-01 12:00:00.499999'", "ts_ms >= now() - interval '1 mon'",
	"ts_ns > '2024-01-01'", "ts_ns = timestamp '2024-01-01 00:00:00.000001'",
	"tz > '2024-01-01'", "tz >= '2024-01-01 01:00:00+01:00'", "tz = '2024-01-01T00:00:00Z'", "tz > now() - interval '1 day'", "tz_s <= now()", "tz_ms >= timestamp '2024-01-01'",
	"tz > date '2024-01-01'", "tz_ns >= '2024-01-01'", "tz_ns > now()", "tz BETWEEN now() - interval '1 month 2 days 3 hours' AND now()", "tz < transaction_timestamp()",
	"tz IN ('2024-01-01', '2024-01-01 00:00:00.000001')", "ts > now() - interval '1 week' + interval '90 minutes'", `"Qualify" = 5`, "i32 > 0 AND i8 < 0 AND s IS NOT NULL",
	"day > date '2024-03-31' - interval '1 month'", "ts > date '2023-12-31' + interval '2 months'",
}

// left are conditions that DuckDB has to answer, in whole.
var left = []string{
	"i32 > 0.5", "i64 = 1e3", "i32 = '5'", "f32 = 0.1", "f64 > 1234567890123456789", "dec > '1.5'", "wide IN (0.5, 5)", "dec = 1e2", "i32 IN (1, NULL)", "i32 IN (1, 0.5)",
	"i32 = i8", "i32 + 1 > 5", "sign(i32) = 1", "i32 = '5'::int", "f64 >= '0.5'::float8", "lower(s) = 'a'", "s LIKE 'a%'", `s LIKE 'a\_b'`, "s LIKE 'a#_b' ESCAPE '#'", "s NOT LIKE 'a%'", "s ILIKE 'A_B'", `s NOT ILIKE 'a\_b'`,
	"s ~ 'b'", "s !~ '^a'", "s ~* 'B'", "s ~ 'x.y'", "s = NULL", "true", "i32 / 2 = 2", "i32 IS NOT DISTINCT FROM 5", "i32 IS DISTINCT FROM NULL", "length(s) > 1",
	"ts > '2024-01-01 00:00:00+02'", "ts > '2024-1-1'", "ts > '2024-01-01 12:00'", "day > '2024-01-01 12:00:00'", "ts > date_trunc('day', now())", "extract(year FROM ts) = 2024",
	"date_part('hour', tz) = 0", "date_trunc('day', tz AT TIME ZONE 'Europe/Berlin') = '2026-10-25'", "age(ts) > interval '1 year'", "ts::date = '2024-01-01'", "ts < ts_ms",
	"CASE WHEN ok THEN i32 > 0 ELSE i8 > 0 END", "coalesce(i32, 0) = 0", "nullif(i32, 0) IS NULL", "substring(s FROM 1 FOR 1) = 'a'", "trim(both ' ' from s) = 'a'", "trim(s) = 'a'",
	"position('b' in s) = 2", "tags[1] = 'a'", "s = ANY(ARRAY['a', 'b'])", "s || 'x' = 'ax'", "i32 BETWEEN i8 AND 5", `"Qualify" + 0 = 5`, "greatest(i32, 1) = 5", "s COLLATE \"C\" = 'a'",
	"day - 1 > '2024-01-01'", "ts + interval '1 day' > now()", "i32::text = '5'", "s < 'b' IS TRUE", "(i32 > 0) = ok", "ok IN (true, i32 > 0)", "(ts, i32) > (timestamp '2024-01-01', 0)",
}

// TestTranslate checks on random rows that the predicate and DuckDB keep the same ones, for whole
// conditions, negated ones and pairs of them.
func TestTranslate(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	for i, sql := range append(append([]string{}, pushed...), left...) {
		where, rest, err := shape.Translate(condition(t, sql), columns, now)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if whole := i < len(pushed); whole && rest != "" || !whole && where != nil {
			t.Errorf("%s: %v, rest %q", sql, where, rest)
		}
		compare(t, r, []string{sql, "NOT (" + sql + ")"}[r.IntN(2)])
		if !testing.Short() {
			compare(t, r, "("+sql+") "+[]string{"AND", "OR"}[r.IntN(2)]+" NOT ("+pick(r)+")")
		}
	}
}

func pick(r *rand.Rand) string {
	all := append(append([]string{}, pushed...), left...)
	return all[r.IntN(len(all))]
}

// compare runs a condition both ways.
func compare(t *testing.T, r *rand.Rand, sql string) {
	t.Helper()
	c := condition(t, sql)
	where, rest, err := shape.Translate(c, columns, now)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
		return
	}
	batch := randomBatch(r, memory.DefaultAllocator, 60)
	defer batch.Release()
	open := func() array.RecordReader {
		batch.Retain()
		return newStream(t, columns, batch)
	}
	kept, err := shape.Keep(t.Context(), open(), where)
	if err != nil {
		t.Errorf("%s: keep %v: %v", sql, where, err)
		return
	}
	both, err := shape.Mask(t.Context(), kept, rest, now)
	if err != nil {
		t.Errorf("%s: mask %q: %v", sql, rest, err)
		return
	}
	got, err := drain(t, both)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	all, err := shape.Mask(t.Context(), open(), c.SQL, now)
	if err != nil {
		t.Errorf("%s: mask: %v", sql, err)
		return
	}
	want, err := drain(t, all)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: DuckDB alone (-), %v and rest %q (+):\n%s", sql, where, rest, d)
	}
}

func TestTranslateSplits(t *testing.T) {
	where, rest, err := shape.Translate(condition(t, "i32 > 0 AND lower(s) = 'a' AND ok AND (ts > now() OR s LIKE 'a%')"), columns, now)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[{i32 > 0} {ok = true}]"; fmt.Sprint(where) != want {
		t.Errorf("%v, want %s", where, want)
	}
	if want := "lower(s) = 'a' AND (ts > '2026-10-25 00:30:15.123456+00'::timestamp with time zone OR s LIKE 'a%')"; rest != want {
		t.Errorf("%s, want %s", rest, want)
	}
	if where, rest, err := shape.Translate(nil, columns, now); where != nil || rest != "" || err != nil {
		t.Error(where, rest, err)
	}
	if _, _, err := shape.Translate(condition(t, "i23 > 0"), columns, now); err == nil {
		t.Error("an unknown column")
	}
}
