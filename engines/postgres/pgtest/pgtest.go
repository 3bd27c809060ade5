// Package pgtest starts a real PostgreSQL server for tests. It needs Debian's package postgresql; as root
// it runs the server as another user, because the server refuses root.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running server with an empty database.
type Server struct {
	Host               string
	Port               int
	User, Password, DB string

	dir, bin string
	as       *syscall.Credential
	cmd      *exec.Cmd
	done     chan error
	log      *bytes.Buffer
}

// patience is how long the server may take to start.
const patience = 60 * time.Second

// Start makes a database cluster in a temporary folder and starts it; it ends with the test. Where there is
// no PostgreSQL the test is skipped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(all) == 0 {
		tb.Skip("no PostgreSQL here: install the package postgresql")
	}
	slices.Sort(all)
	s := &Server{Host: "127.0.0.1", User: "tester", Password: "s3cret", DB: "postgres", bin: filepath.Dir(all[len(all)-1]), log: &bytes.Buffer{}}
	dir, err := os.MkdirTemp("", "pitwall-pg-") // not tb.TempDir: another user has to get in
	if err != nil {
		tb.Fatal(err)
	}
	s.dir = dir
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		s.as = stranger(tb)
		if err := os.Chown(dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(s.Password+"\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	out, err := s.command("initdb", "-D", s.data(), "-U", s.User, "--auth=scram-sha-256", "--pwfile="+password, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8").CombinedOutput()
	if err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", s.Host+":0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	s.Up(tb)
	tb.Cleanup(func() { s.Down(tb) })
	return s
}

// stranger is a user that is not root.
func stranger(tb testing.TB) *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(err1, err2) == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	tb.Skip("PostgreSQL does not run as root, and there is no other user")
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL}
	return c
}

// Up starts the server, if it is down, and waits until it answers. settings are key=value.
func (s *Server) Up(tb testing.TB, settings ...string) {
	tb.Helper()
	if s.cmd != nil {
		return
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", s.dir, "-c", "listen_addresses=" + s.Host, "-c", "fsync=off"}
	for _, v := range settings {
		args = append(args, "-c", v)
	}
	s.cmd = s.command("postgres", args...)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(c *exec.Cmd) { s.done <- c.Wait() }(s.cmd) // ends with the server, see Down
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := pgx.Connect(ctx, s.URL()); err == nil {
			_ = c.Close(ctx)
			return
		}
		select {
		case err := <-s.done:
			s.done <- err
			tb.Fatalf("postgres ended: %v\n%s", err, s.log)
		case <-ctx.Done():
			tb.Fatalf("postgres does not answer\n%s", s.log)
		case <-tick.C:
		}
	}
}

// Down stops the server as an administrator in a hurry does: connections are cut.
func (s *Server) Down(tb testing.TB) {
	tb.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Errorf("stop postgres: %v", err)
	}
	<-s.done
	s.cmd = nil
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
