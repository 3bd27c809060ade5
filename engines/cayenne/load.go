package cayenne

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pitwall/engines"
	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// load reads the committed state of a dataset. Kind NotFound: there is none. Kind Corrupt: the metastore can't be
// read, or names files that are not there.
func load(ctx context.Context, f folder, dataset string, d *disk) (*version, error) {
	v, err := loadOnce(ctx, f, dataset, d)
	if engines.KindOf(err) == engines.Corrupt { // a writer may have let go of a file meanwhile
		return loadOnce(ctx, f, dataset, d)
	}
	return v, err
}

func loadOnce(ctx context.Context, f folder, dataset string, d *disk) (*version, error) {
	m, err := openMetastore(ctx, f, false)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	tx, err := m.db.BeginTx(ctx, nil) // what is read is one state
	if err != nil {
		return nil, damaged(err)
	}
	defer tx.Rollback()
	v := &version{disk: d}
	if err := v.read(ctx, tx, f, dataset); err != nil {
		return nil, errors.Join(damaged(err), v.Close())
	}
	return v, nil
}

func (v *version) read(ctx context.Context, m *sql.Tx, f folder, dataset string) error {
	var schema string
	v.root = &table{}
	err := m.QueryRowContext(ctx, "SELECT table_id, current_snapshot_id, current_sequence_number, schema_json FROM cayenne_table WHERE table_name = ?", dataset).
		Scan(&v.root.id, &v.root.snapshot, &v.sequence, &schema)
	if errors.Is(err, sql.ErrNoRows) {
		return dbfile.Fail(engines.NotFound, fmt.Errorf("no dataset %q in the metastore", dataset))
	}
	if err != nil {
		return err
	}
	if err := v.root.within(); err != nil {
		return err
	}
	if v.schema, err = schemajson.Unmarshal([]byte(schema)); err != nil {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("schema in the metastore: %w", err))
	}
	if err := v.readCheckpoint(ctx, m, dataset); err != nil {
		return err
	}
	tables, err := v.readPartitions(ctx, m, dataset)
	if err != nil {
		return err
	}
	if err := v.readFiles(ctx, m, f, tables); err != nil {
		return err
	}
	return v.readDeletes(ctx, m, f, dataset, tables)
}

func (v *version) readCheckpoint(ctx context.Context, m *sql.Tx, dataset string) error {
	var schema, refreshSQL sql.NullString
	var updated string
	err := m.QueryRowContext(ctx, "SELECT schema_json, CAST(updated_at AS TEXT), refresh_sql FROM spice_sys_dataset_checkpoint WHERE dataset_name = ?", dataset).Scan(&schema, &updated, &refreshSQL)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	v.cp = engines.Checkpoint{SchemaJSON: schema.String, RefreshSQL: refreshSQL.String}
	if v.cp.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated); err != nil {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("updated_at in the metastore: %w", err))
	}
	err = m.QueryRowContext(ctx, "SELECT state FROM pitwall_state WHERE dataset_name = ?", dataset).Scan(&v.cp.State)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// readPartitions reads the tables of a dataset: its own, and those of its partitions, by id.
func (v *version) readPartitions(ctx context.Context, m *sql.Tx, dataset string) (map[string]*table, error) {
	tables := map[string]*table{v.root.id: v.root}
	rows, err := m.QueryContext(ctx, `SELECT coalesce(t.table_id, ''), coalesce(t.current_snapshot_id, ''), coalesce(t.partition_column, ''), p.partition_id, p.partition_columns_json, p.partition_key, p.path
		FROM cayenne_partition p LEFT JOIN cayenne_table t ON t.table_name = ? || '_p' || hex(p.partition_key) WHERE p.table_id = ?`, dataset, v.root.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t := &table{}
		var scheme, id, names, key, at string
		if err := rows.Scan(&t.id, &t.snapshot, &scheme, &id, &names, &key, &at); err != nil {
			return nil, err
		}
		if t.id == "" {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("no table of partition %s in the metastore", at))
		}
		if t.part, err = readPartition(id, names, key, at, scheme); err != nil {
			return nil, err
		}
		if err := t.within(); err != nil {
			return nil, err
		}
		tables[t.id] = t
	}
	return tables, rows.Err()
}

func (v *version) readFiles(ctx context.Context, m *sql.Tx, f folder, tables map[string]*table) error {
	rows, err := m.QueryContext(ctx, `SELECT f.table_id, f.snapshot_id, f.file_path, f.row_count, f.file_size_bytes, f.max_sequence, coalesce(f.digest, ''), s.statistics_blob
		FROM cayenne_snapshot_file f LEFT JOIN cayenne_snapshot_file_statistics s USING (table_id, snapshot_id, file_path)
		ORDER BY f.max_sequence, f.rowid`) // of one sequence as record wrote them
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		x := &dataFile{}
		var size int64
		var digest, id, snapshot string
		if err := rows.Scan(&id, &snapshot, &x.name, &x.rows, &size, &x.sequence, &digest, &x.stats); err != nil {
			return err
		}
		if x.in = tables[id]; x.in == nil || x.in.snapshot != snapshot {
			continue // of another dataset, or of a state before
		}
		if err := local(x.name); err != nil {
			return err
		}
		path := f.path(x.in, x.name)
		at, err := os.Stat(path)
		if err != nil {
			return missing(err)
		}
		if at.Size() != size {
			return dbfile.Fail(engines.Corrupt, fmt.Errorf("%s has %d bytes, the metastore has %d", x.name, at.Size(), size))
		}
		if x.stats != nil {
			if x.bounds, err = vortex.ParseStatistics(x.stats, storedSchema(v.schema)); err != nil {
				return dbfile.Fail(engines.Corrupt, err)
			}
		}
		x.file, _ = v.disk.use(path, size, digest)
		v.files = append(v.files, x)
	}
	return rows.Err()
}

// local refuses a name that leads out of its folder.
func local(name string) error {
	if name != filepath.Base(name) || !filepath.IsLocal(name) {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("file name %q in the metastore", name))
	}
	return nil
}

func (v *version) readDeletes(ctx context.Context, m *sql.Tx, f folder, dataset string, tables map[string]*table) error {
	digests, err := deleteDigests(ctx, m, dataset)
	if err != nil {
		return err
	}
	rows, err := m.QueryContext(ctx, `SELECT delete_file_id, path, delete_count, file_size_bytes, coalesce(source_data_file_path, ''), sequence_number, table_id
		FROM cayenne_delete_file`)
	if err != nil {
		return err
	}
	defer rows.Close()
	files := map[string]*dataFile{}
	for _, x := range v.files {
		files[x.in.id+"/"+x.name] = x
	}
	for rows.Next() {
		d := &deletion{}
		var path, source, id string
		var size int64
		if err := rows.Scan(&d.id, &path, &d.count, &size, &source, &d.sequence, &id); err != nil {
			return err
		}
		if tables[id] == nil {
			continue // of another dataset
		}
		if !filepath.IsLocal(path) {
			return dbfile.Fail(engines.Corrupt, fmt.Errorf("path %q of a delete file", path))
		}
		of := files[id+"/"+source]
		if of == nil {
			return dbfile.Fail(engines.Corrupt, fmt.Errorf("deletes of %q, which is no file of the dataset", source))
		}
		if of.gone != nil {
			return dbfile.Fail(engines.Corrupt, fmt.Errorf("%q has two delete files", source))
		}
		d.file, _ = v.disk.use(filepath.Join(f.data(), path), size, digests[d.id])
		of.gone = d
		if err := d.file.verify(ctx); err != nil {
			return err
		}
		if d.rows, err = readDeletion(d.file.path, of.rows, d.count); err != nil {
			return err
		}
	}
	return rows.Err()
}

// deleteDigests are the SHA-256 of delete files by their id, for which the tables of Spice have no column.
func deleteDigests(ctx context.Context, m *sql.Tx, dataset string) (map[string]string, error) {
	var text sql.NullString
	err := m.QueryRowContext(ctx, "SELECT delete_digests FROM pitwall_state WHERE dataset_name = ?", dataset).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !text.Valid {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out map[string]string
	return out, json.Unmarshal([]byte(text.String), &out)
}
