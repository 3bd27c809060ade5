package cayenne

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// An archive of Spice may have deletes by key: files that name rows by the bytes of their primary key (spec 1.2). A
// store has none; they are made deletes by position when the archive is unpacked.
//
// A delete applies to the rows in files with a lower sequence number than its own. An upsert of Spice takes two
// numbers: its delete the first, and the rows that it puts in the next, which the delete's reinsert_sequence
// says again (older archives: cayenne_insert_record). Both serve a reader that knows of a key only when it was last
// deleted and last put in. Here every file has its number, the max_sequence of the manifest, so neither has to be
// read: what was put in again lies in a file that the delete does not apply to. A file that was put together from
// older and newer ones has the highest of their numbers; deletes up to that were applied when it was written.

// keyDeletion is one file of deletes by key.
type keyDeletion struct {
	file     *diskFile
	in       *table
	id       string
	place    string // in the archive, below the data folder, with slashes
	sequence int64
	count    int64
	key      rowKey
	keys     map[string]bool // nil: not read yet
}

// keyDeletionOfSlice is what a row of cayenne_delete_file without a data file says.
func (v *version) keyDeletionOfSlice(s sliceDocument, g *deletion, in *table, place string, size int64) error {
	var columns []string
	for _, id := range []string{v.root.id, in.id} { // that of a partition's table counts, if it has one
		for _, cells := range s.Tables["cayenne_table"] {
			r := row{cells: cells}
			if r.text(0) != id || !r.present(5) {
				continue
			}
			columns = nil
			if err := firstOf(json.Unmarshal([]byte(r.text(5)), &columns), r.err); err != nil {
				return dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: primary key: %w", err))
			}
		}
	}
	key, err := newRowKey(v.schema, columns)
	if err != nil {
		return err
	}
	if !filepath.IsLocal(filepath.FromSlash(place)) {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: delete file %q", place))
	}
	v.keyed = append(v.keyed, &keyDeletion{file: &diskFile{path: place, size: size}, in: in, id: g.id, place: place, sequence: g.sequence, count: g.count, key: key})
	return nil
}

// read takes in the content of the file and compares it with what the metastore says.
func (g *keyDeletion) read(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, g.file.size+1))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	if err := g.file.same(int64(len(b)), hex.EncodeToString(sum[:])); err != nil {
		return err
	}
	if g.keys, err = g.parse(b); err != nil {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("delete file %s: %w", g.id, err))
	}
	return sameCount(int64(len(g.keys)), g.count)
}

// parse reads an Arrow IPC file of keys.
func (g *keyDeletion) parse(content []byte) (map[string]bool, error) {
	keys := map[string]bool{}
	err := eachBatch(content, []byte{ipcBinary, ipcInt}, func(b arrow.RecordBatch) error {
		column, ok := b.Column(0).(*array.Binary)
		if !ok {
			return fmt.Errorf("a column of %s", b.Column(0).DataType())
		}
		for row := range column.Len() {
			key, ok := g.key.read(column.Value(row))
			if !ok || column.IsNull(row) {
				return fmt.Errorf("row %d is no key of %s", row, g.key.schema)
			}
			keys[key] = true
		}
		return nil
	})
	return keys, err
}

// keyDeletes are the deletes by key of one table: keys with the sequence number of their last.
type keyDeletes struct {
	key  rowKey
	last map[string]int64
	max  int64 // of last
}

// keyDeletes are those of an archive, by table. Kind Corrupt: the archive did not hold a file of them.
func (v *version) keyDeletes() (map[*table]*keyDeletes, error) {
	all := map[*table]*keyDeletes{}
	for _, g := range v.keyed {
		if g.keys == nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("archive: delete file %s was not read", g.id))
		}
		of := all[g.in]
		if of == nil {
			of = &keyDeletes{key: g.key, last: map[string]int64{}, max: g.sequence}
			all[g.in] = of
		}
		of.max = max(of.max, g.sequence)
		for key := range g.keys {
			if last, ok := of.last[key]; !ok || last < g.sequence {
				of.last[key] = g.sequence
			}
		}
	}
	return all, nil
}

// deleteByKey deletes the rows of files that the deletes by key of an archive name.
func (d *draft) deleteByKey(ctx context.Context, archive *version, files []*dataFile) error {
	all, err := archive.keyDeletes()
	if err != nil || len(all) == 0 {
		return err
	}
	for _, f := range files {
		of := all[f.in]
		if of == nil || of.max <= f.sequence {
			continue
		}
		if err := d.deleteFrom(ctx, f, of); err != nil {
			return err
		}
	}
	_, err = d.applyDeletes(d.next.cp.UpdatedAt)
	clear(d.deletes)
	return err
}

func (d *draft) deleteFrom(ctx context.Context, f *dataFile, of *keyDeletes) error {
	r, err := f.open(ctx, scanOf{columns: of.key.at, workers: d.e.set.workers}, of.key.schema, d.next.schema)
	if err != nil {
		return err
	}
	defer r.Release()
	gone := d.gone(f)
	var key []byte
	for r.Next() {
		b := r.RecordBatch()
		encoders, err := of.key.encoders(b)
		if err != nil {
			return err
		}
		for row := range int(b.NumRows()) {
			key = key[:0]
			for _, encode := range encoders {
				key = encode(key, row)
			}
			if last, ok := of.last[string(key)]; ok && last > f.sequence {
				gone.set(r.first() + int64(row))
			}
		}
	}
	return r.Err()
}

// checkUnpacked counts the rows of an archive with deletes by key, which takes the keys in its data files: it is
// unpacked beside itself for that.
func checkUnpacked(ctx context.Context, name, dataset string) (engines.Info, *engines.Checkpoint, error) {
	set, err := parseSettings(nil)
	if err != nil {
		return engines.Info{}, nil, err
	}
	at := dbfile.TempPath(name, "")
	defer os.RemoveAll(at)
	e, err := unpack(ctx, engines.Options{Dataset: dataset, Path: name}, set, folder(at))
	if err != nil {
		return engines.Info{}, nil, err
	}
	defer e.Close()
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Info{}, nil, err
	}
	defer l.Release()
	return l.Store.info(), l.Store.checkpoint(), nil
}
