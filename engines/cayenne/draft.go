package cayenne

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

// draft is a state that is not committed: what a writer makes of the one before.
type draft struct {
	e       *Engine
	base    *version // nil: none
	renew   bool     // it has none of base's files
	levels  []level  // of write
	next    *version
	tables  map[string]*table    // of known
	before  map[string]*table    // of known
	fresh   []*diskFile          // written for it
	unsure  bool                 // whether it was committed is not known
	deletes map[*dataFile]bitmap // rows deleted by it, those deleted before among them
}

// draft starts a state after base, which may be nil. With renew it has none of base's rows, in a snapshot folder of
// its own.
func (e *Engine) draft(base *version, schema *arrow.Schema, renew bool) (*draft, error) {
	if base == nil { // data files without a metastore would look as if it were lost
		if err := e.makeMetastore(); err != nil {
			return nil, err
		}
	}
	d := &draft{e: e, base: base, renew: base == nil || renew, deletes: map[*dataFile]bitmap{}}
	d.next = &version{disk: e.disk, schema: schema, sequence: 1, root: &table{}}
	var err error
	if base != nil {
		d.next.sequence, d.next.cp = base.sequence+1, base.cp
		*d.next.root = *base.root
	} else if d.next.root.id, err = newID(); err != nil {
		return nil, err
	}
	if d.renew {
		d.next.root.snapshot, err = newID()
		return d, err
	}
	for _, f := range base.files {
		e.disk.retain(f.file)
		if f.gone != nil {
			e.disk.retain(f.gone.file)
		}
		c := *f
		if c.in == base.root {
			c.in = d.next.root
		}
		d.next.files = append(d.next.files, &c)
	}
	return d, nil
}

func (e *Engine) makeMetastore() error {
	m, err := openMetastore(context.Background(), e.folder, true)
	if err != nil {
		return err
	}
	return errors.Join(m.Close(), dbfile.Sync(filepath.Dir(e.folder.metastore())))
}

// abort removes what was written, unless the metastore may name it: then the next start tells.
func (d *draft) abort() {
	for _, f := range d.fresh {
		if !d.unsure {
			d.e.disk.retire(f)
		}
	}
	_ = d.next.Close()
}

// gone is the deleted rows of a file, to add to.
func (d *draft) gone(f *dataFile) bitmap {
	b := d.deletes[f]
	if b == nil {
		b = newBitmap(f.rows)
		if f.gone != nil {
			copy(b, f.gone.rows)
		}
		d.deletes[f] = b
	}
	return b
}

// applyDeletes writes a delete file for every file of which rows were deleted, and lets go of files that have none
// left. It returns how many rows were deleted. After an error nothing is changed.
func (d *draft) applyDeletes(at time.Time) (total int64, err error) {
	made := map[*dataFile]*deletion{} // nil: no row is left
	for _, f := range d.next.files {
		rows := d.deletes[f]
		if rows == nil {
			continue
		}
		count := int64(0)
		for row := range f.rows {
			if rows.has(row) {
				count++
			}
		}
		more := count - (f.rows - f.live())
		if more == 0 {
			continue
		}
		total += more
		made[f] = nil
		if count == f.rows {
			continue
		}
		if made[f], err = d.writeDeletion(f, rows, count, at); err != nil {
			for _, g := range made {
				if g != nil {
					d.release(g.file)
				}
			}
			return 0, err
		}
	}
	var files []*dataFile
	for _, f := range d.next.files {
		g, changed := made[f]
		if changed && f.gone != nil {
			d.release(f.gone.file)
		}
		switch {
		case !changed:
			files = append(files, f)
		case g != nil:
			f.gone = g
			files = append(files, f)
		default:
			d.release(f.file)
		}
	}
	d.next.files = files
	return total, nil
}

// release lets go of a file that the draft does not need after all.
func (d *draft) release(f *diskFile) {
	if slices.Contains(d.fresh, f) {
		d.e.disk.retire(f)
	}
	d.e.disk.drop(f)
}

func (d *draft) writeDeletion(f *dataFile, rows bitmap, count int64, at time.Time) (*deletion, error) {
	content, err := encodeDeletion(rows, f.rows, at)
	if err != nil {
		return nil, err
	}
	id, err := newID()
	if err != nil {
		return nil, err
	}
	path := d.e.folder.path(f.in, filepath.Join("deletions", id+".arrow"))
	out, err := d.e.disk.create(path, string(d.e.folder))
	if err != nil {
		return nil, err
	}
	_, err = out.Write(content)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = dbfile.Sync(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(path)
		return nil, err
	}
	sum := sha256.Sum256(content)
	x, _ := d.e.disk.use(path, int64(len(content)), hex.EncodeToString(sum[:]))
	x.checked = true
	d.fresh = append(d.fresh, x)
	return &deletion{file: x, id: id, sequence: d.next.sequence, count: count, rows: rows}, nil
}

// commit makes the draft the state of the store, for readers and after a crash. It is too late to cancel it.
func (d *draft) commit(ctx context.Context, base *version) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	fresh := map[*diskFile]bool{}
	for _, f := range d.fresh {
		fresh[f] = true
	}
	synced := map[string]bool{}
	for _, f := range d.next.files { // as far as they are new, their names have to last
		dir := filepath.Dir(f.file.path)
		if synced[dir] || !fresh[f.file] {
			continue
		}
		synced[dir] = true
		if err := dbfile.Sync(dir); err != nil {
			return err
		}
	}
	m, err := openMetastore(ctx, d.e.folder, true)
	if err != nil {
		return err
	}
	err = m.transaction(ctx, func(tx *sql.Tx) error { return d.next.record(ctx, tx, d.e.o) })
	_ = m.Close() // what is committed is
	if err != nil && !d.committed(ctx) {
		return err
	}
	if base != nil {
		base.supersede(d.next)
	}
	return d.e.slot.Set(ctx, d.next)
}

// committed tells, after an error, whether the metastore has the draft all the same. When it can't be read, that is
// not known, and no file of the draft may be removed.
func (d *draft) committed(ctx context.Context) bool {
	m, err := openMetastore(ctx, d.e.folder, false)
	if err != nil {
		d.unsure = true
		return false
	}
	defer m.Close()
	var snapshot string
	var sequence int64
	err = m.db.QueryRowContext(ctx, "SELECT current_snapshot_id, current_sequence_number FROM cayenne_table WHERE table_name = ?", d.e.o.Dataset).Scan(&snapshot, &sequence)
	d.unsure = err != nil && !errors.Is(err, sql.ErrNoRows)
	return err == nil && snapshot == d.next.root.snapshot && sequence == d.next.sequence
}

// ingest reads incoming rows as batches of the recorded schema.
func (e *Engine) ingest(ctx context.Context, rows array.RecordReader, schema *arrow.Schema, merge int64) *convert.Ingest {
	in := convert.NewIngest(ctx, rows, schema, merge)
	in.Primary(e.o.Keys.Primary)
	return in
}
