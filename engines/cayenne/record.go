package cayenne

import (
	"context"
	"database/sql"
	"encoding/json"
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
	// The tables of the dataset and of its partitions.
	ours := `(SELECT table_id FROM cayenne_table WHERE table_name = ?1 OR table_name IN (SELECT ?1 || '_p' || hex(p.partition_key)
		FROM cayenne_partition p JOIN cayenne_table t USING (table_id) WHERE t.table_name = ?1))`
	all := []statement{
		{"DELETE FROM cayenne_snapshot_file WHERE table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_snapshot_file_statistics WHERE table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_delete_file WHERE table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_snapshot_sequence WHERE table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_table WHERE table_name <> ?1 AND table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_partition WHERE table_id IN " + ours, []any{o.Dataset}},
		{"DELETE FROM cayenne_table WHERE table_name = ?", []any{o.Dataset}},
		{`INSERT INTO spice_sys_dataset_checkpoint (dataset_name, schema_json, updated_at, refresh_sql) VALUES (?, ?, ?, ?) ON CONFLICT (dataset_name)
			DO UPDATE SET schema_json = excluded.schema_json, updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql`,
			[]any{o.Dataset, string(schema), v.cp.UpdatedAt.UTC().Format(time.RFC3339Nano), nullText(v.cp.RefreshSQL)}},
	}
	sizes := v.sizes()
	for _, t := range append([]*table{v.root}, v.children()...) {
		all = append(all,
			statement{`INSERT INTO cayenne_table (table_id, table_name, path, path_is_relative, schema_json, primary_key_json, on_conflict_json, current_snapshot_id,
				partition_column, vortex_config_json, current_sequence_number) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, '{}', ?)`,
				[]any{t.id, t.name(o.Dataset), t.base(), string(schema), key, nullText(string(o.Keys.Conflict)), t.snapshot, v.scheme(t), v.sequence}},
			statement{"INSERT INTO cayenne_snapshot_sequence VALUES (?, ?, ?)", []any{t.id, t.snapshot, v.sequence}})
		if t.part == nil {
			continue
		}
		names, values, err := t.part.documents()
		if err != nil {
			return err
		}
		all = append(all, statement{"INSERT INTO cayenne_partition VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)", []any{t.part.id, v.root.id, names, values, t.part.key(), t.base(), sizes[t].Rows, sizes[t].Bytes}})
	}
	for _, f := range v.files {
		all = append(all,
			statement{"INSERT INTO cayenne_snapshot_file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", []any{f.in.id, f.in.snapshot, f.name, f.rows, f.file.size, f.sequence, f.sequence, f.file.digest}},
			statement{"INSERT INTO cayenne_snapshot_file_statistics VALUES (?, ?, ?, ?, ?, ?)", []any{f.in.id, f.in.snapshot, f.name, f.file.size, f.rows, f.stats}})
		if g := f.gone; g != nil {
			digests[g.id] = g.file.digest
			path := g.archived(f)
			all = append(all, statement{"INSERT INTO cayenne_delete_file VALUES (?, ?, ?, 1, 'arrow_ipc', ?, ?, ?, ?, NULL)", []any{g.id, f.in.id, path, g.count, g.file.size, f.name, g.sequence}})
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

// scheme is the text of partition_by that a table is divided by, or was.
func (v *version) scheme(t *table) any {
	if t.part != nil {
		return t.part.scheme
	}
	for _, c := range v.children() {
		return c.part.scheme
	}
	return nil
}

// sizes are the rows that count of each table, and the bytes of its files.
func (v *version) sizes() map[*table]engines.Partition {
	all := map[*table]engines.Partition{}
	for _, f := range v.files {
		x := all[f.in]
		x.Rows, x.Bytes = x.Rows+f.live(), x.Bytes+f.file.size
		all[f.in] = x
	}
	return all
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
