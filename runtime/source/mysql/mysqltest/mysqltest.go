// Package mysqltest starts a real MariaDB server for tests. It needs Debian's package mariadb-server; as
// root it runs the server as another user, because the server refuses root.
package mysqltest

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Server is a running server with the empty database DB.
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

// Start makes a server's data in a temporary folder and starts it; it ends with the test. Where there is
// no MariaDB the test is skipped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{Host: "127.0.0.1", User: "tester", Password: "s3cret", DB: "shop", log: &bytes.Buffer{}}
	var err error
	for _, bin := range []string{"/usr/sbin/mariadbd", "/usr/libexec/mariadbd"} {
		if _, err = os.Stat(bin); err == nil {
			s.bin = bin
			break
		}
	}
	install, lookErr := exec.LookPath("mariadb-install-db")
	if err = errors.Join(err, lookErr); err != nil {
		tb.Skip("no MariaDB here: install the package mariadb-server")
	}
	if s.dir, err = os.MkdirTemp("", "pitwall-my-"); err != nil { // not tb.TempDir: another user has to get in
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	if os.Getuid() == 0 {
		s.as = stranger(tb)
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	out, err := s.command(install, "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve").CombinedOutput()
	if err != nil {
		tb.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	setup := "CREATE DATABASE " + s.DB + ";\nCREATE USER '" + s.User + "'@'127.0.0.1' IDENTIFIED BY '" + s.Password +
		"';\nGRANT ALL ON *.* TO '" + s.User + "'@'127.0.0.1' WITH GRANT OPTION;\n"
	if err := os.WriteFile(filepath.Join(s.dir, "setup.sql"), []byte(setup), 0o644); err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", s.Host+":0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	s.Up(tb, "--init-file="+filepath.Join(s.dir, "setup.sql"))
	tb.Cleanup(func() { s.Down(tb) })
	return s
}

// stranger is a user that is not root.
func stranger(tb testing.TB) *syscall.Credential {
	for _, name := range []string{"mysql", "nobody"} {
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
	tb.Skip("MariaDB does not run as root, and there is no other user")
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL}
	return c
}

// Up starts the server, if it is down, and waits until it answers.
func (s *Server) Up(tb testing.TB, settings ...string) {
	tb.Helper()
	if s.cmd != nil {
		return
	}
	args := []string{"--no-defaults", "--datadir=" + s.data(), "--port=" + strconv.Itoa(s.Port), "--bind-address=" + s.Host,
		"--socket=" + filepath.Join(s.dir, "sock"), "--pid-file=" + filepath.Join(s.dir, "pid"), "--skip-name-resolve",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"}
	s.cmd = s.command(s.bin, append(args, settings...)...)
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
		if c, err := s.connect(ctx); err == nil {
			_ = c.Close()
			return
		}
		select {
		case err := <-s.done:
			s.done <- err
			tb.Fatalf("mariadbd ended: %v\n%s", err, s.log)
		case <-ctx.Done():
			tb.Fatalf("mariadbd does not answer\n%s", s.log)
		case <-tick.C:
		}
	}
}

// Down kills the server: connections are cut.
func (s *Server) Down(tb testing.TB) {
	tb.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Errorf("stop mariadbd: %v", err)
	}
	<-s.done
	s.cmd = nil
}

func (s *Server) connect(ctx context.Context) (driver.Conn, error) {
	conf := mysql.NewConfig()
	conf.Net, conf.Addr, conf.User, conf.Passwd, conf.DBName = "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), s.User, s.Password, s.DB
	conf.MultiStatements, conf.Logger = true, &mysql.NopLogger{}
	conf.Params = map[string]string{"time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(conf)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

// Params are the params of a dataset that reads from the server.
func (s *Server) Params() map[string]string {
	return map[string]string{"mysql_host": s.Host, "mysql_tcp_port": strconv.Itoa(s.Port), "mysql_db": s.DB, "mysql_user": s.User,
		"mysql_pass": s.Password, "mysql_sslmode": "disabled"}
}

// Exec runs statements.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	c, err := s.connect(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	if _, err := c.(driver.ExecerContext).ExecContext(tb.Context(), sql, nil); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}
