package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pitwall/runtime/source"
)

// everything is a stream with all operations, and the rows that they make.
func everything() ([]event, []string) {
	a, b, c := &row{1, "a"}, &row{2, "b"}, &row{1, "c"}
	return []event{
		{op: "r", after: a, snapshot: "first"}, {op: "r", after: b, snapshot: "last"},
		{op: "u", before: a, after: c}, {op: "m"}, {op: "d", before: b}, {op: "d", before: b, tombstone: true},
		{op: "c", after: b}, {op: "t"}, {op: "c", after: &row{id: 3}}, {op: "u", after: &row{3, "x"}}, {op: "d", before: &row{id: 3}},
	}, []string{"r 1 a", "r 2 b", "u 1 c", "d 2 b", "c 2 b", "t - -", "c 3 -", "u 3 x", "d 3 -"}
}

func TestEveryOperation(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		events, want := everything()
		b.send(enc, 0, events...)
		f := b.follow(b.source(Debezium, enc.params...), nil)
		defer f.close()
		c, err := f.Next(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		per := []int{1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1}
		for i, r := range c.Records {
			if r.Offset != int64(i) || r.Partition != 0 || r.Rows != per[i] || !events[i].tombstone && r.At.UnixMilli() != 1700000000123 || events[i].tombstone != (r.Value == nil) {
				b.t.Errorf("record %d: %+v", i, r)
			}
		}
		g := words(c)
		if diff := cmp.Diff(want, g.rows); diff != "" {
			b.t.Error(diff)
		}
		if g.keys != "id" || g.schema != enc.schema || len(c.Records) != len(events) || !g.caughtUp {
			b.t.Errorf("%+v", g)
		}
		if s := f.Standing(); s.Ends[0] != 11 || s.Next[0] != 11 {
			b.t.Errorf("standing %+v", s)
		}
	})
}

// A stream that is begun anew at any of its positions goes on where it was, with batches of every size.
func TestEveryPosition(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		events, want := everything()
		b.send(enc, 0, events...)
		for _, size := range []string{"1", "3", "100"} {
			s := b.source(Debezium, append([]string{"batch_max_size", size}, enc.params...)...)
			whole := b.follow(s, nil)
			var before []string
			for {
				c, err := whole.Next(b.t.Context())
				if err != nil {
					b.t.Fatal(err)
				}
				rows := 0
				g := words(c)
				for n := 0; n <= len(c.Records); n++ {
					if n > 0 {
						rows += c.Records[n-1].Rows
					}
					rest := b.follow(s, g.after(n))
					got := slices.Concat(before, g.rows[:rows])
					more, _ := rest.all()
					rest.close()
					if diff := cmp.Diff(want, append(got, more...)); diff != "" {
						b.t.Errorf("batches of %s, begun anew at %s: %s", size, g.after(n), diff)
					}
				}
				if before = append(before, g.rows...); g.caughtUp {
					break
				}
			}
			whole.close()
			if diff := cmp.Diff(want, before); diff != "" {
				b.t.Errorf("batches of %s: %s", size, diff)
			}
		}
	})
}

// Messages that can't be understood are told when all before them are delivered, whatever their place in a batch, and
// what follows them can be read.
func TestPoison(t *testing.T) {
	poison := func(enc encoding) (key, value []byte) {
		key, value = enc.encode(t, insert(9, "x"))
		return key, append(value[:len(value)-1:len(value)-1], 0xff)
	}
	eachEncoding(t, func(b *broker, enc encoding) {
		good := []event{insert(1, "a"), insert(2, "b"), insert(3, "c")}
		rows := []string{"c 1 a", "c 2 b", "c 3 c"}
		begin := int64(0)
		for at := range 4 {
			for i := range 4 {
				if i == at {
					key, value := poison(enc)
					b.putKeyed(0, key, value)
				}
				if i < 3 {
					b.send(enc, 0, good[i])
				}
			}
			s := b.source(Debezium, enc.params...)
			f := b.follow(s, position{Topic: topic, Offsets: map[int32]int64{0: begin}, SnapshotEnded: true}.marshal())
			if at > 0 {
				if g := f.next(); !slices.Equal(g.rows, rows[:at]) || g.caughtUp {
					b.t.Errorf("before %d: %+v", at, g)
				}
			}
			_, err := f.Next(b.t.Context())
			var r *source.RecordError
			if !errors.As(err, &r) || r.Record.Offset != begin+int64(at) || len(r.Record.Value) == 0 || !strings.Contains(r.Place, fmt.Sprintf("topic shop.public.t, partition 0, offset %d", begin+int64(at))) || r.Hint == "" {
				b.t.Fatalf("at %d: %v", at, err)
			}
			if _, again := f.Next(b.t.Context()); again != err {
				b.t.Errorf("the feed goes on: %v", again)
			}
			f.close()
			f = b.follow(s, r.After)
			if got, _ := f.all(); !slices.Equal(got, rows[at:]) {
				b.t.Errorf("behind %d: %v", at, got)
			}
			f.close()
			begin += 4
		}
	})
}

func TestWithoutPrimaryKey(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		b.send(enc, 0, event{op: "c", after: &row{1, "a"}, keyless: true}, event{op: "u", before: &row{1, "a"}, after: &row{1, "b"}, keyless: true},
			event{op: "d", before: &row{1, "b"}, keyless: true}, event{op: "u", after: &row{2, "b"}, keyless: true})
		f := b.follow(b.source(Debezium, enc.params...), nil)
		defer f.close()
		c, err := f.Next(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if len(c.Records) != 3 || c.Records[1].Rows != 2 {
			b.t.Errorf("records %+v", c.Records)
		}
		if g := words(c); fmt.Sprint(g) != "c 1 a; d 1 a; c 1 b; d 1 b" || g.keys != "" {
			b.t.Errorf("%+v", g)
		}
		_, err = f.Next(b.t.Context())
		var r *source.RecordError
		if !errors.As(err, &r) || !strings.Contains(err.Error(), "REPLICA IDENTITY FULL") {
			b.t.Errorf("update without the row before: %v", err)
		}
	})
}

// Deletes that tell the key only, as with REPLICA IDENTITY DEFAULT or of other databases, are about the row of the key.
func TestDeleteByKey(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		_, value := enc.encode(b.t, event{op: "d"})
		key, _ := enc.encode(b.t, insert(7, "x"))
		b.send(enc, 0, insert(7, "x"))
		b.putKeyed(0, key, value)
		f := b.follow(b.source(Debezium, enc.params...), nil)
		defer f.close()
		if g := f.next(); fmt.Sprint(g) != "c 7 x; d 7 -" {
			b.t.Errorf("%+v", g)
		}
	})
}

// The source has caught up when its own snapshot has ended, and what was there at first is delivered.
func TestCaughtUp(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		s := b.source(Debezium, enc.params...)
		// Nobody knows whether an empty topic is that of an empty table, or of a connector that has not begun.
		empty := b.follow(s, nil)
		if g, err := empty.within(time.Minute); g != nil || err != nil {
			b.t.Errorf("of an empty topic: %v, %v", g, err)
		}
		empty.close()
		b.send(enc, 0, event{op: "r", after: &row{1, "a"}, snapshot: "first"}, event{op: "r", after: &row{2, "b"}, snapshot: "true"})
		f := b.follow(s, nil)
		g := f.next()
		if g.caughtUp || len(g.rows) != 2 {
			b.t.Errorf("in the snapshot: %+v", g)
		}
		within := g.after(2)
		b.send(enc, 0, event{op: "r", after: &row{3, "c"}, snapshot: "last"}, insert(4, "d"))
		if g = f.next(); !g.caughtUp || len(g.rows) != 2 {
			b.t.Errorf("at the end of the snapshot: %+v", g)
		}
		f.close()
		for n := range 3 {
			f = b.follow(s, g.after(n))
			if rows, batches := f.all(); len(rows) != 2-n || len(batches) != 1 {
				b.t.Errorf("begun anew at %d: %+v", n, batches)
			}
			// It is told once.
			if more, err := f.within(time.Minute); more != nil || err != nil {
				b.t.Errorf("more: %v, %v", more, err)
			}
			f.close()
		}
		f = b.follow(s, within)
		defer f.close()
		if rows, _ := f.all(); len(rows) != 2 {
			b.t.Errorf("begun anew in the snapshot: %v", rows)
		}
	})
}

// Documents of MongoDB are texts in an event, and their members are columns.
func TestMongoDB(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		schema := `{"type":"struct","fields":[{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"before"},{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"after"},{"type":"string","field":"op"}]}`
		put := func(schemas bool, payload string) {
			key, value := `{"id":"{\"$oid\": \"5f\"}"}`, payload
			if schemas {
				key, value = `{"schema":{"type":"struct","fields":[{"type":"string","field":"id"}]},"payload":`+key+`}`, `{"schema":`+schema+`,"payload":`+payload+`}`
			}
			b.putKeyed(0, []byte(key), []byte(value))
		}
		for _, schemas := range []bool{true, false} {
			put(schemas, `{"after":"{\"_id\": {\"$oid\": \"5f\"}, \"name\": \"a\", \"n\": 3}","op":"c"}`)
			put(schemas, `{"after":"{\"_id\": {\"$oid\": \"5f\"}, \"name\": \"b\"}","op":"u"}`)
			put(schemas, `{"before":null,"after":null,"updateDescription":null,"op":"d"}`)
			f := b.follow(b.source(Debezium), position{Topic: topic, Offsets: map[int32]int64{0: map[bool]int64{true: 0, false: 3}[schemas]}, SnapshotEnded: true}.marshal())
			g := f.next()
			if fmt.Sprint(g) != `c {"$oid":"5f"} a 3; u {"$oid":"5f"} b -; d {"$oid":"5f"} - -` || g.keys != "_id" || g.schema != "_id utf8!, name utf8, n int64" {
				t.Errorf("schemas %t: %+v", schemas, g)
			}
			f.close()
		}
	})
}

func TestSchemaChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		typed := func(columns, after string) {
			b.putKeyed(0, []byte(`{"id":1}`), []byte(`{"schema":`+schemaOf(columns)+`,"payload":{"after":`+after+`,"op":"c"}}`))
		}
		typed(columns, `{"id":1,"name":"a"}`)
		typed(columns+`,{"type":"boolean","optional":true,"field":"more"}`, `{"id":2,"name":"b","more":true}`)
		typed(columns+`,{"type":"boolean","optional":true,"field":"more"}`, `{"id":3,"name":"c","more":null}`)
		typed(`{"type":"int64","optional":false,"field":"id"}`, `{"id":4}`)
		f := b.follow(b.source(Debezium), nil)
		defer f.close()
		for _, want := range []struct{ rows, schema string }{{"c 1 a", "id int32!, name utf8"}, {"c 2 b true; c 3 c -", "id int32!, name utf8, more bool"}, {"c 4", "id int64!"}} {
			if g := f.next(); fmt.Sprint(g) != want.rows || g.schema != want.schema || g.keys != "id" {
				b.t.Errorf("%+v, want %+v", g, want)
			}
		}
	})
}

// The columns of rows without a schema become wider, also over a restart, and never narrower.
func TestSchemasAreGuessed(t *testing.T) {
	for _, format := range []Format{Debezium, JSON} {
		t.Run(string(format), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *broker) {
				put := func(after string) {
					if format == JSON {
						b.put(0, after)
					} else {
						b.putKeyed(0, []byte(`{"id":1}`), []byte(`{"after":`+after+`,"op":"c"}`))
					}
				}
				steps := []struct{ after, row, schema string }{
					{`{"id":1,"n":null,"x":1}`, "c 1 1", "id int64, x int64"},
					{`{"id":2,"n":true,"x":-5}`, "c 2 -5 true", "id int64, x int64, n bool"},
					{`{"id":3,"x":1.5}`, "c 3 1.5 -", "id int64, x float64, n bool"},
					{`{"id":4,"x":7}`, "c 4 7 -", "id int64, x float64, n bool"},
					{`{"n":"t","id":5}`, "c 5 - t", "id int64, x float64, n utf8"},
					{`{"id":6,"n":false,"x":1e400}`, "c 6 1e400 false", "id int64, x utf8, n utf8"},
					{`{"id":18446744073709551615,"n":[1, {"a":"\u00e4"}],"x":"y"}`, `c 18446744073709551615 y [1,{"a":"\u00e4"}]`, "id utf8, x utf8, n utf8"},
					{`{"x":"z"}`, "c - z -", "id utf8, x utf8, n utf8"},
				}
				for _, s := range steps {
					put(s.after)
				}
				s := b.source(format, "batch_max_size", "1") // of events all of the first batch tell the first schema
				f := b.follow(s, nil)
				var rows, want []string
				for i := 0; len(rows) < len(steps); {
					g := f.next()
					for _, r := range g.rows {
						schema := steps[i].schema
						if format == Debezium && i < len(steps)-1 { // it is the key, and was never NULL
							schema = strings.Replace(schema, ",", "!,", 1)
						}
						if g.schema != schema || r != steps[i].row {
							t.Errorf("%d: %s of %s", i, r, g.schema)
						}
						i++
					}
					rows = append(rows, g.rows...)
					f.close()
					f = b.follow(s, g.after(g.records))
				}
				for _, s := range steps {
					want = append(want, s.row)
				}
				if diff := cmp.Diff(want, rows); diff != "" {
					t.Error(diff)
				}
				f.close()
			})
		})
	}
}

// The first schema is not that of a delete, which may have the key only, nor of a row in which a column is NULL.
func TestFirstSchema(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		put := func(payload string) { b.putKeyed(0, []byte(`{"id":1}`), []byte(payload)) }
		put(`{"before":{"id":1},"op":"d"}`)
		s := b.source(Debezium)
		f := b.follow(s, nil)
		g := f.next()
		if len(g.rows) != 0 || g.records != 1 || !g.caughtUp {
			t.Errorf("a delete of what was never there: %+v", g)
		}
		put(`{"before":{"id":1},"op":"d"}`)
		put(`{"after":{"id":1,"n":null},"op":"c"}`)
		put(`{"after":{"id":1,"n":2},"op":"u"}`)
		if more := f.next(); fmt.Sprint(more) != "d 1 -; c 1 -; u 1 2" {
			t.Errorf("%+v", more)
		}
		f.close()
		for _, from := range []source.Position{nil, g.after(1)} {
			f := b.follow(s, from)
			if rows, batches := f.all(); len(batches) != 1 || !strings.HasSuffix(strings.Join(rows, "; "), "d 1 -; c 1 -; u 1 2") || batches[0].schema != "id int64!, n int64" {
				t.Errorf("%v", batches)
			}
			f.close()
		}
	})
}

// A truncate that comes first, without a schema, is about the columns that were known before the restart.
func TestTruncateAfterRestart(t *testing.T) {
	eachEncoding(t, func(b *broker, enc encoding) {
		s := b.source(Debezium, enc.params...)
		b.send(enc, 0, event{op: "t"}, insert(1, "a"))
		f := b.follow(s, nil)
		rows, batches := f.all()
		if got := strings.Join(rows, "; "); got != "t - -; c 1 a" && got != "c 1 a" {
			b.t.Errorf("%s", got)
		}
		f.close()
		b.send(enc, 0, event{op: "t"})
		last := batches[len(batches)-1]
		f = b.follow(s, last.after(last.records))
		defer f.close()
		if g := f.next(); fmt.Sprint(g) != "t - -" || g.keys != "id" {
			b.t.Errorf("%+v", g)
		}
	})
}
