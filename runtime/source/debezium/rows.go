package debezium

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
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

// Batch makes a record batch of rows. The caller releases it. The error names the row and the column.
func (t *Type) Batch(rows []json.RawMessage) (arrow.RecordBatch, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.Schema)
	defer b.Release()
	for i, row := range rows {
		if err := appendFields(b.Fields(), t.fields, row); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return b.NewRecordBatch(), nil
}

// appendFields appends the members of an object.
func appendFields(to []array.Builder, fields []field, object json.RawMessage) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil || members == nil {
		return bad("a row is no object")
	}
	for i, f := range fields {
		v := members[f.Name]
		if absent(v) {
			if !f.Nullable {
				return bad("column %q is NULL or missing, and its schema says that it never is", f.Name)
			}
			to[i].AppendNull()
			continue
		}
		if err := f.append(to[i], v); err != nil {
			return err
		}
	}
	return nil
}

// append appends a value that is not null.
func (f field) append(to array.Builder, v json.RawMessage) error {
	wrong := func() error { return bad("column %q of type %s has %.60s", f.Name, f.Type, v) }
	text := ""
	isText := v[0] == '"'
	if isText {
		if err := json.Unmarshal(v, &text); err != nil {
			return wrong()
		}
		if text == Unavailable || text == unavailableBytes {
			return &UnavailableError{f.Name}
		}
	}
	ok := false
	switch f.form {
	case asNumber:
		ok = appendNumber(to, string(v))
	case asFloat:
		ok = appendFloat(to, string(v), text, isText)
	case asBool:
		if ok = string(v) == "true" || string(v) == "false"; ok {
			to.(*array.BooleanBuilder).Append(v[0] == 't')
		}
	case asText:
		if ok = isText; ok {
			to.(*array.StringBuilder).Append(text)
		}
	case asBase64:
		b, err := base64.StdEncoding.DecodeString(text)
		if ok = isText && err == nil; ok {
			to.(*array.BinaryBuilder).Append(b)
		}
	case asDecimal:
		ok = isText && f.appendDecimal(to, text)
	case asVariable:
		if text, ok = variable(v); ok {
			to.(*array.StringBuilder).Append(text)
		}
	case asZonedInstant:
		at, err := time.Parse(time.RFC3339Nano, text)
		if ok = isText && err == nil; ok {
			to.(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		}
	case asZonedTime:
		at, err := time.Parse("15:04:05.999999999Z07:00", text)
		if ok = isText && err == nil; ok {
			at = at.UTC()
			to.(*array.Time64Builder).Append(arrow.Time64(at.Sub(at.Truncate(24 * time.Hour)).Microseconds()))
		}
	case asList:
		return f.appendList(to.(*array.ListBuilder), v)
	case asStruct:
		s := to.(*array.StructBuilder)
		s.Append(true)
		of := make([]array.Builder, s.NumField())
		for i := range of {
			of[i] = s.FieldBuilder(i)
		}
		return appendFields(of, f.nested, v)
	case asJSON:
		var b bytes.Buffer
		if ok = json.Compact(&b, v) == nil; ok {
			to.(*array.StringBuilder).Append(b.String())
		}
	}
	if !ok {
		return wrong()
	}
	return nil
}

// unavailableBytes is Unavailable in a column of bytes.
var unavailableBytes = base64.StdEncoding.EncodeToString([]byte(Unavailable))

func (f field) appendList(to *array.ListBuilder, v json.RawMessage) error {
	var items []json.RawMessage
	if err := json.Unmarshal(v, &items); err != nil {
		return bad("column %q of type %s has %.60s", f.Name, f.Type, v)
	}
	to.Append(true)
	for _, item := range items {
		if absent(item) {
			to.ValueBuilder().AppendNull()
			continue
		}
		if err := f.nested[0].append(to.ValueBuilder(), item); err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	return nil
}

// appendNumber appends a whole number that the type has room for.
func appendNumber(to array.Builder, text string) bool {
	bits := 64
	switch to.(type) {
	case *array.Int8Builder:
		bits = 8
	case *array.Int16Builder:
		bits = 16
	case *array.Int32Builder, *array.Date32Builder, *array.Time32Builder:
		bits = 32
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return false
	}
	switch to := to.(type) {
	case *array.Int8Builder:
		to.Append(int8(n))
	case *array.Int16Builder:
		to.Append(int16(n))
	case *array.Int32Builder:
		to.Append(int32(n))
	case *array.Int64Builder:
		to.Append(n)
	case *array.Date32Builder:
		to.Append(arrow.Date32(n))
	case *array.Time32Builder:
		to.Append(arrow.Time32(n))
	case *array.Time64Builder:
		to.Append(arrow.Time64(n))
	case *array.TimestampBuilder:
		to.Append(arrow.Timestamp(n))
	default:
		return false
	}
	return true
}

// appendFloat appends a number; what JSON has no number for is a text.
func appendFloat(to array.Builder, raw, text string, isText bool) bool {
	x := math.NaN()
	switch {
	case !isText:
		var err error
		if x, err = strconv.ParseFloat(raw, 64); err != nil {
			return false
		}
	case text == "NaN":
	case text == "Infinity":
		x = math.Inf(1)
	case text == "-Infinity":
		x = math.Inf(-1)
	default:
		return false
	}
	switch to := to.(type) {
	case *array.Float32Builder:
		to.Append(float32(x))
	case *array.Float64Builder:
		to.Append(x)
	}
	return true
}

// unscaled is a number in two's complement, the first byte the highest: its sign is that of the first bit.
func unscaled(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func (f field) appendDecimal(to array.Builder, text string) bool {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	n := unscaled(b)
	switch to := to.(type) {
	case *array.Decimal128Builder:
		if n.BitLen() > 127 {
			return false
		}
		d := decimal128.FromBigInt(n)
		if !d.FitsInPrecision(f.Type.(*arrow.Decimal128Type).Precision) {
			return false
		}
		to.Append(d)
	case *array.Decimal256Builder:
		if n.BitLen() > 255 {
			return false
		}
		d := decimal256.FromBigInt(n)
		if !d.FitsInPrecision(f.Type.(*arrow.Decimal256Type).Precision) {
			return false
		}
		to.Append(d)
	}
	return true
}

// variable is the text of a number that has its scale with it.
func variable(v json.RawMessage) (string, bool) {
	var x struct {
		Scale int32  `json:"scale"`
		Value []byte `json:"value"`
	}
	if err := json.Unmarshal(v, &x); err != nil || x.Scale > 1<<14 || x.Scale < -1<<14 {
		return "", false
	}
	n := unscaled(x.Value)
	if x.Scale <= 0 {
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-x.Scale)), nil))
		return n.String(), true
	}
	digits := new(big.Int).Abs(n).String()
	if pad := int(x.Scale) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	at := len(digits) - int(x.Scale)
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:at] + "." + digits[at:], true
}
