package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/postgres/pgvalue"
	"pitwall/engines/schemajson"
)

// stateColumns is dbfile.StateColumns for PostgreSQL.
const stateColumns = "(dataset_name TEXT PRIMARY KEY, state BYTEA)"

// stampLayout is how the server sends a timestamp.
const stampLayout = "2006-01-02 15:04:05.999999"

// checkpointRow reads the row of the dataset; nil when there is none.
func (e *Engine) checkpointRow(ctx context.Context, t *tx) (*engines.Checkpoint, error) {
	kind, err := t.kind(ctx, dbfile.CheckpointTable)
	if err != nil || kind == "" {
		return nil, err
	}
	names, _, err := t.row(ctx, "SELECT string_agg(attname, ',') FROM pg_catalog.pg_attribute WHERE attrelid = "+
		pgvalue.Text(t.name(dbfile.CheckpointTable))+"::regclass AND attnum > 0 AND NOT attisdropped")
	if err != nil {
		return nil, err
	}
	column := func(name string) string { // files of old writers lack some
		if strings.Contains(","+string(names[0])+",", ","+name+",") {
			return name
		}
		return "NULL"
	}
	where := " WHERE dataset_name = " + pgvalue.Text(e.o.Dataset)
	row, found, err := t.row(ctx, "SELECT "+column("schema_json")+", "+column("refresh_sql")+", "+column("updated_at")+"::timestamp FROM "+t.name(dbfile.CheckpointTable)+where)
	if err != nil || !found {
		return nil, err
	}
	cp := &engines.Checkpoint{SchemaJSON: string(row[0]), RefreshSQL: string(row[1])}
	if row[2] != nil {
		if cp.UpdatedAt, err = time.Parse(stampLayout, string(row[2])); err != nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("checkpoint row: %w", err))
		}
	}
	if kind, err := t.kind(ctx, dbfile.StateTable); err != nil || kind == "" {
		return cp, err
	}
	row, found, err = t.row(ctx, "SELECT encode(state, 'hex') FROM "+t.name(dbfile.StateTable)+where)
	if err != nil || !found || row[0] == nil {
		return cp, err
	}
	cp.State, err = hex.DecodeString(string(row[0]))
	return cp, err
}

// putCheckpoint writes the checkpoint row and the writer's own state.
func (e *Engine) putCheckpoint(ctx context.Context, t *tx, schema *arrow.Schema, w engines.Write) error {
	text, err := schemajson.Marshal(schema)
	if err != nil {
		return err
	}
	var refresh []byte
	if w.RefreshSQL != "" {
		refresh = []byte(w.RefreshSQL)
	}
	table := t.name(dbfile.CheckpointTable)
	if err := t.exec(ctx, "SET LOCAL client_min_messages = warning; CREATE TABLE IF NOT EXISTS "+table+dbfile.CheckpointColumns+
		"; ALTER TABLE "+table+" ADD COLUMN IF NOT EXISTS schema_json TEXT; ALTER TABLE "+table+" ADD COLUMN IF NOT EXISTS refresh_sql TEXT"); err != nil {
		return err
	}
	if err := t.execWith(ctx, "INSERT INTO "+table+" (dataset_name, schema_json, created_at, updated_at, refresh_sql) "+
		"VALUES ($1, $2, $3, $3, $4) ON CONFLICT (dataset_name) DO UPDATE SET schema_json = excluded.schema_json, "+
		"updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql", []byte(e.o.Dataset), text, []byte(w.UpdatedAt().Format(stampLayout)), refresh); err != nil {
		return err
	}
	return e.putState(ctx, t, w.State)
}

// putState writes the writer's own state; nil removes it.
func (e *Engine) putState(ctx context.Context, t *tx, state []byte) error {
	table := t.name(dbfile.StateTable)
	if state == nil {
		if kind, err := t.kind(ctx, dbfile.StateTable); err != nil || kind == "" {
			return err
		}
		return t.execWith(ctx, "DELETE FROM "+table+" WHERE dataset_name = $1", []byte(e.o.Dataset))
	}
	if err := t.exec(ctx, "CREATE TABLE IF NOT EXISTS "+table+stateColumns); err != nil {
		return err
	}
	return t.execWith(ctx, "INSERT INTO "+table+" (dataset_name, state) VALUES ($1, decode($2, 'hex')) "+
		"ON CONFLICT (dataset_name) DO UPDATE SET state = excluded.state", []byte(e.o.Dataset), []byte(hex.EncodeToString(state)))
}
