package cayenne

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// removeStrays removes what killed writers left: data files and delete files, in folders that are named as this
// package names them, which the metastore does not know, of whatever dataset. Other files are not its own, and stay.
// Kind Corrupt: there are data files and no metastore, which a writer makes first.
func (f folder) removeStrays(ctx context.Context) error {
	files, err := f.ownFiles()
	if err != nil || len(files) == 0 {
		return err
	}
	m, err := openMetastore(ctx, f, false)
	if engines.KindOf(err) == engines.NotFound {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("the metastore is missing, and %d data files are there", len(files)))
	}
	if err != nil {
		return err
	}
	known, err := m.knownFiles(ctx, f)
	if err = errors.Join(err, m.Close()); err != nil {
		return damaged(err)
	}
	for _, path := range files {
		if known[path] {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		for dir := filepath.Dir(path); dir != f.data(); dir = filepath.Dir(dir) {
			_ = os.Remove(dir) // fails where there are other files
		}
	}
	return nil
}

// ownFiles are the files below the data folder that have names of this package, unfinished ones among them.
func (f folder) ownFiles() ([]string, error) {
	var own []string
	for _, pattern := range []string{"part-*.vortex*", filepath.Join("deletions", "*.arrow*")} {
		found, err := filepath.Glob(filepath.Join(f.data(), "*", "*", pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			below, err := filepath.Rel(f.data(), path)
			if err != nil {
				return nil, err
			}
			table, rest := filepath.Split(filepath.Dir(below))
			if filepath.Base(table) == "deletions" || filepath.Base(filepath.Dir(below)) == "deletions" {
				table, rest = filepath.Split(filepath.Dir(filepath.Dir(below)))
			}
			if uuid.Validate(filepath.Clean(table)) == nil && uuid.Validate(rest) == nil {
				own = append(own, path)
			}
		}
	}
	return own, nil
}

// knownFiles are the files of all datasets of a metastore.
func (m *metastore) knownFiles(ctx context.Context, f folder) (map[string]bool, error) {
	known := map[string]bool{}
	rows, err := m.db.QueryContext(ctx, `SELECT table_id || '/' || snapshot_id || '/' || file_path FROM cayenne_snapshot_file
		UNION ALL SELECT path FROM cayenne_delete_file`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			return nil, err
		}
		known[filepath.Join(f.data(), filepath.FromSlash(path))] = true
	}
	return known, rows.Err()
}
