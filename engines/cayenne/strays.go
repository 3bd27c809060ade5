package cayenne

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
		removeEmpty(filepath.Dir(path), f.data())
	}
	return nil
}

// ownFiles are the files below the data folder that have names of this package, unfinished ones among them: in a
// folder of a table and a snapshot, which may lie in folders of partitions.
func (f folder) ownFiles() ([]string, error) {
	var own []string
	err := filepath.WalkDir(f.data(), func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		dir, pattern := filepath.Dir(at), "part-*.vortex*"
		if filepath.Base(dir) == "deletions" {
			dir, pattern = filepath.Dir(dir), "*.arrow*"
		}
		named, err := filepath.Match(pattern, d.Name())
		below, errBelow := filepath.Rel(f.data(), dir)
		if !named || err != nil || errBelow != nil {
			return errors.Join(err, errBelow)
		}
		parts := strings.Split(filepath.ToSlash(below), "/")
		if len(parts) < 2 || uuid.Validate(parts[len(parts)-1]) != nil || uuid.Validate(parts[len(parts)-2]) != nil {
			return nil
		}
		for _, p := range parts[:len(parts)-2] {
			if !strings.Contains(p, "=") {
				return nil
			}
		}
		own = append(own, at)
		return nil
	})
	return own, err
}

// knownFiles are the files of all datasets of a metastore. Kind Corrupt: it lacks the table of some, so that they can't
// be told from strays.
func (m *metastore) knownFiles(ctx context.Context, f folder) (map[string]bool, error) {
	known := map[string]bool{}
	rows, err := m.db.QueryContext(ctx, `SELECT t.path || '/' || f.table_id || '/' || f.snapshot_id || '/' || f.file_path
		FROM cayenne_snapshot_file f LEFT JOIN cayenne_table t USING (table_id)
		UNION ALL SELECT path FROM cayenne_delete_file`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var path sql.NullString
		if err := rows.Scan(&path); err != nil {
			return nil, err
		}
		if !path.Valid {
			return nil, dbfile.Fail(engines.Corrupt, errors.New("the metastore names files of a table that it does not have"))
		}
		known[filepath.Join(f.data(), filepath.FromSlash(path.String))] = true
	}
	return known, rows.Err()
}
