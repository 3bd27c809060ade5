package file

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowcsv "github.com/apache/arrow-go/v18/arrow/csv"

	"pitwall/runtime/source"
)

func (o *Options) comma(path string) rune {
	switch {
	case o.Delimiter != 0:
		return o.Delimiter
	case strings.EqualFold(filepath.Ext(path), ".tsv"):
		return '\t'
	default:
		return ','
	}
}

// settled is how long a CSV file that ends in the middle of a line must be left alone before that line
// counts as its last one: until then its writer may be about to finish it, and half a number is a
// wrong number.
const settled = 3 * time.Second

// ended checks that the last line is whole.
func ended(in *input, now time.Time) error {
	last := make([]byte, 1)
	if in.size == 0 {
		return nil
	}
	if _, err := in.f.ReadAt(last, in.size-1); err != nil {
		return err
	}
	st, err := in.f.Stat()
	if err != nil || last[0] == '\n' || now.Sub(st.ModTime()) >= settled && st.Size() == in.size {
		return err
	}
	return &source.Error{Kind: source.Unavailable, Place: in.path, Err: errors.New("it ends in the middle of a line and is being written"),
		Hint: "it is read again by the next try; a writer should end its lines, or write another file and rename it"}
}

func csvSchema(_ context.Context, in *input, o *Options) (*arrow.Schema, error) {
	if err := ended(in, time.Now()); err != nil {
		return nil, err
	}
	r := csv.NewReader(skipBOM(in))
	r.Comma = o.comma(in.path)
	r.ReuseRecord = true
	var fields []arrow.Field
	for n := 0; !o.learned(n, in.read.Load()); n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvFault(in.path, err)
		}
		if fields == nil {
			fields = csvHeader(row, o.HasHeader)
			if o.HasHeader {
				continue
			}
		}
		for i, v := range row {
			fields[i].Type = wider(fields[i].Type, guess(v))
		}
	}
	if len(fields) == 0 {
		return nil, &source.Error{Kind: source.Damaged, Place: in.path, Err: errors.New("it is empty"), Hint: "a CSV file needs a header line, or params csv_has_header: false"}
	}
	seen := map[string]bool{}
	for i := range fields {
		if seen[fields[i].Name] {
			return nil, &source.Error{Kind: source.Unsupported, Place: in.path, Err: fmt.Errorf("two columns are called %q", fields[i].Name), Hint: "rename one in the header line"}
		}
		seen[fields[i].Name] = true
		fields[i].Type = known(fields[i].Type)
	}
	return arrow.NewSchema(fields, nil), nil
}

func csvHeader(row []string, header bool) []arrow.Field {
	fields := make([]arrow.Field, len(row))
	for i, name := range row {
		if !header {
			name = fmt.Sprintf("column_%d", i+1)
		}
		fields[i] = arrow.Field{Name: strings.Clone(strings.TrimSpace(name)), Type: arrow.Null, Nullable: true}
	}
	return fields
}

// skipBOM passes over the byte order mark that spreadsheets write.
func skipBOM(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 1<<16)
	if head, _ := b.Peek(3); string(head) == "\ufeff" {
		b.Discard(3)
	}
	return b
}

// csvFault says what is wrong with a row, and where.
func csvFault(path string, err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		e := &source.Error{Kind: source.Damaged, Place: fmt.Sprintf("%s:%d", path, p.Line), Err: p.Err}
		if errors.Is(p.Err, csv.ErrFieldCount) {
			e.Err = errors.New("the row has another number of fields than the first one")
			e.Hint = "correct the row, or quote the field that contains the delimiter"
		}
		return e
	}
	return err
}

func openCSV(_ context.Context, in *input, o *Options, want *arrow.Schema) (array.RecordReader, error) {
	// The file may have fewer columns than the merged schema, or another order.
	own, err := csvColumns(in, o)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(own))
	for i, name := range own {
		f, ok := want.FieldsByName(name)
		if !ok || len(f) != 1 {
			return nil, &source.Error{Kind: source.Unavailable, Place: in.path, Err: fmt.Errorf("its header changed while it was read: column %q", name)}
		}
		fields[i] = f[0]
	}
	r := arrowcsv.NewReader(skipBOM(in), arrow.NewSchema(fields, nil), arrowcsv.WithComma(o.comma(in.path)),
		arrowcsv.WithHeader(o.HasHeader), arrowcsv.WithChunk(batchRows), arrowcsv.WithNullReader(false, ""))
	return &csvReader{RecordReader: newPadded(r, want), path: in.path, o: o, fields: fields}, nil
}

// csvColumns reads the header and rewinds.
func csvColumns(in *input, o *Options) ([]string, error) {
	r := csv.NewReader(skipBOM(in))
	r.Comma = o.comma(in.path)
	row, err := r.Read()
	if err != nil {
		return nil, csvFault(in.path, err)
	}
	var names []string
	for _, f := range csvHeader(row, o.HasHeader) {
		names = append(names, f.Name)
	}
	_, err = in.Seek(0, io.SeekStart)
	return names, err
}

// csvReader explains the errors of arrow-go's reader.
type csvReader struct {
	array.RecordReader
	path   string
	o      *Options
	fields []arrow.Field // of the file
}

func (r *csvReader) Err() error {
	err := r.RecordReader.Err()
	if err == nil {
		return nil
	}
	if e := csvFault(r.path, err); e != err {
		return e
	}
	if place, why := r.misfit(); why != nil {
		return &source.Error{Kind: source.Damaged, Place: place, Err: why,
			Hint: "correct the value, or set params.schema_infer_max_records so high that it is among the records that decide the type"}
	}
	return err
}

// misfit reads the file once more to find the first value that does not fit the type of its column:
// the reader of record batches does not say where it stopped.
func (r *csvReader) misfit() (place string, why error) {
	f, err := os.Open(r.path)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	c := csv.NewReader(skipBOM(f))
	c.Comma = r.o.comma(r.path)
	c.ReuseRecord = true
	for n := 0; ; n++ {
		row, err := c.Read()
		if err != nil {
			return "", nil
		}
		if n == 0 && r.o.HasHeader {
			continue
		}
		for i, v := range row {
			t := r.fields[i].Type
			if w := wider(t, guess(v)); arrow.TypeEqual(w, t) || t.ID() == arrow.STRING {
				continue
			}
			line, col := c.FieldPos(i)
			return fmt.Sprintf("%s:%d:%d", r.path, line, col), fmt.Errorf("column %s is %s, but here it is %q", r.fields[i].Name, t, v)
		}
	}
}
