package vortex

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rust runs testdata/rust.py with the Python that VORTEX_PYTHON names, which has vortex-data, the Rust
// implementation of the format. It gives what that prints.
func rust(t *testing.T, args ...string) string {
	t.Helper()
	python := os.Getenv("VORTEX_PYTHON")
	if python == "" {
		t.Skip("VORTEX_PYTHON does not name a Python with vortex-data: .ci/run makes one")
	}
	out, err := exec.CommandContext(t.Context(), python, append([]string{filepath.Join("testdata", "rust.py")}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("rust.py %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Files of all types that the Rust writer makes are read value by value as they were written, with their zone maps,
// and what this package writes of the same rows the Rust reader reads and filters.
func TestConformance(t *testing.T) {
	dir := t.TempDir()
	t.Log(rust(t, "write", dir))
	t.Run("ReadsFilesOfRust", func(t *testing.T) { readFilesOfRust(t, dir) })
	t.Run("RustReadsFiles", func(t *testing.T) {
		t.Log(writeFiles(t, dir))
		t.Log(rust(t, "check", dir))
	})
}

func readFilesOfRust(t *testing.T, dir string) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.vortex"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no files were written", err)
	}
	values, seen, zones, bad := 0, map[string]int{}, 0, 0
	for _, path := range paths {
		p := readPair(t, path)
		n, differences := p.check(t)
		values += n
		checked, wrong := p.checkZones(t)
		zones += checked
		differences = append(differences, wrong...)
		bad += len(differences)
		for _, d := range differences[:min(len(differences), 12)] {
			t.Error(d)
		}
		for name, n := range used(t, p.file) {
			seen[name] += n
		}
	}
	t.Logf("vortex-data %s: %d files read, %d values compared, %d zones checked, %d differences; encodings and layouts: %v",
		rust(t, "version"), len(paths), values, zones, bad, seen)
}

// optionSets are the ways in which files are written for the Rust reader.
func optionSets() map[string]Options {
	plain, zstd, small, parallel, bare := DefaultOptions(), DefaultOptions(), DefaultOptions(), DefaultOptions(), DefaultOptions()
	plain.Plain = true
	zstd.Zstd = true
	small.ChunkRows, small.ZoneRows = 2048, 512
	parallel.Workers = 2
	bare.ZoneRows = 0
	return map[string]Options{"plain": plain, "zstd": zstd, "small": small, "parallel": parallel, "bare": bare}
}

// writeFiles writes the rows of every Arrow file in a directory, the columns whose types have a form, by all options.
func writeFiles(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.arrow"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no rows were written", err)
	}
	files, without := 0, map[string]bool{}
	for _, path := range paths {
		rows := readRows(t, path)
		var batches []arrow.RecordBatch
		for _, b := range rows {
			batches = append(batches, supported(b, without))
		}
		for name, o := range optionSets() {
			if b := batches[0].NumRows(); b > 100000 && name != "parallel" || b > 50000 && (name == "bare" || name == "zstd") {
				continue
			}
			if err := writeFile(strings.TrimSuffix(path, ".arrow")+"."+name+".pitwall", batches, o); err != nil {
				t.Fatalf("%s, %s: %v", path, name, err)
			}
			files++
		}
	}
	return fmt.Sprintf("%d files written; without columns of types %v, which have no form", files, without)
}

// supported is a batch without the columns that cannot be written.
func supported(b arrow.RecordBatch, without map[string]bool) arrow.RecordBatch {
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range b.Schema().Fields() {
		if err := Supports(f.Type); err != nil {
			without[f.Type.String()] = true
			continue
		}
		fields, columns = append(fields, f), append(columns, b.Column(i))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, b.NumRows())
}

func writeFile(path string, batches []arrow.RecordBatch, o Options) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	w, err := NewWriter(buffered, batches[0].Schema(), o)
	if err != nil {
		return err
	}
	for _, b := range batches {
		// In pieces that fit neither chunks nor zones.
		for lo := int64(0); lo < b.NumRows(); lo += 30011 {
			if err := w.Write(b.NewSlice(lo, min(lo+30011, b.NumRows()))); err != nil {
				return err
			}
		}
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// checkZones compares the zone maps of a file with the rows: bounds must enclose them, counts be theirs.
func (p pair) checkZones(t testing.TB) (zones int, differences []string) {
	t.Helper()
	f := p.open(t)
	whole, err := f.Statistics()
	if err != nil {
		return 0, []string{fmt.Sprintf("%s: statistics: %v", p.name, err)}
	}
	for i, c := range f.dtype.fields {
		right, b := columnBounds(columnOf(t, p.want, p.index(c.name))), whole[i]
		if b.Nulls >= 0 && b.Nulls != right.Nulls || b.Min != nil && right.Min != nil && compareBounds(b.Min, right.Min) > 0 ||
			b.Max != nil && right.Max != nil && compareBounds(b.Max, right.Max) < 0 {
			differences = append(differences, fmt.Sprintf("%s: %s: statistics %v, want %v", p.name, c.name, b, right))
		}
		// NewWriter keeps zones and Rust does too; of which columns is not the same.
		z, err := f.zoneMap(i)
		if err != nil {
			differences = append(differences, fmt.Sprintf("%s: %s: zones: %v", p.name, c.name, err))
		}
		if z == nil {
			continue
		}
		a := columnOf(t, p.want, p.index(c.name))
		for n, b := range z.zones {
			lo := int64(n) * z.length
			right := columnBounds(array.NewSlice(a, lo, min(lo+z.length, int64(a.Len()))))
			zones++
			if b.Nulls >= 0 && b.Nulls != right.Nulls {
				differences = append(differences, fmt.Sprintf("%s: %s: zone %d: %d nulls, want %d", p.name, c.name, n, b.Nulls, right.Nulls))
			}
			if b.Min != nil && right.Min != nil && compareBounds(b.Min, right.Min) > 0 || b.Max != nil && right.Max != nil && compareBounds(b.Max, right.Max) < 0 {
				differences = append(differences, fmt.Sprintf("%s: %s: zone %d: bounds %v to %v, want %v to %v", p.name, c.name, n, b.Min, b.Max, right.Min, right.Max))
			}
			if right.Min != nil && b.Min == nil || right.Max != nil && b.Max == nil {
				differences = append(differences, fmt.Sprintf("%s: %s: zone %d: bounds %v to %v where they are known: %v to %v", p.name, c.name, n, b.Min, b.Max, right.Min, right.Max))
			}
		}
	}
	return zones, differences
}
