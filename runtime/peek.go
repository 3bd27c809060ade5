package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/query"
	"pitwall/runtime/shape"
	"pitwall/snapshots"
)

// A stored snapshot can be asked like a dataset, by the name "dataset@id": it is downloaded, verified and opened
// beside the local data, which it does not touch, and stays open for queries to come until nobody asked it for a
// while. The goroutine that opens it closes it, too.

// peekIdle is how long an opened snapshot waits for another query.
const peekIdle = 5 * time.Minute

// peeks are the opened snapshots of a dataset.
type peeks struct {
	mu   sync.Mutex
	open map[uint64]*peek
}

type peek struct {
	ready chan struct{} // closed when eng or err is set
	eng   engines.Engine
	err   error
	used  time.Time // under peeks.mu
}

// snapshotTable is a stored snapshot as queries see it.
type snapshotTable struct {
	table
	id uint64
}

// atSnapshot splits the name of a stored snapshot; false for that of a dataset.
func atSnapshot(name string) (dataset string, id uint64, ok bool) {
	i := strings.LastIndexByte(name, '@')
	if i < 0 {
		return "", 0, false
	}
	id, err := strconv.ParseUint(name[i+1:], 10, 64)
	return name[:i], id, err == nil
}

// Schema implements query.Table.
func (t snapshotTable) Schema(ctx context.Context) (*arrow.Schema, error) {
	eng, err := t.a.peek(ctx, t.id)
	if err != nil {
		return nil, t.failed(err)
	}
	info, err := eng.Info(ctx)
	if err != nil {
		return nil, t.failed(err)
	}
	return info.Schema, nil
}

// Scan implements query.Table.
func (t snapshotTable) Scan(ctx context.Context, q query.Scan) (array.RecordReader, error) {
	eng, err := t.a.peek(ctx, t.id)
	if err != nil {
		return nil, t.failed(err)
	}
	return t.fromEngine(ctx, eng, q)
}

// Served implements query.Server.
func (t snapshotTable) Served() api.Served {
	return api.Served{Dataset: fmt.Sprintf("%s@%d", t.table.a.cfg().Name, t.id), From: api.FromSnapshot}
}

// Native implements query.Table.
func (t snapshotTable) Native() engines.Selector { return nil }

// failed words an error; what is wrong with the snapshot is wrong with the query.
func (t snapshotTable) failed(err error) error {
	if snapshots.KindOf(err) == snapshots.Missing {
		return &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf("%s@%d: %v", t.a.cfg().Name, t.id, errors.Unwrap(err)), Hint: snapshots.HintOf(err)}
	}
	return t.table.failed(err)
}

// peek returns the engine of a stored snapshot.
func (a *actor) peek(ctx context.Context, id uint64) (engines.Engine, error) {
	if why := a.usesSnapshots(); why != "" {
		return nil, &settingError{"no snapshot can be asked: " + why, "see to snapshots: in the spicepod"}
	}
	a.peeks.mu.Lock()
	p := a.peeks.open[id]
	if p == nil {
		if a.ctx.Err() != nil {
			a.peeks.mu.Unlock()
			return nil, a.ctx.Err()
		}
		p = &peek{ready: make(chan struct{})}
		if a.peeks.open == nil {
			a.peeks.open = map[uint64]*peek{}
		}
		a.peeks.open[id] = p
		a.jobs.Go(func() { a.keepPeek(id, p) })
	}
	p.used = time.Now()
	a.peeks.mu.Unlock()
	select {
	case <-p.ready:
		return p.eng, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keepPeek opens a snapshot and closes it in the end.
func (a *actor) keepPeek(id uint64, p *peek) {
	// A name of its own: a query may still read a file that was given up, when the next one asks for the snapshot.
	file := filepath.Join(a.peekDir(), fmt.Sprintf("%d-%d%s", id, time.Now().UnixNano(), a.opener.Extension()))
	p.eng, p.err = a.openPeek(id, file)
	close(p.ready)
	for p.err == nil && a.ctx.Err() == nil {
		a.peeks.mu.Lock()
		left := time.Until(p.used.Add(peekIdle))
		if left <= 0 {
			delete(a.peeks.open, id)
			a.peeks.mu.Unlock()
			break
		}
		a.peeks.mu.Unlock()
		select {
		case <-time.After(left):
		case <-a.ctx.Done():
		}
	}
	a.peeks.mu.Lock()
	if a.peeks.open[id] == p {
		delete(a.peeks.open, id)
	}
	a.peeks.mu.Unlock()
	if p.eng != nil {
		if err := p.eng.Close(); err != nil && !errors.Is(err, context.Canceled) {
			a.emit(api.Warn, "query", fmt.Sprintf("closing snapshot %d: %v", id, err))
		}
	}
	for _, s := range append([]string{""}, sidecars...) {
		_ = os.Remove(file + s) // the next start removes what is left
	}
}

// peekDir is where opened snapshots are, apart from what bootstraps download.
func (a *actor) peekDir() string {
	return filepath.Join(filepath.Dir(a.file), "."+fileName(a.cfg().Name)+".peek")
}

// openPeek downloads a snapshot, which shows as a task, and opens it.
func (a *actor) openPeek(id uint64, file string) (engines.Engine, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	report := a.rt.Report(fmt.Sprintf("read snapshot %d of %s", id, a.cfg().Name))
	_, err := a.rt.snaps.Bootstrap(a.ctx, snapshots.BootstrapRequest{Dataset: a.cfg().Name, Engine: a.opener.Name(), ID: &id, Dir: filepath.Dir(file),
		Install: func(ctx context.Context, tmp string, s snapshots.Snapshot) error {
			if _, err := a.inspect(ctx, tmp, s); err != nil {
				return refused("open", err)
			}
			return os.Rename(tmp, file)
		},
		Progress: func(_ snapshots.Snapshot, _ string, done, total int64) { report(min(done, total-1), total, nil) },
	})
	if err != nil {
		report(0, 0, err)
		return nil, err
	}
	report(1, 1, nil)
	return a.opener.Open(a.ctx, engines.Options{Dataset: a.cfg().Name, Path: file, Evaluate: shape.Evaluate})
}
