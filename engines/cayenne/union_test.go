package cayenne

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/engines"
)

// withSecondDelete adds to an archive a delete file of rows 5 to 14 of its data file; harm changes its content.
func withSecondDelete(t *testing.T, archive string, harm func([]byte)) {
	t.Helper()
	in, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	const id = "01a20605-0000-7000-8000-000000000000"
	rows := newBitmap(100)
	for row := int64(5); row < 15; row++ {
		rows.set(row)
	}
	more, err := encodeDeletion(rows, 100, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	size := len(more)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	put := func(name string, b []byte) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b))})
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, sliceSuffix) {
			var doc sliceDocument
			if err := json.Unmarshal(b, &doc); err != nil {
				t.Fatal(err)
			}
			first := doc.Tables["cayenne_delete_file"][0]
			second := append([]cell{}, first...)
			at := row{cells: first}
			place := path.Join(path.Dir(at.text(2)), id+".arrow")
			second[0], second[2], second[5], second[6] = cellOf(id), cellOf(place), cellOf(int64(10)), cellOf(int64(size))
			doc.Tables["cayenne_delete_file"] = append(doc.Tables["cayenne_delete_file"], second)
			if b, err = json.Marshal(doc); err != nil {
				t.Fatal(err)
			}
			harm(more)
			put(dataPrefix+place, more)
		}
		put(h.Name, b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(archive, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSeveralDeleteFiles reads an archive with two delete files of one data file, which have rows in common, as Spice
// writes them: all of their rows are gone.
func TestSeveralDeleteFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		harm func([]byte)
		kind engines.Kind
	}{
		"whole":   {func([]byte) {}, ""},
		"damaged": {func(b []byte) { clear(b) }, engines.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			from, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "from.cayenne")})
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			add(t, from, engines.Append, 0, 100)
			remove(t, from, engines.Compare{Column: "id", Op: engines.Lt, Value: int64(10)})
			archive := filepath.Join(t.TempDir(), "archive")
			if _, err := from.Export(t.Context(), archive, false); err != nil {
				t.Fatal(err)
			}
			withSecondDelete(t, archive, tt.harm)
			if info, _, err := (Opener{}).Check(t.Context(), archive, "d"); engines.KindOf(err) != tt.kind || err == nil && info.Rows != 85 {
				t.Errorf("%+v, %v", info, err)
			}
			o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "to.cayenne")}
			to, err := open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = to.Close() }()
			info, err := to.Adopt(t.Context(), archive)
			if engines.KindOf(err) != tt.kind || err == nil && info.Rows != 85 {
				t.Errorf("%+v, %v", info, err)
			}
			want := 1
			if tt.kind != "" {
				want = 0
			}
			if left, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/deletions/*")); len(left) != want || err != nil {
				t.Errorf("%v, %v", left, err)
			}
			if err != nil {
				return
			}
			for range 2 {
				if n, total := sums(t, to); n != 85 || total != sum(15, 100) {
					t.Errorf("%d rows with sum %d", n, total)
				}
				if err := to.Close(); err != nil {
					t.Fatal(err)
				}
				if to, err = open(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
