package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// checkpointRow reads the row of the dataset; nil when there is none. Files of old writers lack the
// columns schema_json and refresh_sql.
func (c *conn) checkpointRow(ctx context.Context, dataset string) (*engines.Checkpoint, error) {
	s, err := c.tableSchema(ctx, dbfile.CheckpointTable)
	if err != nil || s.NumFields() == 0 {
		return nil, err
	}
	column := func(name string) string {
		if s.HasField(name) {
			return "CAST(" + name + " AS TEXT)"
		}
		return "NULL"
	}
	row, found, err := c.row(ctx, "SELECT "+column("schema_json")+", "+column("refresh_sql")+", "+column("updated_at")+
		" FROM "+dbfile.CheckpointTable+" WHERE dataset_name = ?", dataset)
	if err != nil || !found {
		return nil, err
	}
	cp := &engines.Checkpoint{}
	cp.SchemaJSON, _ = row[0].(string)
	cp.RefreshSQL, _ = row[1].(string)
	if text, ok := row[2].(string); ok {
		if cp.UpdatedAt, err = parseStamp(text); err != nil {
			return nil, err
		}
	}
	cp.State, err = c.state(ctx, dataset)
	return cp, err
}

// state reads the writer's own state; files of other writers have no table for it.
func (c *conn) state(ctx context.Context, dataset string) ([]byte, error) {
	if found, err := c.hasState(ctx); err != nil || !found {
		return nil, err
	}
	row, found, err := c.row(ctx, "SELECT state FROM "+dbfile.StateTable+" WHERE dataset_name = ?", dataset)
	if err != nil || !found {
		return nil, err
	}
	state, _ := row[0].([]byte)
	return state, nil
}

func (c *conn) hasState(ctx context.Context) (bool, error) {
	_, found, err := c.row(ctx, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", dbfile.StateTable)
	return found, err
}

// putState writes the writer's own state; nil removes it.
func (c *conn) putState(ctx context.Context, dataset string, state []byte) error {
	if state == nil {
		if found, err := c.hasState(ctx); err != nil || !found {
			return err
		}
		return c.exec(ctx, "DELETE FROM "+dbfile.StateTable+" WHERE dataset_name = ?", dataset)
	}
	if err := c.exec(ctx, "CREATE TABLE IF NOT EXISTS "+dbfile.StateTable+" "+dbfile.StateColumns); err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO "+dbfile.StateTable+" (dataset_name, state) VALUES (?1, ?2) "+
		"ON CONFLICT (dataset_name) DO UPDATE SET state = excluded.state", dataset, state)
}

// stampLayout is how times stand in the checkpoint row: SQLite's CURRENT_TIMESTAMP with digits.
const stampLayout = "2006-01-02 15:04:05.999999999"

func parseStamp(text string) (time.Time, error) {
	for _, layout := range []string{stampLayout, time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, dbfile.Fail(engines.Corrupt, fmt.Errorf("checkpoint row: %q is not a time", text))
}

// putCheckpoint writes the checkpoint row of the dataset.
func (c *conn) putCheckpoint(ctx context.Context, dataset string, schema *arrow.Schema, w engines.Write) error {
	text, err := schemajson.Marshal(schema)
	if err != nil {
		return err
	}
	var refresh any
	if w.RefreshSQL != "" {
		refresh = w.RefreshSQL
	}
	if err := c.completeCheckpointTable(ctx); err != nil {
		return err
	}
	if err := c.exec(ctx, "INSERT INTO "+dbfile.CheckpointTable+" (dataset_name, schema_json, created_at, updated_at, refresh_sql) "+
		"VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (dataset_name) DO UPDATE SET schema_json = excluded.schema_json, "+
		"updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql", dataset, string(text), w.UpdatedAt().Format(stampLayout), refresh); err != nil {
		return err
	}
	return c.putState(ctx, dataset, w.State)
}

// completeCheckpointTable makes what a file of another writer lacks of the checkpoint table.
func (c *conn) completeCheckpointTable(ctx context.Context) error {
	if err := c.exec(ctx, "CREATE TABLE IF NOT EXISTS "+dbfile.CheckpointTable+" "+dbfile.CheckpointColumns); err != nil {
		return err
	}
	s, err := c.tableSchema(ctx, dbfile.CheckpointTable)
	if err != nil {
		return err
	}
	for _, column := range []string{"schema_json", "refresh_sql"} {
		if s.HasField(column) {
			continue
		}
		if err := c.exec(ctx, "ALTER TABLE "+dbfile.CheckpointTable+" ADD COLUMN "+column+" TEXT"); err != nil {
			return err
		}
	}
	return nil
}
