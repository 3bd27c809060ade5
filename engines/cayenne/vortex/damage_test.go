package vortex

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
)

// damagedLimit is how much memory the decoding of one segment of a damaged file may take in these tests.
const damagedLimit = 64 << 20

// readDamaged reads a file whole, with its zone maps. It gives the rows or an error.
func readDamaged(t testing.TB, file []byte) (rows int64, err error) {
	f, err := open(bytes.NewReader(file), int64(len(file)), damagedLimit)
	if err != nil {
		return 0, err
	}
	if _, err := f.Statistics(); err != nil {
		return 0, err
	}
	var all []int
	for i := range f.dtype.fields {
		all = append(all, i)
	}
	r, err := f.Scan(t.Context(), Scan{Zones: all, Keep: func(z Zone) bool {
		for _, i := range all {
			z.Column(i)
		}
		return true
	}})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for r.Next() {
		b := r.RecordBatch()
		rows += b.NumRows()
		if rows > 1<<22 {
			return rows, nil // a sound reading of a number that was changed
		}
		for _, c := range b.Columns() {
			for i := range min(c.Len(), 50) {
				_ = c.ValueStr(i) // reads what the array says it holds
			}
		}
	}
	return rows, r.Err()
}

// damage changes a file: some bytes, a truncation, or a run of bytes that come from elsewhere in it.
func damage(rnd *rand.Rand, file []byte) []byte {
	b := bytes.Clone(file)
	switch rnd.IntN(8) {
	case 0:
		return b[:rnd.IntN(len(b))]
	case 1:
		from, to, n := rnd.IntN(len(b)), rnd.IntN(len(b)), 1+rnd.IntN(40)
		copy(b[to:min(to+n, len(b))], file[from:])
	case 2: // in the footer, where types, layouts and segments are told
		for range 1 + rnd.IntN(4) {
			at := len(b) - 1 - rnd.IntN(min(len(b), 6000))
			b[at] = byte(rnd.Uint32())
		}
	case 3:
		at := rnd.IntN(len(b))
		copy(b[at:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}[:min(8, len(b)-at)])
	default:
		for range 1 + rnd.IntN(6) {
			b[rnd.IntN(len(b))] ^= byte(1 << rnd.IntN(8))
		}
	}
	return b
}

// Damaged files give an error or rows, never a panic, and never take more memory than the limit allows.
func TestDamagedFiles(t *testing.T) {
	files := fixtures(t)
	variants := 6000
	if testing.Short() {
		variants = 600
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	read, refused := 0, 0
	var before, after runtime.MemStats
	most := uint64(0)
	for range variants {
		p := files[rnd.IntN(len(files))]
		if len(p.file) > 60000 && rnd.IntN(4) > 0 {
			continue // large files are tried less often
		}
		file := damage(rnd, p.file)
		runtime.ReadMemStats(&before)
		_, err := readDamaged(t, file)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			most = used
			if most > 4*damagedLimit {
				t.Errorf("%s: a damaged file of %d bytes took %d MiB", p.name, len(file), used>>20)
			}
		}
		if err != nil {
			refused++
			if !errors.Is(err, ErrCorrupt) {
				t.Logf("%s: %v", p.name, err)
			}
			continue
		}
		read++
	}
	t.Logf("%d damaged files: %d read, %d refused; at most %d MiB were allocated for one", read+refused, read, refused, most>>20)
}

func FuzzOpen(f *testing.F) {
	for _, p := range fixtures(f) {
		if len(p.file) < 20000 {
			f.Add(p.file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 1<<20 {
			_, _ = readDamaged(t, file)
		}
	})
}
