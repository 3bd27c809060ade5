package mysql_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/runtime/source/mysql"
	"pitwall/runtime/source/mysql/mysqltest"
	"pitwall/runtime/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, s *mysqltest.Server, table string, more ...string) *mysql.Source {
	t.Helper()
	src, err := mysql.New(mysql.Options{Table: table, Params: sourcetest.With(s.Params(), more...)})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestMySQL(t *testing.T) {
	s := mysqltest.Start(t)
	t.Run("types", func(t *testing.T) { types(t, s) })
	t.Run("refused", func(t *testing.T) { refused(t, s) })
	t.Run("push down", func(t *testing.T) { pushDown(t, s) })
	t.Run("errors", func(t *testing.T) { faults(t, s) })
	t.Run("many rows", func(t *testing.T) { many(t, s) })
	t.Run("cancel", func(t *testing.T) { sourcetest.Cancel(t, open(t, s, "many")) })
	t.Run("restart", func(t *testing.T) { restart(t, s) })
}

func types(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE DATABASE `My.db`; CREATE TABLE `My.db`.`all``types` (t1 TINYINT NOT NULL, t1u TINYINT UNSIGNED, s2 SMALLINT, s2u SMALLINT UNSIGNED, m3 MEDIUMINT, m3u MEDIUMINT UNSIGNED,"+
		"i4 INT, i4u INT UNSIGNED ZEROFILL, b8 BIGINT, b8u BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,3), n65 DECIMAL(65,30), y YEAR, da DATE, dt DATETIME(6), dt0 DATETIME, ts TIMESTAMP(6) NULL,"+
		"ti TIME(6), ch CHAR(5), vc VARCHAR(9), l1 VARCHAR(9) CHARACTER SET latin1, tx LONGTEXT, en ENUM('a','ü'), se SET('x','y'), js JSON, bi BIT(12), bn BINARY(3), vb VARBINARY(9), bl BLOB, bo BOOL) CHARACTER SET utf8mb4;"+
		"INSERT INTO `My.db`.`all``types` VALUES (-128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,"+
		"16777216.0, 0.1, -12345678901234567.891, 12345678901234567890123456789012345.000000000000000000000000000001, 2155, '1000-01-01', '9999-12-31 23:59:59.999999', '2026-01-31 10:00:00',"+
		"'2026-03-29 01:30:00.000001', '23:59:59.999999', 'x ', 'grüße 😀', 'grüße', 'text', 'ü', 'x,y', '{\"a\": 1}', b'100000000001', 'a', x'00ff', x'', TRUE);"+
		"INSERT INTO `My.db`.`all``types` (t1, f, b8u, bi) VALUES (1, 1.17549435e-38, 9223372036854775807, 7), (2, 123456.789, 9223372036854775808, 0)")
	schema, got, plan, err := sourcetest.Rows(t, open(t, s, "`My.db`.all`types"), source.Scan{})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	want := "-128|255|-32768|65535|-8388608|16777215|-2147483648|4294967295|-9223372036854775808|18446744073709551615|" +
		"1.6777216e+07|0.1|-12345678901234567.891|12345678901234567890123456789012345.000000000000000000000000000001|2155|1000-01-01|9999-12-31T23:59:59.999999|2026-01-31T10:00:00|" +
		"2026-03-29T01:30:00.000001Z|23:59:59.999999|x|grüße 😀|grüße|text|ü|x,y|{\"a\": 1}|2049|YQAA|AP8=||1"
	if a, b := strings.Split(got[0], "|"), strings.Split(want, "|"); len(a) != len(b) {
		t.Errorf("%s", got[0])
	} else {
		for i := range a {
			if a[i] != b[i] && schema.Field(i).Type.ID() != arrow.DECIMAL256 && schema.Field(i).Type.ID() != arrow.DECIMAL128 {
				t.Errorf("%v: %s, want %s", schema.Field(i), a[i], b[i])
			}
		}
	}
	t.Log(got[0])
	if !strings.HasPrefix(got[2], "2|NULL") || !strings.Contains(got[2], "9223372036854775808") || !strings.Contains(got[2], "123456.79") || !strings.Contains(got[1], "1.1754944e-38") {
		t.Errorf("%v", got[1:])
	}
	if f := schema.Field(0); f.Nullable || f.Type.ID() != arrow.INT8 || !schema.Field(1).Nullable || plan != "32 of 32 columns" {
		t.Errorf("%v, %s", schema, plan)
	}
}

func refused(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, `CREATE TABLE odd (id INT, place POINT, zero DATE, long_time TIME, neg TIME); SET sql_mode = ''; INSERT INTO odd VALUES (1, NULL, '0000-00-00', '24:00:00', '-01:00:00')`)
	for column, want := range map[string]string{"place": `column "place" has the type point`, "zero": `column "zero": 0000-00-00 has no form`,
		"long_time": `column "long_time": the time 24:00:00`, "neg": `column "neg": the time -01:00:00`} {
		if _, _, _, err := sourcetest.Rows(t, open(t, s, "odd"), source.Scan{Columns: []string{column}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", column, err)
		}
	}
	if _, _, _, err := sourcetest.Rows(t, open(t, s, "odd"), source.Scan{}); source.KindOf(err) != source.Unsupported {
		t.Errorf("%v", err)
	}
	if _, got, _, err := sourcetest.Rows(t, open(t, s, "odd"), source.Scan{Columns: []string{"id"}}); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func pushDown(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, `CREATE TABLE push (id INT, big BIGINT UNSIGNED, name VARCHAR(20), l1 VARCHAR(9) CHARACTER SET latin1, at TIMESTAMP(6), dt DATETIME(6), f DOUBLE, f4 FLOAT, n DECIMAL(10,2), d DATE, ti TIME, bl VARBINARY(9), e ENUM('z','a')) COLLATE utf8mb4_general_ci;
INSERT INTO push SELECT seq, 18446744073709551605 + seq, CONCAT(IF(seq % 2, 'N', 'n'), seq, IF(seq = 10, ' ', '')), IF(seq = 1, 'é', 'e'), '2026-01-01' + INTERVAL seq MICROSECOND, '2026-01-01' + INTERVAL seq MICROSECOND,
 seq / 4, seq / 10, seq / 4, '2026-01-01' + INTERVAL seq DAY, SEC_TO_TIME(seq), CHAR(seq), IF(seq % 2, 'z', 'a') FROM seq_1_to_10`)
	at := time.Date(2026, 1, 1, 0, 0, 0, 4000, time.UTC)
	cmp := func(column string, op engines.Op, v any) engines.Predicate {
		return engines.Compare{Column: column, Op: op, Value: v}
	}
	for _, c := range []struct {
		where engines.Predicate
		want  int
	}{
		{cmp("id", engines.Gt, int64(4)), 6},
		{cmp("big", engines.Ge, uint64(18446744073709551615)), 1},
		{cmp("name", engines.Eq, "n2"), 1},
		{cmp("name", engines.Eq, "N2"), 0},   // case counts
		{cmp("name", engines.Eq, "n10"), 0},  // and trailing spaces
		{cmp("name", engines.Gt, "n10"), 5},  // also to those above
		{cmp("name", engines.Ne, "n10"), 10}, // and to others
		{cmp("l1", engines.Eq, "é"), 1},
		{cmp("l1", engines.Lt, "é"), 9},
		{cmp("e", engines.Lt, "b"), 5}, // by its text, not its number
		{cmp("at", engines.Gt, at), 6},
		{cmp("dt", engines.Gt, at), 6},
		{cmp("f", engines.Le, 0.5), 2},
		{cmp("f4", engines.Gt, float64(float32(0.5))), 5},
		{cmp("n", engines.Lt, 1.0), 3},
		{cmp("d", engines.Ge, at.AddDate(0, 0, 8)), 2},
		{cmp("ti", engines.Le, "00:00:03"), 3},
		{cmp("bl", engines.Lt, []byte{3}), 2},
		{engines.Not{Of: engines.IsNull{Column: "name"}}, 10},
		{engines.And{cmp("name", engines.Ge, "n"), engines.Or{cmp("id", engines.Eq, int64(2)), cmp("id", engines.Eq, int64(3))}}, 1},
		{cmp("name", engines.Eq, `it's \ "quoted" `+"\x00"), 0},
	} {
		_, got, plan, err := sourcetest.Rows(t, open(t, s, "push"), source.Scan{Where: c.where})
		if err != nil || len(got) != c.want || !strings.Contains(plan, "where") {
			t.Errorf("%+v: %d rows, plan %s, %v", c.where, len(got), plan, err)
		}
	}
	// What the server can't say is left to the caller: a superset comes.
	for _, where := range []engines.Predicate{engines.CompareText{Column: "name", Op: engines.Gt, Value: at}, cmp("dt", engines.Gt, time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC))} {
		if _, got, _, err := sourcetest.Rows(t, open(t, s, "push"), source.Scan{Where: where}); err != nil || len(got) != 10 {
			t.Errorf("%d rows, %v", len(got), err)
		}
	}
	if schema, got, _, err := sourcetest.Rows(t, open(t, s, "push"), source.Scan{Columns: []string{"name", "id"}, WhereSQL: "not used"}); err != nil || got[0] != "N1|1" || schema.NumFields() != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

func faults(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, `CREATE TABLE secret (id INT); CREATE VIEW broken AS SELECT * FROM secret; CREATE TABLE secret2 (id INT); DROP TABLE secret; CREATE USER guest@'127.0.0.1' IDENTIFIED BY 'guest'; GRANT SELECT ON shop.push TO guest@'127.0.0.1'`)
	for _, c := range []struct {
		name  string
		table string
		param []string
		kind  source.Kind
		want  string
	}{
		{"password", "push", []string{"mysql_pass", "hunter2-wrong"}, source.Denied, "1045"},
		{"database", "push", []string{"mysql_db", "nope"}, source.Missing, "1049"},
		{"table", "no_such", nil, source.Missing, "no_such"},
		{"rights", "secret2", []string{"mysql_user", "guest", "mysql_pass", "guest"}, source.Missing, "secret2"},
		{"view", "broken", nil, source.Missing, "broken"},
		{"port", "push", []string{"mysql_tcp_port", "1"}, source.Unavailable, "refused"},
		{"string", "push", []string{"mysql_connection_string", fmt.Sprintf("mysql://tester:hunter2@127.0.0.1:%d/shop", s.Port)}, source.Denied, "1045"},
		{"dsn", "push", []string{"mysql_connection_string", fmt.Sprintf("tester:hunter2@tcp(127.0.0.1:%d)/shop", s.Port)}, source.Denied, "1045"},
	} {
		_, _, _, err := sourcetest.Rows(t, open(t, s, c.table, c.param...), source.Scan{})
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.want) || e.Hint == "" {
			t.Errorf("%s: %v (kind %s)", c.name, err, source.KindOf(err))
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the password shows: %v", c.name, err)
		}
	}
	// The server has no certificate that can be verified, or none at all.
	_, _, _, err := sourcetest.Rows(t, open(t, s, "push", "mysql_sslmode", "required"), source.Scan{})
	var e *source.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "mysql_sslmode") {
		t.Errorf("%v", err)
	}
	if _, got, _, err := sourcetest.Rows(t, open(t, s, "push", "mysql_sslmode", "preferred"), source.Scan{}); err != nil || len(got) != 10 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	url := fmt.Sprintf("mysql://%s:%s@127.0.0.1:%d/%s", s.User, s.Password, s.Port, s.DB)
	if _, got, _, err := sourcetest.Rows(t, open(t, s, "push", "mysql_connection_string", url), source.Scan{}); err != nil || len(got) != 10 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []map[string]string{{"mysql_sslmode": "maybe"}, {"mysql_sslmode": "required", "mysql_sslrootcert": "nope.pem"}, {"mysql_sslmode": "required", "mysql_sslrootcert": junk},
		{"mysql_tcp_port": "x"}, {"mysql_host": ""}, {"mysql_db": ""}, {"mysql_connection_string": "mysql://u:hunter2@h:port/"}, {"mysql_connection_string": "hunter2"}} {
		all := s.Params()
		maps.Copy(all, p)
		if _, err := mysql.New(mysql.Options{Table: "t", Params: all}); source.KindOf(err) != source.Unsupported || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, name := range []string{"", "a.", "`a", "a.b.c", "a..b", "`a`b"} {
		if _, err := mysql.New(mysql.Options{Table: name, Params: s.Params()}); err == nil {
			t.Errorf("the table %q is accepted", name)
		}
	}
}

func many(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, `CREATE TABLE many AS SELECT seq AS id, REPEAT('x', seq % 100) AS s FROM seq_1_to_300000`)
	r, err := open(t, s, "many").Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() || r.RecordBatch().NumRows() != 122_880 {
		t.Fatal(r.Err())
	}
	n := r.RecordBatch().NumRows()
	s.Exec(t, `DELETE FROM many WHERE id > 1000`) // the snapshot goes on as it was
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if done, _ := r.Progress(); r.Err() != nil || n != 300_000 || done < 300_000*15 {
		t.Errorf("%d rows, %d bytes, %v", n, done, r.Err())
	}
	s.Exec(t, `INSERT INTO many SELECT seq, REPEAT('x', 100) FROM seq_1_to_300000`)
}

func restart(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, `CREATE TABLE long_table AS SELECT seq AS id, REPEAT('x', 200) AS s FROM seq_1_to_500000`)
	sourcetest.Restart(t, open(t, s, "long_table"), s)
}
