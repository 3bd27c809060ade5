package vortex

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message of an encoding's metadata or of a scalar: the fields in their order.
type message []protoField

type protoField struct {
	number protowire.Number
	value  uint64 // of a varint, fixed32 or fixed64
	bytes  []byte // of a length-delimited field
}

// parseMessage reads a message without knowing its fields.
func parseMessage(b []byte) (message, error) {
	var m message
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, corrupt("metadata: %v", protowire.ParseError(n))
		}
		b = b[n:]
		f := protoField{number: number}
		switch wire {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.value = uint64(v)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			return nil, corrupt("metadata of wire type %d", wire)
		}
		if n < 0 {
			return nil, corrupt("metadata: %v", protowire.ParseError(n))
		}
		b = b[n:]
		m = append(m, f)
	}
	return m, nil
}

// get is the last field of a number, as protobuf has it.
func (m message) get(number protowire.Number) (protoField, bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].number == number {
			return m[i], true
		}
	}
	return protoField{}, false
}

func (m message) uint(number protowire.Number) uint64 {
	f, _ := m.get(number)
	return f.value
}

// length is a field that counts rows, values or bytes.
func (m message) length(number protowire.Number) (int, error) {
	v := m.uint(number)
	if v > math.MaxInt32 {
		return 0, corrupt("metadata counts %d", v)
	}
	return int(v), nil
}

// ptype is a field of the enumeration PType.
func (m message) ptype(number protowire.Number) (ptype, error) {
	v := m.uint(number)
	if v > uint64(f64) {
		return 0, corrupt("number type %d", v)
	}
	return ptype(v), nil
}

// messages are the fields of a number that are messages themselves.
func (m message) messages(number protowire.Number) ([]message, error) {
	var out []message
	for _, f := range m {
		if f.number != number {
			continue
		}
		c, err := parseMessage(f.bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// uints are the values of a repeated number, packed or not.
func (m message) uints(number protowire.Number) ([]uint64, error) {
	var out []uint64
	for _, f := range m {
		if f.number != number {
			continue
		}
		if f.bytes == nil {
			out = append(out, f.value)
			continue
		}
		for b := f.bytes; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, corrupt("metadata: %v", protowire.ParseError(n))
			}
			out, b = append(out, v), b[n:]
		}
	}
	return out, nil
}

// proto writes messages. Zero is omitted, as proto3 has it, but by always.
type proto []byte

func (p proto) uint(number protowire.Number, v uint64) proto {
	if v == 0 {
		return p
	}
	return p.always(number, v)
}

// always writes an optional number also when it is zero.
func (p proto) always(number protowire.Number, v uint64) proto {
	return protowire.AppendVarint(protowire.AppendTag(p, number, protowire.VarintType), v)
}

func (p proto) bytes(number protowire.Number, v []byte) proto {
	return protowire.AppendBytes(protowire.AppendTag(p, number, protowire.BytesType), v)
}

func (p proto) fixed32(number protowire.Number, v uint32) proto {
	return protowire.AppendFixed32(protowire.AppendTag(p, number, protowire.Fixed32Type), v)
}

func (p proto) fixed64(number protowire.Number, v uint64) proto {
	return protowire.AppendFixed64(protowire.AppendTag(p, number, protowire.Fixed64Type), v)
}
