package refreshsql_test

import (
	"errors"
	"testing"

	"pitwall/config/refreshsql"
)

var seeds = []string{
	"SELECT * FROM t", `select a, "B" from t where a > 'x' and (b or not c) limit 10;`, "SELECT * FROM t WHERE a IN (1, 2.5, 1e3, -4)",
	"SELECT DISTINCT ON (id) * FROM t WHERE a ~ 'x' ORDER BY id, ts DESC NULLS LAST", "SELECT * FROM t WHERE ts > now() - interval '1' day",
	"SELECT * FROM t WHERE a LIKE 'x\\_' ESCAPE '#' AND b SIMILAR TO 'c' OR d IS NOT DISTINCT FROM $1", "SELECT * FROM t WHERE CASE WHEN a THEN b ELSE c END",
	"SELECT * FROM t WHERE extract(year from a) = 1 AND trim(both 'x' from b) = substring(c from 1 for 2) AND d AT TIME ZONE 'UTC' > e",
	"SELECT * FROM t WHERE a[1] = (b).c AND ROW(1, 2) = ROW(a, b) AND x = ANY(ARRAY[1]) AND date '2024-01-01' < y::date COLLATE \"C\"",
	"DELETE FROM t WHERE a AND b IS NOT TRUE", "DELETE FROM t WHERE ts < current_timestamp(3) AND x BETWEEN SYMMETRIC 1 AND 2",
	"SELECT * FROM t WHERE U&'\\0061' = E'\\n' || B'01' /* c */ -- d",
}

// refused checks that an error is a usable one.
func refused(t *testing.T, sql string, err error) {
	t.Helper()
	var e *refreshsql.Error
	if !errors.As(err, &e) || e.Message == "" || e.Class == "" || e.Offset < 0 || e.Offset > len(sql) || e.Line < 1 || e.Column < 1 {
		t.Fatalf("%q: %#v", sql, err)
	}
}

// FuzzRefreshSQL holds that nothing panics, and that what is accepted can be written and read again.
func FuzzRefreshSQL(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, err := refreshsql.ParseRefresh(sql, "t")
		if err != nil {
			refused(t, sql, err)
			return
		}
		again, err := refreshsql.ParseRefresh(s.String(), "t")
		if err != nil {
			t.Fatalf("%q is written as %q: %v", sql, s, err)
		}
		if d := shape(t, s, again); d != "" {
			t.Fatalf("%q is written as %q: %s", sql, s, d)
		}
		if err := s.CheckColumns(nil); err != nil {
			refused(t, sql, err)
		}
	})
}

// FuzzRetentionSQL is FuzzRefreshSQL for retention_sql.
func FuzzRetentionSQL(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		d, err := refreshsql.ParseRetention(sql, "t")
		if err != nil {
			refused(t, sql, err)
			return
		}
		again, err := refreshsql.ParseRetention(d.String(), "t")
		if err != nil || again.Where.SQL != d.Where.SQL || len(again.Where.Conjuncts) != len(d.Where.Conjuncts) {
			t.Fatalf("%q is written as %q: %v", sql, d, err)
		}
	})
}
