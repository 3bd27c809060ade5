// Package mysql reads a dataset from a table or view of a MySQL or MariaDB server, in one read-only
// transaction with a consistent snapshot, streamed by the binary protocol. Conditions and columns are the
// server's work. A connection has a goroutine of the driver, which ends when Release closes it.
package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"pitwall/runtime/source"
)

// Options say what to read.
type Options struct {
	// Table is a table or schema.table, as in from:; parts may be in backquotes.
	Table string
	// Params are those of the dataset: mysql_host, mysql_tcp_port, mysql_db, mysql_user, mysql_pass,
	// mysql_sslmode, mysql_sslrootcert, mysql_connection_string.
	Params map[string]string
}

// Source is one table. It holds no connection: each Read opens one and closes it.
type Source struct {
	schema, table string // schema is the database of the connection when empty
	conf          *mysql.Config
}

var _ source.Source = (*Source)(nil)

// connectTimeout bounds the time to reach the server.
const connectTimeout = 15 * time.Second

// New checks the options; it does not connect. A wrong param is an error of Kind Unsupported.
func New(o Options) (*Source, error) {
	s := &Source{}
	var err error
	if s.schema, s.table, err = split(o.Table); err == nil {
		s.conf, err = configure(o.Params)
	}
	if err == nil && s.schema == "" && s.conf.DBName == "" {
		err = errors.New("the database is missing: set mysql_db, or write mysql:schema.table")
	}
	if err != nil {
		return nil, &source.Error{Kind: source.Unsupported, Place: "mysql:" + o.Table, Err: err, Hint: "correct params of the dataset"}
	}
	return s, nil
}

// split takes the name of a table apart.
func split(name string) (schema, table string, err error) {
	var parts []string
	for rest := name; ; rest = rest[1:] {
		var part string
		if strings.HasPrefix(rest, "`") {
			end := strings.IndexByte(rest[1:], '`')
			if end < 0 {
				return "", "", fmt.Errorf("a quote of the table %q has no end", name)
			}
			part, rest = rest[1:1+end], rest[end+2:]
		} else if at := strings.IndexByte(rest, '.'); at >= 0 {
			part, rest = rest[:at], rest[at:]
		} else {
			part, rest = rest, ""
		}
		parts = append(parts, part)
		if part == "" || len(parts) > 2 || rest != "" && rest[0] != '.' {
			return "", "", fmt.Errorf("%q is not a table: write mysql:table or mysql:schema.table", name)
		}
		if rest == "" {
			break
		}
	}
	if len(parts) == 1 {
		return "", parts[0], nil
	}
	return parts[0], parts[1], nil
}

// configure makes the settings of a connection. The TLS mode is required unless said otherwise.
func configure(p map[string]string) (*mysql.Config, error) {
	c, err := address(p)
	if err != nil {
		return nil, err
	}
	if c.TLS == nil && c.TLSConfig == "" {
		if err := secure(c, p["mysql_sslmode"], p["mysql_sslrootcert"]); err != nil {
			return nil, err
		}
	}
	if c.Timeout == 0 {
		c.Timeout = connectTimeout
	}
	c.Loc, c.ParseTime, c.MultiStatements, c.InterpolateParams = time.UTC, false, false, false
	c.AllowAllFiles = false // the server must not ask for files of this host
	c.Logger = &mysql.NopLogger{}
	c.Params = map[string]string{
		"time_zone": "'+00:00'", "sql_mode": "''",
		"net_write_timeout": "3600", // seconds: the engine may take long for a batch while the server waits
	}
	return c, c.Apply(mysql.Charset("utf8mb4", ""))
}

// address reads where the server is and who asks.
func address(p map[string]string) (*mysql.Config, error) {
	text := p["mysql_connection_string"]
	switch {
	case strings.HasPrefix(text, "mysql://"):
		u, err := url.Parse(text)
		if err != nil { // the error has the password
			return nil, errors.New("mysql_connection_string is not mysql://user:password@host:port/database")
		}
		c := mysql.NewConfig()
		c.Net, c.Addr, c.DBName, c.User = "tcp", net.JoinHostPort(u.Hostname(), port(u.Port())), strings.TrimPrefix(u.Path, "/"), u.User.Username()
		c.Passwd, _ = u.User.Password()
		return c, nil
	case text != "":
		c, err := mysql.ParseDSN(text)
		if err != nil {
			return nil, errors.New("mysql_connection_string is neither mysql://user:password@host:port/database nor user:password@tcp(host:port)/database")
		}
		return c, nil
	}
	if p["mysql_host"] == "" {
		return nil, errors.New("mysql_host is missing")
	}
	if v := p["mysql_tcp_port"]; v != "" {
		if n, err := strconv.ParseUint(v, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("mysql_tcp_port %q is no port", v)
		}
	}
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", net.JoinHostPort(p["mysql_host"], port(p["mysql_tcp_port"]))
	c.DBName, c.User, c.Passwd = p["mysql_db"], p["mysql_user"], p["mysql_pass"]
	return c, nil
}

func port(v string) string {
	if v == "" {
		return "3306"
	}
	return v
}

// secure sets TLS: required checks the server's certificate, preferred takes what the server has.
func secure(c *mysql.Config, mode, rootCert string) error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		host = c.Addr // a socket, say
	}
	t := &tls.Config{ServerName: host}
	if rootCert != "" {
		pem, err := os.ReadFile(rootCert)
		if err != nil {
			return fmt.Errorf("mysql_sslrootcert: %w", err)
		}
		if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("mysql_sslrootcert has no certificate in PEM form")
		}
	}
	switch mode {
	case "", "required":
		c.TLS = t
	case "preferred":
		t.InsecureSkipVerify = rootCert == ""
		c.TLS, c.AllowFallbackToPlaintext = t, true
	case "disabled":
	default:
		return fmt.Errorf("mysql_sslmode %q is not required, preferred or disabled", mode)
	}
	return nil
}

// place names the table in errors.
func (s *Source) place() string { return "mysql " + s.conf.Addr + " " + s.name() }

func (s *Source) name() string {
	if s.schema == "" {
		return s.conf.DBName + "." + s.table
	}
	return s.schema + "." + s.table
}

// fail classifies an error of the server or of the way to it.
func (s *Source) fail(err error) error {
	var known *source.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	e := &source.Error{Kind: source.Unavailable, Place: s.place(), Err: err}
	var my *mysql.MySQLError
	var op *net.OpError
	switch {
	case errors.As(err, &my):
		e.Err = fmt.Errorf("%s (error %d)", my.Message, my.Number)
		e.Kind, e.Hint = classify(my.Number)
	case errors.Is(err, mysql.ErrNoTLS):
		e.Kind, e.Hint = source.Denied, "give the server a certificate, or set mysql_sslmode to preferred or disabled"
	case errors.As(err, &op) && op.Op == "dial":
		e.Hint = "check mysql_host and mysql_tcp_port, and that the server runs and lets this host in"
	case strings.Contains(err.Error(), "tls") || strings.Contains(err.Error(), "x509"):
		e.Hint = "check mysql_sslmode and mysql_sslrootcert: the default is required, with a certificate that can be verified"
	case errors.Is(err, mysql.ErrInvalidConn):
		e.Err, e.Hint = errors.New("the connection was cut"), "it is tried again"
	}
	return e
}

// classify tells what an error number (MySQL's manual, "Server Error Message Reference") means for a refresh.
func classify(number uint16) (source.Kind, string) {
	switch number {
	case 1045, 1698, 1130:
		return source.Denied, "check mysql_user and mysql_pass, and from where the user may connect"
	case 1044, 1142, 1143, 1227, 1370:
		return source.Denied, "grant SELECT on the table to mysql_user"
	case 1049:
		return source.Missing, "check mysql_db"
	case 1146, 1109:
		return source.Missing, "check the table in from:"
	case 1054, 1064, 1235, 1356:
		return source.Unsupported, "check the table or view in from:"
	case 1040, 1203, 1226:
		return source.Unavailable, "the server has no connection to spare; it is tried again"
	default:
		return source.Unavailable, ""
	}
}
