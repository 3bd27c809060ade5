package objects

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"pitwall/runtime/source"
)

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t testing.TB, s string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return string(e.EncodeAll([]byte(s), nil))
}

func arrowIPC(t testing.TB, stream bool, options ...ipc.Option) string {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	var out bytes.Buffer
	options = append(options, ipc.WithSchema(schema))
	var w batchWriter = ipc.NewWriter(&out, options...)
	if !stream {
		var err error
		if w, err = ipc.NewFileWriter(&out, options...); err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(3) {
		b.Field(0).(*array.Int64Builder).AppendValues([]int64{2 * i, 2*i + 1}, nil)
		d := b.Field(1).(*array.BinaryDictionaryBuilder)
		if err := errors.Join(d.AppendString("a"), d.AppendString("b")); err != nil {
			t.Fatal(err)
		}
		writeBatch(t, w, b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// batchWriter writes files of batches.
type batchWriter interface {
	Write(arrow.RecordBatch) error
	Close() error
}

// writeBatch writes what was built as one batch.
func writeBatch(t testing.TB, w batchWriter, b *array.RecordBuilder) {
	t.Helper()
	rec := b.NewRecordBatch()
	defer rec.Release()
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
}

func TestCompressionAndArrow(t *testing.T) {
	const csv = "n,s\n1,x\n2,y\n"
	file, stream := arrowIPC(t, false), arrowIPC(t, true)
	for _, tt := range []struct {
		name, content string
		params        map[string]string
		want          string
		types         string
	}{
		{"a.csv.gz", gzipped(t, csv), nil, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.csv.gz", gzipped(t, "n,s\n1,x\n") + gzipped(t, "2,y\n"), nil, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.csv.zst", zstded(t, csv), nil, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.tsv.gz", gzipped(t, "n\ts\n1\tx\n"), nil, "[1,x]", "n:int64 s:utf8"},
		{"a.ndjson.gz", gzipped(t, `{"n":1}`+"\n"+`{"n":2}`), nil, "[1 2]", "n:int64"},
		{"a.json.zst", zstded(t, `[{"n":1},{"n":2}]`), nil, "[1 2]", "n:int64"},
		{"a.csv", gzipped(t, csv), map[string]string{"file_compression_type": "GZIP"}, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.csv.gz", csv, map[string]string{"file_compression_type": "none"}, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.dat", csv, map[string]string{"file_format": "csv"}, "[1,x 2,y]", "n:int64 s:utf8"},
		{"a.arrow", file, nil, "[0,a 1,b 2,a 3,b 4,a 5,b]", "n:int64 s:dictionary<values=utf8, indices=int8, ordered=false>"},
		{"a.arrow", stream, nil, "[0,a 1,b 2,a 3,b 4,a 5,b]", "n:int64 s:dictionary<values=utf8, indices=int8, ordered=false>"},
		{"a.feather", arrowIPC(t, false, ipc.WithZstd()), nil, "[0,a 1,b 2,a 3,b 4,a 5,b]", "n:int64 s:dictionary<values=utf8, indices=int8, ordered=false>"},
		{"a.ipc.gz", gzipped(t, stream), nil, "[0,a 1,b 2,a 3,b 4,a 5,b]", "n:int64 s:dictionary<values=utf8, indices=int8, ordered=false>"},
		{"a.arrow.zst", zstded(t, file), nil, "[0,a 1,b 2,a 3,b 4,a 5,b]", "n:int64 s:dictionary<values=utf8, indices=int8, ordered=false>"},
	} {
		path := filepath.Join(write(t, map[string]string{tt.name: tt.content}), tt.name)
		got, r := lines(t, newSource(t, Options{Path: path}, tt.params), source.Scan{})
		if fmt.Sprint(got) != tt.want || names(r) != tt.types {
			t.Errorf("%s %v: %v, %s", tt.name, tt.params, got, names(r))
		}
	}
	if path, err := exec.LookPath("bzip2"); err == nil {
		dir := write(t, map[string]string{"a.csv": csv})
		if err := exec.Command(path, filepath.Join(dir, "a.csv")).Run(); err != nil {
			t.Fatal(err)
		}
		if got, _ := lines(t, newSource(t, Options{Path: dir}, nil), source.Scan{}); fmt.Sprint(got) != "[1,x 2,y]" {
			t.Errorf("bzip2: %v", got)
		}
	}
}

func half(s string) string { return s[:len(s)/2] }

func TestDamagedCompressionAndArrow(t *testing.T) {
	long := strings.Repeat("1,abcdefgh\n", 200_000)
	file := arrowIPC(t, false)
	for _, tt := range []struct {
		name, content, want string
		kind                source.Kind
	}{
		{"a.csv.gz", half(gzipped(t, "n,s\n"+long)), "not whole gzip", source.Damaged},
		{"a.csv.gz", "n,s\n1,x\n", "not whole gzip", source.Damaged},
		{"a.csv.zst", half(zstded(t, "n,s\n"+long)), "not whole zstd", source.Damaged},
		{"a.parquet.gz", gzipped(t, "PAR1"), "inside gzip", source.Unsupported},
		{"a.arrow", file[:len(file)-4], "its end is missing", source.Damaged},
		{"a.arrow", "what is this", "not Arrow IPC", source.Damaged},
		{"a.arrow", "", "not Arrow IPC", source.Damaged},
		{"a.feather", "FEA1....", "version 1", source.Unsupported},
	} {
		_, _, _, err := scan(t, Options{Path: filepath.Join(write(t, map[string]string{tt.name: tt.content}), tt.name)}, nil, source.Scan{})
		if source.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: %v (kind %q)", tt.name, err, source.KindOf(err))
		}
	}
	// every cut and many a wrong byte of Arrow: an error or rows, never a panic
	good := arrowIPC(t, true)
	for i := range len(good) {
		b := []byte(good)
		b[i] ^= 0x41
		for _, content := range []string{good[:i], string(b)} {
			dir := write(t, map[string]string{"a.arrow": content})
			if _, _, _, err := scan(t, Options{Path: dir}, nil, source.Scan{}); err != nil && source.KindOf(err) != source.Damaged {
				t.Fatalf("at %d: %v (kind %q)", i, err, source.KindOf(err))
			}
			os.RemoveAll(dir)
		}
	}
}

func TestCSVDialects(t *testing.T) {
	for _, tt := range []struct {
		content string
		params  map[string]string
		want    []string
	}{
		{"a|b\n'x|y'|2\n'it''s'|3\n", map[string]string{"csv_delimiter": "|", "csv_quote": "'"}, []string{"x|y;2", "it's;3"}},
		{"a,b\n\"x\\\"y\",2\n\"q\\\\\",3\n", map[string]string{"csv_escape": `\`}, []string{`x"y;2`, `q\;3`}},
		{"a,b\n'say \"hi\"',2\nplain \"q\",3\n", map[string]string{"csv_quote": "'"}, []string{`say "hi";2`, `plain "q";3`}},
		{"a,b\r\n'x\r\ny',2\r\n", map[string]string{"csv_quote": "'"}, []string{"x\ny;2"}},
		{"a\tb\nx\t2\n", map[string]string{"csv_delimiter": `\t`}, []string{"x;2"}},
	} {
		r, err := newSource(t, Options{Path: write(t, map[string]string{"a.csv": tt.content})}, tt.params).Read(t.Context(), source.Scan{})
		if err != nil {
			t.Errorf("%q: %v", tt.content, err)
			continue
		}
		var got []string
		for r.Next() {
			for i := range int(r.RecordBatch().NumRows()) {
				got = append(got, r.RecordBatch().Column(0).ValueStr(i)+";"+r.RecordBatch().Column(1).ValueStr(i))
			}
		}
		if r.Err() != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%q: %q, %v; want %q", tt.content, got, r.Err(), tt.want)
		}
		r.Release()
	}
}

// A file whose quotes are another character reads as the same file with the usual ones.
func FuzzDialect(f *testing.F) {
	f.Add("a,b\n'x''y',2\n")
	f.Add("'a\nb',c\r\n'open")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\"") {
			return
		}
		o := &Options{Quote: '\'', HasHeader: true}
		usual := o.csvReader(strings.NewReader(s), "x.csv")
		want := (&Options{}).csvReader(strings.NewReader(strings.ReplaceAll(s, "'", `"`)), "x.csv")
		want.LazyQuotes = true
		for {
			got, err := usual.Read()
			if err != nil {
				return
			}
			expected, err := want.Read()
			if err != nil || strings.ContainsAny(s, "'\r") {
				return // where quotes are in odd places both may read them as they like
			}
			if fmt.Sprint(got) != fmt.Sprint(expected) {
				t.Fatalf("%q: %q, want %q", s, got, expected)
			}
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a/**/b*.csv", "a/x/y/b1.csv")
	f.Add("**/**/**/*", "a/b")
	f.Add("[", "a")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		g, err := parseGlob(pattern)
		if err != nil {
			return
		}
		if strings.HasPrefix(path, g.base) {
			g.match(path)
		}
	})
}

func FuzzPartition(f *testing.F) {
	f.Add("year=2024/month=01/x.csv")
	f.Add("a=%2/b==/__HIVE_DEFAULT_PARTITION__=__HIVE_DEFAULT_PARTITION__/x")
	f.Fuzz(func(_ *testing.T, path string) {
		l := &lister{}
		have := partitions(path)
		l.note(have)
		l.settle()
		for _, p := range have {
			for _, field := range l.fields {
				if field.Name == p.key {
					repeated(field.Type, partitionValue(p.value, field.Type), 2).Release()
				}
			}
		}
	})
}

// Whatever the bytes are, the reader gives rows or an error, and does not allocate what they claim.
func FuzzArrow(f *testing.F) {
	f.Add([]byte(arrowIPC(f, true)))
	f.Add([]byte(arrowIPC(f, false, ipc.WithZstd())))
	f.Fuzz(func(t *testing.T, b []byte) {
		defer func() { recover() }() // arrow-go's own panics are caught by the reader, too
		r, err := ipc.NewReader(&checkedIPC{r: bytes.NewReader(b), max: int64(len(b))})
		if err != nil {
			return
		}
		defer r.Release()
		for r.Next() {
		}
	})
}
