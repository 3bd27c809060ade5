package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// gather is values[codes[i]] in every row, null where the code or the value is.
func (d *decoder) gather(values, codes arrow.Array, p ptype, t *dtype) (arrow.Array, error) {
	raw, err := rawValues(codes)
	if err != nil {
		return nil, err
	}
	switch p.width() {
	case 1:
		return gather(d, values, codes, valuesOf[uint8](raw), t)
	case 2:
		return gather(d, values, codes, valuesOf[uint16](raw), t)
	case 4:
		return gather(d, values, codes, valuesOf[uint32](raw), t)
	default:
		return gather(d, values, codes, valuesOf[uint64](raw), t)
	}
}

func gather[C unsigned](d *decoder, values, codes arrow.Array, at []C, t *dtype) (arrow.Array, error) {
	rows, limit := codes.Len(), values.Len()
	v, err := d.gatherValidity(values, codes, func(i int) int { return clamp(uint64(at[i])) })
	if err != nil {
		return nil, err
	}
	for i, c := range at {
		if uint64(c) >= uint64(limit) {
			if v.valid(i) {
				return nil, corrupt("code %d of a dictionary of %d values", c, limit)
			}
			at[i] = 0 // what a null's code is does not matter
		}
	}
	if limit == 0 { // all rows are null
		if err := d.take(rows, 1+fixedWidth(t)); err != nil {
			return nil, err
		}
		return nullsOf(t, rows)
	}
	switch values.(type) {
	case *array.String, *array.Binary:
		return gatherText(d, values, at, v, t)
	}
	if f, ok := values.DataType().(arrow.FixedWidthDataType); ok && len(values.Data().Buffers()) == 2 {
		switch f.BitWidth() {
		case 8:
			return gatherFixed[C, uint8](d, values, at, v, t)
		case 16:
			return gatherFixed[C, uint16](d, values, at, v, t)
		case 32:
			return gatherFixed[C, uint32](d, values, at, v, t)
		case 64:
			return gatherFixed[C, uint64](d, values, at, v, t)
		case 128:
			return gatherFixed[C, [2]uint64](d, values, at, v, t)
		case 256:
			return gatherFixed[C, [4]uint64](d, values, at, v, t)
		}
	}
	return gatherAny(d, values, at, v, t)
}

func clamp(v uint64) int { return int(min(v, math.MaxInt32)) }

// gatherValidity is where code and value are both there.
func (d *decoder) gatherValidity(values, codes arrow.Array, at func(int) int) (validity, error) {
	if values.NullN() == 0 {
		return d.validityOf(codes)
	}
	if err := d.take(codes.Len()/8+1, 1); err != nil {
		return validity{}, err
	}
	bits := make([]byte, (codes.Len()+7)/8)
	nulls := 0
	for i := range codes.Len() {
		if codes.IsNull(i) || at(i) < values.Len() && values.IsNull(at(i)) {
			nulls++
			continue
		}
		bitutil.SetBit(bits, i)
	}
	return validity{memory.NewBufferBytes(bits), nulls}, nil
}

func gatherFixed[C unsigned, V any](d *decoder, values arrow.Array, at []C, v validity, t *dtype) (arrow.Array, error) {
	if err := d.take(len(at), bitsOf[V]()/8); err != nil {
		return nil, err
	}
	raw, err := rawValues(values)
	if err != nil {
		return nil, err
	}
	from, out := valuesOf[V](raw), make([]V, len(at))
	for i, c := range at {
		out[i] = from[c]
	}
	return assemble(t, len(at), v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(out))})
}

func gatherText[C unsigned](d *decoder, values arrow.Array, at []C, v validity, t *dtype) (arrow.Array, error) {
	offs, data := textOf(values)
	size := 0
	for i, c := range at {
		if v.valid(i) {
			size += int(offs[c+1] - offs[c])
		}
	}
	if size > math.MaxInt32 {
		return nil, corrupt("over 2 GiB of text in one array")
	}
	if err := d.take(size+4*len(at), 1); err != nil {
		return nil, err
	}
	outOffs, out := make([]int32, len(at)+1), make([]byte, 0, size)
	for i, c := range at {
		if v.valid(i) {
			out = append(out, data[offs[c]:offs[c+1]]...)
		}
		outOffs[i+1] = int32(len(out))
	}
	return assemble(t, len(at), v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(outOffs)), memory.NewBufferBytes(out)})
}

// textOf is the offsets of an array of text, one more than rows, and the bytes that they point into.
func textOf(a arrow.Array) ([]int32, []byte) {
	b := a.Data().Buffers()
	var data []byte
	if b[2] != nil {
		data = b[2].Bytes()
	}
	if a.Len() == 0 {
		return []int32{0}, nil
	}
	return valuesOf[int32](b[1].Bytes())[a.Data().Offset():][:a.Len()+1], data
}
