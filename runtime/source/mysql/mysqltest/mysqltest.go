// Package mysqltest starts a real MariaDB server for tests. It needs Debian's package mariadb-server.
package mysqltest

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"

	"pitwall/engines/servertest"
)

// Server is a running server with the empty database DB.
type Server struct {
	*servertest.Process
	User, Password, DB string

	bin string
}

// plainIO does without the kernel's asynchronous I/O, of which several servers at once may get none.
const plainIO = "--innodb-use-native-aio=0"

// Start makes a server's data in a temporary folder and starts it; it ends with the test. Where there is
// no MariaDB the test is skipped.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{User: "tester", Password: "s3cret", DB: "shop"}
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
	s.Process = servertest.New(tb, "MariaDB", "mysql", "nobody")
	s.Run(tb, install, "--no-defaults", "--datadir="+s.Data(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", plainIO)
	setup := "CREATE DATABASE " + s.DB + ";\nCREATE USER '" + s.User + "'@'127.0.0.1' IDENTIFIED BY '" + s.Password +
		"';\nGRANT ALL ON *.* TO '" + s.User + "'@'127.0.0.1' WITH GRANT OPTION;\n"
	if err := os.WriteFile(filepath.Join(s.Dir, "setup.sql"), []byte(setup), 0o644); err != nil {
		tb.Fatal(err)
	}
	s.Up(tb, "--init-file="+filepath.Join(s.Dir, "setup.sql"))
	tb.Cleanup(func() { s.Down(tb) })
	return s
}

// Up starts the server, if it is down, and waits until it answers.
func (s *Server) Up(tb testing.TB, settings ...string) {
	tb.Helper()
	args := []string{"--no-defaults", "--datadir=" + s.Data(), "--port=" + strconv.Itoa(s.Port), "--bind-address=" + s.Host,
		"--socket=" + filepath.Join(s.Dir, "sock"), "--pid-file=" + filepath.Join(s.Dir, "pid"), "--skip-name-resolve",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", plainIO}
	s.Process.Start(tb, s.ping, s.bin, append(args, settings...)...)
}

func (s *Server) ping(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// Down kills the server: connections are cut.
func (s *Server) Down(tb testing.TB) {
	tb.Helper()
	s.Stop(tb, os.Kill)
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
