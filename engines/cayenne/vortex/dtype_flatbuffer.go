package vortex

import (
	flatbuffers "github.com/google/flatbuffers/go"
)

// maxDepth bounds how deeply types, layouts and arrays of a file may nest.
const maxDepth = 64

// nesting is where in a tree of tables a parser is. A damaged tree may be endless, or have the same table as many
// children, whose children are one table again: a tree takes up no more bytes than its buffer has.
type nesting struct {
	depth int
	left  *int // in bytes
}

func nestingIn(buf []byte) nesting {
	left := len(buf) + 8
	return nesting{0, &left}
}

// deeper is called once for each node, with the bytes of what it lists; it gives the place of its children.
func (n nesting) deeper(listed int) (nesting, error) {
	if *n.left -= 8 + listed; *n.left < 0 || n.depth > maxDepth { // a table and the offset that points at it
		return n, corrupt("a tree that is too deep, or larger than its buffer")
	}
	return nesting{n.depth + 1, n.left}, nil
}

// build writes t as a table DType of dtype.fbs.
func (t *dtype) build(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	variant := t.buildVariant(b)
	b.StartObject(2)
	b.PrependByteSlot(0, byte(t.kind), 0)
	b.PrependUOffsetTSlot(1, variant, 0)
	return b.EndObject()
}

func (t *dtype) buildVariant(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	switch t.kind {
	case kindNull:
		b.StartObject(0)
	case kindPrimitive:
		b.StartObject(2)
		b.PrependByteSlot(0, byte(t.ptype), 0)
		b.PrependBoolSlot(1, t.nullable, false)
	case kindDecimal:
		b.StartObject(3)
		b.PrependByteSlot(0, t.precision, 0)
		b.PrependInt8Slot(1, t.scale, 0)
		b.PrependBoolSlot(2, t.nullable, false)
	case kindStruct:
		var names, types []flatbuffers.UOffsetT
		for _, f := range t.fields {
			names = append(names, b.CreateString(f.name))
		}
		for _, f := range t.fields {
			types = append(types, f.typ.build(b))
		}
		nv, tv := offsets(b, names), offsets(b, types)
		b.StartObject(3)
		b.PrependUOffsetTSlot(0, nv, 0)
		b.PrependUOffsetTSlot(1, tv, 0)
		b.PrependBoolSlot(2, t.nullable, false)
	case kindList:
		e := t.elem.build(b)
		b.StartObject(2)
		b.PrependUOffsetTSlot(0, e, 0)
		b.PrependBoolSlot(1, t.nullable, false)
	case kindExtension:
		id, st, m := b.CreateString(t.id), t.elem.build(b), b.CreateByteVector(t.metadata)
		b.StartObject(3)
		b.PrependUOffsetTSlot(0, id, 0)
		b.PrependUOffsetTSlot(1, st, 0)
		b.PrependUOffsetTSlot(2, m, 0)
	default: // bool, utf8, binary; fromArrow makes no others
		b.StartObject(1)
		b.PrependBoolSlot(0, t.nullable, false)
	}
	return b.EndObject()
}

// parseDType reads a table DType.
func parseDType(t table, at nesting) (*dtype, error) {
	below, err := at.deeper(0)
	if err != nil {
		return nil, err
	}
	v, ok := t.table(1)
	if !ok {
		return nil, corrupt("type without a variant")
	}
	d := &dtype{kind: kind(t.uint8(0))}
	elem := func(i int) {
		e, ok := v.table(i)
		if !ok {
			err = corrupt("type without its element")
			return
		}
		d.elem, err = parseDType(e, below)
	}
	switch d.kind {
	case kindNull:
		d.nullable = true
	case kindBool, kindUtf8, kindBinary, kindVariant:
		d.nullable = v.bool(0)
	case kindPrimitive:
		d.ptype, d.nullable = ptype(v.uint8(0)), v.bool(1)
		if d.ptype > f64 {
			err = corrupt("number type %d", d.ptype)
		}
	case kindDecimal:
		d.precision, d.scale, d.nullable = v.uint8(0), int8(v.uint8(1)), v.bool(2)
		least := -38
		if d.precision > 38 {
			least = -76
		}
		// Arrow reads and shows no decimals of other scales.
		if d.precision == 0 || d.precision > 76 || int(d.scale) > int(d.precision) || int(d.scale) < least {
			err = corrupt("decimal of %d digits and scale %d", d.precision, d.scale)
		}
	case kindStruct:
		d.nullable = v.bool(2)
		err = d.parseFields(v, below)
	case kindList:
		d.nullable = v.bool(1)
		elem(0)
	case kindFixedSizeList:
		d.size, d.nullable = v.uint32(1), v.bool(2)
		elem(0)
	case kindMap:
		d.sorted, d.nullable = v.bool(2), v.bool(3)
		err = d.parseEntries(v, below)
	case kindExtension:
		d.id, d.metadata = v.string(0), v.bytes(2)
		elem(1)
	default:
		err = corrupt("type of kind %d", d.kind)
	}
	return d, err
}

func (t *dtype) parseFields(v table, below nesting) error {
	names, types := v.vector(0, 4), v.vector(1, 4)
	if names.n != types.n {
		return corrupt("struct of %d names and %d types", names.n, types.n)
	}
	for i := range names.n {
		f, err := parseDType(types.table(i), below)
		if err != nil {
			return err
		}
		name := names.string(i)
		if *below.left -= len(name) / 16; *below.left < 0 { // many may share one
			return corrupt("names that take up more than their buffer")
		}
		t.fields = append(t.fields, field{name, f})
	}
	return nil
}

func (t *dtype) parseEntries(v table, below nesting) error {
	for i, name := range []string{"key", "value"} {
		e, ok := v.table(i)
		if !ok {
			return corrupt("map without its %s", name)
		}
		f, err := parseDType(e, below)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, field{name, f})
	}
	return nil
}
