package postgres_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/postgres/pgtest"
	"pitwall/runtime/source"
	"pitwall/runtime/source/postgres"
	"pitwall/runtime/source/sourcetest"
)

func open(t testing.TB, s *pgtest.Server, table string, more ...string) *postgres.Source {
	t.Helper()
	src, err := postgres.New(postgres.Options{Table: table, Params: sourcetest.With(s.Params(), more...)})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestPostgres(t *testing.T) {
	s := pgtest.Start(t)
	t.Run("types", func(t *testing.T) { types(t, s) })
	t.Run("refused", func(t *testing.T) { refused(t, s) })
	t.Run("push down", func(t *testing.T) { pushDown(t, s) })
	t.Run("errors", func(t *testing.T) { faults(t, s) })
	t.Run("many rows", func(t *testing.T) { many(t, s) })
	t.Run("cancel", func(t *testing.T) { sourcetest.Cancel(t, open(t, s, "many")) })
	t.Run("restart", func(t *testing.T) { restart(t, s) })
}

func types(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN price AS numeric(10,2); CREATE SCHEMA "My";
CREATE TABLE "My".all_types (b bool NOT NULL, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(20,3), free numeric, p price, t text, v varchar(5),
 c char(3), by bytea, d date, ti time, ts timestamp, tz timestamptz, u uuid, j json, jb jsonb, m mood, a int4[], ta text[], na numeric(6,2)[]);
INSERT INTO "My".all_types VALUES (true, -2, 4, -8, 1.5, 'NaN', -12345678901234567.891, 0.000000000000000001, 7.5, 'grüße', 'abc', 'x', '\x00ff', '1969-12-31', '23:59:59.999999',
 '0001-01-01 00:00:00.000001', '2026-03-29 03:30:00+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"b":[1]}', 'happy', '{1,NULL,3}', '{}', '{1.25,-99.99}'),
 (false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	schema, got, _, err := sourcetest.Rows(t, open(t, s, `"My".all_types`), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	want := "true|-2|4|-8|1.5|NaN|-12345678901234567.891|1e-18|7.5|grüße|abc|x  |AP8=|1969-12-31|23:59:59.999999|" +
		"0001-01-01T00:00:00.000001|2026-03-29T01:30:00Z|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|{\"a\": 1}|{\"b\": [1]}|happy|[1,null,3]|[]|[\"1.25\",\"-99.99\"]"
	if len(got) != 2 || got[0] != want || got[1] != "false"+strings.Repeat("|NULL", 23) {
		t.Errorf("got  %s\nwant %s\n%v", got[0], want, got[1:])
	}
	if f := schema.Field(0); f.Nullable || schema.Field(1).Type.ID() != arrow.INT16 || !schema.Field(1).Nullable {
		t.Errorf("%v", schema)
	}
}

func refused(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TABLE odd (id int, place point, n numeric(50,60)); CREATE TABLE inf (d date); INSERT INTO inf VALUES ('infinity');
CREATE TABLE wide (n numeric); INSERT INTO wide VALUES (1.0000000000000000001)`)
	for table, want := range map[string]string{"odd": `column "place" has the type point`, "inf": `column "d": infinity`, "wide": `column "n": a value has more than 18 digits`} {
		if _, _, _, err := sourcetest.Rows(t, open(t, s, table), source.Scan{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
	if _, got, _, err := sourcetest.Rows(t, open(t, s, "odd"), source.Scan{Columns: []string{"id"}}); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func pushDown(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TABLE push (id int, name text, at timestamptz, ok bool, f float8, n numeric(10,2), d date);
INSERT INTO push SELECT i, 'n' || i, '2026-01-01'::timestamptz + i * interval '1 microsecond', i % 2 = 0, i / 4.0, i / 4.0, '2026-01-01'::date + i FROM generate_series(1, 10) i`)
	at := time.Date(2026, 1, 1, 0, 0, 0, 4000, time.UTC)
	for _, c := range []struct {
		scan source.Scan
		want int
	}{
		{source.Scan{Where: engines.Compare{Column: "at", Op: engines.Gt, Value: at}}, 6},
		{source.Scan{Where: engines.And{engines.Compare{Column: "name", Op: engines.Ge, Value: "n5"}, engines.Compare{Column: "ok", Op: engines.Eq, Value: true}}}, 2},
		{source.Scan{Where: engines.Compare{Column: "f", Op: engines.Le, Value: 0.5}}, 2},
		{source.Scan{Where: engines.Compare{Column: "n", Op: engines.Lt, Value: 1.0}}, 3},
		{source.Scan{Where: engines.Compare{Column: "d", Op: engines.Ge, Value: at.AddDate(0, 0, 8)}}, 2},
		{source.Scan{Where: engines.Not{Of: engines.IsNull{Column: "name"}}, WhereSQL: "id % 3 = 0"}, 3},
		{source.Scan{WhereSQL: "name SIMILAR TO 'n(1|2)'", Columns: []string{"name"}}, 2},
		{source.Scan{Where: engines.Compare{Column: "name", Op: engines.Eq, Value: `it's \ "quoted"`}}, 0},
	} {
		schema, got, plan, err := sourcetest.Rows(t, open(t, s, "push"), c.scan)
		if err != nil || len(got) != c.want || !strings.Contains(plan, "where") {
			t.Errorf("%+v: %d rows, plan %s, %v", c.scan, len(got), plan, err)
		}
		if n := len(c.scan.Columns); n > 0 && schema.NumFields() != n {
			t.Errorf("%v", schema)
		}
	}
	// What the server can't say is left to the caller: a superset comes.
	if _, got, _, err := sourcetest.Rows(t, open(t, s, "push"), source.Scan{Where: engines.CompareText{Column: "name", Op: engines.Gt, Value: at}}); err != nil || len(got) != 10 {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

func faults(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TABLE secret (id int); CREATE ROLE guest LOGIN PASSWORD 'guest'`)
	for _, c := range []struct {
		name  string
		table string
		param []string
		kind  source.Kind
		want  string
	}{
		{"password", "secret", []string{"pg_pass", "hunter2-wrong"}, source.Denied, "28P01"},
		{"database", "secret", []string{"pg_db", "nope"}, source.Missing, "3D000"},
		{"table", "no_such", nil, source.Missing, "no_such"},
		{"rights", "secret", []string{"pg_user", "guest", "pg_pass", "guest"}, source.Denied, "42501"},
		{"port", "secret", []string{"pg_port", "1"}, source.Unavailable, "refused"},
		{"tls", "secret", []string{"pg_sslmode", "verify-full"}, source.Unavailable, "TLS"},
	} {
		_, _, _, err := sourcetest.Rows(t, open(t, s, c.table, c.param...), source.Scan{})
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.want) || e.Hint == "" {
			t.Errorf("%s: %v (kind %s, hint %q)", c.name, err, source.KindOf(err), e.Hint)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the password shows: %v", c.name, err)
		}
	}
	if _, _, _, err := sourcetest.Rows(t, open(t, s, "push"), source.Scan{WhereSQL: "nope = 1"}); source.KindOf(err) != source.Unsupported {
		t.Errorf("%v", err)
	}
	for _, p := range []map[string]string{{"pg_sslmode": "maybe"}, {"pg_sslrootcert": "nope.pem"}} {
		all := s.Params()
		maps.Copy(all, p)
		if _, err := postgres.New(postgres.Options{Table: "t", Params: all}); source.KindOf(err) != source.Unsupported {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, name := range []string{"", "a.", `"a`, "a.b.c.d", "a..b"} {
		if _, err := postgres.New(postgres.Options{Table: name, Params: s.Params()}); err == nil {
			t.Errorf("the table %q is accepted", name)
		}
	}
}

func many(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TABLE many AS SELECT i AS id, repeat('x', i % 100) AS s FROM generate_series(1, 300000) i`)
	r, err := open(t, s, "many").Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if done, _ := r.Progress(); r.Err() != nil || n != 300_000 || done < 300_000*15 {
		t.Errorf("%d rows, %d bytes, %v", n, done, r.Err())
	}
}

func restart(t *testing.T, s *pgtest.Server) {
	s.Exec(t, `CREATE TABLE long AS SELECT i AS id, repeat('x', 200) AS s FROM generate_series(1, 1500000) i`)
	sourcetest.Restart(t, open(t, s, "long"), s)
}
