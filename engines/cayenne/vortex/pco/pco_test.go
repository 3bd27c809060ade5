package pco

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// sample is one chunk that the Rust implementation wrote, with its pages and
// the numbers that went in (testdata/generate makes them).
type sample struct {
	name         string
	kind         Kind
	header, meta []byte
	counts       []int
	pages        [][]byte
	want         []byte
}

func samples(t testing.TB) []sample {
	t.Helper()
	f, err := os.Open("testdata/pages.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	number := func() int {
		n := binary.LittleEndian.Uint32(data)
		data = data[4:]
		return int(n)
	}
	take := func() []byte {
		n := number()
		b := data[:n:n]
		data = data[n:]
		return b
	}
	var out []sample
	for len(data) > 0 {
		s := sample{name: string(take())}
		s.kind, data = Kind(data[0]), data[1:]
		s.header, s.meta = take(), take()
		for range number() {
			s.counts = append(s.counts, number())
			s.pages = append(s.pages, take())
		}
		s.want = take()
		out = append(out, s)
	}
	return out
}

func (s sample) decode() ([]byte, *Chunk, error) {
	v, err := ParseHeader(s.header)
	if err != nil {
		return nil, nil, err
	}
	c, err := OpenChunk(v, s.meta, s.kind)
	if err != nil {
		return nil, nil, err
	}
	var out []byte
	for i, p := range s.pages {
		if out, err = c.Page(out, p, s.counts[i]); err != nil {
			return nil, c, err
		}
	}
	return out, c, nil
}

// The numbers that Rust wrote come back, in every mode, delta encoding and kind.
func TestPagesOfRust(t *testing.T) {
	modes, deltas, kinds, values := map[mode]bool{}, map[deltaKind]bool{}, map[Kind]bool{}, 0
	for _, s := range samples(t) {
		got, c, err := s.decode()
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if !bytes.Equal(got, s.want) {
			w := int(s.kind.Bits() / 8)
			for i := 0; i+w <= len(got); i += w {
				if !bytes.Equal(got[i:i+w], s.want[i:i+w]) {
					t.Errorf("%s: number %d is %x, want %x", s.name, i/w, got[i:i+w], s.want[i:i+w])
					break
				}
			}
		}
		modes[c.mode], deltas[c.delta.kind], kinds[s.kind] = true, true, true
		values += len(s.want) / int(s.kind.Bits()/8)
	}
	if len(modes) != 5 || len(deltas) != 4 || len(kinds) != 11 {
		t.Errorf("the samples cover modes %v, deltas %v, kinds %v", modes, deltas, kinds)
	}
	t.Logf("%d numbers", values)
}

// Damaged chunks give an error or numbers, as many as asked for, and never a panic.
func TestDamagedPages(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	refused, read := 0, 0
	for _, s := range samples(t) {
		for range 40 {
			d := s
			d.meta, d.pages = bytes.Clone(s.meta), [][]byte{bytes.Clone(s.pages[0])}
			target := &d.meta
			if rnd.IntN(2) == 0 {
				target = &d.pages[0]
			}
			if len(*target) == 0 {
				continue
			}
			switch rnd.IntN(3) {
			case 0:
				*target = (*target)[:rnd.IntN(len(*target))]
			default:
				for range 1 + rnd.IntN(3) {
					(*target)[rnd.IntN(len(*target))] ^= byte(1 << rnd.IntN(8))
				}
			}
			got, _, err := d.decode()
			if err != nil {
				refused++
				continue
			}
			read++
			if len(got) != s.counts[0]*int(s.kind.Bits()/8) {
				t.Fatalf("%s: %d bytes for %d numbers", s.name, len(got), s.counts[0])
			}
		}
	}
	t.Logf("%d refused, %d read", refused, read)
}

func FuzzPco(f *testing.F) {
	for i, s := range samples(f) {
		if i%5 == 0 {
			f.Add(uint8(s.kind), s.meta, s.pages[0], uint16(s.counts[0]))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, meta, page []byte, n uint16) {
		for major := range uint8(5) {
			c, err := OpenChunk(Version{Major: major}, meta, Kind(kind))
			if err != nil {
				continue
			}
			got, err := c.Page(nil, page, int(n))
			if err == nil && len(got) != int(n)*int(Kind(kind).Bits()/8) {
				t.Fatalf("%d bytes for %d numbers of kind %d", len(got), n, kind)
			}
		}
	})
}

func BenchmarkPage(b *testing.B) {
	for _, s := range samples(b) {
		if s.name != "i64 skewed" && s.name != "f64 multiples" && s.name != "i32 order 1" {
			continue
		}
		v, err := ParseHeader(s.header)
		if err != nil {
			b.Fatal(err)
		}
		c, err := OpenChunk(v, s.meta, s.kind)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(s.counts[0]) * int64(s.kind.Bits()/8))
			var out []byte
			for b.Loop() {
				if out, err = c.Page(out[:0], s.pages[0], s.counts[0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
