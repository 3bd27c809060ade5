package debezium

import (
	"fmt"
	"strings"
	"testing"
)

// wide is an insert of about 1.2 KB besides its schema: 20 columns, 1 KB of values.
func wide(i int) (key, body, columns string) {
	var cols, vals []string
	add := func(typ, name, value string) {
		cols = append(cols, `{`+typ+`,"optional":true,"field":"`+name+`"}`)
		vals = append(vals, `"`+name+`":`+value)
	}
	add(`"type":"int64"`, "id", fmt.Sprint(i))
	for n := range 6 {
		add(`"type":"string"`, fmt.Sprintf("text_%d", n), `"`+strings.Repeat("abcdefgh", 13)+fmt.Sprint(i)+`"`)
	}
	for n := range 5 {
		add(`"type":"int32"`, fmt.Sprintf("int_%d", n), fmt.Sprint(i*7+n))
	}
	for n := range 3 {
		add(`"type":"double"`, fmt.Sprintf("double_%d", n), fmt.Sprintf("%d.%d", i, n+1))
	}
	add(`"type":"int64","name":"io.debezium.time.MicroTimestamp"`, "created", "1700000000123456")
	add(`"type":"string","name":"io.debezium.time.ZonedTimestamp"`, "updated", `"2023-11-15T00:13:20.123456Z"`)
	add(`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"10"}`, "price", `"AMg="`)
	add(`"type":"boolean"`, "open", "true")
	add(`"type":"int32","name":"io.debezium.time.Date"`, "day", "19000")
	body = `{"before":null,"after":{` + strings.Join(vals, ",") + `},"source":{"version":"2.7.0.Final","connector":"postgresql","name":"shop","ts_ms":1700000000123,"snapshot":"false","db":"shop","sequence":"[\"1\",\"2\"]","schema":"public","table":"t","txId":771,"lsn":33842712,"xmin":null},"op":"c","ts_ms":1700000000124,"transaction":null}`
	return fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"optional":false,"name":"shop.public.t.Key"},"payload":{"id":%d}}`, i), body, strings.Join(cols, ",")
}

// A message of 1.2 KB besides its schema must be read in less than 5 us, of one core.
func BenchmarkDecode(b *testing.B) {
	for _, format := range []string{"schemas", "plain", "avro"} {
		b.Run(format, func(b *testing.B) {
			var keys, values [][]byte
			size := 0
			for i := range 1000 {
				key, body, cols := wide(i)
				v := []byte(body)
				if format == "schemas" {
					v = value(cols, body)
				}
				keys, values = append(keys, []byte(key)), append(values, v)
				size += len(body)
			}
			event := NewReader().Event
			if format == "avro" {
				event, keys, values, size = wideAvro(b)
			}
			b.SetBytes(int64(size / 1000))
			b.ReportAllocs()
			var rows *Rows
			for i := 0; b.Loop(); i++ {
				e, err := event(keys[i%1000], values[i%1000])
				if err != nil {
					b.Fatal(err)
				}
				if rows == nil {
					typ := e.Type
					if typ == nil {
						if typ, err = Guessed(nil, false).Widen(e.Row); err != nil {
							b.Fatal(err)
						}
					}
					rows = NewRows(typ)
				}
				if err := rows.Append(e.Row, false); err != nil {
					b.Fatal(err)
				}
				if rows.Len() == 10000 {
					rows.Batch().Release()
				}
			}
			rows.Release()
		})
	}
}
