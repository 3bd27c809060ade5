package objects

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/runtime/source"
	"pitwall/runtime/source/sourcetest"
)

// write puts files with the given content into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ints writes a Parquet file with the column n = from..to-1 and a text column.
func ints(t *testing.T, path string, from, to int64) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := from; i < to; i++ {
		b.Field(0).(*array.Int64Builder).Append(i)
		b.Field(1).(*array.StringBuilder).Append(strings.Repeat("x", int(i%17)))
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
}

// read returns the rows as JSON lines and the schema.
func read(t *testing.T, o Options, params map[string]string) (string, *arrow.Schema, error) {
	t.Helper()
	s, err := New(o, params)
	if err != nil {
		return "", nil, err
	}
	r, err := s.Read(t.Context(), source.Scan{})
	if err != nil {
		return "", nil, err
	}
	defer r.Release()
	var b strings.Builder
	for r.Next() {
		rec := r.RecordBatch()
		if !rec.Schema().Equal(r.Schema()) {
			t.Errorf("batch schema %v differs from the reader's %v", rec.Schema(), r.Schema())
		}
		if err := array.RecordToJSON(rec, &b); err != nil {
			t.Fatal(err)
		}
	}
	if r.Err() == nil {
		if done, total := r.Progress(); done != total || total == 0 {
			t.Errorf("progress ends at %d of %d", done, total)
		}
	}
	return b.String(), r.Schema(), r.Err()
}

func types(s *arrow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name+":"+f.Type.String())
	}
	return strings.Join(out, " ")
}

func TestTextFormats(t *testing.T) {
	for _, tt := range []struct {
		name   string
		files  map[string]string
		path   string
		params map[string]string
		types  string
		rows   string
	}{
		{
			name: "csv types", files: map[string]string{"a.csv": "i,f,b,d,t,s,z,n\n1,1.5,true,2024-02-29,2024-02-29 10:11:12,x,007,\n2,3,false,2024-03-01,2024-03-01T00:00:00,1x,008,\n"}, path: "a.csv",
			types: "i:int64 f:float64 b:bool d:date32 t:timestamp[us] s:utf8 z:utf8 n:utf8",
			rows: `{"b":true,"d":"2024-02-29","f":1.5,"i":1,"n":"","s":"x","t":"2024-02-29T10:11:12","z":"007"}
{"b":false,"d":"2024-03-01","f":3,"i":2,"n":"","s":"1x","t":"2024-03-01T00:00:00","z":"008"}
`,
		},
		{
			name: "csv NULL in a number column, quotes, BOM, CRLF", files: map[string]string{"a.csv": "\ufeffi,s\r\n1,\"a,b\"\r\n,\"c\nd\"\r\n"}, path: "a.csv",
			types: "i:int64 s:utf8", rows: `{"i":1,"s":"a,b"}
{"i":null,"s":"c\nd"}
`,
		},
		{
			name: "integers beyond 64 bits keep their digits", files: map[string]string{"a.csv": "a\n1\n18446744073709551615\n"}, path: "a.csv",
			types: "a:utf8", rows: `{"a":"1"}` + "\n" + `{"a":"18446744073709551615"}` + "\n",
		},
		{
			name: "tsv", files: map[string]string{"a.tsv": "a\tb\n1\t2\n"}, path: "a.tsv", types: "a:int64 b:int64", rows: `{"a":1,"b":2}` + "\n",
		},
		{
			name: "csv without a header", files: map[string]string{"a.csv": "1;x\n2;y\n"}, path: "a.csv",
			params: map[string]string{"csv_has_header": "false", "csv_delimiter": ";"},
			types:  "column_1:int64 column_2:utf8", rows: `{"column_1":1,"column_2":"x"}` + "\n" + `{"column_1":2,"column_2":"y"}` + "\n",
		},
		{
			name: "folder of csv: merged types, other order, missing column", path: ".",
			files: map[string]string{"1.csv": "a,b\n1,2\n", "2.csv": "b,a\n1.5,9\n", "sub/3.csv": "a\n7\n", "_tmp/x.csv": "q\n1\n", ".hidden.csv": "q\n1\n", "readme.txt": "no"},
			types: "a:int64 b:float64", rows: `{"a":1,"b":2}` + "\n" + `{"a":9,"b":1.5}` + "\n" + `{"a":7,"b":null}` + "\n",
		},
		{
			name: "ndjson", files: map[string]string{"a.ndjson": `{"id":1,"v":1,"tags":["a"],"o":{"x":1}}` + "\n" + `{"id":2,"v":2.5,"tags":[],"o":{"y":"z"}}` + "\n"}, path: "a.ndjson",
			types: "id:int64 v:float64 tags:list<item: utf8, nullable> o:struct<x: int64 nullable, y: utf8 nullable>",
			rows:  `{"id":1,"o":{"x":1,"y":null},"tags":["a"],"v":1}` + "\n" + `{"id":2,"o":{"x":null,"y":"z"},"tags":[],"v":2.5}` + "\n",
		},
		{
			name: "ndjson with an unfinished last line", files: map[string]string{"a.ndjson": `{"id":1}` + "\n" + `{"id":2}` + "\n" + `{"id":3,"x":"unfin`}, path: "a.ndjson",
			types: "id:int64", rows: `{"id":1}` + "\n" + `{"id":2}` + "\n",
		},
		{
			name: "ndjson without a last newline", files: map[string]string{"a.ndjson": `{"id":1}` + "\n" + `{"id":2}`}, path: "a.ndjson",
			types: "id:int64", rows: `{"id":1}` + "\n" + `{"id":2}` + "\n",
		},
		{
			name: "json array", files: map[string]string{"a.json": " [ {\"id\":1},\n {\"id\":null} ] "}, path: "a.json",
			types: "id:int64", rows: `{"id":1}` + "\n" + `{"id":null}` + "\n",
		},
		{
			name: "glob with a format of its own", files: map[string]string{"x1.log": `{"id":1}`, "x2.log": `{"id":2}`, "y.log": "no"}, path: "x*.log",
			params: map[string]string{"file_format": "JSONL"}, types: "id:int64", rows: `{"id":1}` + "\n" + `{"id":2}` + "\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, schema, err := read(t, Options{Path: tt.path, Dir: write(t, tt.files)}, tt.params)
			if err != nil {
				t.Fatal(err)
			}
			if got := types(schema); got != tt.types {
				t.Errorf("types are %s\nwant      %s", got, tt.types)
			}
			if rows != tt.rows {
				t.Errorf("rows are\n%swant\n%s", rows, tt.rows)
			}
		})
	}
}

func TestFaultsNamePlaceCauseAndKind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		files  map[string]string
		path   string
		params map[string]string
		kind   source.Kind
		want   []string
	}{
		{"missing file", nil, "a.csv", nil, source.Missing, []string{"a.csv", "does not exist"}},
		{"empty folder", nil, ".", nil, source.Missing, []string{"no files"}},
		{"glob without a match", nil, "*.csv", nil, source.Missing, []string{"*.csv", "no files"}},
		{"unknown extension", map[string]string{"a.dat": "1"}, "a.dat", nil, source.Unsupported, []string{"a.dat", "format"}},
		{"two formats in a folder", map[string]string{"a.csv": "a\n1\n", "b.json": "{}"}, ".", nil, source.Unsupported, []string{"csv", "json"}},
		{"unknown format", nil, "a", map[string]string{"file_format": "avro"}, source.Unsupported, []string{"avro", "parquet"}},
		{"ragged row", map[string]string{"a.csv": "a,b\n1,2\n3\n"}, "a.csv", nil, source.Damaged, []string{"a.csv:3", "number of fields"}},
		{"ragged row far down", map[string]string{"a.csv": "a,b\n" + strings.Repeat("1,2\n", 3000) + "3\n"}, "a.csv", nil, source.Damaged, []string{"a.csv:3002", "number of fields"}},
		{"late text in a number column", map[string]string{"a.csv": "i,a\n" + strings.Repeat("1,2\n", 3000) + "1,x\n"}, "a.csv", map[string]string{"schema_infer_max_records": "10"},
			source.Damaged, []string{"a.csv:3002:3", "column a is int64", `"x"`}},
		{"integer beyond 64 bits", map[string]string{"a.ndjson": `{"a":18446744073709551615}`}, "a.ndjson", nil, source.Damaged, []string{"18446744073709551615", "64 bits"}},
		{"empty csv", map[string]string{"a.csv": ""}, "a.csv", nil, source.Damaged, []string{"a.csv", "empty"}},
		{"two columns of one name", map[string]string{"a.csv": "a,a\n1,2\n"}, "a.csv", nil, source.Unsupported, []string{`"a"`}},
		{"broken json", map[string]string{"a.ndjson": "{\"a\":1}\n{\"a\":}\n{\"a\":2}\n"}, "a.ndjson", nil, source.Damaged, []string{"a.ndjson", "record 2"}},
		{"json that is no object", map[string]string{"a.json": "[1,2]"}, "a.json", nil, source.Damaged, []string{"not an object"}},
		{"empty json", map[string]string{"a.json": ""}, "a.json", nil, source.Damaged, []string{"no records"}},
		{"parquet of garbage", map[string]string{"a.parquet": "PAR1 this is not a parquet file at all PAR1"}, "a.parquet", nil, source.Damaged, []string{"a.parquet", "footer"}},
		{"empty parquet", map[string]string{"a.parquet": ""}, "a.parquet", nil, source.Damaged, []string{"a.parquet", "empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(t, Options{Path: tt.path, Dir: write(t, tt.files)}, tt.params)
			if source.KindOf(err) != tt.kind {
				t.Fatalf("error is %v (kind %q), want kind %q", err, source.KindOf(err), tt.kind)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not name %q", err, w)
				}
			}
		})
	}
}

// A column that has its first value far down is not lost.
func TestLateColumnsAreFound(t *testing.T) {
	dir := write(t, map[string]string{
		"a.ndjson": strings.Repeat(`{"a":1}`+"\n", 20_000) + `{"a":1,"late":"x"}` + "\n",
		"b.csv":    "a\n" + strings.Repeat("1\n", 20_000) + "1.5\n",
	})
	for name, want := range map[string]string{"a.ndjson": "a:int64 late:utf8", "b.csv": "a:float64"} {
		_, schema, err := read(t, Options{Path: filepath.Join(dir, name)}, nil)
		if err != nil || types(schema) != want {
			t.Errorf("%s: %v, %v; want %s", name, schema, err, want)
		}
	}
}

func TestParquetFolder(t *testing.T) {
	dir := t.TempDir()
	ints(t, filepath.Join(dir, "a.parquet"), 0, 200_000)
	ints(t, filepath.Join(dir, "b.parquet"), 200_000, 200_010)
	r, err := newSource(t, Options{Path: "file://" + dir}, nil).Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var next int64
	for r.Next() {
		col := r.RecordBatch().Column(0).(*array.Int64)
		for i := range col.Len() {
			if col.Value(i) != next {
				t.Fatalf("row %d has n = %d", next, col.Value(i))
			}
			next++
		}
	}
	if r.Err() != nil || next != 200_010 {
		t.Errorf("%d rows, error %v", next, r.Err())
	}
}

// A damaged file must give an error or the right rows, never a panic or a hang.
func TestDamagedParquetNeverPanics(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "a.parquet")
	ints(t, p, 0, 5_000)
	good, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(t *testing.T, b []byte) {
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, _ := New(Options{Path: p}, nil)
		r, err := s.Read(t.Context(), source.Scan{})
		if err != nil {
			if source.KindOf(err) != source.Damaged {
				t.Errorf("opening gave %v of kind %q", err, source.KindOf(err))
			}
			return
		}
		defer r.Release()
		for r.Next() {
		}
	}
	for cut := 0; cut < len(good); cut += 1 + len(good)/50 {
		damage(t, good[:cut])
	}
	for at := 0; at < len(good); at += 1 + len(good)/400 {
		b := append([]byte(nil), good...)
		b[at] ^= 0x41
		damage(t, b)
	}
}

func TestReadStopsWhenCancelled(t *testing.T) {
	dir := t.TempDir()
	ints(t, filepath.Join(dir, "a.parquet"), 0, 300_000)
	sourcetest.Cancel(t, newSource(t, Options{Path: dir}, nil))
}

func TestParquetFilesOfDifferentSchemas(t *testing.T) {
	dir := write(t, map[string]string{})
	ints(t, filepath.Join(dir, "a.parquet"), 0, 10)
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.BinaryTypes.String}, {Name: "q", Type: arrow.PrimitiveTypes.Int8}}, nil)
	f, err := os.Create(filepath.Join(dir, "b.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	_, _, err = read(t, Options{Path: dir}, nil)
	for _, want := range []string{"b.parquet", "column n is utf8, elsewhere int64", "column s is missing", "column q is in no other file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// Texts of 20 kB in a batch of the usual number of rows would be 2.4 GB.
func TestParquetWithLargeRowsComesInSmallerBatches(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about memory, and takes half a minute with the race detector")
	}
	const rows = 130_000
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	var file bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for done := 0; done < rows; done += 10_000 {
		for range 10_000 {
			b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", 20_000))
		}
		rec := b.NewRecordBatch()
		err := w.WriteBuffered(rec)
		rec.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := newSource(t, Options{Path: write(t, map[string]string{"x.parquet": file.String()})}, nil).Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n, most int64
	for r.Next() {
		n, most = n+r.RecordBatch().NumRows(), max(most, r.RecordBatch().NumRows())
	}
	if r.Err() != nil || n != rows || most > 10_000 {
		t.Errorf("%d rows in batches of up to %d, %v", n, most, r.Err())
	}
}
