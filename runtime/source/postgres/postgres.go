// Package postgres reads a dataset from a table or view of a PostgreSQL server, by COPY in binary form:
// one statement, so one consistent state of the table. Conditions and columns are the server's work.
//
// A reader owns one goroutine, which has ended when Release returns.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pitwall/engines/postgres/pgparams"
	"pitwall/runtime/source"
)

// Options say what to read.
type Options struct {
	// Table is a table or schema.table, as in from:.
	Table string
	// Params are those of the dataset: pg_host, pg_port, pg_db, pg_user, pg_pass, pg_sslmode,
	// pg_sslrootcert, pg_connection_string, statement_timeout.
	Params map[string]string
}

// Source is one table. It holds no connection: each Read opens one and closes it.
type Source struct {
	table pgx.Identifier
	conf  *pgx.ConnConfig
}

var _ source.Source = (*Source)(nil)

// connectTimeout bounds the time to reach the server.
const connectTimeout = 15 * time.Second

// New checks the options; it does not connect. A wrong param is an error of Kind Unsupported.
func New(o Options) (*Source, error) {
	bad := func(err error) error {
		return &source.Error{Kind: source.Unsupported, Place: "postgres:" + o.Table, Err: err, Hint: "correct params of the dataset"}
	}
	table, err := identifier(o.Table)
	if err != nil {
		return nil, bad(err)
	}
	text, err := pgparams.ConnString(o.Params)
	if err != nil {
		return nil, bad(err)
	}
	conf, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, bad(errors.New(strings.TrimPrefix(err.Error(), "cannot parse ")))
	}
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = connectTimeout
	}
	conf.RuntimeParams["application_name"] = "pitwall"
	conf.RuntimeParams["TimeZone"] = "UTC"
	conf.RuntimeParams["default_transaction_read_only"] = "on"
	if v := o.Params["statement_timeout"]; v != "" {
		conf.RuntimeParams["statement_timeout"] = v
	}
	return &Source{table, conf}, nil
}

// identifier splits the name of a table; parts may be in double quotes, others are folded.
func identifier(name string) (pgx.Identifier, error) {
	var out pgx.Identifier
	for rest := name; ; {
		var part string
		if strings.HasPrefix(rest, `"`) {
			end := strings.Index(rest[1:], `"`)
			if end < 0 {
				return nil, fmt.Errorf("a quote of the table %q has no end", name)
			}
			part, rest = rest[1:1+end], rest[end+2:]
		} else {
			at := strings.IndexByte(rest, '.')
			if at < 0 {
				at = len(rest)
			}
			part, rest = strings.ToLower(rest[:at]), rest[at:]
		}
		if part == "" {
			return nil, fmt.Errorf("%q is not a table: write postgres:table or postgres:schema.table", name)
		}
		out = append(out, part)
		if rest == "" {
			break
		}
		if rest[0] != '.' {
			return nil, fmt.Errorf("%q is not a table: write postgres:table or postgres:schema.table", name)
		}
		rest = rest[1:]
	}
	if len(out) == 3 {
		out = out[1:] // database.schema.table: the database is that of the connection
	}
	if len(out) > 3 {
		return nil, fmt.Errorf("%q is not a table: write postgres:table or postgres:schema.table", name)
	}
	return out, nil
}

// place names the table in errors.
func (s *Source) place() string {
	return fmt.Sprintf("postgres %s:%d/%s %s", s.conf.Host, s.conf.Port, s.conf.Database, s.table.Sanitize())
}

// fail classifies an error of the server or of the way to it.
func (s *Source) fail(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var known *source.Error
	if errors.As(err, &known) {
		return err
	}
	e := &source.Error{Kind: source.Unavailable, Place: s.place(), Err: err}
	var pg *pgconn.PgError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		e.Err = fmt.Errorf("%s (SQLSTATE %s)", pg.Message, pg.Code)
		e.Kind, e.Hint = classify(pg.Code)
	case errors.As(err, &op):
		e.Hint = "check pg_host and pg_port, and that the server runs and lets this host in"
	case strings.Contains(err.Error(), "tls") || strings.Contains(err.Error(), "x509"):
		e.Hint = "check pg_sslmode and pg_sslrootcert: the default is verify-full"
	}
	return e
}

// classify tells what an SQLSTATE means for a refresh.
func classify(code string) (source.Kind, string) {
	switch {
	case strings.HasPrefix(code, "28"):
		return source.Denied, "check pg_user and pg_pass"
	case code == "42501":
		return source.Denied, "grant SELECT on the table to pg_user"
	case code == "3D000":
		return source.Missing, "check pg_db"
	case code == "42P01", code == "3F000":
		return source.Missing, "check the table in from:, and the search_path of pg_user"
	case code == "57014":
		return source.Unavailable, "raise statement_timeout, or load less with refresh_sql"
	case strings.HasPrefix(code, "42"):
		return source.Unsupported, "correct refresh_sql"
	default:
		return source.Unavailable, ""
	}
}
