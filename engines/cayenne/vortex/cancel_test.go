package vortex

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestCancelledScan reads with a context that has ended: every scan ends, whichever worker saw it first.
func TestCancelledScan(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i := range 100 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, s, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		r, err := f.Scan(ctx, Scan{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if r.Next() || !errors.Is(r.Err(), context.Canceled) {
			t.Fatalf("read %v, %v", r.RecordBatch(), r.Err())
		}
		r.Release()
	}
}
