package runtime_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/config"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
)

// memorySource delivers rows of a time and a number; a time of -1 is NULL.
type memorySource struct {
	mu    sync.Mutex
	typ   arrow.DataType
	times []int64
}

func (s *memorySource) set(times ...int64) { s.mu.Lock(); s.times = times; s.mu.Unlock() }

func (s *memorySource) Read(context.Context, source.Scan) (source.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	schema := arrow.NewSchema([]arrow.Field{{Name: "at", Type: s.typ, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, t := range s.times {
		if t == -1 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(t))
		}
		b.Field(1).(*array.Int64Builder).Append(int64(i))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	return emptyReader{r}, err
}

// Append compares at the precision of the source, in every unit, with and without zones, over a change to
// summer time; rows without a time come in with the first load only.
func TestAppendAtThePrecisionOfTheSource(t *testing.T) {
	spring := time.Date(2026, 3, 29, 0, 59, 59, 999_999_999, time.UTC) // 01:59:59 in Berlin, an hour before 03:00
	for name, c := range map[string]struct {
		typ     *arrow.TimestampType
		format  string
		engines []string
	}{
		"seconds":                {&arrow.TimestampType{Unit: arrow.Second}, "timestamp", nil},
		"milliseconds":           {&arrow.TimestampType{Unit: arrow.Millisecond}, "timestamp", nil},
		"microseconds":           {&arrow.TimestampType{Unit: arrow.Microsecond}, "timestamp", nil},
		"nanoseconds":            {&arrow.TimestampType{Unit: arrow.Nanosecond}, "timestamp", nil},
		"microseconds in Berlin": {&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, "timestamptz", nil},
		"nanoseconds in UTC":     {&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, "timestamptz", []string{"engine: arrow", "engine: sqlite, mode: file"}},
	} {
		t.Run(name, func(t *testing.T) {
			at := spring.UnixNano() / int64(c.typ.Unit.Multiplier())
			list := c.engines
			if list == nil {
				list = []string{"engine: arrow", "engine: sqlite, mode: file", "engine: duckdb, mode: file"}
			}
			for _, engine := range list {
				s := &memorySource{typ: c.typ}
				s.set(-1, at-1, at, at)
				b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:x', name: d, time_column: at, time_format: ` + c.format + `, acceleration: {` + engine + `, refresh_mode: append}}
  - {from: 'file:x', name: o, time_column: at, time_format: ` + c.format + `, acceleration: {` + engine + `, refresh_mode: append, refresh_append_overlap: 2h}}
`}).start(func(o *launch.Options) {
					o.Sources = func(*config.Dataset, string) (source.Source, error) { return s, nil }
				})
				b.ready("d", 4)
				b.ready("o", 4)
				s.set(-1, at-1, at, at, -1, at, at+1, at+2)
				if d := b.refresh("d"); d.Rows != 6 {
					t.Errorf("%s: %d rows, want the two that are newer", engine, d.Rows)
				}
				if d := b.refresh("o"); d.Rows != 7 {
					t.Errorf("%s: %d rows, want the late one of the same time, too", engine, d.Rows)
				}
				if d := b.refresh("o"); d.Rows != 7 {
					t.Errorf("%s: %d rows: what was there came in again", engine, d.Rows)
				}
			}
		})
	}
}
