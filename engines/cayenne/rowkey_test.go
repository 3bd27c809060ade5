package cayenne

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// rowCase is columns, and the bytes that the Rust implementation makes of their rows; see testdata/rowkeys.
type rowCase struct {
	Types   []string    `json:"types"`
	Columns [][]*string `json:"columns"`
	Rows    []string    `json:"rows"`
}

func rowCases(t testing.TB) []rowCase {
	t.Helper()
	b, err := os.ReadFile("testdata/rowkeys/rowkeys.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Cases []rowCase `json:"cases"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || len(doc.Cases) == 0 {
		t.Fatal(len(doc.Cases), err)
	}
	return doc.Cases
}

// batch is the columns of a case in Arrow, and their key.
func (c rowCase) batch(t testing.TB) (arrow.RecordBatch, rowKey) {
	t.Helper()
	types := map[string]arrow.DataType{
		"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64,
		"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16, "uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
		"bool": arrow.FixedWidthTypes.Boolean, "date32": arrow.FixedWidthTypes.Date32, "date64": arrow.FixedWidthTypes.Date64,
		"timestamp_s": &arrow.TimestampType{Unit: arrow.Second}, "timestamp_ms": &arrow.TimestampType{Unit: arrow.Millisecond},
		"timestamp_us": &arrow.TimestampType{Unit: arrow.Microsecond}, "timestamp_ns": &arrow.TimestampType{Unit: arrow.Nanosecond},
		"timestamp_us_zone": &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Zurich"},
		"decimal128":        &arrow.Decimal128Type{Precision: 38, Scale: 2},
		"utf8":              arrow.BinaryTypes.String, "large_utf8": arrow.BinaryTypes.LargeString, "utf8_view": arrow.BinaryTypes.StringView,
		"binary": arrow.BinaryTypes.Binary, "large_binary": arrow.BinaryTypes.LargeBinary,
	}
	var fields []arrow.Field
	var names []string
	for i, n := range c.Types {
		if types[n] == nil {
			t.Fatalf("no type %q", n)
		}
		names = append(names, strconv.Itoa(i))
		fields = append(fields, arrow.Field{Name: names[i], Type: types[n], Nullable: true})
	}
	s := arrow.NewSchema(fields, nil)
	columns := make([]arrow.Array, len(fields))
	for i, f := range fields {
		b := array.NewBuilder(memory.DefaultAllocator, f.Type)
		for _, v := range c.Columns[i] {
			if v == nil {
				b.AppendNull()
				continue
			}
			if err := appendRowValue(b, *v); err != nil {
				t.Fatal(err)
			}
		}
		columns[i] = b.NewArray()
	}
	k, err := newRowKey(s, names)
	if err != nil {
		t.Fatal(err)
	}
	return array.NewRecordBatch(s, columns, int64(len(c.Columns[0]))), k
}

func appendRowValue(b array.Builder, v string) error {
	n, numErr := strconv.ParseInt(v, 10, 64)
	raw, hexErr := hex.DecodeString(v)
	switch b := b.(type) {
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(n))
		return numErr
	case *array.Date32Builder:
		b.Append(arrow.Date32(n))
		return numErr
	case *array.Date64Builder:
		b.Append(arrow.Date64(n))
		return numErr
	case *array.Decimal128Builder:
		d, err := decimal128.FromString(v, 38, 0)
		b.Append(d)
		return err
	case *array.BooleanBuilder:
		b.Append(n == 1)
		return numErr
	case array.StringLikeBuilder:
		b.Append(string(raw))
		return hexErr
	case interface{ Append([]byte) }:
		b.Append(raw)
		return hexErr
	}
	return b.AppendValueFromString(v) // whole numbers
}

// TestRowKeys compares keys with those that the Rust implementation makes of the same rows.
func TestRowKeys(t *testing.T) {
	rows := 0
	for _, c := range rowCases(t) {
		b, k := c.batch(t)
		encoders, err := k.encoders(b)
		if err != nil {
			t.Fatal(err)
		}
		if int(b.NumRows()) != len(c.Rows) {
			t.Fatalf("%v: %d rows, %d keys", c.Types, b.NumRows(), len(c.Rows))
		}
		for row, want := range c.Rows {
			var key []byte
			for _, encode := range encoders {
				key = encode(key, row)
			}
			if got := hex.EncodeToString(key); got != want {
				t.Errorf("%v, row %d: %s, want %s", c.Types, row, got, want)
			}
			if read, ok := k.read(key); !ok || read != string(key) {
				t.Errorf("%v, row %d: not read", c.Types, row)
			}
			for n := range key { // a key that was cut is none, if not one of Spice's own
				if read, ok := k.read(key[:n]); ok && (n != 8 || read == string(key[:n])) {
					t.Errorf("%v, row %d: read when cut to %d bytes", c.Types, row, n)
				}
			}
			if _, ok := k.read(append(key, 0)); ok {
				t.Errorf("%v, row %d: read with one byte more", c.Types, row)
			}
			rows++
		}
	}
	t.Logf("%d keys", rows)
}

// TestPlainInt64Keys reads the keys that Spice writes of a table whose key is one int64.
func TestPlainInt64Keys(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "n", Type: arrow.PrimitiveTypes.Uint64}}, nil)
	k, err := newRowKey(s, []string{"id"})
	if err != nil {
		t.Fatal(err)
	}
	for plain, want := range map[string]string{
		"0000000000000005": "018000000000000005",
		"fffffffffffffffb": "017ffffffffffffffb", // -5
		"8000000000000000": "010000000000000000",
	} {
		b, err := hex.DecodeString(plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := k.read(b); !ok || hex.EncodeToString([]byte(got)) != want {
			t.Errorf("%s: %x, %t", plain, got, ok)
		}
		for _, columns := range [][]string{{"n"}, {"id", "n"}} {
			other, err := newRowKey(s, columns)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := other.read(b); ok {
				t.Errorf("%s is read as a key of %v", plain, columns)
			}
		}
	}
}

// TestKeysThatAreNotRead names the column and the type.
func TestKeysThatAreNotRead(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
		{Name: "twice", Type: arrow.PrimitiveTypes.Int64}, {Name: "twice", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	for _, tt := range []struct {
		columns []string
		kind    engines.Kind
	}{{[]string{"f"}, engines.Invalid}, {[]string{"l"}, engines.Invalid}, {[]string{"twice"}, engines.Corrupt}, {[]string{"none"}, engines.Corrupt}, {nil, engines.Corrupt}} {
		if _, err := newRowKey(s, tt.columns); engines.KindOf(err) != tt.kind {
			t.Errorf("%v: %v", tt.columns, err)
		}
	}
}
