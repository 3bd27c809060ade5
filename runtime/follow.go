package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// follow is a run of refresh_mode: snapshot (spec acceleration-snapshots 4.7). It never asks the source:
// it loads the current snapshot of the store when that is not the one that is loaded, be it newer or, after
// a rollback of the pointer, older. Readers keep the old data until the swap.
func (a *actor) follow(ctx context.Context, m *refreshed, l load) error {
	if why := a.bootstraps(); why != "" {
		return &settingError{"refresh_mode: snapshot has nothing to read: " + why, "see to snapshots: in the spicepod"}
	}
	if err := a.rt.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer a.rt.slots.Release(1)
	j := m.job
	m.at = time.Now().UTC().Truncate(time.Millisecond)
	j.reading.Store(m.at.UnixNano())
	m.store = a.look(ctx)
	if m.store.err != nil {
		return m.store.err
	}
	current := m.store.newest
	switch {
	case current == nil && l.loaded != nil:
		return &snapshots.Error{Op: "refresh", Dataset: l.cfg.Name, Kind: snapshots.Missing,
			Err: errors.New("the store has no snapshot of the dataset any more"), Hint: "the loaded data goes on serving; see to the store"}
	case current == nil:
		return &snapshots.Error{Op: "refresh", Dataset: l.cfg.Name, Kind: snapshots.Missing,
			Err: errors.New("the store has no snapshot of the dataset yet"), Hint: "have the replica that writes it make one"}
	case l.loaded != nil && *l.loaded == current.ID:
		m.skipped = true
		return nil
	}
	t := &transferJob{kind: "bootstrap", started: m.at, ctx: ctx}
	j.transfer.Store(t)
	var err error
	if m.boot, err = a.bootstrap(ctx, l.eng, &current.ID, t); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // it is done
	j.rows.Store(m.boot.Rows)
	m.rowsRead, m.bytesRead = m.boot.Rows, m.boot.Bytes
	m.stats = engines.Stats{Written: m.boot.Rows, Rows: m.boot.Rows, Bytes: m.boot.Bytes}
	if m.info, err = l.eng.Info(ctx); err != nil {
		m.info = engines.Info{Rows: m.boot.Rows, Bytes: m.boot.Bytes}
	}
	m.watermark = watermarkOf(ctx, l, m.info.Schema)
	return nil
}

// follows tells whether the dataset only reads snapshots.
func (a *actor) follows() bool { return a.cfg().Acceleration.RefreshMode == config.RefreshSnapshot }

// loadedRecord says, in a file beside the database file, which snapshot that was loaded from. It holds as
// long as the checkpoint row is the one that came with the snapshot: every other write changes its time.
type loadedRecord struct {
	ID      uint64    `json:"id"`
	Updated time.Time `json:"updated_at"`
}

func (a *actor) loadedName() string { return a.file + ".loaded" }

// noteLoaded writes the record. Without it the next start loads the snapshot again, or writes the data to the store
// again, no more.
func (a *actor) noteLoaded(ctx context.Context, eng engines.Engine, id uint64) {
	cp, err := eng.Checkpoint(ctx)
	if cp == nil && err == nil {
		return // a file of another writer
	}
	if err == nil {
		var text []byte
		if text, err = json.Marshal(loadedRecord{ID: id, Updated: cp.UpdatedAt}); err == nil {
			err = renameio.WriteFile(a.loadedName(), text, 0o644)
		}
	}
	if err != nil {
		a.emit(api.Warn, "bootstrap", fmt.Sprintf("a restart will not know that the data came from snapshot %d: %v", id, err))
	}
}

// knownLoaded returns the snapshot that the local file was loaded from; nil when that is not known.
func (a *actor) knownLoaded(cp *engines.Checkpoint) *uint64 {
	text, err := os.ReadFile(a.loadedName())
	var r loadedRecord
	if err != nil || cp == nil || json.Unmarshal(text, &r) != nil || !r.Updated.Equal(cp.UpdatedAt) {
		return nil
	}
	return &r.ID
}

// fits refuses a snapshot whose columns differ from those that are served, unless on_schema_change accepts
// it; before the first one everything fits.
func (a *actor) fits(ctx context.Context, eng engines.Engine, next engines.Info) error {
	if !a.follows() {
		return nil
	}
	live, err := eng.Info(ctx)
	if err != nil || live.Schema == nil {
		return err
	}
	if diff := schemaDiff(live.Schema, engines.Recorded(next.Schema), a.cfg().OnSchemaChange); len(diff) > 0 {
		return &settingError{"the snapshot's columns differ: " + strings.Join(diff, "; "),
			"the old data goes on serving; to accept the new columns set on_schema_change: sync_all_columns"}
	}
	return nil
}
