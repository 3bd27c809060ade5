package sqlite

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/dbfile"
)

// database is one opened generation.
type database struct {
	path string // of the file, or the name of the database in memory
	how  access
	// base is used under the engine's writer lock only, but for a database in memory, where it only
	// keeps the content alive, and for checks, which have no other user.
	base   *conn
	tally  tally         // used under the engine's writer lock only
	schema *arrow.Schema // recorded schema
	view   bool          // the dataset is a view, made by another program
	idle   dbfile.Idle[*conn]
	source dbfile.Handle // opened under the slot's lock
}

func openDatabase(ctx context.Context, path, dataset string, how access) (*database, error) {
	base, err := connect(ctx, path, how)
	if err != nil {
		return nil, err
	}
	d := &database{path: path, how: how, base: base}
	if d.schema, d.view, err = base.load(ctx, dataset); err != nil {
		return nil, errors.Join(err, base.Close())
	}
	return d, nil
}

// Close closes all connections. SQLite leaves the sidecars alone: they may be another file's by now.
func (d *database) Close() error {
	return errors.Join(d.base.Close(), d.idle.Close(), d.source.Close())
}

// get returns a connection for reading. It must run under the slot's lock (see dbfile.Slot.Acquire):
// connections are opened by name.
func (d *database) get(ctx context.Context) (*conn, error) {
	return d.idle.Get(func() (*conn, error) { return connect(ctx, d.path, d.how) })
}

// borrowed is a lease with a connection of its own.
type borrowed struct {
	*dbfile.Lease[*database]
	conn *conn
}

// borrow leases the current generation with a connection for reading.
func (e *Engine) borrow(ctx context.Context) (*borrowed, error) {
	b := &borrowed{}
	l, err := e.slot.Acquire(ctx, func(d *database) (err error) {
		b.conn, err = d.get(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.Lease = l
	return b, nil
}

// done gives connection and lease back.
func (b *borrowed) done() {
	b.Store.idle.Put(b.conn)
	b.Release()
}
