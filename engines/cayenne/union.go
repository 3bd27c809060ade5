package cayenne

import (
	"bytes"
	"io"
	"math/bits"
)

// An archive of Spice may have several delete files of one data file: each delete wrote one. Here a data file has
// one, so they are put together when the archive is adopted.

// deletions are the delete files that an archive has of the file.
func (f *dataFile) deletions() []*deletion {
	if f.gone == nil {
		return nil
	}
	return append([]*deletion{f.gone}, f.more...)
}

// takeDeletion makes a delete file of the archive one of the store.
func (d *draft) takeDeletion(f *dataFile, g deletion) (err error) {
	g.file, err = d.take(g.file)
	if f.gone == nil {
		f.gone = &g
	} else {
		f.more = append(f.more, &g)
	}
	return err
}

// unite writes one delete file in the place of several.
func (d *draft) unite(f *dataFile) error {
	if len(f.more) == 0 {
		return nil
	}
	all := newBitmap(f.rows)
	all.add(f.gone.rows)
	for _, g := range f.more {
		rows, err := readDeletion(g.file.path, f.rows, g.count)
		if err != nil {
			return err
		}
		all.add(rows)
	}
	one, err := d.writeDeletion(f, all, all.count(), d.next.cp.UpdatedAt)
	if err != nil {
		return err
	}
	for _, g := range f.deletions() {
		d.release(g.file)
	}
	f.gone, f.more = one, nil
	return nil
}

func (b bitmap) add(other bitmap) {
	for i := range other {
		b[i] |= other[i]
	}
}

func (b bitmap) count() (n int64) {
	for _, w := range b {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// unions counts the deleted rows of the files of an archive that have several delete files.
type unions map[*diskFile]union

type union struct {
	of   *dataFile
	g    *deletion
	rows map[int64]bool // of all delete files of the data file that were read
}

func (v *version) unions() unions {
	u := unions{}
	for _, f := range v.files {
		if len(f.more) == 0 {
			continue
		}
		rows := map[int64]bool{}
		for _, g := range f.deletions() {
			u[g.file] = union{f, g, rows}
		}
	}
	return u
}

// read takes in the content of a file, if it is one of several, and returns the content.
func (u unions) read(f *diskFile, r io.Reader) (io.Reader, error) {
	x, ok := u[f]
	if !ok {
		return r, nil
	}
	b, err := io.ReadAll(io.LimitReader(r, f.size+1))
	if err != nil {
		return nil, err
	}
	mine := map[int64]bool{}
	err = eachDeleted(b, x.of.rows, func(row int64) { mine[row], x.rows[row] = true, true })
	if err == nil {
		err = sameCount(int64(len(mine)), x.g.count)
	}
	return bytes.NewReader(b), err
}

// apply makes the first delete file of each data file count for all.
func (u unions) apply() {
	for _, x := range u {
		x.of.gone.count = int64(len(x.rows))
	}
}
