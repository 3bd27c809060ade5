// Package cayenne keeps one dataset as Vortex files, which are never changed, and a metastore in SQLite that says
// which of them, and which of their rows, are the dataset (spec cayenne-and-duckdb.md section 1).
//
// A store is a folder:
//
//	.pitwall.lock                                    locked by the process that has the store open
//	metadata/cayenne.db                              the metastore
//	data/<table id>/<snapshot id>/part-*.vortex      rows
//	data/<table id>/<snapshot id>/deletions/*.arrow  rows that are deleted, by their number in a file
//
// With partition_by every partition has a table of its own, in data/<name>=<value>/.../<table id>.
//
// A write makes its files durable first and then becomes visible in one transaction of the metastore. Files that
// no committed state names are what a killed process left, and are removed when the store is opened.
// Left out of what Spice has: the tiers in memory and in the cold, write-back, indexes and self-tuning.
//
// Goroutines: those that package vortex starts for a scan, which end with it.
package cayenne

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gofrs/flock"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// Opener opens datasets in Cayenne.
type Opener struct{}

var _ engines.Opener = Opener{}

// Name returns "cayenne".
func (Opener) Name() string { return "cayenne" }

// Extension returns ".cayenne": of the folder, and of an archive of it.
func (Opener) Extension() string { return ".cayenne" }

// Open opens or prepares the folder at Options.Path; see engines.Opener. Kind Invalid: a parameter is not
// understood, or the dataset is to be kept in memory.
func (Opener) Open(ctx context.Context, o engines.Options) (engines.Engine, error) {
	e, err := open(ctx, o)
	if err != nil {
		return nil, dbfile.Wrap("open", o.Dataset, o.Path, err)
	}
	return e, nil
}

func open(ctx context.Context, o engines.Options) (*Engine, error) {
	if o.Path == "" {
		return nil, &engines.Error{Kind: engines.Invalid, Err: errors.New("cayenne keeps files"), Hint: "set acceleration.mode: file"}
	}
	set, err := parseSettings(o.Params)
	if err != nil {
		return nil, dbfile.Fail(engines.Invalid, err)
	}
	if info, err := os.Stat(o.Path); err == nil && !info.IsDir() {
		return openArchive(ctx, o, set)
	}
	e := newEngine(o, set, folder(o.Path))
	if e.lock, err = e.folder.lock(); err != nil {
		return nil, err
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.unlock())
	}
	return e, nil
}

// start removes what a killed process left and reads the state.
func (e *Engine) start(ctx context.Context) error {
	if err := dbfile.RemoveTemp(e.o.Path, e.o.TempDir); err != nil {
		return err
	}
	if err := e.folder.removeStrays(ctx); err != nil {
		return err
	}
	v, err := load(ctx, e.folder, e.o.Dataset, e.disk)
	switch {
	case engines.KindOf(err) == engines.NotFound:
		return nil
	case err != nil:
		return err
	}
	return e.slot.Set(ctx, v)
}

func newEngine(o engines.Options, set settings, f folder) *Engine {
	life, end := context.WithCancel(context.Background())
	return &Engine{o: o, set: set, folder: f, life: life, end: end, compacting: dbfile.NewLock(), writer: dbfile.NewLock(), disk: newDisk(f), slot: dbfile.NewSlot(func(context.Context) (*version, error) {
		return nil, dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))
	})}
}

// openArchive unpacks an archive beside it, to be read: what lies in a snapshot is looked at without adopting it.
func openArchive(ctx context.Context, o engines.Options, set settings) (*Engine, error) {
	return unpack(ctx, o, set, folder(o.Path+".unpacked"))
}

// unpack brings the files of an archive into a folder, which is removed when the engine is closed.
func unpack(ctx context.Context, o engines.Options, set settings, to folder) (*Engine, error) {
	e := newEngine(o, set, to)
	e.archive = true
	if err := os.RemoveAll(string(e.folder)); err != nil {
		return nil, err
	}
	in, err := os.Open(o.Path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c, err := readArchive(ctx, in, o.Dataset, e.folder.data())
	if err != nil {
		return nil, err
	}
	d := e.received(c)
	if err := d.extract(ctx, c, in); err != nil {
		d.abort()
		return nil, errors.Join(err, os.RemoveAll(string(e.folder)))
	}
	if err := e.slot.Set(ctx, d.next); err != nil {
		return nil, errors.Join(err, d.next.Close(), os.RemoveAll(string(e.folder)))
	}
	return e, nil
}

// Check reads a store, or an archive of one, and returns what it holds; see engines.Opener.
func (Opener) Check(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	info, cp, err := check(ctx, path, dataset)
	return info, cp, dbfile.Wrap("check", dataset, path, err)
}

func check(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	at, err := os.Stat(path)
	if err != nil {
		return engines.Info{}, nil, err
	}
	if !at.IsDir() {
		return checkArchive(ctx, path, dataset)
	}
	v, err := load(ctx, folder(path), dataset, newDisk(folder(path)))
	if err != nil {
		return engines.Info{}, nil, err
	}
	defer v.Close()
	return v.info(), v.checkpoint(), nil
}

// folder is the place of a store.
type folder string

func (f folder) metastore() string { return filepath.Join(string(f), "metadata", "cayenne.db") }
func (f folder) data() string      { return filepath.Join(string(f), "data") }

// Engine is one dataset in Cayenne.
type Engine struct {
	o      engines.Options
	keysMu sync.Mutex // of o.Keys, for who reads them without holding writer
	set    settings
	folder folder
	disk   *disk
	writer dbfile.Lock
	slot   *dbfile.Slot[*version]
	reads  reads

	life       context.Context // of compactions; end ends it
	end        context.CancelFunc
	compacting dbfile.Lock // by at most one at a time; taken before writer
	compaction compaction
	// archive says that Path is an archive, unpacked to be read: folder is removed in the end.
	archive bool
	lock    *flock.Flock // nil: nobody can write here
}

var _ engines.FileEngine = (*Engine)(nil)

// Path is the folder of the store.
func (e *Engine) Path() string { return e.o.Path }

func (e *Engine) wrap(op string, err error) error { return dbfile.Wrap(op, e.o.Dataset, e.o.Path, err) }

// Supports refuses what Vortex has no form for: durations, intervals, unions; see engines.Engine.
func (e *Engine) Supports(s *arrow.Schema) error {
	if err := engines.CheckColumns(s, refuse); err != nil {
		return e.wrap("check schema", dbfile.Fail(engines.Invalid, err))
	}
	return nil
}

// Info returns schema, rows and the bytes of the files; see engines.Engine.
func (e *Engine) Info(ctx context.Context) (engines.Info, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return engines.Info{}, nil
	}
	if err != nil {
		return engines.Info{}, e.wrap("info", err)
	}
	defer l.Release()
	return l.Store.info(), nil
}

// Checkpoint returns the checkpoint row; see engines.Engine.
func (e *Engine) Checkpoint(ctx context.Context) (*engines.Checkpoint, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, e.wrap("checkpoint", err)
	}
	defer l.Release()
	return l.Store.checkpoint(), nil
}

// Close waits for writes and readers; see engines.Engine.
func (e *Engine) Close() error {
	e.quiet()
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	err := e.slot.Close()
	if e.archive {
		err = errors.Join(err, os.RemoveAll(string(e.folder)))
	}
	return errors.Join(err, e.unlock())
}

// writable refuses to change an archive.
func (e *Engine) writable() error {
	if e.archive {
		return dbfile.Fail(engines.Invalid, errors.New("an archive is only read"))
	}
	return nil
}
