// Package pgtest starts a real PostgreSQL server for tests. It needs Debian's package postgresql.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"pitwall/engines/servertest"
)

// Server is a running server with an empty database.
type Server struct {
	*servertest.Process
	User, Password, DB string

	bin string
}

// Start makes a database cluster in a temporary folder and starts it; it ends with the test. Where there is
// no PostgreSQL the test is skipped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(all) == 0 {
		tb.Skip("no PostgreSQL here: install the package postgresql")
	}
	slices.Sort(all)
	s := &Server{Process: servertest.New(tb, "PostgreSQL", "postgres", "nobody"), User: "tester", Password: "s3cret", DB: "postgres", bin: filepath.Dir(all[len(all)-1])}
	password := filepath.Join(s.Dir, "password")
	if err := os.WriteFile(password, []byte(s.Password+"\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	s.Run(tb, filepath.Join(s.bin, "initdb"), "-D", s.Data(), "-U", s.User, "--auth=scram-sha-256", "--pwfile="+password, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	s.Up(tb)
	tb.Cleanup(func() { s.Down(tb) })
	return s
}

// Up starts the server, if it is down, and waits until it answers. settings are key=value.
func (s *Server) Up(tb testing.TB, settings ...string) {
	tb.Helper()
	args := []string{"-D", s.Data(), "-p", strconv.Itoa(s.Port), "-k", s.Dir, "-c", "listen_addresses=" + s.Host, "-c", "fsync=off"}
	for _, v := range settings {
		args = append(args, "-c", v)
	}
	s.Process.Start(tb, s.ping, filepath.Join(s.bin, "postgres"), args...)
}

func (s *Server) ping(ctx context.Context) error {
	c, err := pgx.Connect(ctx, s.URL())
	if err == nil {
		_ = c.Close(ctx)
	}
	return err
}

// Down stops the server as an administrator in a hurry does: connections are cut.
func (s *Server) Down(tb testing.TB) {
	tb.Helper()
	s.Stop(tb, syscall.SIGINT)
}

// URL connects to the database as the administrator.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable", s.User, s.Password, s.Host, s.Port, s.DB)
}

// Params are the params of a dataset that reads from the server.
func (s *Server) Params() map[string]string {
	return map[string]string{"pg_host": s.Host, "pg_port": strconv.Itoa(s.Port), "pg_db": s.DB, "pg_user": s.User, "pg_pass": s.Password, "pg_sslmode": "disable"}
}

// Exec runs statements.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	ctx := tb.Context()
	c, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}
