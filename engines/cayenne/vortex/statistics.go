package vortex

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/apache/arrow-go/v18/arrow"
)

// Slots of the table ArrayStats of array.fbs.
const (
	slotMin          = 0
	slotMinPrecision = 1
	slotMax          = 2
	slotMaxPrecision = 3
	slotNullCount    = 8
	slotNaNCount     = 10
	slotCount        = 11
)

// exact is the precision of a bound that is one of the values.
const exact = 1

// columnStats is what a file tells of a whole column.
type columnStats struct {
	Bounds
	noNaN bool // of floats: it is known that none is NaN
}

func isFloat(t *dtype) bool { return t.storage().kind == kindPrimitive && t.storage().ptype.float() }

// buildStatistics writes the table FileStatistics of footer.fbs, an entry for each field.
func buildStatistics(b *flatbuffers.Builder, t *dtype, of []columnStats) flatbuffers.UOffsetT {
	var entries []flatbuffers.UOffsetT
	for i, s := range of {
		typ := t.fields[i].typ
		var lo, hi flatbuffers.UOffsetT
		if v := scalar(s.Min, typ); v != nil {
			lo = b.CreateByteVector(v)
		}
		if v := scalar(s.Max, typ); v != nil {
			hi = b.CreateByteVector(v)
		}
		b.StartObject(slotCount)
		b.PrependUOffsetTSlot(slotMin, lo, 0)
		if lo != 0 && !truncated(s.Min) {
			b.PrependByteSlot(slotMinPrecision, exact, 0)
		}
		b.PrependUOffsetTSlot(slotMax, hi, 0)
		if hi != 0 && !truncated(s.Max) {
			b.PrependByteSlot(slotMaxPrecision, exact, 0)
		}
		b.PrependUint64(uint64(s.Nulls)) // an optional number, written also when it is zero
		b.Slot(slotNullCount)
		if s.noNaN && isFloat(typ) {
			b.PrependUint64(0)
			b.Slot(slotNaNCount)
		}
		entries = append(entries, b.EndObject())
	}
	v := offsets(b, entries)
	b.StartObject(1)
	b.PrependUOffsetTSlot(0, v, 0)
	return b.EndObject()
}

// parseStatistics reads a table FileStatistics; fields that it lacks are unknown.
func parseStatistics(t table, typ *dtype) []columnStats {
	out := make([]columnStats, len(typ.fields))
	v := t.vector(0, 4)
	for i := range out {
		out[i].Bounds = unknown()
		if v.n != len(out) {
			continue
		}
		e, ft := v.table(i), typ.fields[i].typ
		if pos, ok := e.slot(slotNaNCount); ok {
			out[i].noNaN = le64(e.buf, pos) == 0
		}
		out[i].Min, out[i].Max = parseScalar(e.bytes(slotMin), ft), parseScalar(e.bytes(slotMax), ft)
		if isFloat(ft) && !out[i].noNaN {
			out[i].Max = nil
		}
		if pos, ok := e.slot(slotNullCount); ok {
			out[i].Nulls = int64(le64(e.buf, pos))
		}
	}
	return out
}

// hasNoNaN tells whether column i is known to hold no NaN.
func (f *File) hasNoNaN(i int) bool {
	return f.hasAll && parseStatistics(f.stats, f.dtype)[i].noNaN
}

// Statistics are the bounds of each column over the whole file.
func (f *File) Statistics() (b []Bounds, err error) {
	defer guard(&err)
	if !f.hasAll {
		return boundsOf(make([]columnStats, len(f.dtype.fields)), false), nil
	}
	return boundsOf(parseStatistics(f.stats, f.dtype), true), nil
}

func boundsOf(of []columnStats, known bool) []Bounds {
	b := make([]Bounds, len(of))
	for i, s := range of {
		b[i] = s.Bounds
		if !known {
			b[i] = unknown()
		}
	}
	return b
}

// ParseStatistics reads file statistics that are kept apart from their file (see Summary) for columns of a schema.
func ParseStatistics(blob []byte, s *arrow.Schema) (b []Bounds, err error) {
	defer guard(&err)
	t, err := fromFields(s.Fields())
	if err != nil {
		return nil, err
	}
	return boundsOf(parseStatistics(rootTable(blob), t), true), nil
}
