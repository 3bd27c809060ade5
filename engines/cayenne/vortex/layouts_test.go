package vortex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// listRows are lists of 0 to 3 numbers, some of them null.
func listRows(rows int) *array.List {
	b := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64)
	v := b.ValueBuilder().(*array.Int64Builder)
	for i := range rows {
		b.Append(i%7 != 3)
		for k := 0; k < i%4 && i%7 != 3; k++ {
			v.Append(int64(i + k))
		}
	}
	return b.NewListArray()
}

// inTwo writes the rows of an array as a chunked layout of two flat ones.
func inTwo(t *testing.T, x *Writer, a arrow.Array, typ *dtype) *layout {
	t.Helper()
	l := &layout{encoding: layoutChunked, rows: int64(a.Len())}
	for _, s := range []span{{0, int64(a.Len() / 3)}, {int64(a.Len() / 3), int64(a.Len())}} {
		n, err := x.encoder.array(array.NewSlice(a, s.lo, s.hi), typ)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x.flat(n, s.hi-s.lo)
		if err != nil {
			t.Fatal(err)
		}
		l.children = append(l.children, c)
	}
	return l
}

// fileOfLists is a file of one column whose layout is vortex.list, after change.
func fileOfLists(t *testing.T, lists *array.List, change func(*layout)) []byte {
	t.Helper()
	var file bytes.Buffer
	x, err := NewWriter(&file, arrow.NewSchema([]arrow.Field{{Name: "l", Type: lists.DataType(), Nullable: true}}, nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	typ := x.dtype.fields[0].typ
	offsets, valid := array.NewInt32Builder(memory.DefaultAllocator), array.NewBooleanBuilder(memory.DefaultAllocator)
	offsets.AppendValues(lists.Offsets(), nil)
	for i := range lists.Len() {
		valid.Append(lists.IsValid(i))
	}
	l := &layout{encoding: layoutList, rows: int64(lists.Len()), metadata: proto(nil).uint(1, uint64(i32)), children: []*layout{
		inTwo(t, x, lists.ListValues(), typ.elem),
		inTwo(t, x, offsets.NewArray(), primitive(i32, false)),
		inTwo(t, x, valid.NewArray(), &dtype{kind: kindBool}),
	}}
	if change != nil {
		change(l)
	}
	x.columns[0].chunks, x.rows = []*layout{l}, l.rows
	if _, err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Lists whose elements, offsets and validity have layouts of their own are read in several windows.
func TestListLayout(t *testing.T) {
	lists := listRows(150000)
	got, err := readAll(t, fileOfLists(t, lists, nil), Scan{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) < 3 {
		t.Errorf("%d windows", len(got))
	}
	if d := difference(columnOf(t, got, 0), lists); d != "" {
		t.Error(d)
	}
}

// A layout that has other rows than its children, or more than any file, is refused before a scan is planned by it.
func TestLayoutOfOtherRows(t *testing.T) {
	for name, change := range map[string]func(*layout){
		"fewer elements":  func(l *layout) { l.children[0].children[0].rows-- },
		"fewer offsets":   func(l *layout) { l.children[1].rows--; l.children[1].children[1].rows-- },
		"more validity":   func(l *layout) { l.children[2].rows++; l.children[2].children[0].rows++ },
		"endless":         func(l *layout) { l.rows = 1 << 60 },
		"without any":     func(l *layout) { l.children = nil },
		"endless flat":    func(l *layout) { *l = layout{encoding: layoutFlat, rows: 1 << 40} },
		"negative":        func(l *layout) { l.children[0].rows = -1 },
		"of another kind": func(l *layout) { l.encoding = layoutStruct },
	} {
		if _, err := readAll(t, fileOfLists(t, listRows(100), change), Scan{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The null array stands for no type but that of nulls: as a list it brought the process down.
func TestNullArrayOfAnotherType(t *testing.T) {
	var names ids
	segment, _ := (&node{encoding: "vortex.null"}).segment(&names)
	for _, typ := range []*dtype{primitive(i64, true), {kind: kindList, elem: primitive(i8, false), nullable: true}, {kind: kindUtf8, nullable: true}} {
		if _, _, err := decodeSegment(segment, names.names, typ, 3); !errors.Is(err, ErrCorrupt) {
			t.Errorf("kind %d: %v", typ.kind, err)
		}
	}
}

// A table that is a child of itself, or many times a child of others, does not grow into more nodes than there is room
// for in the file: it would be read for years.
func TestTreesThatShareTables(t *testing.T) {
	var names ids
	leaf := &node{encoding: "vortex.primitive", buffers: []buffer{valueBuffer([]int64{1, 2})}}
	tree := &node{encoding: "vortex.masked", children: []*node{leaf, leaf}}
	segment, _ := (&node{encoding: "vortex.masked", children: []*node{tree, tree}}).segment(&names)
	if n, err := parseSegment(segment, names.names); err != nil || len(n.children[1].children) != 2 {
		t.Fatal(err)
	}
	b := flatbuffers.NewBuilder(0)
	b.StartObject(5)
	at := b.EndObject()
	for range 60 {
		children := offsets(b, []flatbuffers.UOffsetT{at, at, at, at})
		b.StartObject(5)
		b.PrependUOffsetTSlot(2, children, 0)
		at = b.EndObject()
	}
	b.StartObject(2)
	b.PrependUOffsetTSlot(0, at, 0)
	b.Finish(b.EndObject())
	out := append(b.FinishedBytes(), binary.LittleEndian.AppendUint32(nil, uint32(len(b.FinishedBytes())))...)
	if _, err := parseSegment(out, []string{"vortex.masked"}); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// Decimals of a scale that has no sense are refused: their values brought down whoever printed them.
func TestScalesOfDecimals(t *testing.T) {
	for _, x := range []struct {
		precision uint8
		scale     int8
		ok        bool
	}{{38, 38, true}, {38, -38, true}, {76, 76, true}, {76, -76, true}, {5, 6, false}, {38, 39, false}, {38, -39, false}, {76, 127, false}, {76, -77, false}, {0, 0, false}, {77, 0, false}} {
		b := flatbuffers.NewBuilder(0)
		b.Finish((&dtype{kind: kindDecimal, precision: x.precision, scale: x.scale}).build(b))
		root := rootTable(b.FinishedBytes())
		if _, err := parseDType(root, nestingIn(root.buf)); (err == nil) != x.ok {
			t.Errorf("decimal(%d, %d): %v", x.precision, x.scale, err)
		}
	}
}

// Types that Arrow has no form for are an error: the library panicked.
func TestTypesWithoutArrowForm(t *testing.T) {
	key := field{"key", primitive(i32, true)}
	for _, typ := range []*dtype{
		{kind: kindMap, fields: []field{key, key}},
		{kind: kindFixedSizeList, elem: primitive(i8, false)},
		{kind: kindFixedSizeList, elem: primitive(i8, false), size: 1 << 31},
	} {
		if a, err := typ.toArrow(); err == nil {
			t.Errorf("kind %d became %s", typ.kind, a)
		}
	}
}
