package debezium

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/valyala/fastjson"
)

// Unavailable stands for a value that the database did not tell, because an update left it as it was and it is stored
// apart from its row (PostgreSQL's TOAST).
const Unavailable = "__debezium_unavailable_value"

// UnavailableError says that a row lacks a value that its update did not change.
type UnavailableError struct{ Column string }

// Error names the column and the remedy.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("column %q was not changed and is not in the event: set REPLICA IDENTITY FULL on the table", e.Column)
}

// ErrWider says that a row does not go with a type that was guessed: Widen tells one that it goes with.
var ErrWider = errors.New("the row has columns or values that its type has no room for")

// Type is that of the rows of a topic. It does not change.
type Type struct {
	// Schema has the columns as they are kept.
	Schema *arrow.Schema
	fields []field
	index  map[string]int // of fields, by name
	// guessed types are those of rows without a schema. Of rows that are flattened, the members of an object within
	// are columns.
	guessed, flatten bool
}

func newType(fields []field) *Type {
	t := &Type{fields: fields, index: make(map[string]int, len(fields))}
	all := make([]arrow.Field, len(fields))
	for i, f := range fields {
		all[i] = f.Field
		t.index[f.Name] = i
	}
	t.Schema = arrow.NewSchema(all, nil)
	return t
}

// Batch makes a record batch of rows. The caller releases it. The error names the row and the column.
func (t *Type) Batch(rows []Row) (arrow.RecordBatch, error) {
	b := NewRows(t)
	defer b.Release()
	for i, row := range rows {
		if err := b.Append(row, false); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return b.Batch(), nil
}

// Rows gathers rows of one type.
type Rows struct {
	typ    *Type
	b      *array.RecordBuilder
	n      int
	values []*fastjson.Value // of the row that is appended, by column
	name   []byte            // of a column of an object within
	wider  bool
	buf    []byte
	// last has how many rows the batch before had, and bytes of each column: the next one is likely to be as large.
	last  int
	bytes []int
}

// NewRows returns Rows of a type. The caller releases them.
func NewRows(t *Type) *Rows {
	return &Rows{typ: t, b: array.NewRecordBuilder(memory.DefaultAllocator, t.Schema), values: make([]*fastjson.Value, len(t.fields))}
}

// Type is that of the rows.
func (r *Rows) Type() *Type { return r.typ }

// SetType makes t the type of the rows that follow: one with an equal schema.
func (r *Rows) SetType(t *Type) { r.typ = t }

// Len is how many rows there are.
func (r *Rows) Len() int { return r.n }

// Release releases the rows.
func (r *Rows) Release() { r.b.Release() }

// Batch returns the rows, and starts anew. The caller releases it.
func (r *Rows) Batch() arrow.RecordBatch {
	b := r.b.NewRecordBatch()
	r.last, r.n, r.bytes = r.n, 0, r.bytes[:0]
	for _, column := range b.Columns() {
		n := 0
		if x, ok := column.(interface{ ValueBytes() []byte }); ok {
			n = len(x.ValueBytes())
		}
		r.bytes = append(r.bytes, n)
	}
	return b
}

// reserve makes room for a batch like the one before.
func (r *Rows) reserve() {
	r.b.Reserve(r.last)
	for i, n := range r.bytes {
		if to, ok := r.b.Field(i).(interface{ ReserveData(int) }); ok && n > 0 {
			to.ReserveData(n)
		}
	}
}

// AppendNull appends a row without a value.
func (r *Rows) AppendNull() {
	if r.n == 0 {
		r.reserve()
	}
	for _, f := range r.b.Fields() {
		f.AppendNull()
	}
	r.n++
}

// Append appends a row. Of a partial one the values that the event does not have are NULL, whatever the schema says.
// After an error, which is of this package, or is ErrWider, all rows are of no use any more.
func (r *Rows) Append(row Row, partial bool) error {
	if r.n == 0 {
		r.reserve()
	}
	r.n++
	if row.node != nil {
		return r.appendRecord(row.node, row.avro, partial)
	}
	if row.None() || !row.isObject() {
		return bad("a row is no object")
	}
	clear(r.values)
	if r.wider = false; r.typ.flatten {
		r.name = r.name[:0]
		r.collectFlat(row.json.GetObject())
	} else {
		at := 0
		row.json.GetObject().Visit(func(name []byte, v *fastjson.Value) { at = r.collect(r.typ, r.values, name, v, at) })
	}
	if r.wider {
		return ErrWider
	}
	return r.appendFields(r.b.Fields(), r.typ.fields, r.values, partial)
}

// collect puts a member where its column is, which mostly is at. It returns where the next one may be.
func (r *Rows) collect(t *Type, values []*fastjson.Value, name []byte, v *fastjson.Value, at int) int {
	if at >= len(t.fields) || t.fields[at].Name != string(name) {
		i, ok := t.index[string(name)]
		if !ok {
			r.wider = r.wider || t.guessed && v.Type() != fastjson.TypeNull
			return at
		}
		at = i
	}
	values[at] = v
	return at + 1
}

// collectFlat puts the members of an object, and of those within, where their columns are.
func (r *Rows) collectFlat(o *fastjson.Object) {
	prefix := len(r.name)
	o.Visit(func(name []byte, v *fastjson.Value) {
		if prefix > 0 {
			r.name = append(r.name, '.')
		}
		if r.name = append(r.name, name...); v.Type() == fastjson.TypeObject {
			r.collectFlat(v.GetObject())
		} else {
			r.collect(r.typ, r.values, r.name, v, len(r.typ.fields))
		}
		r.name = r.name[:prefix]
	})
}

// appendFields appends the values of an object.
func (r *Rows) appendFields(to []array.Builder, fields []field, values []*fastjson.Value, partial bool) error {
	for i := range fields {
		f, v := &fields[i], values[i]
		if v == nil || v.Type() == fastjson.TypeNull {
			if !f.Nullable && !partial {
				if f.form.guess() {
					return ErrWider
				}
				return bad("column %q is NULL or missing, and its schema says that it never is", f.Name)
			}
			to[i].AppendNull()
			continue
		}
		if err := r.append(to[i], f, v); err != nil {
			if _, ok := err.(*UnavailableError); ok && partial {
				to[i].AppendNull()
				continue
			}
			return err
		}
	}
	return nil
}

// append appends a value that is not null. It appends nothing when it fails with *UnavailableError.
func (r *Rows) append(to array.Builder, f *field, v *fastjson.Value) error {
	switch v.Type() {
	case fastjson.TypeString:
		text, _ := v.StringBytes()
		if string(text) == Unavailable || string(text) == unavailableBytes {
			return &UnavailableError{f.Name}
		}
		if f.form.guess() {
			return r.guess(to, f, v, text)
		}
		if ok := r.appendText(to, f, text); ok {
			return nil
		}
	case fastjson.TypeArray:
		if f.form == asList {
			return r.appendList(to.(*array.ListBuilder), f, v)
		}
		return r.appendOther(to, f, v)
	case fastjson.TypeObject:
		if f.form == asStruct {
			return r.appendStruct(to.(*array.StructBuilder), f, v)
		}
		return r.appendOther(to, f, v)
	default:
		return r.appendOther(to, f, v)
	}
	return f.wrong(v.String())
}

func (f *field) wrong(value string) error {
	return bad("column %q of type %s has %.60s", f.Name, f.Type, value)
}

// appendOther appends a number, a boolean, or what is kept as JSON.
func (r *Rows) appendOther(to array.Builder, f *field, v *fastjson.Value) error {
	if f.form.guess() {
		return r.guess(to, f, v, nil)
	}
	ok, number := false, v.Type() == fastjson.TypeNumber
	switch f.form {
	case asNumber:
		var n int64
		if number {
			var err error
			n, err = v.Int64()
			ok = err == nil && appendNumber(to, n)
		}
	case asFloat:
		if number {
			r.buf = v.MarshalTo(r.buf[:0])
			ok = appendFloat(to, string(r.buf))
		}
	case asBool:
		if ok = v.Type() == fastjson.TypeTrue || v.Type() == fastjson.TypeFalse; ok {
			to.(*array.BooleanBuilder).Append(v.Type() == fastjson.TypeTrue)
		}
	case asVariable:
		if scale, value := v.Get("scale"), v.Get("value"); scale != nil && isText(value) {
			n, err := scale.Int()
			raw, is64 := r.base64(value.GetStringBytes())
			var text string
			if err == nil && is64 {
				text, ok = variable(n, raw)
			}
			if ok {
				to.(*array.StringBuilder).Append(text)
			}
		}
	case asJSON:
		r.buf = v.MarshalTo(r.buf[:0])
		ok = appendString(to, r.buf)
	}
	if !ok {
		return f.wrong(v.String())
	}
	return nil
}

func (r *Rows) appendList(to *array.ListBuilder, f *field, v *fastjson.Value) error {
	to.Append(true)
	for _, item := range v.GetArray() {
		if item.Type() == fastjson.TypeNull {
			to.ValueBuilder().AppendNull()
			continue
		}
		if err := r.append(to.ValueBuilder(), &f.nested.fields[0], item); err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	return nil
}

func (r *Rows) appendStruct(to *array.StructBuilder, f *field, v *fastjson.Value) error {
	to.Append(true)
	values, at := make([]*fastjson.Value, len(f.nested.fields)), 0
	v.GetObject().Visit(func(name []byte, v *fastjson.Value) { at = r.collect(f.nested, values, name, v, at) })
	of := make([]array.Builder, to.NumField())
	for i := range of {
		of[i] = to.FieldBuilder(i)
	}
	return r.appendFields(of, f.nested.fields, values, false)
}

// Guessed tells whether the type was made by Guessed or Widen.
func (t *Type) Guessed() bool { return t.guessed }

// Has tells whether rows have a column.
func (t *Type) Has(column string) bool {
	_, ok := t.index[column]
	return ok
}
