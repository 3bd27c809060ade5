package cayenne

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"time"

	"pitwall/engines"
	"pitwall/engines/schemajson"
)

// record writes a state into the metastore, in the place of the one before.
func (v *version) record(ctx context.Context, tx *sql.Tx, o engines.Options) error {
	schema, err := schemajson.Marshal(v.schema)
	if err != nil {
		return err
	}
	v.cp.SchemaJSON = string(schema)
	var key any
	if len(o.Keys.Primary) > 0 {
		b, err := json.Marshal(o.Keys.Primary)
		if err != nil {
			return err
		}
		key = string(b)
	}
	digests := map[string]string{}
	type statement struct {
		text string
		args []any
	}
	all := []statement{
		{"DELETE FROM cayenne_snapshot_file WHERE table_id IN (SELECT table_id FROM cayenne_table WHERE table_name = ?)", []any{o.Dataset}},
		{"DELETE FROM cayenne_snapshot_file_statistics WHERE table_id IN (SELECT table_id FROM cayenne_table WHERE table_name = ?)", []any{o.Dataset}},
		{"DELETE FROM cayenne_delete_file WHERE table_id IN (SELECT table_id FROM cayenne_table WHERE table_name = ?)", []any{o.Dataset}},
		{"DELETE FROM cayenne_snapshot_sequence WHERE table_id IN (SELECT table_id FROM cayenne_table WHERE table_name = ?)", []any{o.Dataset}},
		{"DELETE FROM cayenne_table WHERE table_name = ?", []any{o.Dataset}},
		{`INSERT INTO cayenne_table (table_id, table_name, path, path_is_relative, schema_json, primary_key_json, on_conflict_json, current_snapshot_id,
			vortex_config_json, current_sequence_number) VALUES (?, ?, '.', 1, ?, ?, ?, ?, '{}', ?)`,
			[]any{v.table, o.Dataset, string(schema), key, nullText(string(o.Keys.Conflict)), v.snapshot, v.sequence}},
		{"INSERT INTO cayenne_snapshot_sequence VALUES (?, ?, ?)", []any{v.table, v.snapshot, v.sequence}},
		{`INSERT INTO spice_sys_dataset_checkpoint (dataset_name, schema_json, updated_at, refresh_sql) VALUES (?, ?, ?, ?) ON CONFLICT (dataset_name)
			DO UPDATE SET schema_json = excluded.schema_json, updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql`,
			[]any{o.Dataset, string(schema), v.cp.UpdatedAt.UTC().Format(time.RFC3339Nano), nullText(v.cp.RefreshSQL)}},
	}
	for _, f := range v.files {
		all = append(all,
			statement{"INSERT INTO cayenne_snapshot_file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", []any{v.table, f.snapshot, f.name, f.rows, f.file.size, f.sequence, f.sequence, f.file.digest}},
			statement{"INSERT INTO cayenne_snapshot_file_statistics VALUES (?, ?, ?, ?, ?, ?)", []any{v.table, f.snapshot, f.name, f.file.size, f.rows, f.stats}})
		if g := f.gone; g != nil {
			digests[g.id] = g.file.digest
			path := filepath.Join(v.table, f.snapshot, "deletions", g.id+".arrow")
			all = append(all, statement{"INSERT INTO cayenne_delete_file VALUES (?, ?, ?, 1, 'arrow_ipc', ?, ?, ?, ?, NULL)", []any{g.id, v.table, path, g.count, g.file.size, f.name, g.sequence}})
		}
	}
	text, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	all = append(all, statement{"INSERT INTO pitwall_state VALUES (?, ?, ?) ON CONFLICT (dataset_name) DO UPDATE SET state = excluded.state, delete_digests = excluded.delete_digests", []any{o.Dataset, v.cp.State, string(text)}})
	for _, s := range all {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
