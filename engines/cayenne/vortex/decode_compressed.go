package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/zstd"

	"pitwall/engines/cayenne/vortex/pco"
)

// pcodec decodes vortex.pco: 1 header, 2 chunks of 1 pages of 1 count of values that are not null. The buffers are
// the metadata of all chunks, then all pages.
func (d *decoder) pcodec(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	if t.kind != kindPrimitive {
		return nil, n.wrong("not a type of numbers")
	}
	kind := [...]pco.Kind{u8: pco.U8, u16: pco.U16, u32: pco.U32, u64: pco.U64, i8: pco.I8, i16: pco.I16, i32: pco.I32, i64: pco.I64,
		f16: pco.F16, f32: pco.F32, f64: pco.F64}[t.ptype]
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	header, _ := m.get(1)
	format, err := pco.ParseHeader(header.bytes)
	if err != nil {
		return nil, corrupt("%v", err)
	}
	chunks, err := m.messages(2)
	if err != nil {
		return nil, err
	}
	left, w := rows-v.nulls, t.ptype.width()
	if err := d.take(left, w+24); err != nil {
		return nil, err
	}
	var values []byte
	page := len(chunks)
	for i, c := range chunks {
		meta, err := n.buffer(i)
		if err != nil {
			return nil, err
		}
		chunk, err := pco.OpenChunk(format, meta, kind)
		if err != nil {
			return nil, corrupt("%v", err)
		}
		pages, err := c.messages(1)
		if err != nil {
			return nil, err
		}
		for _, p := range pages {
			count, err := p.length(1)
			if err != nil {
				return nil, err
			}
			if left -= count; left < 0 {
				return nil, n.wrong("more values than rows")
			}
			data, err := n.buffer(page)
			if err != nil {
				return nil, err
			}
			page++
			if values, err = chunk.Page(values, data, count); err != nil {
				return nil, corrupt("%v", err)
			}
		}
	}
	raw, err := d.spreadValid(n, values, w, rows, v)
	if err != nil {
		return nil, err
	}
	return fixed(t, rows, v, raw)
}

// zstd decodes vortex.zstd: frames of the values that are not null, numbers as they are, text with its length before
// it (1 size of a dictionary, which is the first buffer then, 2 frames: 1 size without compression).
func (d *decoder) zstd(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	options := []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)}
	buffers := n.buffers
	if m.uint(1) != 0 {
		dictionary, err := n.buffer(0)
		if err != nil {
			return nil, err
		}
		options, buffers = append(options, zstd.WithDecoderDicts(dictionary)), buffers[1:]
	}
	frames, err := m.messages(2)
	if err != nil {
		return nil, err
	}
	if len(frames) != len(buffers) {
		return nil, n.wrong("frames without their metadata")
	}
	size := 0
	for i, f := range frames {
		s, err := f.length(1)
		if err != nil {
			return nil, err
		}
		// A block of up to 128 KiB takes at least four bytes.
		if s > (len(buffers[i].data)/4+1)<<17 {
			return nil, n.wrong("frame of more than it can hold")
		}
		size += s
	}
	if err := d.take(size, 1); err != nil {
		return nil, err
	}
	options = append(options, zstd.WithDecoderMaxMemory(uint64(size)+8<<20)) // the library counts its window in
	values, err := inflate(options, buffers, frames, size)
	if err != nil {
		return nil, n.wrong(err.Error())
	}
	switch t.kind {
	case kindPrimitive:
		raw, err := d.spreadValid(n, values, t.ptype.width(), rows, v)
		if err != nil {
			return nil, err
		}
		return d.numbers(t, rows, v, raw)
	case kindUtf8, kindBinary:
		return d.prefixed(n, values, t, rows, v)
	}
	return nil, n.wrong("neither numbers nor text")
}

// inflate decompresses frames that together have the size.
func inflate(options []zstd.DOption, buffers []buffer, frames []message, size int) ([]byte, error) {
	if len(buffers) == 0 {
		return nil, nil
	}
	z, err := zstd.NewReader(nil, options...)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	out := make([]byte, 0, size)
	for i, b := range buffers {
		before := len(out)
		if out, err = z.DecodeAll(b.data, out); err != nil {
			return nil, err
		}
		if uint64(len(out)-before) != frames[i].uint(1) {
			return nil, corrupt("frame of another size than told")
		}
	}
	return out, nil
}

// prefixed is text of which each value that is not null has its length in four bytes before it.
func (d *decoder) prefixed(n *node, values []byte, t *dtype, rows int, v validity) (arrow.Array, error) {
	size := len(values) - 4*(rows-v.nulls)
	x, err := d.textOfSize(rows, size)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if !v.valid(i) {
			x.null()
			continue
		}
		need(values, 0, 4)
		length := int(binary.LittleEndian.Uint32(values))
		need(values, 4, length)
		if len(x.data)+length > size {
			return nil, n.wrong("text longer than its frames")
		}
		x.append(values[4 : 4+length])
		values = values[4+length:]
	}
	if len(values) != 0 {
		return nil, n.wrong("text after the last row")
	}
	return x.array(t, v)
}
