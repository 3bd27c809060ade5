package cayenne

import (
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// table is files that are recorded together (spec 1.1): those of a dataset that is not partitioned, or of one
// partition. Its values do not change.
type table struct {
	id, snapshot string
	part         *partition // nil: of the dataset
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// dir is the folder of the files below the data folder, with slashes.
func (t *table) dir() string {
	if t.part == nil {
		return path.Join(t.id, t.snapshot)
	}
	return path.Join(t.part.path, t.id, t.snapshot)
}

// base is the path that the metastore has of the table.
func (t *table) base() string {
	if t.part == nil {
		return "."
	}
	return t.part.path
}

// name is that of the table in the metastore: of a child it has the parent's (spec 1.3).
func (t *table) name(dataset string) string {
	if t.part == nil {
		return dataset
	}
	return childName(dataset, t.part.key())
}

// identity tells the partition from all others of a dataset.
func (p *partition) identity() string { return p.scheme + "\x00" + p.key() }

// tables are those that have files, by folder; the one of the dataset where it is not partitioned.
func (v *version) tables() []*table {
	var all []*table
	seen := map[*table]bool{}
	for _, f := range v.files {
		if !seen[f.in] {
			seen[f.in] = true
			all = append(all, f.in)
		}
	}
	slices.SortFunc(all, func(a, b *table) int { return strings.Compare(a.dir(), b.dir()) })
	return all
}

// children are the tables of partitions.
func (v *version) children() []*table {
	return slices.DeleteFunc(v.tables(), func(t *table) bool { return t.part == nil })
}

// childName is the name of a partition's table.
func childName(dataset, key string) string {
	return dataset + "_p" + strings.ToUpper(hex.EncodeToString([]byte(key)))
}

// dividedBy tells whether all files lie as partition_by says, and partitions in folders of their own.
func (v *version) dividedBy(by []engines.PartitionBy) bool {
	want := schemeOf(by)
	at := map[string]*table{}
	for _, f := range v.files {
		p := f.in.part
		if p == nil && want != "" || p != nil && p.scheme != want {
			return false
		}
		if p == nil {
			continue
		}
		if other := at[p.path]; other != nil && other != f.in {
			return false
		}
		at[p.path] = f.in
	}
	return true
}

// path is where a file of a table lies.
func (f folder) path(t *table, name string) string {
	return filepath.Join(f.data(), filepath.FromSlash(t.dir()), name)
}

// within refuses ids of a metastore that lead out of the data folder.
func (t *table) within() error {
	for _, s := range []string{t.id, t.snapshot} {
		if err := local(s); err != nil {
			return err
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(t.dir())) {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("folder %q in the metastore", t.dir()))
	}
	return nil
}
