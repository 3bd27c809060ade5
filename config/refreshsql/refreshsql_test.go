package refreshsql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pitwall/config/refreshsql"
)

// shape is a Select without what only messages need.
func shape(t *testing.T, a, b *refreshsql.Select) string {
	t.Helper()
	where := func(s *refreshsql.Select) (string, int) {
		if s.Where == nil {
			return "", 0
		}
		return s.Where.SQL, len(s.Where.Conjuncts)
	}
	aw, an := where(a)
	bw, bn := where(b)
	return cmp.Diff(a, b, cmpopts.IgnoreUnexported(refreshsql.Select{}), cmpopts.IgnoreFields(refreshsql.Select{}, "Where")) +
		cmp.Diff(aw, bw) + cmp.Diff(an, bn)
}

func limit(n int64) *int64 { return &n }

func TestParseRefresh(t *testing.T) {
	order := func(c string, desc, first bool) refreshsql.Order {
		return refreshsql.Order{Column: c, Desc: desc, NullsFirst: first}
	}
	for _, tt := range []struct {
		sql, table, where string
		conjuncts         int
		want              refreshsql.Select
	}{
		{sql: "SELECT * FROM t", table: "t"},
		{sql: "select A, \"B\" from S.T limit 10;", table: "s.t", want: refreshsql.Select{Columns: []string{"a", "B"}, Limit: limit(10)}},
		{sql: `SELECT * FROM "Mixed"."T"`, table: "Mixed.T"},
		{sql: "SELECT * FROM t WHERE t.a > 'FROM x; y' AND (b = 1 OR c IN (1, 2)) AND (d AND e)", table: "t",
			where: "a > 'FROM x; y' AND (b = 1 OR c IN (1, 2)) AND (d AND e)", conjuncts: 4},
		{sql: "SELECT * FROM s.t WHERE s.t.a = 1 AND t.b AND c.f = 2", table: "s.t", where: "a = 1 AND b AND c.f = 2", conjuncts: 3},
		{sql: "SELECT * FROM t -- all\nWHERE a IS DISTINCT FROM b /* JOIN */", table: "t", where: "a IS DISTINCT FROM b", conjuncts: 1},
		{sql: "SELECT a FROM t WHERE ts > now() - interval '1 day' OR bucket(4, a) = 1", table: "t",
			where: "ts > (now() - '1 day'::interval) OR bucket(4, a) = 1", conjuncts: 1, want: refreshsql.Select{Columns: []string{"a"}}},
		{sql: "SELECT DISTINCT ON (id, k) id, v FROM t WHERE v > 1 ORDER BY k, id DESC, ts DESC, n NULLS FIRST, m DESC NULLS LAST", table: "t",
			where: "v > 1", conjuncts: 1, want: refreshsql.Select{Columns: []string{"id", "v"}, DistinctOn: []string{"id", "k"},
				OrderBy: []refreshsql.Order{order("k", false, false), order("id", true, true), order("ts", true, true), order("n", false, true), order("m", true, false)}}},
		{sql: "SELECT * FROM t LIMIT 0", table: "t", want: refreshsql.Select{Limit: limit(0)}},
		{sql: "SELECT * FROM t LIMIT 5000000000", table: "t", want: refreshsql.Select{Limit: limit(5_000_000_000)}},
		{sql: `SELECT "select", "a b" FROM "order"`, table: "order", want: refreshsql.Select{Columns: []string{"select", "a b"}}},
	} {
		got, err := refreshsql.ParseRefresh(tt.sql, tt.table)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		tt.want.Table = tt.table
		if tt.where != "" {
			tt.want.Where = got.Where
			if got.Where == nil || got.Where.SQL != tt.where || len(got.Where.Conjuncts) != tt.conjuncts {
				t.Errorf("%s: where %v, %d conjuncts; want %s, %d", tt.sql, got.Where, len(got.Where.Conjuncts), tt.where, tt.conjuncts)
			}
		}
		if d := shape(t, got, &tt.want); d != "" {
			t.Errorf("%s: %s", tt.sql, d)
		}
		again, err := refreshsql.ParseRefresh(got.String(), tt.table)
		if err != nil {
			t.Errorf("%s: written as %s: %v", tt.sql, got, err)
		} else if d := shape(t, got, again); d != "" {
			t.Errorf("%s: written as %s: %s", tt.sql, got, d)
		}
	}
}

func TestParseRefreshRefuses(t *testing.T) {
	for _, tt := range []struct {
		sql   string
		class refreshsql.Class
		at    string // what is at the place of the error; "" is the end
		says  string
	}{
		{"", refreshsql.Statement, "", "empty"},
		{";", refreshsql.Statement, ";", "empty"},
		{"DELETE FROM s.t", refreshsql.Statement, "DELETE FROM s.t", "not DELETE"},
		{"VALUES (1)", refreshsql.Statement, "VALUES (1)", "not VALUES"},
		{"SELECT * FROM s.t; SELECT 1", refreshsql.Statement, "SELECT 1", "it has 2"},
		{"SELEC * FROM s.t", refreshsql.Syntax, "SELEC * FROM s.t", `syntax error at or near "SELEC"`},
		{"SELECT ä, é FROM s.t WHERE\n'ü' GROUP", refreshsql.Syntax, "", "ends after GROUP"},
		{"SELECT ä, é FROM s.t WHERE\n'ü' = AND b", refreshsql.Syntax, "AND b", "AND"},
		{"SELECT * FROM s.t WHERE (a", refreshsql.Syntax, "", "ends after"},
		{"SELECT * FROM s.t WHERE a)", refreshsql.Syntax, ")", ")"},
		{"SELECT * FROM s.t WHERE a = 'x", refreshsql.Syntax, "'x", "unterminated"},
		{"SELECT * FROM s.t LIMIT 1 2", refreshsql.Syntax, "2", "2"},
		{"SELECT *", refreshsql.Table, "", "FROM s.t"},
		{"SELECT * FROM", refreshsql.Syntax, "", "ends after FROM"},
		{"SELECT * FROM t", refreshsql.Table, "t", "not from t"},
		{"SELECT * FROM c.s.t", refreshsql.Table, "c.s.t", "not from c.s.t"},
		{`SELECT * FROM "S".t`, refreshsql.Table, `"S".t`, "not from S.t"},
		{"SELECT * FROM s.t x", refreshsql.Clause, "x", "alias"},
		{"SELECT * FROM s.t AS x", refreshsql.Clause, "AS x", "alias"},
		{"SELECT * FROM ONLY s.t", refreshsql.Clause, "ONLY s.t", "ONLY"},
		{"SELECT * FROM s.t, u", refreshsql.Clause, "u", "one table"},
		{"SELECT * FROM s.t JOIN u ON true", refreshsql.Clause, "JOIN u ON true", "JOIN"},
		{"SELECT * FROM (SELECT 1) x", refreshsql.Clause, "1) x", "sub-select"},
		{"SELECT * FROM s.t TABLESAMPLE system (1)", refreshsql.Clause, "TABLESAMPLE system (1)", "TABLESAMPLE"},
		{"SELECT * FROM generate_series(1, 2)", refreshsql.Clause, "generate_series(1, 2)", "FROM must name"},
		{"WITH x AS (SELECT 1) SELECT * FROM s.t", refreshsql.Clause, "WITH x AS (SELECT 1) SELECT * FROM s.t", "WITH"},
		{"SELECT DISTINCT * FROM s.t", refreshsql.Clause, "DISTINCT * FROM s.t", "DISTINCT without ON"},
		{"SELECT a INTO u FROM s.t", refreshsql.Clause, "INTO u FROM s.t", "INTO"},
		{"SELECT a FROM s.t ORDER BY a OFFSET 1", refreshsql.Clause, "ORDER BY a OFFSET 1", "ORDER BY without"},
		{"SELECT a FROM s.t GROUP BY a HAVING true", refreshsql.Clause, "GROUP BY a HAVING true", "GROUP BY"},
		{"SELECT a FROM s.t HAVING true", refreshsql.Clause, "HAVING true", "HAVING"},
		{"SELECT a FROM s.t WINDOW w AS ()", refreshsql.Clause, "WINDOW w AS ()", "WINDOW"},
		{"SELECT a FROM s.t OFFSET 1", refreshsql.Clause, "OFFSET 1", "OFFSET"},
		{"SELECT a FROM s.t FETCH FIRST 3 ROWS ONLY", refreshsql.Clause, "FETCH FIRST 3 ROWS ONLY", "FETCH"},
		{"SELECT a FROM s.t FOR UPDATE", refreshsql.Clause, "FOR UPDATE", "FOR"},
		{"SELECT * FROM s.t UNION SELECT * FROM s.t", refreshsql.Clause, "UNION SELECT * FROM s.t", "UNION"},
		{"SELECT * FROM s.t QUALIFY x = 1", refreshsql.Clause, "QUALIFY x = 1", "QUALIFY"},
		{"SELECT TOP 5 * FROM s.t", refreshsql.Clause, "TOP 5 * FROM s.t", "TOP"},
		{"SELECT * FROM s.t SORT BY a", refreshsql.Clause, "SORT BY a", "SORT BY"},
		{"SELECT * FROM s.t CLUSTER BY a", refreshsql.Clause, "CLUSTER BY a", "CLUSTER BY"},
		{"SELECT * FROM s.t DISTRIBUTE BY a", refreshsql.Clause, "DISTRIBUTE BY a", "DISTRIBUTE BY"},
		{"SELECT * FROM s.t LATERAL VIEW explode(a) x", refreshsql.Clause, "LATERAL VIEW explode(a) x", "LATERAL"},
		{"SELECT FROM s.t", refreshsql.Projection, "FROM s.t", "missing"},
		{"SELECT a AS b FROM s.t", refreshsql.Projection, "a AS b FROM s.t", "renamed"},
		{"SELECT upper(a) FROM s.t", refreshsql.Projection, "upper(a) FROM s.t", "only columns"},
		{"SELECT t.a FROM s.t", refreshsql.Projection, "t.a FROM s.t", "without the name"},
		{"SELECT a, A FROM s.t", refreshsql.Projection, "A FROM s.t", "twice"},
		{"SELECT a, * FROM s.t", refreshsql.Projection, "* FROM s.t", "already"},
		{"SELECT * FROM s.t LIMIT -1", refreshsql.Limit, "-1", "whole number"},
		{"SELECT * FROM s.t LIMIT all", refreshsql.Limit, "all", "whole number"},
		{"SELECT * FROM s.t LIMIT 1 + 1", refreshsql.Limit, "1 + 1", "whole number"},
		{"SELECT * FROM s.t LIMIT 1.5", refreshsql.Limit, "1.5", "whole number"},
		{"SELECT * FROM s.t LIMIT '1'", refreshsql.Limit, "'1'", "whole number"},
		{"SELECT * FROM s.t WHERE a IN (SELECT b FROM u)", refreshsql.Expression, "a IN (SELECT b FROM u)", "sub-select"},
		{"SELECT * FROM s.t WHERE a = $1", refreshsql.Expression, "$1", "placeholder"},
		{"SELECT * FROM s.t WHERE sum(a) > 1", refreshsql.Expression, "sum(a) > 1", "aggregate sum"},
		{"SELECT * FROM s.t WHERE count(*) > 1", refreshsql.Expression, "count(*) > 1", "aggregate count"},
		{"SELECT * FROM s.t WHERE rank() OVER () = 1", refreshsql.Expression, "rank() OVER () = 1", "window"},
		{"SELECT * FROM s.t WHERE a SIMILAR TO 'x'", refreshsql.Expression, "a SIMILAR TO 'x'", "SIMILAR TO"},
		{"SELECT * FROM s.t WHERE a = current_user", refreshsql.Expression, "current_user", "user"},
		{"SELECT * FROM s.t WHERE t.* IS NULL", refreshsql.Expression, "t.* IS NULL", "*"},
		{"SELECT DISTINCT ON (id) * FROM s.t", refreshsql.Key, "DISTINCT ON (id) * FROM s.t", "at least one more"},
		{"SELECT DISTINCT ON (id) * FROM s.t ORDER BY id", refreshsql.Key, "DISTINCT ON (id) * FROM s.t ORDER BY id", "at least one more"},
		{"SELECT DISTINCT ON (id) * FROM s.t ORDER BY ts, id", refreshsql.Key, "ts, id", "start with"},
		{"SELECT DISTINCT ON (id) * FROM s.t ORDER BY 1, ts", refreshsql.Key, "1, ts", "columns"},
		{"SELECT DISTINCT ON (id + 1) * FROM s.t ORDER BY id, ts", refreshsql.Key, "id + 1) * FROM s.t ORDER BY id, ts", "columns"},
		{"SELECT DISTINCT ON (id) * FROM s.t ORDER BY id, ts LIMIT 1", refreshsql.Clause, "LIMIT 1", "LIMIT with DISTINCT ON"},
		{"SELECT * FROM s.t WHERE " + strings.Repeat("1+", 3000) + "1 = 1", refreshsql.Syntax, "", "2000 words"},
		{"SELECT " + strings.Repeat("x", 64) + " FROM s.t", refreshsql.Syntax, strings.Repeat("x", 64) + " FROM s.t", "63 bytes"},
		{"SELECT * FROM s.t\x00", refreshsql.Syntax, "\x00", "NUL"},
		{"SELECT '\xff' FROM s.t", refreshsql.Syntax, "SELECT '\xff' FROM s.t", "UTF-8"},
	} {
		name := tt.sql[:min(len(tt.sql), 80)]
		_, err := refreshsql.ParseRefresh(tt.sql, "s.t")
		var got *refreshsql.Error
		if !errors.As(err, &got) {
			t.Errorf("%s: %v, want an *Error", name, err)
			continue
		}
		if got.Class != tt.class || !strings.Contains(got.Message, tt.says) || got.Hint == "" {
			t.Errorf("%s: %s: %s (%s)", name, got.Class, got.Message, got.Hint)
		}
		if at := tt.sql[got.Offset:]; at != tt.at && tt.says != "2000 words" {
			t.Errorf("%s: at %q, want %q", name, at, tt.at)
		}
	}
}

func TestParseRetention(t *testing.T) {
	got, err := refreshsql.ParseRetention("delete from S.T where s.t.status = 'archived' OR ts < now() - interval '30 days'", "s.t")
	if err != nil {
		t.Fatal(err)
	}
	if got.Where.SQL != "status = 'archived' OR ts < (now() - '30 days'::interval)" {
		t.Error(got.Where.SQL)
	}
	if d := cmp.Diff([]string{"status", "ts"}, got.Where.Columns()); d != "" {
		t.Error(d)
	}
	for sql, want := range map[string]refreshsql.Class{
		"": refreshsql.Statement, "SELECT * FROM s.t": refreshsql.Statement, "DELETE FROM s.t WHERE a; DELETE FROM s.t WHERE b": refreshsql.Statement,
		"DELETE FROM t WHERE a": refreshsql.Table, "DELETE FROM s.t": refreshsql.Clause, "DELETE FROM s.t x WHERE a": refreshsql.Clause,
		"DELETE FROM s.t USING u WHERE a": refreshsql.Clause, "DELETE FROM s.t WHERE a RETURNING b": refreshsql.Clause,
		"WITH x AS (SELECT 1) DELETE FROM s.t WHERE a": refreshsql.Clause, "DELETE FROM ONLY s.t WHERE a": refreshsql.Clause,
		"DELETE FROM s.t WHERE a = (SELECT 1)": refreshsql.Expression, "DELETE FROM s.t WHERE": refreshsql.Syntax,
		"DELETE FROM s.t WHERE CURRENT OF c": refreshsql.Expression,
	} {
		_, err := refreshsql.ParseRetention(sql, "s.t")
		var got *refreshsql.Error
		if !errors.As(err, &got) || got.Class != want || !strings.Contains(got.Hint, "DELETE FROM s.t WHERE") {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
}

func TestCheckKey(t *testing.T) {
	s, err := refreshsql.ParseRefresh("SELECT DISTINCT ON (b, a) * FROM t ORDER BY a, b, c", "t")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckKey([]string{"a", "b"}); err != nil {
		t.Error(err)
	}
	for _, key := range [][]string{nil, {"a"}, {"a", "b", "c"}, {"a", "x"}} {
		var got *refreshsql.Error
		if err := s.CheckKey(key); !errors.As(err, &got) || got.Class != refreshsql.Key || got.Offset != 20 {
			t.Errorf("%q: %v", key, err)
		}
	}
	if s, _ = refreshsql.ParseRefresh("SELECT * FROM t", "t"); s.CheckKey(nil) != nil {
		t.Error("a SELECT without DISTINCT ON needs no key")
	}
}

func TestCheckColumns(t *testing.T) {
	valid := []string{"city", "State", "order", "pop"}
	for sql, want := range map[string]string{
		"SELECT * FROM t WHERE pop > 1":                            "",
		`SELECT "State", city FROM t WHERE "order" = 1`:            "",
		"SELECT ctiy FROM t":                                       "no column ctiy (did you mean city?)",
		"SELECT State FROM t":                                      `no column state (did you mean "State"?)`,
		`SELECT * FROM t WHERE pop > 1 AND upper("City") = 'x'`:    `no column "City" (did you mean city?)`,
		"SELECT DISTINCT ON (city) * FROM t ORDER BY city, zzzzzz": "no column zzzzzz (",
	} {
		s, err := refreshsql.ParseRefresh(sql, "t")
		if err != nil {
			t.Fatal(err)
		}
		err = s.CheckColumns(valid)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", sql, err)
			}
			continue
		}
		var got *refreshsql.Error
		if !errors.As(err, &got) || got.Class != refreshsql.Column || !strings.Contains(got.Error(), want) ||
			got.Hint != `its columns are city, "State", "order", pop` {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
}

func TestParseCondition(t *testing.T) {
	c, err := refreshsql.ParseCondition("a = 1 AND b = 2 -- c")
	if err != nil || c.SQL != "a = 1 AND b = 2" || len(c.Conjuncts) != 2 {
		t.Errorf("%v %v", c, err)
	}
	for _, bad := range []string{"", "a, b", "a) FROM t WHERE (b", "a FROM t", "(SELECT 1)", "a AS b"} {
		if c, err := refreshsql.ParseCondition(bad); err == nil {
			t.Errorf("%s: %v", bad, c)
		}
	}
}

func TestReads(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT * FROM t WHERE a = 1":                                nil,
		"SELECT b, a FROM t WHERE c = a AND d > c":                   {"b", "a", "c", "d"},
		"SELECT DISTINCT ON (id) v FROM t WHERE w ORDER BY id, v, u": {"v", "id", "u", "w"},
	} {
		s, err := refreshsql.ParseRefresh(sql, "t")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, s.Reads()); d != "" {
			t.Errorf("%s: %s", sql, d)
		}
	}
}
