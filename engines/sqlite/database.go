package sqlite

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// database is one opened generation.
type database struct {
	path string // of the file, or the name of the database in memory
	how  access
	// base is used under the engine's writer lock only, but for a database in memory, where it only
	// keeps the content alive, and for checks, which have no other user.
	base   *conn
	schema *arrow.Schema // recorded schema
	view   bool          // the dataset is a view, made by another program

	mu     sync.Mutex
	idle   []*conn
	source *os.File // for copies; see file
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
	all := d.base.Close()
	for _, c := range d.idle {
		all = errors.Join(all, c.Close())
	}
	if d.source != nil {
		all = errors.Join(all, d.source.Close())
	}
	return all
}

// get returns a connection for reading. It must run under the slot's lock (see dbfile.Slot.Acquire):
// connections are opened by name.
func (d *database) get(ctx context.Context) (*conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.idle); n > 0 {
		c := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return c, nil
	}
	return connect(ctx, d.path, d.how)
}

func (d *database) put(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, c)
}

// file returns a handle of the database file for copies. It stays open as long as the database,
// because closing any handle of a file drops the process's locks on it. Under the slot's lock.
func (d *database) file() (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		f, err := os.Open(d.path)
		if err != nil {
			return nil, err
		}
		d.source = f
	}
	return d.source, nil
}

// writable refuses to change a dataset that another program keeps behind a view.
func (d *database) writable() error {
	if !d.view {
		return nil
	}
	return &engines.Error{
		Kind: engines.Invalid, Err: errors.New("the dataset is a view in a file of another program"),
		Hint: "run a full refresh, which replaces the file",
	}
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
	b.Store.put(b.conn)
	b.Release()
}
