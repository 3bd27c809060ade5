// Package postgres keeps one dataset in a table of a PostgreSQL server, by the name of the dataset in the
// first schema of the search path.
//
// Every write is one transaction, which also has the checkpoint row. A full refresh fills another table
// and takes the place of the old one with it. Readers read a cursor that outlives its transaction, so that
// they hold no lock while they are slow: nobody who writes waits for them. Connections come from a pool;
// those that broke are replaced. The package starts goroutines only within COPY, and waits for them;
// those of the pool end with Close.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/postgres/pgparams"
)

// Opener opens datasets in PostgreSQL.
type Opener struct{}

var _ engines.Opener = Opener{}

// Name returns "postgres".
func (Opener) Name() string { return "postgres" }

// Extension returns "": the engine has no files.
func (Opener) Extension() string { return "" }

// Open prepares the store; it does not connect. Params are those of spec data-refresh 2.8: pg_host,
// pg_port, pg_db, pg_user, pg_pass, pg_sslmode (verify-full), pg_sslrootcert, or all of them as
// pg_connection_string; and connection_pool_size (10). Kind Invalid: one is wrong.
func (Opener) Open(ctx context.Context, o engines.Options) (engines.Engine, error) {
	e, err := open(ctx, o)
	if err != nil {
		return nil, dbfile.Wrap("open", o.Dataset, o.Path, err)
	}
	return e, nil
}

// Check fails with Kind Invalid: the engine has no files.
func (Opener) Check(_ context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	return engines.Info{}, nil, dbfile.Wrap("check", dataset, path, dbfile.Fail(engines.Invalid, errors.New("the postgres engine keeps no files")))
}

const (
	// connectTimeout bounds the time to reach the server.
	connectTimeout = 15 * time.Second
	// poolSize is how many connections there are at most, unless connection_pool_size says otherwise.
	poolSize = 10
	// maxName is the number of bytes of a name that PostgreSQL tells apart.
	maxName = 63
)

func open(ctx context.Context, o engines.Options) (*Engine, error) {
	bad := func(err error) error {
		return &engines.Error{Kind: engines.Invalid, Err: err, Hint: "correct acceleration.params"}
	}
	if o.Path != "" {
		return nil, bad(errors.New("the postgres engine keeps no files"))
	}
	if len(o.Dataset) > maxName {
		return nil, bad(fmt.Errorf("the name of a table has at most %d bytes", maxName))
	}
	text, err := pgparams.ConnString(o.Params)
	if err != nil {
		return nil, bad(err)
	}
	conf, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, bad(errors.New("the params are not understood")) // the text of the error has the password
	}
	if conf.ConnConfig.ConnectTimeout == 0 {
		conf.ConnConfig.ConnectTimeout = connectTimeout
	}
	conf.ConnConfig.RuntimeParams["application_name"] = "pitwall"
	conf.ConnConfig.RuntimeParams["timezone"] = "UTC"
	conf.MaxConns = poolSize
	if v := o.Params["connection_pool_size"]; v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 1 {
			return nil, bad(fmt.Errorf("connection_pool_size is %q, want a number from 1 on", v))
		}
		conf.MaxConns = int32(n)
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), conf)
	if err != nil {
		return nil, err
	}
	return &Engine{o: o, pool: pool, writer: dbfile.NewLock()}, nil
}
