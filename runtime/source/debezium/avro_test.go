package debezium

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
)

// registry has schemas by their number.
type registry map[int]string

func (r registry) Schema(_ context.Context, id int) (string, error) {
	if s, ok := r[id]; ok {
		return s, nil
	}
	return "", errors.New("no such schema")
}

// wire encodes a value as the Avro converter does.
func wire(t testing.TB, id int, schema string, v any) []byte {
	t.Helper()
	s, err := avro.ParseWithCache(schema, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := avro.Config{}.Freeze().Marshal(s, v) // the default one confuses records of the same name
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), b...)
}

// envelopeOf is the schema that the converter registers for events with rows of the fields given.
func envelopeOf(fields string) string {
	return `{"type":"record","name":"Envelope","namespace":"shop.public.t","fields":[
	{"name":"before","type":["null",{"type":"record","name":"Value","fields":[` + fields + `],"connect.name":"shop.public.t.Value"}],"default":null},
	{"name":"after","type":["null","Value"],"default":null},
	{"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql","fields":[
		{"name":"version","type":"string"},{"name":"connector","type":"string"},{"name":"ts_ms","type":"long"},
		{"name":"snapshot","type":[{"type":"string","connect.version":1,"connect.parameters":{"allowed":"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},"connect.default":"false","connect.name":"io.debezium.data.Enum"},"null"],"default":"false"},
		{"name":"lsn","type":["null","long"],"default":null}],"connect.name":"io.debezium.connector.postgresql.Source"}},
	{"name":"transaction","type":["null",{"type":"record","name":"block","namespace":"event","fields":[{"name":"id","type":"string"},{"name":"total_order","type":"long"}],"connect.version":1,"connect.name":"event.block"}],"default":null},
	{"name":"op","type":"string"},
	{"name":"ts_ms","type":["null","long"],"default":null}],"connect.version":2,"connect.name":"shop.public.t.Envelope"}`
}

// valueName is the full name of the record of rows, as unions of hamba/avro name it.
const valueName = "shop.public.t.Value"

func event(op, snapshot string, before, after map[string]any) map[string]any {
	row := func(m map[string]any) any {
		if m == nil {
			return nil
		}
		return map[string]any{valueName: m}
	}
	return map[string]any{"before": row(before), "after": row(after), "op": op, "ts_ms": map[string]any{"long": int64(1700000000124)}, "transaction": nil,
		"source": map[string]any{"version": "2.7.0.Final", "connector": "postgresql", "ts_ms": int64(1700000000123),
			"snapshot": map[string]any{"string": snapshot}, "lsn": nil}}
}

// wideAvro is what wide is, in Avro.
func wideAvro(b *testing.B) (func(key, value []byte) (Event, error), [][]byte, [][]byte, int) {
	var fields []string
	add := func(name, typ string) {
		fields = append(fields, `{"name":"`+name+`","type":["null",`+typ+`],"default":null}`)
	}
	add("id", `"long"`)
	row := func(i int) map[string]any {
		m := map[string]any{"id": map[string]any{"long": int64(i)}, "open": map[string]any{"boolean": true}}
		for n := range 6 {
			m[fmt.Sprintf("text_%d", n)] = map[string]any{"string": strings.Repeat("abcdefgh", 13) + fmt.Sprint(i)}
		}
		for n := range 5 {
			m[fmt.Sprintf("int_%d", n)] = map[string]any{"int": i*7 + n}
		}
		for n := range 3 {
			m[fmt.Sprintf("double_%d", n)] = map[string]any{"double": float64(i) + 0.5}
		}
		return m
	}
	for n := range 6 {
		add(fmt.Sprintf("text_%d", n), `"string"`)
	}
	for n := range 5 {
		add(fmt.Sprintf("int_%d", n), `"int"`)
	}
	for n := range 3 {
		add(fmt.Sprintf("double_%d", n), `"double"`)
	}
	add("open", `"boolean"`)
	keySchema := `{"type":"record","name":"Key","namespace":"shop.public.t","fields":[{"name":"id","type":"long"}]}`
	schema := envelopeOf(strings.Join(fields, ","))
	r := NewAvroReader(registry{1: keySchema, 2: schema})
	var keys, values [][]byte
	size := 0
	for i := range 1000 {
		keys = append(keys, wire(b, 1, keySchema, map[string]any{"id": int64(i)}))
		values = append(values, wire(b, 2, schema, event("c", "false", nil, row(i))))
		size += len(values[i])
	}
	return func(key, value []byte) (Event, error) { return r.Event(context.Background(), key, value) }, keys, values, size
}

func TestAvroEvents(t *testing.T) {
	keySchema := `{"type":"record","name":"Key","namespace":"shop.public.t","fields":[{"name":"id","type":"int"}],"connect.name":"shop.public.t.Key"}`
	schema := envelopeOf(`{"name":"id","type":"int"},{"name":"name","type":["null","string"],"default":null}`)
	flat := `{"type":"record","name":"Value","fields":[{"name":"id","type":"int"}]}`
	r := NewAvroReader(registry{1: keySchema, 2: schema, 3: flat, 4: `"string"`, 5: `{"type":"nothing"}`,
		6: `{"type":"record","name":"R","fields":[{"name":"r","type":"R"},{"name":"op","type":"string"}]}`,
		7: `{"type":"record","name":"E","fields":[{"name":"after","type":{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}},{"name":"op","type":"string"}]}`})
	row := func(id int, name string) map[string]any {
		return map[string]any{"id": id, "name": map[string]any{"string": name}}
	}
	key := wire(t, 1, keySchema, map[string]any{"id": 1})
	good := wire(t, 2, schema, event("c", "last", nil, row(1, "a")))
	for _, tt := range []struct {
		name, row, before, fails string
		key, value               []byte
		op                       Op
		snapshot, tombstone      bool
	}{
		{name: "insert", key: key, value: good, op: Create, row: `{"id":1,"name":"a"}`},
		{name: "read", key: key, value: wire(t, 2, schema, event("r", "true", nil, row(1, "a"))), op: Read, row: `{"id":1,"name":"a"}`, snapshot: true},
		{name: "update", key: key, value: wire(t, 2, schema, event("u", "false", row(1, "a"), row(1, "b"))), op: Update, row: `{"id":1,"name":"b"}`, before: `{"id":1,"name":"a"}`},
		{name: "delete", key: key, value: wire(t, 2, schema, event("d", "false", row(1, "a"), nil)), op: Delete, row: `{"id":1,"name":"a"}`},
		{name: "delete by its key", key: key, value: wire(t, 2, schema, event("d", "false", nil, nil)), op: Delete, row: `{"id":1}`},
		{name: "truncate", value: wire(t, 2, schema, event("t", "false", nil, nil)), op: Truncate},
		{name: "tombstone", key: key, tombstone: true},
		{name: "delete without a row", value: wire(t, 2, schema, event("d", "false", nil, nil)), fails: "the delete has no row"},
		{name: "flattened", value: wire(t, 3, flat, map[string]any{"id": 1}), fails: "ExtractNewRecordState"},
		{name: "a text", value: wire(t, 4, `"string"`, "x"), fails: "not a record"},
		{name: "no Avro", value: []byte(`{"op":"c"}`), fails: "number of a schema"},
		{name: "short", value: good[:len(good)-3], fails: "does not go with its schema"},
		{name: "long", value: append(good[:len(good):len(good)], 0), fails: "does not go with its schema"},
		{name: "a schema of itself, without end", value: []byte{0, 0, 0, 0, 6, 0}, fails: "after or before"},
		{name: "rows of themselves", value: []byte{0, 0, 0, 0, 7, 0, 2, 'c'}, fails: "nests deeper"},
		{name: "a schema that is none", value: []byte{0, 0, 0, 0, 5, 0}, fails: "schema 5"},
	} {
		e, err := r.Event(t.Context(), tt.key, tt.value)
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
		if e.Tombstone != tt.tombstone || e.Op != tt.op || e.Row.String() != tt.row || e.Before.String() != tt.before || e.Snapshot != tt.snapshot {
			t.Errorf("%s: %+v row %s", tt.name, e, e.Row)
		}
		if !tt.tombstone && (e.Type == nil || e.At.UnixMilli() != 1700000000124) {
			t.Errorf("%s: type %v at %v", tt.name, e.Type, e.At)
		}
		if tt.key != nil && (len(e.Keys) != 1 || e.Keys[0] != "id") {
			t.Errorf("%s: keys %v", tt.name, e.Keys)
		}
	}
	if _, err := r.Event(t.Context(), nil, []byte{0, 0, 0, 0, 9}); err == nil || errors.Is(err, ErrEvent) {
		t.Errorf("unknown schema: %v", err)
	}
	e, err := r.Event(t.Context(), key, wire(t, 2, schema, event("d", "false", nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	rows := NewRows(e.Type)
	defer rows.Release()
	if err := rows.Append(e.Row, true); err != nil {
		t.Fatal(err)
	}
	b := rows.Batch()
	defer b.Release()
	if b.Column(0).ValueStr(0) != "1" || !b.Column(1).IsNull(0) {
		t.Errorf("delete by its key: %v", b)
	}
}

// The type map, as the converter writes it.
func TestAvroTypes(t *testing.T) {
	named := func(typ, name string) string {
		return `{"type":"` + typ + `","connect.version":1,"connect.name":"` + name + `"}`
	}
	decimal := `{"type":"bytes","scale":2,"precision":10,"connect.version":1,"connect.parameters":{"scale":"2","connect.decimal.precision":"10"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}`
	for _, tt := range []struct {
		typ   string
		value any
		arrow string
		want  string
	}{
		{`"int"`, map[string]any{"int": -7}, "int32", "-7"},
		{`{"type":"int","connect.type":"int16"}`, map[string]any{"int": -7}, "int16", "-7"},
		{`{"type":"int","connect.type":"int16"}`, map[string]any{"int": 40000}, "int16", "error"},
		{`{"type":"int","connect.type":"int8"}`, map[string]any{"int": 127}, "int8", "127"},
		{`"long"`, map[string]any{"long": int64(1) << 62}, "int64", "4611686018427387904"},
		{`"float"`, map[string]any{"float": float32(0.1)}, "float32", "0.1"},
		{`"double"`, map[string]any{"double": 1e300}, "float64", "1e+300"},
		{`"boolean"`, map[string]any{"boolean": true}, "bool", "true"},
		{`"string"`, map[string]any{"string": "ä\x00"}, "utf8", "ä\x00"},
		{`"string"`, map[string]any{"string": Unavailable}, "utf8", "error"},
		{`"string"`, map[string]any{"string": "\xff"}, "utf8", "error"},
		{`"bytes"`, map[string]any{"bytes": []byte{0, 255}}, "binary", "AP8="},
		{named("int", "io.debezium.time.Date"), map[string]any{"int": -1}, "date32", "1969-12-31"},
		{named("long", "io.debezium.time.MicroTimestamp"), map[string]any{"long": int64(1700000000123456)}, "timestamp[us]", "2023-11-14T22:13:20.123456"},
		{named("long", "io.debezium.time.Timestamp"), map[string]any{"long": int64(-1)}, "timestamp[ms]", "1969-12-31T23:59:59.999"},
		{named("long", "io.debezium.time.MicroTime"), map[string]any{"long": int64(1)}, "time64[us]", "00:00:00.000001"},
		{named("string", "io.debezium.time.ZonedTimestamp"), map[string]any{"string": "2023-11-15T00:13:20.123456+02:00"}, "timestamp[us, tz=UTC]", "2023-11-14T22:13:20.123456Z"},
		{named("string", "io.debezium.data.Uuid"), map[string]any{"string": "5f0c"}, "utf8", "5f0c"},
		{`{"type":"int","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Date","logicalType":"date"}`, map[string]any{"int.date": time.UnixMilli(-86400000)}, "date32", "1969-12-31"},
		{`{"type":"long","logicalType":"timestamp-micros"}`, map[string]any{"long.timestamp-micros": time.UnixMicro(1)}, "timestamp[us]", "1970-01-01T00:00:00.000001"},
		{`{"type":"array","items":["null","int"]}`, map[string]any{"array": []any{map[string]any{"int": 1}, nil, map[string]any{"int": -3}}}, "list<item: int32, nullable>", "[1,null,-3]"},
		{`{"type":"record","name":"Point","namespace":"g","fields":[{"name":"x","type":"double"},{"name":"wkb","type":["null","bytes"]}],"connect.name":"io.debezium.data.geometry.Point"}`,
			map[string]any{"g.Point": map[string]any{"x": 1.5, "wkb": nil}}, "struct<x: float64, wkb: binary nullable>", `{"wkb":null,"x":1.5}`},
		{`{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}],"connect.version":1,"connect.name":"io.debezium.data.VariableScaleDecimal"}`,
			map[string]any{"io.debezium.data.VariableScaleDecimal": map[string]any{"scale": 3, "value": []byte{0xff}}}, "utf8", "-0.001"},
		{`{"type":"map","values":"string"}`, map[string]any{"map": map[string]any{"a": "1"}}, "utf8", `{"a":"1"}`},
		{`{"type":"enum","name":"E","namespace":"g","symbols":["A","B"]}`, map[string]any{"g.E": "B"}, "utf8", "B"},
		{`"string"`, nil, "utf8", "(null)"},
	} {
		schema := envelopeOf(`{"name":"c","type":["null",` + tt.typ + `],"default":null}`)
		r := NewAvroReader(registry{1: schema})
		e, err := r.Event(t.Context(), nil, wire(t, 1, schema, event("c", "false", nil, map[string]any{"c": tt.value})))
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		b, err := e.Type.Batch([]Row{e.Row})
		if tt.want == "error" {
			if err == nil || !strings.Contains(err.Error(), `"c"`) {
				t.Errorf("%s: %v", tt.typ, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		if got := b.Schema().Field(0).Type.String(); got != tt.arrow {
			t.Errorf("%s is %s, want %s", tt.typ, got, tt.arrow)
		}
		if got := b.Column(0).ValueStr(0); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.typ, got, tt.want)
		}
		b.Release()
	}
	// hamba/avro wants a number for a decimal; these are the bytes that the converter writes.
	schema := envelopeOf(`{"name":"c","type":` + decimal + `}`)
	b := []byte{0, 0, 0, 0, 1, 0, 2, 4, 0xff, 0x38, 2, 'x', 2, 'p', 0, 2, 0, 0, 2, 'c', 0}
	e, err := NewAvroReader(registry{1: schema}).Event(t.Context(), nil, b)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := e.Type.Batch([]Row{e.Row})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if got := rec.Column(0).ValueStr(0); got != "-2" || rec.Schema().Field(0).Type.String() != "decimal(10, 2)" {
		t.Errorf("decimal: %s of %s", got, rec.Schema())
	}
}

// Whatever the bytes are, they are read as a row, or refused.
func FuzzAvroEvent(f *testing.F) {
	fields := `{"name":"id","type":"int"},{"name":"l","type":["null",{"type":"array","items":["null","string"]}]},{"name":"m","type":{"type":"map","values":"long"}},
	{"name":"d","type":{"type":"bytes","scale":2,"precision":10,"logicalType":"decimal"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"x","type":["double","null"]},
	{"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"s","type":{"type":"record","name":"S","fields":[{"name":"a","type":"boolean"},{"name":"b","type":"float"}]}}`
	all := registry{0: envelopeOf(fields), 1: `{"type":"record","name":"Key","fields":[{"name":"x","type":["double","null"]},{"name":"id","type":"int"}]}`,
		2: `{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]},{"name":"op","type":"string"}]}`}
	f.Add([]byte{0, 0, 0, 0, 1, 2, 4}, []byte{0, 0, 0, 0, 0, 2, 4, 2, 2, 2, 2, 'a', 0, 0, 2, 7, 0, 2, 1, 2, 3, 1, 0, 0, 0, 0, 2, 'x', 2, 'p', 0, 2, 0, 0, 2, 'd', 0})
	f.Add([]byte{0, 0, 0, 0, 1, 2, 4}, []byte{0, 0, 0, 0, 0, 0, 0, 2, 'x', 2, 'p', 0, 2, 0, 0, 2, 'd', 0})
	f.Add([]byte(nil), []byte{0, 0, 0, 0, 2, 2, 2, 2, 2, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, err := NewAvroReader(all).Event(t.Context(), key, value)
		if err != nil || e.Row.None() {
			return
		}
		_ = e.Row.String()
		rows := NewRows(e.Type)
		defer rows.Release()
		if rows.Append(e.Row, e.Op == Delete) != nil {
			return
		}
		b := rows.Batch()
		defer b.Release()
		if b.NumRows() != 1 {
			t.Errorf("%d rows", b.NumRows())
		}
	})
}
