package sqlite

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/convert"
)

// TestDateText compares the fast formatter with time.Format and with its own reader.
func TestDateText(t *testing.T) {
	types := []arrow.DataType{arrow.FixedWidthTypes.Date32}
	for _, u := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
		types = append(types, &arrow.TimestampType{Unit: u}, &arrow.TimestampType{Unit: u, TimeZone: "UTC"})
	}
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, typ := range types {
		perDay := 86_400 * 1_000_000_000 / convert.Nanos(typ)
		low, high := -719_528*perDay, 2_932_897*perDay-1
		if convert.Nanos(typ) == 1 {
			low, high = math.MinInt64, math.MaxInt64
		}
		values := []int64{low, high, 0, -1, 1}
		for range 5000 {
			values = append(values, low+int64(rng.Uint64N(uint64(high)-uint64(low))))
		}
		for _, v := range values {
			got, err := dateText(v, typ)
			if err != nil {
				t.Fatalf("%s %d (seed %d): %v", typ, v, seed, err)
			}
			if want := convert.Time(v, typ).Format(clockLayout(typ)); got != want {
				t.Fatalf("%s %d (seed %d): %q, want %q", typ, v, seed, got, want)
			}
			if back, err := parseClock(got, typ); err != nil || back != v {
				t.Fatalf("%s %q (seed %d): read as %d, %v, want %d", typ, got, seed, back, err, v)
			}
		}
		if convert.Nanos(typ) == 1 {
			continue
		}
		for _, v := range []int64{low - 1, high + 1} {
			if s, err := dateText(v, typ); err == nil {
				t.Errorf("%s %d: %q, want an error", typ, v, s)
			}
		}
	}
}
