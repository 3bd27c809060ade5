package vortex

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// fixtures are the files in testdata/rust.zip, which the Rust writer made (testdata/rust.py fixtures), with their rows.
func fixtures(t testing.TB) []pair {
	t.Helper()
	z, err := zip.OpenReader("testdata/rust.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	read := func(f *zip.File) []byte {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	rows := map[string][]arrow.RecordBatch{}
	for _, f := range z.File {
		if base, ok := strings.CutSuffix(f.Name, ".arrow"); ok {
			r, err := ipc.NewFileReader(bytes.NewReader(read(f)), ipc.WithAllocator(memory.DefaultAllocator))
			if err != nil {
				t.Fatal(err)
			}
			rows[base] = batchesOf(t, f.Name, r)
		}
	}
	var out []pair
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".vortex") {
			base, _, _ := strings.Cut(f.Name, ".")
			out = append(out, pair{f.Name, read(f), rows[base]})
		}
	}
	return out
}

// The files that are kept are read value by value, and hold every encoding and layout that the Rust writer uses.
func TestFixtures(t *testing.T) {
	values, zones, seen := 0, 0, map[string]int{}
	files := fixtures(t)
	for _, p := range files {
		n, differences := p.check(t)
		z, wrong := p.checkZones(t)
		values, zones = values+n, zones+z
		for _, d := range append(differences, wrong...) {
			t.Error(d)
		}
		for name, n := range used(t, p.file) {
			seen[name] += n
		}
	}
	for _, name := range []string{
		"fastlanes.bitpacked", "fastlanes.for", "vortex.alp", "vortex.alprd", "vortex.bool", "vortex.constant",
		"vortex.datetimeparts", "vortex.decimal", "vortex.decimal_byte_parts", "vortex.dict", "vortex.ext",
		"vortex.fixed_size_list", "vortex.fsst", "vortex.list", "vortex.listview", "vortex.map", "vortex.masked",
		"vortex.null", "vortex.onpair", "vortex.pco", "vortex.primitive", "vortex.runend", "vortex.sequence",
		"vortex.sparse", "vortex.struct", "vortex.varbin", "vortex.varbinview", "vortex.zigzag", "vortex.zstd",
		"layout vortex.chunked", "layout vortex.dict", "layout vortex.flat", "layout vortex.stats", "layout vortex.struct",
		"layout vortex.zoned",
	} {
		if seen[name] == 0 {
			t.Errorf("no file has %s", name)
		}
		delete(seen, name)
	}
	if len(seen) > 0 {
		t.Errorf("the files also have %v: put it into the list", seen)
	}
	t.Logf("%d files, %d values, %d zones", len(files), values, zones)
}

// Text zone maps of the Rust writer rule zones out, and no row that counts is lost.
func TestForeignZonesPrune(t *testing.T) {
	files := fixtures(t)
	i := slices.IndexFunc(files, func(p pair) bool { return p.name == "text-1030.default.vortex" })
	f := files[i].open(t)
	at := f.schema.FieldIndices("few")[0]
	rows, err := f.Scan(t.Context(), Scan{Zones: []int{at}, Keep: func(z Zone) bool { return compareBounds(z.Column(at).Max, "zzz") >= 0 }})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	kept := int64(0)
	for rows.Next() {
		kept += rows.RecordBatch().NumRows()
	}
	if err := rows.Err(); err != nil || kept+rows.Pruned() != f.Rows() {
		t.Fatalf("%d rows kept, %d pruned of %d: %v", kept, rows.Pruned(), f.Rows(), err)
	}
}
