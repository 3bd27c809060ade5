package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/schemajson"
)

func testEmpty(t *testing.T, h Harness) {
	e := h.Open(t)
	info, err := e.Info(t.Context())
	if err != nil || info.Schema != nil || info.Rows != 0 || info.Bytes != 0 {
		t.Errorf("info %+v, %v", info, err)
	}
	if cp, err := e.Checkpoint(t.Context()); cp != nil || err != nil {
		t.Errorf("checkpoint %+v, %v", cp, err)
	}
	_, err = e.Query(t.Context(), engines.Scan{})
	wantKind(t, err, engines.NotFound)
	_, err = e.Watermark(t.Context(), "id")
	wantKind(t, err, engines.NotFound)
	_, err = e.Delete(t.Context(), engines.And{})
	wantKind(t, err, engines.NotFound)
}

func testReplaceAndAppend(t *testing.T, h Harness) {
	e := h.Open(t)
	steps := []struct {
		mode engines.WriteMode
		gen  int64
		n    int64
		size int64
		want state
	}{
		{engines.Append, 1, 10, 3, total(1, 0, 10)}, // onto nothing
		{engines.Replace, 2, 5000, 2048, total(2, 0, 5000)},
		{engines.Append, 3, 300, 1, total(2, 0, 5000).plus(total(3, 0, 300))},
		{engines.Append, 4, 1, 1, total(2, 0, 5000).plus(total(3, 0, 300)).plus(total(4, 0, 1))},
		{engines.Replace, 5, 200_000, 130_000, total(5, 0, 200_000)},
		{engines.Replace, 6, 20, 20, total(6, 0, 20)},
	}
	for _, s := range steps {
		stats := write(t, e, s.mode, rows(s.gen, 0, s.n, s.size))
		got := mustRead(t, e)
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Fatalf("generation %d: %s", s.gen, diff)
		}
		var all int64
		for _, n := range s.want.Rows {
			all += n
		}
		if stats.Written != s.n || stats.Rows != all || stats.Bytes <= 0 {
			t.Errorf("generation %d: stats %+v, want %d of %d rows", s.gen, stats, s.n, all)
		}
		info, err := e.Info(t.Context())
		if err != nil || info.Rows != all || info.Bytes <= 0 || !info.Schema.Equal(schema()) {
			t.Errorf("generation %d: info %+v, %v", s.gen, info, err)
		}
	}
}

func testEmptyWrite(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	write(t, e, engines.Append, rows(1, 0, 0, 1))
	expect(t, e, total(1, 0, 10))
	stats := write(t, e, engines.Replace, rows(2, 0, 0, 1))
	if stats.Rows != 0 {
		t.Errorf("stats %+v", stats)
	}
	expect(t, e, state{Rows: map[int64]int64{}})
	if m, err := e.Watermark(t.Context(), "id"); err != nil || m.Valid {
		t.Errorf("watermark %+v, %v", m, err)
	}
}

func testCheckpointRow(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	text, err := schemajson.Marshal(schema())
	if err != nil {
		t.Fatal(err)
	}
	want := &engines.Checkpoint{SchemaJSON: string(text), RefreshSQL: "SELECT * FROM x", UpdatedAt: at()}
	got, err := e.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r := rows(2, 0, 1, 1)
	defer r.Release()
	later := at().Add(3600 * 1e9)
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: later}); err != nil {
		t.Fatal(err)
	}
	want.RefreshSQL, want.UpdatedAt = "", later
	if got, err = e.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testAppendSchemaMismatch(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	fields := schema().Fields()
	changed := append([]arrow.Field{}, fields...)
	changed[3].Type = arrow.PrimitiveTypes.Int32
	for name, tt := range map[string]struct {
		fields []arrow.Field
		column string
	}{
		"type":    {changed, `"f"`},
		"missing": {fields[:4], `"ts"`},
		"extra":   {append(append([]arrow.Field{}, fields...), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int8}), `"more"`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := array.NewRecordReader(arrow.NewSchema(tt.fields, nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Release()
			_, err = e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: at()})
			wantKind(t, err, engines.Schema)
			if !strings.Contains(err.Error(), tt.column) {
				t.Errorf("%v does not name %s", err, tt.column)
			}
		})
	}
	expect(t, e, total(1, 0, 10))
}

func testNullInNotNull(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema())
	defer b.Release()
	for _, f := range b.Fields() {
		f.AppendNull()
	}
	bad := b.NewRecordBatch()
	defer bad.Release()
	for _, mode := range []engines.WriteMode{engines.Append, engines.Replace} {
		r, err := array.NewRecordReader(schema(), []arrow.RecordBatch{bad})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: at()})
		r.Release()
		wantKind(t, err, engines.Schema)
		if !strings.Contains(err.Error(), `"id"`) {
			t.Errorf("%v does not name the column", err)
		}
	}
	expect(t, e, total(1, 0, 10))
}

// source is a reader that calls back before every batch and can fail.
type source struct {
	array.RecordReader
	before func(batch int) error
	n      int
	err    error
}

func (s *source) Next() bool {
	if s.err = s.before(s.n); s.err != nil {
		return false
	}
	s.n++
	return s.RecordReader.Next()
}

func (s *source) Err() error { return errors.Join(s.err, s.RecordReader.Err()) }

func testSourceError(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 1000, 100))
	before, err := e.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []engines.WriteMode{engines.Append, engines.Replace} {
		r := rows(2, 0, 300_000, 70_000)
		src := &source{RecordReader: r, before: func(n int) error {
			if n == 3 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}}
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: src, At: at().Add(1e9)})
		r.Release()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v hides the source's", mode, err)
		}
		if diff := cmp.Diff(total(1, 0, 1000), mustRead(t, e)); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		after, err := e.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
	write(t, e, engines.Append, rows(3, 0, 10, 10)) // the engine still works
	noTemp(t, h)
}

func testCancelWrite(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 1000, 100))
	for _, mode := range []engines.WriteMode{engines.Append, engines.Replace} {
		ctx, cancel := context.WithCancel(t.Context())
		r := rows(2, 0, 400_000, 70_000)
		src := &source{RecordReader: r, before: func(n int) error {
			if n == 2 {
				cancel()
			}
			return nil
		}}
		_, err := e.Write(ctx, engines.Write{Mode: mode, Rows: src, At: at()})
		r.Release()
		cancel()
		wantKind(t, err, engines.Canceled)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v does not wrap context.Canceled", mode, err)
		}
		if src.n > 4 {
			t.Errorf("%s: read %d batches after the cancellation", mode, src.n-3)
		}
		if diff := cmp.Diff(total(1, 0, 1000), mustRead(t, e)); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
	noTemp(t, h)
}

// testReadersDuringReplace lets readers run all the time while the content is replaced.
func testReadersDuringReplace(t *testing.T, h Harness) {
	e := h.Open(t)
	sizes := []int64{5000, 7000, 3000, 9000, 1000, 20_000}
	write(t, e, engines.Replace, rows(0, 0, sizes[0], 1000))
	defer watch(t, e, 4, func(before, s state) string {
		for gen := range s.Rows {
			if diff := cmp.Diff(total(gen, 0, sizes[gen]), s); diff != "" {
				return "a mixture: " + diff
			}
			for last := range before.Rows {
				if gen < last {
					return fmt.Sprintf("generation %d after %d", gen, last)
				}
			}
		}
		return ""
	})()
	for gen, n := range sizes[1:] {
		write(t, e, engines.Replace, rows(int64(gen+1), 0, n, 1000))
	}
}

func testClose(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Query(t.Context(), engines.Scan{}); err == nil {
		t.Error("query after Close")
	}
	r := rows(2, 0, 10, 10)
	defer r.Release()
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: r, At: at()}); err == nil {
		t.Error("write after Close")
	}
}

// testAwkwardNames keeps datasets and columns whose names need care in SQL.
func testAwkwardNames(t *testing.T, h Harness) {
	for _, name := range []string{`a"b`, "a'b", "select", "MiXed.case", "ünïcode 😀", "semi;colon--", `back\slash`} {
		h = h.again(t)
		o := h.options(name)
		for range 2 { // the second time over an existing file
			e, err := h.Opener.Open(t.Context(), o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			fields := schema().Fields()
			fields[2].Name = name
			r := rows(1, 0, 100, 100)
			awkward := array.NewRecordBatch(arrow.NewSchema(fields, nil), batch(1, 0, 100).Columns(), 100)
			r.Release()
			if r, err = array.NewRecordReader(awkward.Schema(), []arrow.RecordBatch{awkward}); err != nil {
				t.Fatal(err)
			}
			write(t, e, engines.Replace, r)
			want := []string{"|row 5"}
			where := engines.Compare{Column: name, Op: engines.Eq, Value: "row 5"}
			if diff := cmp.Diff(want, lines(t, e, engines.Scan{Columns: []string{name}, Where: where})); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if m, err := e.Watermark(t.Context(), name); err != nil || m.Value != "row 99" {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
