package vortex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind is the variant of a dtype, numbered as the union Type of dtype.fbs.
type kind uint8

const (
	kindNull kind = iota + 1
	kindBool
	kindPrimitive
	kindDecimal
	kindUtf8
	kindBinary
	kindStruct
	kindList
	kindExtension
	kindFixedSizeList
	kindVariant
	kindUnion
	kindMap
)

// ptype is a physical number type, numbered as PType of dtype.fbs.
type ptype uint8

const (
	u8 ptype = iota
	u16
	u32
	u64
	i8
	i16
	i32
	i64
	f16
	f32
	f64
)

// width is the size of one value in bytes.
func (p ptype) width() int {
	switch p {
	case u8, i8:
		return 1
	case u16, i16, f16:
		return 2
	case u32, i32, f32:
		return 4
	default:
		return 8
	}
}

func (p ptype) signed() bool  { return p >= i8 && p <= i64 }
func (p ptype) integer() bool { return p <= i64 }
func (p ptype) float() bool   { return p >= f16 && p <= f64 }

// unsigned is the unsigned type of the same width.
func (p ptype) unsigned() ptype {
	switch p.width() {
	case 1:
		return u8
	case 2:
		return u16
	case 4:
		return u32
	default:
		return u64
	}
}

// field is a named member of a struct.
type field struct {
	name string
	typ  *dtype
}

// dtype is a logical type of Vortex.
type dtype struct {
	kind      kind
	ptype     ptype
	nullable  bool // of an extension: see isNullable
	precision uint8
	scale     int8
	fields    []field // of a struct; of a map: key and value
	elem      *dtype  // of a list: the element; of an extension: the storage
	size      uint32  // of a fixed-size list
	sorted    bool    // of a map: its keys
	id        string  // of an extension
	metadata  []byte  // of an extension
}

func primitive(p ptype, nullable bool) *dtype {
	return &dtype{kind: kindPrimitive, ptype: p, nullable: nullable}
}

// isNullable tells whether values may be null; an extension's nulls are those of its storage.
func (t *dtype) isNullable() bool {
	if t.kind == kindExtension {
		return t.elem.isNullable()
	}
	return t.kind == kindNull || t.nullable
}

// withNullable is the same type with other nullability.
func (t *dtype) withNullable(n bool) *dtype {
	c := *t
	if t.kind == kindExtension {
		c.elem = t.elem.withNullable(n)
	} else {
		c.nullable = n
	}
	return &c
}

// storage is the type below all extensions.
func (t *dtype) storage() *dtype {
	for t.kind == kindExtension {
		t = t.elem
	}
	return t
}

// The extension types of the format whose values Arrow knows.
const (
	extDate      = "vortex.date"
	extTime      = "vortex.time"
	extTimestamp = "vortex.timestamp"
	extUUID      = "vortex.uuid"
	extJSON      = "vortex.json"
)

// Time units in the metadata of extensions.
const (
	unitNanosecond = iota
	unitMicrosecond
	unitMillisecond
	unitSecond
	unitDay
)

func unitOf(u arrow.TimeUnit) byte {
	return [...]byte{arrow.Second: unitSecond, arrow.Millisecond: unitMillisecond, arrow.Microsecond: unitMicrosecond, arrow.Nanosecond: unitNanosecond}[u]
}

func extension(id string, metadata []byte, p ptype, nullable bool) *dtype {
	return &dtype{kind: kindExtension, id: id, metadata: metadata, elem: primitive(p, nullable)}
}

// fromArrow maps an Arrow type. It fails for types that Vortex has no form for; see Supports.
func fromArrow(t arrow.DataType, nullable bool) (*dtype, error) {
	switch t := t.(type) {
	case *arrow.NullType:
		return &dtype{kind: kindNull, nullable: true}, nil
	case *arrow.BooleanType:
		return &dtype{kind: kindBool, nullable: nullable}, nil
	case *arrow.StringType:
		return &dtype{kind: kindUtf8, nullable: nullable}, nil
	case *arrow.BinaryType:
		return &dtype{kind: kindBinary, nullable: nullable}, nil
	case *arrow.Decimal128Type:
		return &dtype{kind: kindDecimal, precision: uint8(t.Precision), scale: int8(t.Scale), nullable: nullable}, nil
	case *arrow.Decimal256Type:
		return &dtype{kind: kindDecimal, precision: uint8(t.Precision), scale: int8(t.Scale), nullable: nullable}, nil
	case *arrow.Date32Type:
		return extension(extDate, []byte{unitDay}, i32, nullable), nil
	case *arrow.Date64Type:
		return extension(extDate, []byte{unitMillisecond}, i64, nullable), nil
	case *arrow.Time32Type:
		return extension(extTime, []byte{unitOf(t.Unit)}, i32, nullable), nil
	case *arrow.Time64Type:
		return extension(extTime, []byte{unitOf(t.Unit)}, i64, nullable), nil
	case *arrow.TimestampType:
		m := binary.LittleEndian.AppendUint16([]byte{unitOf(t.Unit)}, uint16(len(t.TimeZone)))
		return extension(extTimestamp, append(m, t.TimeZone...), i64, nullable), nil
	case *arrow.ListType:
		e, err := fromArrow(t.Elem(), t.ElemField().Nullable)
		return &dtype{kind: kindList, elem: e, nullable: nullable}, err
	case *arrow.StructType:
		s, err := fromFields(t.Fields())
		if err != nil {
			return nil, err
		}
		s.nullable = nullable
		return s, nil
	}
	if p, ok := ptypeOf(t.ID()); ok {
		return primitive(p, nullable), nil
	}
	return nil, fmt.Errorf("vortex has no form for %s", t)
}

// fromFields is the struct of the fields of a schema or a struct. The error names the column.
func fromFields(fields []arrow.Field) (*dtype, error) {
	d := &dtype{kind: kindStruct}
	for _, f := range fields {
		t, err := fromArrow(f.Type, f.Nullable)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		d.fields = append(d.fields, field{f.Name, t})
	}
	return d, nil
}

func ptypeOf(id arrow.Type) (ptype, bool) {
	for p, t := range numberTypes() {
		if t.ID() == id {
			return ptype(p), true
		}
	}
	return 0, false
}

// numberTypes are the Arrow types of the ptypes, by number.
func numberTypes() [11]arrow.DataType {
	return [...]arrow.DataType{
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	}
}

// toArrow is the Arrow type in which values of t are decoded.
func (t *dtype) toArrow() (arrow.DataType, error) {
	switch t.kind {
	case kindNull:
		return arrow.Null, nil
	case kindBool:
		return arrow.FixedWidthTypes.Boolean, nil
	case kindPrimitive:
		return numberTypes()[t.ptype], nil
	case kindUtf8:
		return arrow.BinaryTypes.String, nil
	case kindBinary:
		return arrow.BinaryTypes.Binary, nil
	case kindDecimal:
		if t.precision > 38 {
			return &arrow.Decimal256Type{Precision: int32(t.precision), Scale: int32(t.scale)}, nil
		}
		return &arrow.Decimal128Type{Precision: int32(t.precision), Scale: int32(t.scale)}, nil
	case kindList, kindFixedSizeList:
		e, err := t.elem.toArrow()
		if err != nil {
			return nil, err
		}
		item := arrow.Field{Name: "item", Type: e, Nullable: t.elem.isNullable()}
		if t.kind == kindFixedSizeList {
			if t.size == 0 || t.size > math.MaxInt32 {
				return nil, fmt.Errorf("vortex: lists of %d elements each have no form in Arrow", t.size)
			}
			return arrow.FixedSizeListOfField(int32(t.size), item), nil
		}
		return arrow.ListOfField(item), nil
	case kindStruct:
		fs, err := t.arrowFields()
		if err != nil {
			return nil, err
		}
		return arrow.StructOf(fs...), nil
	case kindMap:
		fs, err := t.arrowFields()
		if err != nil {
			return nil, err
		}
		if fs[0].Nullable {
			return nil, errors.New("vortex: a map whose keys may be null has no form in Arrow")
		}
		m := arrow.MapOfFields(fs[0], fs[1])
		m.KeysSorted = t.sorted
		return m, nil
	case kindExtension:
		return t.extensionToArrow()
	}
	return nil, fmt.Errorf("vortex: a type of kind %d cannot be read", t.kind)
}

func (t *dtype) extensionToArrow() (arrow.DataType, error) {
	switch t.id {
	case extUUID:
		return &arrow.FixedSizeBinaryType{ByteWidth: 16}, nil
	case extJSON:
		return t.elem.toArrow()
	}
	if len(t.metadata) == 0 || t.metadata[0] > unitDay {
		return nil, fmt.Errorf("vortex: extension type %q cannot be read", t.id)
	}
	day := t.metadata[0] == unitDay
	units := [...]arrow.TimeUnit{arrow.Nanosecond, arrow.Microsecond, arrow.Millisecond, arrow.Second, arrow.Second}
	unit, wide := units[t.metadata[0]], t.elem.kind == kindPrimitive && t.elem.ptype == i64
	narrow := t.elem.kind == kindPrimitive && t.elem.ptype == i32
	switch {
	case t.id == extDate && day && narrow:
		return arrow.FixedWidthTypes.Date32, nil
	case t.id == extDate && unit == arrow.Millisecond && wide:
		return arrow.FixedWidthTypes.Date64, nil
	case t.id == extTime && !day && narrow:
		return &arrow.Time32Type{Unit: unit}, nil
	case t.id == extTime && !day && wide:
		return &arrow.Time64Type{Unit: unit}, nil
	case t.id == extTimestamp && !day && wide:
		if len(t.metadata) < 3 {
			return nil, corrupt("timestamp without a time zone")
		}
		n := int(binary.LittleEndian.Uint16(t.metadata[1:]))
		if len(t.metadata) < 3+n {
			return nil, corrupt("time zone outside of the metadata")
		}
		return &arrow.TimestampType{Unit: unit, TimeZone: string(t.metadata[3 : 3+n])}, nil
	}
	return nil, fmt.Errorf("vortex: extension type %q over this storage cannot be read", t.id)
}

// arrowFields are the members of a struct, or key and value of a map.
func (t *dtype) arrowFields() ([]arrow.Field, error) {
	fs := make([]arrow.Field, 0, len(t.fields))
	for _, f := range t.fields {
		a, err := f.typ.toArrow()
		if err != nil {
			return nil, err
		}
		fs = append(fs, arrow.Field{Name: f.name, Type: a, Nullable: f.typ.isNullable()})
	}
	return fs, nil
}
