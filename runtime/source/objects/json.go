package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/runtime/source"
)

// jsonBatchRows is smaller than batchRows, because rows of JSON are decoded into builders one by one
// and a fault shall be seen before much work is lost.
const jsonBatchRows = 16_384

// complete cuts an unfinished last line off: NDJSON files are read while their writer appends. What
// is cut is read by the next refresh. Objects of a store are always whole.
func complete(in *input) error {
	if in.remote || in.codec != "" {
		return nil
	}
	const window = 1 << 20
	start := max(0, in.size-window)
	tail := make([]byte, in.size-start)
	if _, err := in.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	cut := bytes.LastIndexByte(tail, '\n') + 1
	if rest := bytes.TrimSpace(tail[cut:]); len(rest) == 0 || json.Valid(rest) {
		return nil
	}
	if cut > 0 && tail[cut] == '{' {
		in.size = start + int64(cut)
	}
	return nil
}

// jsonObjects returns a reader of the objects of the file one after the other: NDJSON as it is, a JSON
// array without its brackets and commas.
func jsonObjects(r io.Reader) (io.Reader, error) {
	head := make([]byte, 1)
	for {
		if _, err := io.ReadFull(r, head); errors.Is(err, io.EOF) {
			return bytes.NewReader(nil), nil // an empty file has no objects
		} else if err != nil {
			return nil, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(head[0])) {
			break
		}
	}
	all := io.MultiReader(bytes.NewReader(bytes.Clone(head)), r)
	if head[0] != '[' {
		return all, nil
	}
	d := json.NewDecoder(all)
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	return &elements{d: d}, nil
}

// elements writes the elements of a JSON array one after the other.
type elements struct {
	d   *json.Decoder
	buf bytes.Reader
}

func (e *elements) Read(p []byte) (int, error) {
	for e.buf.Len() == 0 {
		if !e.d.More() {
			if _, err := e.d.Token(); err != nil {
				return 0, fmt.Errorf("the array is not closed: %w", err)
			}
			return 0, io.EOF
		}
		var raw json.RawMessage
		if err := e.d.Decode(&raw); err != nil {
			return 0, err
		}
		e.buf.Reset(append(raw, '\n'))
	}
	return e.buf.Read(p)
}

func jsonSchema(in *input, o *Options) (*arrow.Schema, error) {
	if err := complete(in); err != nil {
		return nil, err
	}
	text, err := in.text(false)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	r, err := jsonObjects(text)
	if err != nil {
		return nil, jsonFault(in.place, 0, err)
	}
	d := json.NewDecoder(r)
	d.UseNumber()
	row := arrow.StructOf()
	for n := 0; !o.learned(n, text.bytes); n++ {
		t, err := jsonValue(d)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && t.ID() != arrow.STRUCT {
			err = errors.New("it is not an object")
		}
		if err != nil {
			return nil, jsonFault(in.place, n, err)
		}
		row = widerStruct(row, t.(*arrow.StructType)).(*arrow.StructType)
	}
	if row.NumFields() == 0 {
		return nil, &source.Error{Kind: source.Damaged, Place: in.place, Err: errors.New("it has no records to learn the columns from"), Hint: "wait for its first record"}
	}
	return arrow.NewSchema(row.Fields(), nil), nil
}

// jsonValue reads one value and returns its type; fields keep the order in which they were first seen.
func jsonValue(d *json.Decoder) (arrow.DataType, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := tok.(type) {
	case bool:
		return arrow.FixedWidthTypes.Boolean, nil
	case string:
		return arrow.BinaryTypes.String, nil
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return arrow.PrimitiveTypes.Int64, nil
		}
		if strings.Trim(string(v), "-0123456789") == "" {
			return nil, fmt.Errorf("the integer %s does not fit 64 bits; write it as text", v)
		}
		if f, err := v.Float64(); err != nil || math.IsInf(f, 0) {
			return nil, fmt.Errorf("the number %s is too large", v)
		}
		return arrow.PrimitiveTypes.Float64, nil
	case json.Delim:
		if v == '[' {
			return jsonList(d)
		}
		return jsonObject(d)
	default:
		return arrow.Null, nil
	}
}

func jsonList(d *json.Decoder) (arrow.DataType, error) {
	var elem arrow.DataType = arrow.Null
	for d.More() {
		t, err := jsonValue(d)
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		elem = wider(elem, t)
	}
	_, err := d.Token()
	return arrow.ListOf(elem), unexpectedEnd(err)
}

func jsonObject(d *json.Decoder) (arrow.DataType, error) {
	var fields []arrow.Field
	seen := map[string]int{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		t, err := jsonValue(d)
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		name := key.(string)
		if i, ok := seen[name]; ok {
			fields[i].Type = wider(fields[i].Type, t)
			continue
		}
		seen[name] = len(fields)
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	_, err := d.Token()
	return arrow.StructOf(fields...), unexpectedEnd(err)
}

// unexpectedEnd tells an end in the middle of a value from the end of the file.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func jsonFault(path string, record int, err error) error {
	var e *source.Error
	if errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	return &source.Error{Kind: source.Damaged, Place: fmt.Sprintf("%s, near record %d", path, record+1), Err: err,
		Hint: "every line must be one JSON object whose values fit the types of the columns: those that the dataset has, else those of the first records"}
}

func openJSON(in *input, _ *Options, v *view) (array.RecordReader, error) {
	if err := complete(in); err != nil {
		return nil, err
	}
	text, err := in.text(true)
	if err != nil {
		return nil, err
	}
	r, err := jsonObjects(text)
	if err != nil {
		text.Close()
		return nil, jsonFault(in.place, 0, err)
	}
	want := v.data
	if want.NumFields() == 0 { // only what the path tells is asked for; the rows must still be counted
		want = arrow.NewSchema(v.merged.Fields()[:1], nil)
	}
	return &jsonReader{JSONReader: array.NewJSONReader(r, want, array.WithChunk(jsonBatchRows)), text: text, place: in.place}, nil
}

// jsonReader says near which record an error is.
type jsonReader struct {
	*array.JSONReader
	text  *text
	place string
	rows  int
}

func (r *jsonReader) Release() {
	r.text.Close()
	r.JSONReader.Release()
}

func (r *jsonReader) Next() bool {
	if !r.JSONReader.Next() {
		return false
	}
	r.rows += int(r.RecordBatch().NumRows())
	return true
}

func (r *jsonReader) Err() error {
	if err := r.JSONReader.Err(); err != nil {
		return jsonFault(r.place, r.rows, err)
	}
	return nil
}
