package vortex

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// foreignArray is an array that the Rust implementation serialised in an encoding that its file writer does not choose
// by itself, and the same rows as plain values (testdata/generate makes them).
type foreignArray struct {
	name           string
	typ            *dtype
	rows           int
	names, plain   []string
	segment, value []byte
}

func foreignArrays(t testing.TB) []foreignArray {
	t.Helper()
	f, err := os.Open("testdata/arrays.bin.gz")
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
	take := func() []byte {
		n := binary.LittleEndian.Uint32(data)
		b := data[4 : 4+n : 4+n]
		data = data[4+n:]
		return b
	}
	var out []foreignArray
	for len(data) > 0 {
		a := foreignArray{name: string(take()), typ: typeOf(t, string(take())), rows: int(binary.LittleEndian.Uint32(data))}
		data = data[4:]
		a.names, a.segment = strings.Fields(string(take())), take()
		a.plain, a.value = strings.Fields(string(take())), take()
		out = append(out, a)
	}
	return out
}

// typeOf is the type that a fixture names, such as "i64?" or "decimal 38 2".
func typeOf(t testing.TB, s string) *dtype {
	t.Helper()
	s, nullable := strings.CutSuffix(s, "?")
	d := &dtype{nullable: nullable}
	switch {
	case s == "bool":
		d.kind = kindBool
	case s == "utf8":
		d.kind = kindUtf8
	case strings.HasPrefix(s, "decimal"):
		d.kind = kindDecimal
		if _, err := fmt.Sscanf(s, "decimal %d %d", &d.precision, &d.scale); err != nil {
			t.Fatal(err)
		}
	case strings.HasPrefix(s, "list "):
		d.kind, d.elem = kindList, typeOf(t, strings.TrimPrefix(s, "list "))
	default:
		for p, name := range []string{"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f16", "f32", "f64"} {
			if name == s {
				return primitive(ptype(p), nullable)
			}
		}
		t.Fatalf("type %q", s)
	}
	return d
}

// decodeSegment decodes the array of a segment.
func decodeSegment(segment []byte, names []string, typ *dtype, rows int) (a arrow.Array, n *node, err error) {
	defer guard(&err)
	if n, err = parseSegment(segment, names); err != nil {
		return nil, nil, err
	}
	a, err = (&decoder{budget: damagedLimit}).decode(n, typ, rows)
	return a, n, err
}

// Encodings that the reader of the format knows and its file writer does not choose are decoded all the same.
func TestForeignArrays(t *testing.T) {
	seen, values := map[string]bool{}, 0
	for _, x := range foreignArrays(t) {
		want, _, err := decodeSegment(x.value, x.plain, x.typ, x.rows)
		if err != nil {
			t.Fatalf("%s: plain: %v", x.name, err)
		}
		got, n, err := decodeSegment(bytes.Clone(x.segment), x.names, x.typ, x.rows)
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if d := difference(got, want); d != "" {
			t.Errorf("%s: %s", x.name, d)
		}
		seen[n.encoding] = true
		values += got.Len()
	}
	for _, name := range []string{
		"fastlanes.delta", "fastlanes.rle", "fastlanes.bitpacked.v2", "fastlanes.for.v2", "vortex.patched", "vortex.bytebool",
		"vortex.chunked", "vortex.zstd", "vortex.listview", "vortex.decimal_byte_parts.v2", "vortex.masked", "vortex.sequence",
	} {
		if !seen[name] {
			t.Errorf("no array is encoded as %s", name)
		}
	}
	t.Logf("%d values, encodings %v", values, seen)
}

// Damaged arrays give an error or rows, never a panic.
func TestDamagedArrays(t *testing.T) {
	all, rnd := foreignArrays(t), rand.New(rand.NewPCG(5, 6))
	read, refused := 0, 0
	for range 4000 {
		x := all[rnd.IntN(len(all))]
		a, _, err := decodeSegment(damage(rnd, x.segment), x.names, x.typ, x.rows)
		if err != nil {
			refused++
			continue
		}
		read++
		for i := range min(a.Len(), 100) {
			_ = a.ValueStr(i)
		}
	}
	t.Logf("%d read, %d refused", read, refused)
}

func FuzzArray(f *testing.F) {
	for i, x := range foreignArrays(f) {
		if i%3 == 0 {
			f.Add(x.segment, strings.Join(x.names, " "), uint8(x.typ.kind), uint8(x.typ.ptype), uint16(x.rows))
		}
	}
	f.Fuzz(func(t *testing.T, segment []byte, names string, k, p uint8, rows uint16) {
		typ := &dtype{kind: kind(k), ptype: ptype(p % 11), nullable: k&128 != 0, precision: p%76 + 1, elem: primitive(i32, true), size: uint32(p)}
		if typ.kind &= 127; typ.kind == kindMap {
			typ.fields = []field{{"key", primitive(i64, false)}, {"value", typ.elem}}
		}
		if _, err := typ.toArrow(); err != nil || typ.kind == kindExtension {
			return
		}
		a, _, err := decodeSegment(segment, strings.Fields(names), typ, int(rows))
		if err == nil && a.Len() != int(rows) {
			t.Fatalf("%d rows, not %d", a.Len(), rows)
		}
	})
}
