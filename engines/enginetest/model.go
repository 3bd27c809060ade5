package enginetest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/arrowmem"
)

// seedEnv replays one seed of RunModel.
const seedEnv = "PITWALL_MODEL_SEED"

const modelOps = 100

// RunModel applies the same random operations to an engine and to arrowmem and compares all that can
// be seen. A failure logs the seed; PITWALL_MODEL_SEED=<seed> runs it again.
func RunModel(t *testing.T, open func(testing.TB) Harness) {
	seeds := []uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}
	if s := os.Getenv(seedEnv); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Logf("replay with %s=%d", seedEnv, seed)
			m := &model{rng: rand.New(rand.NewPCG(seed, 1)), h: open(t)}
			m.h.Keys = m.keys()
			m.h.Partitions = m.partitions()
			t.Logf("keys %+v, partition_by %v", m.h.Keys, m.h.Partitions)
			m.got = m.h.Open(t)
			m.want = Harness{Opener: arrowmem.Opener{}, Keys: m.h.Keys}.Open(t)
			for i := range modelOps {
				m.step(t, i)
				if t.Failed() {
					return
				}
			}
		})
	}
}

type model struct {
	rng       *rand.Rand
	h         Harness
	got, want engines.Engine
}

// keys picks constraints that the few different values of the model meet often.
func (m *model) keys() engines.Keys {
	pairs := [][]string{{"f"}, {"i", "s"}, {"d", "ts"}, {"u", "b"}, {"ts", "f", "b"}}
	k := engines.Keys{Unique: [][]string{pairs[m.rng.IntN(len(pairs))]}, Plain: [][]string{{"s"}}}
	k.Target = k.Unique[0]
	actions := []engines.Conflict{engines.ConflictUpsertLast, engines.ConflictUpsertLast, engines.ConflictDrop, engines.ConflictUpsert, engines.ConflictUpsertDedup, engines.ConflictReject}
	k.Conflict = actions[m.rng.IntN(len(actions))]
	switch m.rng.IntN(6) {
	case 0, 1:
		return engines.Keys{}
	case 2, 3:
		k.Primary, k.Unique = k.Unique[0], nil
	}
	return k
}

// partitions picks levels of partition_by.
func (m *model) partitions() []engines.PartitionBy {
	if !m.h.Divides {
		return nil
	}
	all := []engines.PartitionBy{
		{Column: "i"}, {Column: "s"}, {Column: "b"}, {Column: "u"}, {Column: "ts"},
		{Column: "i", Transform: engines.Bucket, N: 3}, {Column: "s", Transform: engines.Bucket, N: 5}, {Column: "u", Transform: engines.Bucket, N: 2},
		{Column: "ts", Transform: engines.Bucket, N: 4}, {Column: "i", Transform: engines.Truncate, N: 10}, {Column: "s", Transform: engines.Truncate, N: 1},
		{Column: "ts", Transform: engines.Year}, {Column: "ts", Transform: engines.Month}, {Column: "ts", Transform: engines.Day},
		{Column: "ts", Transform: engines.Hour}, {Column: "ts", Transform: engines.TruncDay}, {Column: "ts", Transform: engines.TruncMonth}, {Column: "ts", Transform: engines.TruncYear},
		{Column: "ts", Transform: engines.TruncHour},
	}
	m.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	out := all[:m.rng.IntN(4)]
	for i := range out {
		out[i].Name = fmt.Sprintf("level%d", i)
	}
	return out
}

func modelSchema() *arrow.Schema {
	f := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return arrow.NewSchema([]arrow.Field{
		f("b", arrow.FixedWidthTypes.Boolean), f("i", arrow.PrimitiveTypes.Int8), f("u", arrow.PrimitiveTypes.Uint64),
		f("f", arrow.PrimitiveTypes.Float64), f("d", &arrow.Decimal128Type{Precision: 6, Scale: 2}), f("s", arrow.BinaryTypes.String),
		f("ts", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}), f("l", arrow.ListOf(arrow.PrimitiveTypes.Int16)),
	}, nil)
}

// step does one operation on both engines.
func (m *model) step(t *testing.T, i int) {
	t.Helper()
	var what string
	switch n := m.rng.IntN(10); {
	case n < 2:
		what = m.write(t, engines.Replace, m.rng.IntN(60)/(1+m.rng.IntN(15)))
	case n < 5:
		what = m.write(t, engines.Append, m.rng.IntN(20)/(1+m.rng.IntN(6)))
	case n < 7:
		p := m.predicate(2)
		what = fmt.Sprintf("delete %v", p)
		a, errA := m.got.Delete(t.Context(), p)
		b, errB := m.want.Delete(t.Context(), p)
		if a != b || engines.KindOf(errA) != engines.KindOf(errB) {
			t.Errorf("op %d: %s: %d, %v; want %d, %v", i, what, a, errA, b, errB)
		}
	case n < 8 && m.h.lasts():
		what = "reopen"
		if err := m.got.Close(); err != nil {
			t.Fatal(err)
		}
		m.h.Partitions = m.partitions()
		what = fmt.Sprintf("reopen, partition_by %v", m.h.Partitions)
		m.got = m.h.Open(t)
	case n < 9:
		what = "compact"
		testCompact(t, m.got, m.h.Divides)
	default:
		what = "query"
	}
	m.compare(t, fmt.Sprintf("op %d: %s", i, what))
}

func (m *model) write(t *testing.T, mode engines.WriteMode, n int) string {
	t.Helper()
	b := m.batch(n)
	defer b.Release()
	var stats [2]engines.Stats
	var errs [2]error
	w := engines.Write{Mode: mode, At: at(), State: []byte{byte(n)}}
	if m.rng.IntN(4) == 0 {
		w.Evict = m.predicate(2)
	}
	if mode == engines.Append && m.rng.IntN(2) == 0 {
		w.Remove = m.remove()
	}
	if len(m.h.Keys.Primary) > 0 && mode == engines.Append && m.rng.IntN(3) > 0 {
		changed := m.distinct(t, b)
		defer changed.Release()
		b, w.Remove, w.Keyed = changed, m.changed(t, changed), true
	}
	for i, e := range []engines.Engine{m.got, m.want} {
		r, err := array.NewRecordReader(modelSchema(), []arrow.RecordBatch{b})
		if err != nil {
			t.Fatal(err)
		}
		w.Rows = r
		stats[i], errs[i] = e.Write(t.Context(), w)
		stats[i].Bytes = 0
		r.Release()
	}
	what := fmt.Sprintf("%s of %d rows, keyed %t, remove %v, evict %v", mode, b.NumRows(), w.Keyed, w.Remove, w.Evict)
	if stats[0] != stats[1] || engines.KindOf(errs[0]) != engines.KindOf(errs[1]) || errs[1] != nil && engines.KindOf(errs[1]) != engines.Constraint {
		t.Errorf("%s: %+v, %v, want %+v, %v", what, stats[0], errs[0], stats[1], errs[1])
	}
	return what
}

func (m *model) compare(t *testing.T, what string) {
	t.Helper()
	s := engines.Scan{Where: m.predicate(3)}
	if m.rng.IntN(2) == 0 {
		for _, f := range modelSchema().Fields() {
			if m.rng.IntN(2) == 0 {
				s.Columns = append(s.Columns, f.Name)
			}
		}
		m.rng.Shuffle(len(s.Columns), func(i, j int) { s.Columns[i], s.Columns[j] = s.Columns[j], s.Columns[i] })
	}
	for _, scan := range []engines.Scan{{}, s} {
		got, errA := content(t.Context(), m.got, scan)
		want, errB := content(t.Context(), m.want, scan)
		if diff := cmp.Diff(want, got); diff != "" || engines.KindOf(errA) != engines.KindOf(errB) {
			t.Errorf("%s: %+v: %v, want %v: %s", what, scan, errA, errB, diff)
		}
	}
	for _, f := range modelSchema().Fields()[1:7] {
		got, errA := m.got.Watermark(t.Context(), f.Name)
		want, errB := m.want.Watermark(t.Context(), f.Name)
		if diff := cmp.Diff(want.Value, got.Value, cmp.Comparer(sameFloat)); diff != "" || got.Valid != want.Valid || engines.KindOf(errA) != engines.KindOf(errB) {
			t.Errorf("%s: watermark of %s: %+v, %v, want %+v, %v", what, f.Name, got, errA, want, errB)
		}
	}
}

func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// content is what a scan gives, as sorted lines: engines promise no order.
func content(ctx context.Context, e engines.Engine, s engines.Scan) ([]string, error) {
	out, err := readLines(ctx, e, s)
	slices.Sort(out)
	return out, err
}

// batch makes rows with few different values, so that predicates match some of them.
func (m *model) batch(n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, modelSchema())
	defer b.Release()
	for range n {
		for i, f := range b.Fields() {
			name := modelSchema().Field(i).Name
			if !slices.Contains(m.h.Keys.Primary, name) && m.rng.IntN(5) == 0 {
				f.AppendNull()
				continue
			}
			v := m.value(name)
			switch f := f.(type) {
			case *array.BooleanBuilder:
				f.Append(v.(bool))
			case *array.Int8Builder:
				f.Append(int8(v.(int64)))
			case *array.Uint64Builder:
				f.Append(v.(uint64))
			case *array.Float64Builder:
				f.Append(v.(float64))
			case *array.StringBuilder:
				f.Append(v.(string))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(v.(time.Time).UnixMilli()))
			case *array.Decimal128Builder:
				if err := f.AppendValueFromString(v.(string)); err != nil {
					panic(err) // the values are in value
				}
			case *array.ListBuilder:
				f.Append(true)
				for k := range m.rng.IntN(3) {
					f.ValueBuilder().(*array.Int16Builder).Append(int16(k))
				}
			}
		}
	}
	return b.NewRecordBatch()
}

// value picks a value of a column's domain; nil for columns that cannot be compared.
func (m *model) value(column string) any {
	pick := func(values ...any) any { return values[m.rng.IntN(len(values))] }
	switch column {
	case "b":
		return pick(false, true)
	case "i":
		return pick(int64(-128), int64(-1), int64(0), int64(1), int64(127))
	case "u":
		return pick(uint64(0), uint64(1), uint64(math.MaxInt64), uint64(1<<63), uint64(math.MaxUint64))
	case "f":
		return pick(0.0, -1.5, 0.1, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), 3.0)
	case "d":
		return pick("-1.50", "0.00", "0.01", "9999.99", "10.00", "9.00")
	case "s":
		return pick("", "a", "A", "ä", "a ", "10", "9", "NaN", "NULL")
	case "ts":
		return pick(time.UnixMilli(0), time.UnixMilli(-1), time.UnixMilli(1_700_000_000_123), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	default:
		return nil
	}
}

// predicate makes a random condition, sometimes with values outside of the column's domain.
func (m *model) predicate(depth int) engines.Predicate {
	columns := []string{"b", "i", "u", "f", "d", "s", "ts"}
	if depth > 0 {
		switch m.rng.IntN(5) {
		case 0:
			return engines.And{m.predicate(depth - 1), m.predicate(depth - 1)}
		case 1:
			return engines.Or{m.predicate(depth - 1), m.predicate(depth - 1)}
		case 2:
			return engines.Not{Of: m.predicate(depth - 1)}
		}
	}
	c := columns[m.rng.IntN(len(columns))]
	if m.rng.IntN(6) == 0 {
		return engines.IsNull{Column: c}
	}
	ops := []engines.Op{engines.Eq, engines.Ne, engines.Lt, engines.Le, engines.Gt, engines.Ge}
	v := m.value(c)
	if odd := []any{int64(1000), int64(-1000), 0.5, uint64(math.MaxUint64), math.NaN(), math.Inf(-1)}; c != "b" && c != "s" && c != "ts" && m.rng.IntN(3) == 0 {
		v = odd[m.rng.IntN(len(odd))]
	}
	if c == "ts" && m.rng.IntN(3) == 0 {
		v = v.(time.Time).Add(time.Microsecond)
	}
	return engines.Compare{Column: c, Op: ops[m.rng.IntN(len(ops))], Value: v}
}
