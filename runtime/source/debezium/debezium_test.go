package debezium

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
)

// schema is that of a value with the columns given.
func schema(columns string) string {
	row := `{"type":"struct","optional":true,"name":"s.public.t.Value","fields":[` + columns + `]`
	return `{"type":"struct","fields":[` + row + `,"field":"before"},` + row + `,"field":"after"},{"type":"struct","fields":[{"type":"string","field":"any"}],"field":"source"},{"type":"string","field":"op"}]}`
}

func value(columns, body string) []byte {
	return []byte(`{"schema":` + schema(columns) + `,"payload":` + body + `}`)
}

// object is a row.
func object(t *testing.T, text string) Row {
	t.Helper()
	row, err := new(Objects).Row([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

const keyed = `{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":false,"field":"region"}]},"payload":{"id":1,"region":"eu"}}`

const plain = `{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"}`

func TestEvents(t *testing.T) {
	r := NewReader()
	for _, tt := range []struct {
		name, key, value string
		op               Op
		row, before      string
		keys             []string
		tombstone        bool
		fails            string
	}{
		{name: "insert", key: keyed, value: string(value(plain, `{"before":null,"after":{"id":1,"name":"a"},"source":{"db":"x"},"op":"c","ts_ms":1700000000123}`)),
			op: Create, row: `{"id":1,"name":"a"}`, keys: []string{"id", "region"}},
		{name: "update", value: string(value(plain, `{"before":{"id":1},"after":{"id":1,"name":"b"},"op":"u"}`)), op: Update, row: `{"id":1,"name":"b"}`, before: `{"id":1}`},
		{name: "delete", value: string(value(plain, `{"before":{"id":1},"after":null,"op":"d"}`)), op: Delete, row: `{"id":1}`},
		{name: "read", value: string(value(plain, `{"after":{"id":1},"op":"r"}`)), op: Read, row: `{"id":1}`},
		{name: "truncate", value: string(value(plain, `{"op":"t"}`)), op: Truncate},
		{name: "message", value: `{"op":"m","message":{"prefix":"x"}}`, op: Message},
		{name: "no schemas", key: `{"b":2,"a":{"x":[1]}}`, value: `{"before":null,"after":{"id":1},"op":"c"}`, op: Create, row: `{"id":1}`, keys: []string{"b", "a"}},
		{name: "tombstone", key: keyed, keys: []string{"id", "region"}, tombstone: true},
		{name: "null", key: `null`, value: ` null `, tombstone: true},
		{name: "delete without a row", value: `{"before":null,"after":null,"op":"d"}`, fails: "the delete has no row"},
		{name: "no op", value: `{"a":1}`, fails: `op is ""`},
		{name: "another op", value: `{"op":"x"}`, fails: `op "x" is not known`},
		{name: "no JSON", value: `{"op":`, fails: "no JSON"},
		{name: "a number", value: `7`, fails: "it is no object"},
		{name: "a key that is none", key: `[1]`, value: `{"op":"t"}`, fails: "key"},
		{name: "type unknown", value: string(value(`{"type":"int128","field":"x"}`, `{"after":{"x":1},"op":"c"}`)), fails: `"int128"`},
	} {
		e, err := r.Event([]byte(tt.key), []byte(tt.value))
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) || !errors.Is(err, ErrEvent) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if e.Tombstone != tt.tombstone || e.Op != tt.op && !tt.tombstone || e.Row.String() != tt.row || e.Before.String() != tt.before || !cmp.Equal(e.Keys, tt.keys) {
			t.Errorf("%s: %+v", tt.name, e)
		}
		if (e.Type == nil) != (!strings.Contains(tt.value, "schema")) {
			t.Errorf("%s: type %v", tt.name, e.Type)
		}
		if tt.name == "insert" && e.At.UnixMilli() != 1700000000123 {
			t.Errorf("at %v", e.At)
		}
	}
}

// The type map, with the values that go wrong elsewhere: negative decimals, times in zones, the ends of ranges.
func TestTypes(t *testing.T) {
	decimal := func(precision, scale string) string {
		return `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"` + scale + `","connect.decimal.precision":"` + precision + `"}`
	}
	for _, tt := range []struct{ column, typ, value, want string }{
		{`"type":"int8"`, "int8", `-128`, "-128"},
		{`"type":"int16"`, "int16", `32767`, "32767"},
		{`"type":"int16"`, "int16", `32768`, "error"},
		{`"type":"int32"`, "int32", `-2147483648`, "-2147483648"},
		{`"type":"int64"`, "int64", `9223372036854775807`, "9223372036854775807"},
		{`"type":"int64"`, "int64", `1.5`, "error"},
		{`"type":"float"`, "float32", `0.1`, "0.1"},
		{`"type":"double"`, "float64", `1e300`, "1e+300"},
		{`"type":"double"`, "float64", `"NaN"`, "NaN"},
		{`"type":"double"`, "float64", `"-Infinity"`, "-Inf"},
		{`"type":"double"`, "float64", `"x"`, "error"},
		{`"type":"boolean"`, "bool", `true`, "true"},
		{`"type":"boolean"`, "bool", `1`, "error"},
		{`"type":"string"`, "utf8", `"ä\u0000"`, "ä\x00"},
		{`"type":"string"`, "utf8", `5`, "error"},
		{`"type":"string"`, "utf8", `"__debezium_unavailable_value"`, "error"},
		{`"type":"bytes"`, "binary", `"AP8="`, "AP8="},
		{`"type":"bytes"`, "binary", `"?"`, "error"},
		{decimal("10", "2"), "decimal(10, 2)", `"AMg="`, "2"},
		{decimal("10", "2"), "decimal(10, 2)", `"/zg="`, "-2"},    // -200: ff38
		{decimal("10", "2"), "decimal(10, 2)", `"gA=="`, "-1.28"}, // one byte, its sign in it
		{decimal("10", "2"), "decimal(10, 2)", `""`, "0"},
		{decimal("3", "0"), "decimal(3, 0)", `"BAA="`, "error"}, // 1024
		{decimal("50", "1"), "decimal256(50, 1)", `"/w=="`, "-0.1"},
		{decimal("90", "1"), "", `"/w=="`, "refused"},
		{decimal("5", "x"), "", `"/w=="`, "refused"},
		{`"type":"struct","name":"io.debezium.data.VariableScaleDecimal"`, "utf8", `{"scale":3,"value":"/w=="}`, "-0.001"},
		{`"type":"struct","name":"io.debezium.data.VariableScaleDecimal"`, "utf8", `{"scale":-2,"value":"Bw=="}`, "700"},
		{`"type":"int32","name":"io.debezium.time.Date"`, "date32", `-1`, "1969-12-31"},
		{`"type":"int32","name":"io.debezium.time.Time"`, "time32[ms]", `3661001`, "01:01:01.001"},
		{`"type":"int64","name":"io.debezium.time.MicroTime"`, "time64[us]", `1`, "00:00:00.000001"},
		{`"type":"int64","name":"io.debezium.time.Timestamp"`, "timestamp[ms]", `-1`, "1969-12-31T23:59:59.999"},
		{`"type":"int64","name":"io.debezium.time.MicroTimestamp"`, "timestamp[us]", `1700000000123456`, "2023-11-14T22:13:20.123456"},
		{`"type":"int64","name":"io.debezium.time.NanoTimestamp"`, "timestamp[ns]", `1`, "1970-01-01T00:00:00.000000001"},
		{`"type":"string","name":"io.debezium.time.ZonedTimestamp"`, "timestamp[us, tz=UTC]", `"2023-11-15T00:13:20.123456+02:00"`, "2023-11-14T22:13:20.123456Z"},
		{`"type":"string","name":"io.debezium.time.ZonedTimestamp"`, "timestamp[us, tz=UTC]", `"infinity"`, "error"},
		{`"type":"string","name":"io.debezium.time.ZonedTime"`, "time64[us]", `"23:30:00.5-02:00"`, "01:30:00.500000"},
		{`"type":"string","name":"io.debezium.data.Uuid"`, "utf8", `"5f0c"`, "5f0c"},
		{`"type":"array","items":{"type":"int32","optional":true}`, "list<item: int32, nullable>", `[1,null,-3]`, "[1,null,-3]"},
		{`"type":"array"`, "", `[]`, "refused"},
		{`"type":"struct","fields":[{"type":"double","field":"x"},{"type":"string","optional":true,"field":"wkb"}]`, "struct<x: float64, wkb: utf8 nullable>", `{"x":1.5}`, `{"wkb":null,"x":1.5}`},
		{`"type":"map"`, "utf8", `{ "a": 1 }`, `{"a":1}`},
		{`"type":"int32"`, "int32", `null`, "(null)"},
	} {
		r := NewReader()
		optional := `,"optional":true`
		e, err := r.Event(nil, value(`{`+tt.column+optional+`,"field":"c"}`, `{"op":"c","after":{"c":`+tt.value+`}}`))
		if tt.want == "refused" {
			if err == nil || !strings.Contains(err.Error(), `"c"`) {
				t.Errorf("%s: %v", tt.column, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.column, err)
			continue
		}
		b, err := e.Type.Batch([]Row{e.Row})
		if tt.want == "error" {
			if err == nil || !strings.Contains(err.Error(), `"c"`) {
				t.Errorf("%s of %s: %v", tt.value, tt.column, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s of %s: %v", tt.value, tt.column, err)
			continue
		}
		if got := b.Schema().Field(0).Type.String(); got != tt.typ {
			t.Errorf("%s is %s, want %s", tt.column, got, tt.typ)
		}
		if got := b.Column(0).ValueStr(0); got != tt.want {
			t.Errorf("%s of %s is %s, want %s", tt.value, tt.column, got, tt.want)
		}
		b.Release()
	}
}

func TestMissingColumns(t *testing.T) {
	r := NewReader()
	e, err := r.Event(nil, value(plain, `{"op":"c","after":{"id":3,"later":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Type.Batch([]Row{e.Row})
	if err != nil || !b.Column(1).IsNull(0) {
		t.Errorf("%v, %v", b, err)
	}
	_, err = e.Type.Batch([]Row{e.Row, object(t, `{"name":"x"}`)})
	if err == nil || !strings.Contains(err.Error(), "row 1") || !strings.Contains(err.Error(), `"id"`) {
		t.Error(err)
	}
	_, err = e.Type.Batch([]Row{object(t, `{"id":1,"name":"`+Unavailable+`"}`)})
	var u *UnavailableError
	if !errors.As(err, &u) || u.Column != "name" {
		t.Error(err)
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(keyed), value(plain, `{"before":{"id":1},"after":{"id":1,"name":"b"},"op":"u","ts_ms":5}`))
	f.Add([]byte(`{"id":1}`), []byte(`{"after":{"id":1},"op":"c"}`))
	f.Add([]byte(nil), value(`{"type":"array","items":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},"field":"d"}`, `{"op":"c","after":{"d":["/zg="]}}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r := NewReader()
		e, err := r.Event(key, value)
		again, err2 := r.Event(key, value) // with what it remembers
		if (err == nil) != (err2 == nil) || err == nil && (e.Op != again.Op || e.Type != again.Type || e.Tombstone != again.Tombstone) {
			t.Errorf("%+v, %v; then %+v, %v", e, err, again, err2)
		}
		e = again
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Errorf("%v", err)
			}
			return
		}
		if e.Type == nil && !e.Row.None() {
			if e.Type, err = Guessed(nil, len(value)%2 == 0).Widen(e.Row); err != nil {
				t.Fatalf("widen: %v", err)
			}
		}
		if e.Type == nil || e.Row.None() {
			return
		}
		guessed := e.Type.Guessed()
		b, err := e.Type.Batch([]Row{e.Row})
		if err != nil && guessed && !errors.As(err, new(*UnavailableError)) {
			t.Errorf("a type that was made for the row: %v", err)
		}
		if err == nil {
			if b.NumRows() != 1 {
				t.Errorf("%d rows", b.NumRows())
			}
			b.Release()
		}
	})
}

// Values of columns are those that encoding/json reads.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{`"a\u00e4\n\\"`, `"\ud83d\ude00"`, `-1.5e3`, `[1,{"a":"b\""}]`, `{"x":null}`, `9223372036854775808`, `"\/"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(`{"c":` + text + `}`))
		d.UseNumber()
		fails := d.Decode(&want) != nil || d.More() || len(want) != 1
		row, err := new(Objects).Row([]byte(`{"c":` + text + `}`))
		if err != nil || fails || strings.Contains(text, `\u`) || !utf8.ValidString(text) {
			control := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) // which texts may have
			if err == nil && fails && utf8.ValidString(text) && !control && !json.Valid([]byte(`{"c":`+text+`}`)) {
				t.Errorf("%q is no JSON, and is read", text)
			}
			return
		}
		typ, err := Guessed(nil, false).Widen(row)
		if err != nil {
			t.Fatal(err)
		}
		b, err := typ.Batch([]Row{row})
		if err != nil {
			if !errors.As(err, new(*UnavailableError)) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		defer b.Release()
		if want["c"] == nil {
			if b.NumCols() != 0 {
				t.Errorf("%q has a column", text)
			}
			return
		}
		got := b.Column(0).ValueStr(0)
		switch x := want["c"].(type) {
		case string:
			if got != x {
				t.Errorf("%q is %q, want %q", text, got, x)
			}
		case bool:
			if got != strconv.FormatBool(x) {
				t.Errorf("%q is %q", text, got)
			}
		case json.Number:
			if a, ok := b.Column(0).(*array.Float64); ok {
				if y, err := x.Float64(); err != nil || y != a.Value(0) {
					t.Errorf("%q is %v", text, a.Value(0))
				}
			} else if y, err := strconv.ParseInt(got, 10, 64); err == nil && strconv.FormatInt(y, 10) != strings.Replace(string(x), "-0", "0", 1) || err != nil && got != string(x) {
				t.Errorf("%q is %q", text, got)
			}
		default:
			var same any
			e := json.NewDecoder(strings.NewReader(got))
			e.UseNumber()
			if err := e.Decode(&same); err != nil || !cmp.Equal(same, x) {
				t.Errorf("%q is %q", text, got)
			}
		}
	})
}
