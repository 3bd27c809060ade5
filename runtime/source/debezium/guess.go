package debezium

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/valyala/fastjson"
)

// guesses are the types that columns of rows without a schema have. A type becomes wider only: a whole number a
// floating one, and anything a text, in which what was no text is written as JSON.
func guesses() map[form]arrow.DataType {
	return map[form]arrow.DataType{guessInt: arrow.PrimitiveTypes.Int64, guessFloat: arrow.PrimitiveTypes.Float64,
		guessBool: arrow.FixedWidthTypes.Boolean, guessText: arrow.BinaryTypes.String}
}

// Guessed is the type of rows without a schema that are known to have these columns; nil is none. With flatten the
// members of objects within are columns, named parent.child; else such objects are kept as JSON. A column of a type
// that is never guessed becomes a text.
func Guessed(columns *arrow.Schema, flatten bool) *Type {
	var fields []field
	if columns != nil {
		for _, c := range columns.Fields() {
			f := field{Field: arrow.Field{Name: c.Name, Type: arrow.BinaryTypes.String, Nullable: c.Nullable}, form: guessText}
			switch {
			case arrow.IsSignedInteger(c.Type.ID()):
				f.form = guessInt
			case arrow.IsFloating(c.Type.ID()):
				f.form = guessFloat
			case c.Type.ID() == arrow.BOOL:
				f.form = guessBool
			}
			f.Type = guesses()[f.form]
			fields = append(fields, f)
		}
	}
	return guessed(fields, flatten)
}

func guessed(fields []field, flatten bool) *Type {
	t := newType(fields)
	t.guessed, t.flatten = true, flatten
	return t
}

// Required is the type with columns that are never NULL, such as those of a primary key, until Widen meets a row in
// which they are.
func (t *Type) Required(columns []string) *Type {
	fields := append([]field(nil), t.fields...)
	for _, name := range columns {
		if i, ok := t.index[name]; ok {
			fields[i].Nullable = false
		}
	}
	return guessed(fields, t.flatten)
}

// Widen is the narrowest type, not narrower than t, that a row goes with. Columns that are new come last; those
// without a value yet are left out.
func (t *Type) Widen(row Row) (*Type, error) {
	if row.json == nil || !row.isObject() {
		return nil, bad("a row is no object")
	}
	fields := append([]field(nil), t.fields...)
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[f.Name] = i
	}
	all := guesses()
	has := make([]bool, len(fields))
	var visit func(prefix string, o *fastjson.Object)
	visit = func(prefix string, o *fastjson.Object) {
		o.Visit(func(key []byte, v *fastjson.Value) {
			name := prefix + string(key)
			switch {
			case v.Type() == fastjson.TypeNull:
				return
			case t.flatten && v.Type() == fastjson.TypeObject:
				visit(name+".", v.GetObject())
				return
			}
			at, known := index[name]
			if !known {
				at = len(fields)
				index[name] = at
				fields = append(fields, field{Field: arrow.Field{Name: name, Nullable: true}, form: guessOf(v)})
			} else {
				if at < len(has) {
					has[at] = true
				}
				fields[at].form = wider(fields[at].form, guessOf(v))
			}
			fields[at].Type = all[fields[at].form]
		})
	}
	visit("", row.json.GetObject())
	for i := range has {
		fields[i].Nullable = fields[i].Nullable || !has[i]
	}
	return guessed(fields, t.flatten), nil
}

func wider(a, b form) form {
	switch {
	case a == b:
		return a
	case a == guessInt && b == guessFloat, a == guessFloat && b == guessInt:
		return guessFloat
	default:
		return guessText
	}
}

// guessOf is the form of a value that is not null.
func guessOf(v *fastjson.Value) form {
	switch v.Type() {
	case fastjson.TypeTrue, fastjson.TypeFalse:
		return guessBool
	case fastjson.TypeNumber:
		return guessNumber(v.String())
	}
	return guessText
}

// guessNumber is the form of a number: that which no type has room for is a text.
func guessNumber(text string) form {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return guessInt
	}
	if _, ok := finite(text); ok && strings.ContainsAny(text, ".eE") {
		return guessFloat
	}
	return guessText
}

// guess appends a value to a column with a type that was guessed.
func (r *Rows) guess(to array.Builder, f *field, v *fastjson.Value, text []byte) error {
	number := v.Type() == fastjson.TypeNumber
	switch f.form {
	case guessInt:
		if number {
			r.buf = v.MarshalTo(r.buf[:0])
			if n, err := strconv.ParseInt(string(r.buf), 10, 64); err == nil {
				to.(*array.Int64Builder).Append(n)
				return nil
			}
		}
	case guessFloat:
		if number {
			r.buf = v.MarshalTo(r.buf[:0])
			text := string(r.buf)
			if x, ok := finite(text); ok && (strings.ContainsAny(text, ".eE") || guessNumber(text) == guessInt) {
				to.(*array.Float64Builder).Append(x)
				return nil
			}
		}
	case guessBool:
		if is := v.Type(); is == fastjson.TypeTrue || is == fastjson.TypeFalse {
			to.(*array.BooleanBuilder).Append(is == fastjson.TypeTrue)
			return nil
		}
	case guessText:
		if v.Type() == fastjson.TypeString {
			appendString(to, text)
		} else {
			r.buf = v.MarshalTo(r.buf[:0])
			appendString(to, r.buf)
		}
		return nil
	}
	return ErrWider
}

// Objects reads messages that are JSON objects, each of them a row. It is not safe for concurrent use.
type Objects struct{ p fastjson.Parser }

// Row reads one message.
func (o *Objects) Row(value []byte) (Row, error) {
	if err := fastjson.ValidateBytes(value); err != nil { // anybody may have written it
		return Row{}, bad("no JSON: %w", err)
	}
	v, err := parse(&o.p, value)
	if err != nil {
		return Row{}, err
	}
	if v.Type() != fastjson.TypeObject {
		return Row{}, bad("it is no JSON object: %.60s", value)
	}
	return Row{json: v}, nil
}
