//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

const (
	checkpointTable = "acc.main." + dbfile.CheckpointTable
	stateTable      = "acc.main." + dbfile.StateTable
)

// checkpointRow reads the row of the dataset; nil when there is none. Files of old writers lack the
// columns schema_json and refresh_sql.
func (d *database) checkpointRow(ctx context.Context) (*engines.Checkpoint, error) {
	var columns any
	if _, err := d.values(ctx, "SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_catalog = 'acc' AND "+
		"table_schema = 'main' AND table_name = "+dbfile.Text(dbfile.CheckpointTable), &columns); err != nil || columns == nil {
		return nil, err
	}
	column := func(name string) string {
		if strings.Contains(","+columns.(string)+",", ","+name+",") {
			return name
		}
		return "NULL"
	}
	var schema, refresh, at any
	found, err := d.values(ctx, "SELECT "+column("schema_json")+", "+column("refresh_sql")+", "+column("updated_at")+" FROM "+
		checkpointTable+" WHERE dataset_name = "+dbfile.Text(d.dataset), &schema, &refresh, &at)
	if err != nil || !found {
		return nil, err
	}
	cp := &engines.Checkpoint{}
	cp.SchemaJSON, _ = schema.(string)
	cp.RefreshSQL, _ = refresh.(string)
	if t, ok := at.(time.Time); ok {
		cp.UpdatedAt = t.UTC()
	}
	cp.State, err = d.state(ctx)
	return cp, err
}

// state reads the writer's own state; files of other writers have no table for it.
func (d *database) state(ctx context.Context) ([]byte, error) {
	var state any
	err := d.conn(ctx, func(c driver.Conn) error {
		if found, err := hasState(ctx, c); err != nil || !found {
			return err
		}
		_, err := valuesOn(ctx, c, "SELECT state FROM "+stateTable+" WHERE dataset_name = "+dbfile.Text(d.dataset), &state)
		return err
	})
	b, _ := state.([]byte)
	return b, err
}

func hasState(ctx context.Context, c driver.Conn) (bool, error) {
	var one any
	return valuesOn(ctx, c, "SELECT 1 FROM information_schema.tables WHERE table_catalog = 'acc' AND table_schema = 'main' "+
		"AND table_name = "+dbfile.Text(dbfile.StateTable), &one)
}

// putCheckpoint writes the checkpoint row of the dataset; in files of other writers it first makes
// what is missing of the table.
func putCheckpoint(ctx context.Context, c driver.Conn, dataset string, schema *arrow.Schema, w engines.Write) error {
	text, err := schemajson.Marshal(schema)
	if err != nil {
		return err
	}
	var refresh any
	if w.RefreshSQL != "" {
		refresh = w.RefreshSQL
	}
	for _, ddl := range []string{
		"CREATE TABLE IF NOT EXISTS " + checkpointTable + dbfile.CheckpointColumns,
		"ALTER TABLE " + checkpointTable + " ADD COLUMN IF NOT EXISTS schema_json TEXT",
		"ALTER TABLE " + checkpointTable + " ADD COLUMN IF NOT EXISTS refresh_sql TEXT",
	} {
		if err := execOn(ctx, c, ddl); err != nil {
			return err
		}
	}
	if err := execOn(ctx, c, "INSERT INTO "+checkpointTable+" (dataset_name, schema_json, created_at, updated_at, refresh_sql) "+
		"VALUES ($1, $2, $3, $3, $4) ON CONFLICT (dataset_name) DO UPDATE SET schema_json = excluded.schema_json, "+
		"updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql", dataset, string(text), w.UpdatedAt(), refresh); err != nil {
		return err
	}
	return putState(ctx, c, dataset, w.State)
}

// putState writes the writer's own state; nil removes it.
func putState(ctx context.Context, c driver.Conn, dataset string, state []byte) error {
	if state == nil {
		if found, err := hasState(ctx, c); err != nil || !found {
			return err
		}
		return execOn(ctx, c, "DELETE FROM "+stateTable+" WHERE dataset_name = $1", dataset)
	}
	if err := execOn(ctx, c, "CREATE TABLE IF NOT EXISTS "+stateTable+dbfile.StateColumns); err != nil {
		return err
	}
	return execOn(ctx, c, "INSERT INTO "+stateTable+" (dataset_name, state) VALUES ($1, $2) "+
		"ON CONFLICT (dataset_name) DO UPDATE SET state = excluded.state", dataset, state)
}
