package postgres

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// TestNumeric writes and reads numbers of any size and scale.
func TestNumeric(t *testing.T) {
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		n := new(big.Int)
		for range rng.IntN(8) {
			n.Mul(n, big.NewInt(10_000)).Add(n, big.NewInt(rng.Int64N(10_000)*rng.Int64N(2)))
		}
		if rng.IntN(2) == 0 {
			n.Neg(n)
		}
		scale := rng.Int32N(40)
		got, err := numeric(appendNumeric(nil, n, scale), scale)
		if err != nil || got.Cmp(n) != 0 {
			t.Fatalf("seed %d: %s at scale %d: %s, %v", seed, n, scale, got, err)
		}
	}
	for _, bad := range [][]byte{nil, {0, 0}, {0, 1, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0xc0, 0, 0, 0}, {0, 1, 0xff, 0xff, 0, 0, 0, 4, 0, 1}} {
		if n, err := numeric(bad, 0); err == nil {
			t.Errorf("%v: %s", bad, n)
		}
	}
}

// FuzzDecode reads what a server might send.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, v []byte) {
		for _, typ := range fuzzed() {
			d := newDecoder(typ)
			if d.row([][]byte{v}) == nil {
				if b, err := d.batch(); err == nil {
					b.Release()
				}
			}
			d.release()
		}
	})
}

func fuzzed() []*arrow.Schema {
	var all []*arrow.Schema
	for _, t := range []arrow.DataType{arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String,
		arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Timestamp_s, arrow.FixedWidthTypes.Duration_ms,
		arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.FixedSizeListOf(1, arrow.BinaryTypes.String), arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int8}),
		&arrow.Decimal128Type{Precision: 5, Scale: 2}, &arrow.FixedSizeBinaryType{ByteWidth: 2}} {
		all = append(all, arrow.NewSchema([]arrow.Field{{Name: "c", Type: t, Nullable: true}}, nil))
	}
	return all
}
