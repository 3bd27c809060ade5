package objects

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// chunkBounds are what the statistics of a column chunk say. Whatever is missing, of a type whose
// order writers got wrong, or contradicts itself, is nothing known.
func chunkBounds(meta *metadata.FileMetaData, group, leaf int, f arrow.Field) (b bounds) {
	chunk, err := meta.RowGroup(group).ColumnChunk(leaf)
	if err != nil {
		return b
	}
	raw := meta.RowGroups[group].Columns[leaf].MetaData
	if raw == nil || raw.Statistics == nil {
		return b
	}
	st := raw.Statistics
	if st.NullCount != nil {
		b.noNulls = *st.NullCount == 0
		b.allNulls = *st.NullCount > 0 && *st.NullCount == raw.NumValues
	}
	descr := meta.Schema.Column(leaf)
	if ok, err := chunk.StatsSet(); err != nil || !ok || b.allNulls {
		return b
	}
	low, high := st.MinValue, st.MaxValue
	if descr.ColumnOrder() != parquet.ColumnOrders.TypeDefinedOrder || low == nil && high == nil {
		if descr.SortOrder() != schema.SortSIGNED || textual(f.Type) {
			return b
		}
		low, high = st.Min, st.Max // the old fields, in which only numbers can be trusted
	}
	return b.within(descr, f, low, high, st.NanCount)
}

func textual(t arrow.DataType) bool {
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING || t.ID() == arrow.BINARY || t.ID() == arrow.LARGE_BINARY
}

// within adds the encoded lowest and highest value; nil is unknown.
func (b bounds) within(descr *schema.Column, f arrow.Field, low, high []byte, nans *int64) bounds {
	decode := decoder(descr, f.Type)
	if decode == nil {
		return b
	}
	b.prefix = textual(f.Type)
	b.mayNaN = arrow.IsFloating(f.Type.ID()) && (nans == nil || *nans != 0)
	lo, hi := decode(low), decode(high)
	if isNaN(lo) || isNaN(hi) || lo != nil && hi != nil && order(lo, hi) > 0 {
		lo, hi = nil, nil
	}
	b.low, b.high = lo, hi
	return b
}

func isNaN(v any) bool {
	f, ok := v.(float64)
	return ok && math.IsNaN(f)
}

// decoder returns what turns an encoded value of a Parquet column into one of filter.Compare, in the
// units of the Arrow column; nil when that can't be told. What has the wrong length becomes nil.
func decoder(descr *schema.Column, t arrow.DataType) func([]byte) any {
	switch id := t.ID(); {
	case id == arrow.BOOL && descr.PhysicalType() == parquet.Types.Boolean:
		return func(b []byte) any {
			if len(b) != 1 {
				return nil
			}
			return b[0] != 0
		}
	case id == arrow.FLOAT32 && descr.PhysicalType() == parquet.Types.Float:
		return func(b []byte) any {
			if len(b) != 4 {
				return nil
			}
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case id == arrow.FLOAT64 && descr.PhysicalType() == parquet.Types.Double:
		return func(b []byte) any {
			if len(b) != 8 {
				return nil
			}
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		return ifType(descr, parquet.Types.ByteArray, func(b []byte) any { return string(b) })
	case id == arrow.BINARY || id == arrow.LARGE_BINARY:
		return ifType(descr, parquet.Types.ByteArray, func(b []byte) any { return slices.Clone(b) })
	case arrow.IsDecimal(id):
		return decimalDecoder(descr, t.(arrow.DecimalType))
	case id == arrow.TIMESTAMP || id == arrow.TIME32 || id == arrow.TIME64:
		if !sameUnit(descr, t) {
			return nil
		}
		return integerDecoder(descr, false)
	case id == arrow.DATE32 || arrow.IsSignedInteger(id):
		return integerDecoder(descr, false)
	case arrow.IsUnsignedInteger(id):
		return integerDecoder(descr, true)
	}
	return nil
}

func ifType(descr *schema.Column, want parquet.Type, decode func([]byte) any) func([]byte) any {
	if descr.PhysicalType() != want {
		return nil
	}
	return func(b []byte) any {
		if b == nil {
			return nil
		}
		return decode(b)
	}
}

func integerDecoder(descr *schema.Column, unsigned bool) func([]byte) any {
	size := 4
	switch descr.PhysicalType() {
	case parquet.Types.Int32:
	case parquet.Types.Int64:
		size = 8
	default:
		return nil
	}
	if unsigned != (descr.SortOrder() == schema.SortUNSIGNED) {
		return nil
	}
	return func(b []byte) any {
		switch {
		case len(b) != size:
			return nil
		case unsigned && size == 4:
			return uint64(binary.LittleEndian.Uint32(b))
		case unsigned:
			return binary.LittleEndian.Uint64(b)
		case size == 4:
			return int64(int32(binary.LittleEndian.Uint32(b)))
		default:
			return int64(binary.LittleEndian.Uint64(b))
		}
	}
}

// decimalDecoder reads unscaled numbers: little endian integers, or big endian bytes.
func decimalDecoder(descr *schema.Column, t arrow.DecimalType) func([]byte) any {
	lt, ok := descr.LogicalType().(schema.DecimalLogicalType)
	if ok && lt.Scale() != t.GetScale() || !ok && descr.ConvertedType() != schema.ConvertedTypes.Decimal {
		return nil
	}
	if descr.PhysicalType() == parquet.Types.Int32 || descr.PhysicalType() == parquet.Types.Int64 {
		read := integerDecoder(descr, false)
		if read == nil {
			return nil
		}
		return func(b []byte) any {
			if n, ok := read(b).(int64); ok {
				return big.NewInt(n)
			}
			return nil
		}
	}
	if descr.PhysicalType() != parquet.Types.FixedLenByteArray {
		return nil
	}
	return func(b []byte) any {
		if len(b) != descr.TypeLength() || len(b) == 0 {
			return nil
		}
		n := new(big.Int).SetBytes(b)
		if b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return n
	}
}

// sameUnit tells whether the numbers in the file are in the units of the Arrow column.
func sameUnit(descr *schema.Column, t arrow.DataType) bool {
	var unit schema.TimeUnitType
	switch lt := descr.LogicalType().(type) {
	case schema.TimestampLogicalType:
		unit = lt.TimeUnit()
	case schema.TimeLogicalType:
		unit = lt.TimeUnit()
	default:
		return false
	}
	u, ok := t.(arrow.TemporalWithUnit)
	if !ok {
		return false
	}
	switch unit {
	case schema.TimeUnitMillis:
		return u.TimeUnit() == arrow.Millisecond
	case schema.TimeUnitMicros:
		return u.TimeUnit() == arrow.Microsecond
	case schema.TimeUnitNanos:
		return u.TimeUnit() == arrow.Nanosecond
	}
	return false
}
