package cayenne

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// schemaVersion is PRAGMA user_version of a metastore that this package made.
const schemaVersion = 1

// tables are the tables of a metastore and their columns, in the order that a slice has them (spec 1.2). The last
// two are pitwall's own and not in a slice.
func tables() []string {
	return []string{
		`cayenne_table (table_id TEXT PRIMARY KEY, table_name TEXT NOT NULL UNIQUE, path TEXT NOT NULL, path_is_relative INTEGER NOT NULL,
			schema_json TEXT NOT NULL, primary_key_json TEXT, on_conflict_json TEXT, current_snapshot_id TEXT NOT NULL, partition_column TEXT,
			vortex_config_json TEXT, current_sequence_number INTEGER NOT NULL)`,
		`cayenne_partition (partition_id TEXT PRIMARY KEY, table_id TEXT NOT NULL REFERENCES cayenne_table, partition_columns_json TEXT,
			partition_values_json TEXT, partition_key TEXT NOT NULL, path TEXT NOT NULL, path_is_relative INTEGER NOT NULL, record_count INTEGER,
			file_size_bytes INTEGER, UNIQUE (table_id, partition_key))`,
		`cayenne_snapshot_file (table_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, file_path TEXT NOT NULL, row_count INTEGER NOT NULL,
			file_size_bytes INTEGER NOT NULL, min_sequence INTEGER NOT NULL, max_sequence INTEGER NOT NULL, digest TEXT,
			PRIMARY KEY (table_id, snapshot_id, file_path))`,
		`cayenne_snapshot_file_statistics (table_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, file_path TEXT NOT NULL,
			file_size_bytes INTEGER NOT NULL, num_rows INTEGER NOT NULL, statistics_blob BLOB, PRIMARY KEY (table_id, snapshot_id, file_path))`,
		`cayenne_delete_file (delete_file_id TEXT PRIMARY KEY, table_id TEXT NOT NULL, path TEXT NOT NULL, path_is_relative INTEGER NOT NULL,
			format TEXT NOT NULL, delete_count INTEGER NOT NULL, file_size_bytes INTEGER NOT NULL, source_data_file_path TEXT,
			sequence_number INTEGER NOT NULL, reinsert_sequence INTEGER)`,
		`cayenne_snapshot_sequence (table_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, sequence_number INTEGER NOT NULL, PRIMARY KEY (table_id, snapshot_id))`,
		`spice_sys_dataset_checkpoint (dataset_name TEXT PRIMARY KEY, schema_json TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, refresh_sql TEXT)`,
		`pitwall_state (dataset_name TEXT PRIMARY KEY, state BLOB, delete_digests TEXT)`,
	}
}

// metastore is an open metastore.
type metastore struct{ db *sql.DB }

// openMetastore opens the metastore of a folder. Kind NotFound: there is none, and create is not set; Kind
// Corrupt: it is not one, or of a newer version.
func openMetastore(ctx context.Context, f folder, create bool) (*metastore, error) {
	path := f.metastore()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))
	} else if err != nil && !create {
		return nil, err
	}
	if create {
		if err := makeFolders(filepath.Dir(path), string(f)); err != nil {
			return nil, err
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if create {
		return connect(ctx, abs, url.Values{"_pragma": {"busy_timeout(5000)", "foreign_keys(ON)", "journal_mode(WAL)", "synchronous(FULL)"}, "mode": {"rwc"}}, true)
	}
	m, err := connect(ctx, abs, url.Values{"_pragma": {"busy_timeout(5000)"}, "mode": {"rw"}}, false)
	if err == nil || dbfile.Size(path+"-wal") > 0 || engines.KindOf(err) != engines.Internal {
		return m, err
	}
	// A folder that cannot be written: the last writer left nothing in the WAL, so the file is all there is.
	if ro, errRO := connect(ctx, abs, url.Values{"mode": {"ro"}, "immutable": {"1"}}, false); errRO == nil {
		return ro, nil
	}
	return nil, err
}

func connect(ctx context.Context, path string, query url.Values, create bool) (*metastore, error) {
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	m := &metastore{sql.OpenDB(connector)}
	m.db.SetMaxOpenConns(1)
	if err := m.prepare(ctx, create); err != nil {
		return nil, errors.Join(err, m.db.Close())
	}
	return m, nil
}

// prepare makes the tables of an empty metastore and checks the version of one that is there.
func (m *metastore) prepare(ctx context.Context, create bool) error {
	var version int
	if err := m.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return damaged(err)
	}
	switch {
	case version == schemaVersion:
		return nil
	case version != 0:
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("the metastore is of version %d, which this pitwall does not know", version))
	case !create:
		return dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))
	}
	return m.transaction(ctx, func(tx *sql.Tx) error {
		for _, t := range tables() {
			if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+t); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
		return err
	})
}

// damaged is an error of a metastore that can't be read.
func damaged(err error) error {
	if text := err.Error(); strings.Contains(text, "not a database") || strings.Contains(text, "malformed") || strings.Contains(text, "no such table") {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("metastore: %w", err))
	}
	return err
}

func (m *metastore) Close() error { return m.db.Close() }

// transaction runs f and commits.
func (m *metastore) transaction(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// makeFolders makes a folder and those above it down from root, and makes their names durable.
func makeFolders(dir, root string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if err := dbfile.Sync(filepath.Dir(at)); err != nil {
			return err
		}
		if at == filepath.Clean(root) || at == filepath.Dir(at) {
			return nil
		}
	}
}
