package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

// wrap makes an *engines.Error of err, which may be nil.
func (e *Engine) wrap(op string, err error) error {
	return dbfile.Wrap(op, e.o.Dataset, "", classify(err))
}

// classify gives an error of the server, or of the way to it, its kind. Others stay.
func classify(err error) error {
	var known *engines.Error
	var null *convert.NullError
	var value *convert.ValueError
	var pg *pgconn.PgError
	var source foreign
	switch {
	case err == nil, errors.As(err, &source), errors.As(err, &known), errors.As(err, &null), errors.As(err, &value):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pg):
		kind, hint := meaning(pg.Code)
		text := fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)
		if pg.Detail != "" {
			text = fmt.Sprintf("%s: %s (SQLSTATE %s)", pg.Message, pg.Detail, pg.Code)
		}
		return &engines.Error{Kind: kind, Err: errors.New(text), Hint: hint}
	case lost(err):
		return &engines.Error{Kind: engines.Unavailable, Err: err, Hint: "check pg_host and pg_port, and that the server runs; for TLS pg_sslmode and pg_sslrootcert"}
	default:
		return err
	}
}

// lost says whether the connection to the server failed.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "conn closed")
}

// foreign is an error of the source of rows, which says nothing about this server.
type foreign struct{ error }

func (f foreign) Unwrap() error { return f.error }

// meaning tells what an SQLSTATE means for a dataset.
func meaning(code string) (engines.Kind, string) {
	switch {
	case strings.HasPrefix(code, "28"):
		return engines.Denied, "check pg_user and pg_pass"
	case code == "42501":
		return engines.Denied, "let pg_user create tables in the schema: GRANT CREATE, USAGE ON SCHEMA"
	case code == "25006":
		return engines.Denied, "the server is read-only: connect to the primary"
	case code == "3D000":
		return engines.Invalid, "check pg_db"
	case code == "53100":
		return engines.DiskFull, "free space on the disk of the server"
	case code == "55P03", code == "40P01":
		return engines.Locked, "another program holds the table; end its transaction"
	case strings.HasPrefix(code, "23"):
		return engines.Constraint, ""
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "40"):
		return engines.Unavailable, "the server ended the connection or has no room for one; trying again helps"
	case strings.HasPrefix(code, "22"):
		return engines.Invalid, ""
	default:
		return engines.Internal, ""
	}
}
