//go:build duckdb_arrow

package duckdb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// foldAfter folds after a write. Changes of a stream wait until there are as many bytes of them as there are of the
// file: to move them into it costs about as much for few as for many, because they touch all of it.
func (e *Engine) foldAfter(ctx context.Context, l *dbfile.Lease[*database], w engines.Write) {
	const least, most = 64 << 20, 512 << 20 // bytes; the next open after a crash reads them again
	if w.Remove != nil && dbfile.Size(l.Store.path+".wal") < min(max(least, dbfile.Size(l.Store.path)), most) {
		return
	}
	e.fold(ctx, l)
}

// fold moves the WAL into the file, unless the file is being copied: then the copy does it. What was
// committed is safe in the WAL, so that a failure is none of the write's: the next fold tries again.
func (e *Engine) fold(ctx context.Context, l *dbfile.Lease[*database]) {
	if l.Store.path == "" || !e.copying.TryLock() {
		return
	}
	defer e.copying.Unlock()
	_ = checkpoint(ctx, l)
}

// checkpoint moves the WAL into the file. DuckDB refuses all work on a database after a failure, such
// as a full disk, until it is opened anew, which replays the WAL. It is only busy while a query reads
// rows from before a change of others.
func checkpoint(ctx context.Context, l *dbfile.Lease[*database]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.Store.exec(ctx, "CHECKPOINT acc")
	if err != nil && !busy(err) {
		l.Condemn()
	}
	return err
}

// busy tells whether a CHECKPOINT failed because of another transaction. DuckDB keeps its lock for a
// write that is committed as long as a transaction is open that began before it.
func busy(err error) bool {
	var e *duckdb.Error
	return errors.As(err, &e) && e.Type == duckdb.ErrorTypeTransaction && strings.Contains(e.Msg, "Cannot CHECKPOINT")
}

// forever is the patience of what can only wait.
const forever = 0

// patiently tries f again for that long while it is busy.
func patiently(ctx context.Context, patience time.Duration, f func() error) error {
	pause := &backoff.ExponentialBackOff{InitialInterval: time.Millisecond, Multiplier: 2, MaxInterval: 100 * time.Millisecond}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := f()
		if err != nil && !busy(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(patience))
	return err
}
