package objects

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowcsv "github.com/apache/arrow-go/v18/arrow/csv"

	"pitwall/runtime/source"
)

func (o *Options) comma(path string) rune {
	switch {
	case o.Delimiter != 0:
		return o.Delimiter
	case extension(path) == ".tsv":
		return '\t'
	default:
		return ','
	}
}

// ended checks that the last line is whole: while a writer may be about to finish it, half a number is
// a wrong number. Objects of a store are always whole, and the end of what is compressed says so itself.
func ended(in *input) error {
	if in.size == 0 || in.codec != "" || !in.content.Growing() {
		return nil
	}
	last := make([]byte, 1)
	if _, err := in.ReadAt(last, in.size-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	return &source.Error{Kind: source.Unavailable, Place: in.place, Err: errors.New("it ends in the middle of a line and is being written"),
		Hint: "it is read again by the next try; a writer should end its lines, or write another file and rename it"}
}

func csvSchema(in *input, o *Options) (*arrow.Schema, error) {
	if err := ended(in); err != nil {
		return nil, err
	}
	t, err := in.text(false)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	r := o.csvReader(t, in.path)
	r.ReuseRecord = true
	var fields []arrow.Field
	for n := 0; !o.learned(n, t.bytes); n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvFault(in.place, err)
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
		return nil, &source.Error{Kind: source.Damaged, Place: in.place, Err: errors.New("it is empty"), Hint: "a CSV file needs a header line, or params csv_has_header: false"}
	}
	seen := map[string]bool{}
	for i := range fields {
		if seen[fields[i].Name] {
			return nil, &source.Error{Kind: source.Unsupported, Place: in.place, Err: fmt.Errorf("two columns are called %q", fields[i].Name), Hint: "rename one in the header line"}
		}
		seen[fields[i].Name] = true
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

// csvReader reads the rows of a text.
func (o *Options) csvReader(r io.Reader, path string) *csv.Reader {
	c := csv.NewReader(o.standard(r, path))
	c.Comma = o.comma(path)
	return c
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

func openCSV(in *input, o *Options, v *view) (array.RecordReader, error) {
	// The file may have fewer columns than the merged schema, or another order.
	own, err := csvColumns(in, o)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(own))
	for i, name := range own {
		f, ok := v.merged.FieldsByName(name)
		if !ok || len(f) != 1 {
			return nil, &source.Error{Kind: source.Unavailable, Place: in.place, Err: fmt.Errorf("its header changed while it was read: column %q", name)}
		}
		fields[i] = f[0]
		if !v.wanted(name) {
			fields[i].Type = arrow.BinaryTypes.String // not asked for, so not parsed
		}
	}
	t, err := in.text(true)
	if err != nil {
		return nil, err
	}
	r := arrowcsv.NewReader(o.standard(t, in.path), arrow.NewSchema(fields, nil), arrowcsv.WithComma(o.comma(in.path)),
		arrowcsv.WithHeader(o.HasHeader), arrowcsv.WithChunk(batchRows), arrowcsv.WithNullReader(false, ""))
	return &csvRows{RecordReader: r, in: in, text: t, o: o, fields: fields, given: v.given}, nil
}

// csvColumns reads the header.
func csvColumns(in *input, o *Options) ([]string, error) {
	t, err := in.text(false)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	row, err := o.csvReader(t, in.path).Read()
	if err != nil {
		return nil, csvFault(in.place, err)
	}
	var names []string
	for _, f := range csvHeader(row, o.HasHeader) {
		names = append(names, f.Name)
	}
	return names, nil
}

// csvRows explains the errors of arrow-go's reader.
type csvRows struct {
	array.RecordReader
	in     *input
	text   *text
	o      *Options
	fields []arrow.Field // of the file
	given  *arrow.Schema // Scan.Types, which may be nil
}

func (r *csvRows) Release() {
	r.text.Close()
	r.RecordReader.Release()
}

func (r *csvRows) Err() error {
	err := r.RecordReader.Err()
	if err == nil {
		return nil
	}
	if e := csvFault(r.in.place, err); e != err {
		return e
	}
	place, column, why := r.misfit()
	switch {
	case why == nil:
		return err
	case r.given != nil && r.given.HasField(column):
		return &source.Error{Kind: source.Damaged, Place: place, Err: why,
			Hint: "correct the value; to give the column another type, load the dataset anew with a full refresh"}
	default:
		return &source.Error{Kind: source.Damaged, Place: place, Err: why,
			Hint: "correct the value, or set params.schema_infer_max_records so high that it is among the records that decide the type"}
	}
}

// misfit reads the file once more to find the first value that does not fit the type of its column:
// the reader of record batches does not say where it stopped.
func (r *csvRows) misfit() (place, column string, why error) {
	t, err := r.in.text(true)
	if err != nil {
		return "", "", nil
	}
	defer t.Close()
	c := r.o.csvReader(t, r.in.path)
	c.ReuseRecord = true
	for n := 0; ; n++ {
		row, err := c.Read()
		if err != nil {
			return "", "", nil
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
			return fmt.Sprintf("%s:%d:%d", r.in.place, line, col), r.fields[i].Name, fmt.Errorf("column %s is %s, but here it is %q", r.fields[i].Name, t, v)
		}
	}
}
