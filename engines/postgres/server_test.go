package postgres_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/enginetest"
	"pitwall/engines/postgres"
	"pitwall/engines/postgres/pgtest"
)

func open(t testing.TB, params map[string]string, k engines.Keys) engines.Engine {
	t.Helper()
	e, err := postgres.Opener{}.Open(t.Context(), engines.Options{Dataset: "people", Params: params, Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func wantKind(t testing.TB, err error, want engines.Kind) {
	t.Helper()
	if engines.KindOf(err) != want {
		t.Errorf("kind %q, want %q: %v", engines.KindOf(err), want, err)
	}
}

// TestRestart takes the server away, while idle and while a reader is at work.
func TestRestart(t *testing.T) {
	s := pgtest.Start(t)
	e := open(t, s.Params(), engines.Keys{})
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1}]`); err != nil {
		t.Fatal(err)
	}
	for range 3 { // several connections are idle when the server ends
		for range 3 {
			r, err := e.Query(t.Context(), engines.Scan{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Release()
		}
		s.Down(t)
		s.Up(t)
		if info, err := e.Info(t.Context()); err != nil || info.Rows != 1 {
			t.Fatalf("after a restart: %+v, %v", info, err)
		}
	}
	r, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	s.Down(t)
	for r.Next() {
	}
	wantKind(t, r.Err(), engines.Unavailable)
	r.Release()
	_, err = e.Info(t.Context())
	wantKind(t, err, engines.Unavailable)
	_, err = enginetest.PutPeople(t, e, engines.Append, `[{"id":2}]`)
	wantKind(t, err, engines.Unavailable)
	s.Up(t)
	if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":2}]`); err != nil || stats.Rows != 2 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// ending takes the server away with the second batch.
type ending struct {
	array.RecordReader
	s *pgtest.Server
	t *testing.T
}

func (e *ending) Next() bool {
	e.s.Down(e.t)
	return e.RecordReader.Next()
}

func TestRestartInWrite(t *testing.T) {
	s := pgtest.Start(t)
	e := open(t, s.Params(), engines.Keys{})
	for _, mode := range []engines.WriteMode{engines.Replace, engines.Append} {
		if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1}]`); err != nil {
			t.Fatal(err)
		}
		r := enginetest.People(t, `[{"id":2},{"id":3}]`)
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: &ending{r, s, t}})
		r.Release()
		wantKind(t, err, engines.Unavailable)
		s.Up(t)
		if info, err := e.Info(t.Context()); err != nil || info.Rows != 1 {
			t.Errorf("%s: %+v, %v", mode, info, err)
		}
	}
}

func TestTLS(t *testing.T) {
	s := pgtest.Start(t)
	authority := s.TLS(t)
	for name, tt := range map[string]struct {
		change map[string]string
		want   engines.Kind
	}{
		"verify-full by default":     {map[string]string{"pg_sslmode": "", "pg_sslrootcert": authority}, engines.NotFound},
		"verify-full, another name":  {map[string]string{"pg_sslmode": "", "pg_sslrootcert": authority, "pg_host": "localhost"}, engines.Unavailable},
		"verify-ca, another name":    {map[string]string{"pg_sslmode": "verify-ca", "pg_sslrootcert": authority, "pg_host": "localhost"}, engines.NotFound},
		"verify-full, no authority":  {map[string]string{"pg_sslmode": "verify-full"}, engines.Unavailable},
		"require":                    {map[string]string{"pg_sslmode": "require"}, engines.NotFound},
		"wrong password":             {map[string]string{"pg_sslmode": "require", "pg_pass": "wrong"}, engines.Denied},
		"no such database":           {map[string]string{"pg_sslmode": "require", "pg_db": "none"}, engines.Invalid},
		"nobody listens":             {map[string]string{"pg_port": "1"}, engines.Unavailable},
		"all in a connection string": {map[string]string{"pg_connection_string": strings.Replace(s.URL(), "disable", "require", 1), "pg_host": "ignored"}, engines.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			params := maps.Clone(s.Params())
			maps.Copy(params, tt.change)
			_, err := open(t, params, engines.Keys{}).Query(t.Context(), engines.Scan{})
			wantKind(t, err, tt.want)
			if err != nil && (strings.Contains(err.Error(), s.Password) || strings.Contains(err.Error(), "wrong password")) {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
}

func TestParams(t *testing.T) {
	for name, o := range map[string]engines.Options{
		"a file":            {Path: "x"},
		"sslmode":           {Params: map[string]string{"pg_sslmode": "maybe"}},
		"no such authority": {Params: map[string]string{"pg_sslrootcert": "/none"}},
		"port":              {Params: map[string]string{"pg_port": "many", "pg_sslmode": "disable"}},
		"pool":              {Params: map[string]string{"connection_pool_size": "0", "pg_sslmode": "disable"}},
		"connection string": {Params: map[string]string{"pg_connection_string": "postgres://me:s3cret@host:port/x"}},
		"long name":         {Dataset: strings.Repeat("x", 64)},
	} {
		_, err := postgres.Opener{}.Open(t.Context(), o)
		if wantKind(t, err, engines.Invalid); err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error has the password: %v", name, err)
		}
	}
}

// TestOthersTable leaves alone what another program made.
func TestOthersTable(t *testing.T) {
	s := pgtest.Start(t)
	for _, made := range []string{"CREATE TABLE people AS SELECT 1 AS id", "CREATE VIEW people AS SELECT 1 AS id"} {
		s.Exec(t, made)
		e := open(t, s.Params(), engines.Keys{})
		_, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1}]`)
		wantKind(t, err, engines.Invalid)
		_, err = e.Info(t.Context())
		wantKind(t, err, engines.Invalid)
		s.Exec(t, "SELECT 1 / count(*) FROM people WHERE id = 1")
		s.Exec(t, "DROP "+strings.Fields(made)[1]+" people")
	}
	s.Exec(t, `CREATE TABLE spice_sys_dataset_checkpoint (dataset_name TEXT PRIMARY KEY, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`)
	e := open(t, s.Params(), engines.Keys{}) // as an old writer left it
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1}]`); err != nil {
		t.Fatal(err)
	}
	if cp, err := e.Checkpoint(t.Context()); err != nil || cp == nil || cp.SchemaJSON == "" {
		t.Errorf("%+v, %v", cp, err)
	}
}

// TestConstraints shows that the table has constraints that other programs can rely on.
func TestConstraints(t *testing.T) {
	s := pgtest.Start(t)
	id := []string{"id"}
	e := open(t, s.Params(), engines.Keys{Primary: id, Unique: [][]string{{"mail"}}, Plain: [][]string{{"mail", "id"}}, Conflict: engines.ConflictUpsert, Target: id})
	for range 2 {
		if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1,"mail":"a"},{"id":2,"mail":"b"}]`); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, `INSERT INTO people VALUES (2, 'c'), (3, 'd') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail;
			SELECT 1 / (count(*) = 3)::int FROM pg_indexes WHERE tablename = 'people';
			SELECT 1 / (count(*) = 1)::int FROM pg_constraint WHERE conrelid = 'people'::regclass AND contype = 'p'`)
		if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":2,"mail":"b"},{"id":4}]`); err != nil || stats.Rows != 4 {
			t.Errorf("%+v, %v", stats, err)
		}
	}
}

// TestReadersDoNotBlock replaces the table, and drops its columns, while readers have not read it all, and
// while another program reads it in a transaction, for as long as that lasts.
func TestReadersDoNotBlock(t *testing.T) {
	s := pgtest.Start(t)
	params := maps.Clone(s.Params())
	params["connection_pool_size"] = "3"
	e := open(t, params, engines.Keys{})
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1},{"id":2}]`); err != nil {
		t.Fatal(err)
	}
	var old []array.RecordReader
	for range 2 {
		r, err := e.Query(t.Context(), engines.Scan{})
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, r)
	}
	for range 3 {
		if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":3}]`); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range old {
		var n int64
		for r.Next() {
			n += r.RecordBatch().NumRows()
		}
		if n != 2 || r.Err() != nil {
			t.Errorf("an old reader saw %d rows, %v", n, r.Err())
		}
		r.Release()
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := e.Query(ctx, engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for r.Next() {
	}
	wantKind(t, r.Err(), engines.Canceled)
	r.Release()
	if info, err := e.Info(t.Context()); err != nil || info.Rows != 1 {
		t.Errorf("%+v, %v", info, err)
	}
}
