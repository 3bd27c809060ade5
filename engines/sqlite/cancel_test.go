package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"modernc.org/sqlite"

	"pitwall/engines"
)

func newMemory(t *testing.T) *conn {
	c, err := connect(t.Context(), memoryName(), inMemory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.exec(t.Context(), "CREATE TABLE d (a)"); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCancelInCommit cancels while COMMIT runs: it is not reported as cancelled and done at once.
func TestCancelInCommit(t *testing.T) {
	c := newMemory(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.Conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
		cancel()
		for start := time.Now(); time.Since(start) < 50*time.Millisecond; { // COMMIT lasts long enough for the driver to see it
			runtime.Gosched()
		}
		return 0
	})
	err := c.transaction(ctx, func() error { return c.exec(ctx, "INSERT INTO d VALUES (1)") })
	n, countErr := c.count(t.Context(), "d")
	if countErr != nil || (err == nil) != (n == 1) {
		t.Fatalf("%d rows, transaction %v (%v)", n, err, countErr)
	}
}

// TestCancelAnywhere cancels transactions at any moment: what fails leaves no row and no transaction.
func TestCancelAnywhere(t *testing.T) {
	c := newMemory(t)
	var done int64
	for i := range 3000 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for start := time.Now(); time.Since(start) < time.Duration(i%60)*time.Microsecond; {
			}
			cancel()
		}()
		err := c.transaction(ctx, func() error { return c.exec(ctx, "INSERT INTO d VALUES (1)") })
		<-ended
		if err == nil {
			done++
		} else if !errors.Is(err, context.Canceled) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if n, err := c.count(t.Context(), "d"); err != nil || n != done {
		t.Fatalf("%d rows, %d transactions (%v)", n, done, err)
	}
}

// TestGateRollsBack fails a copy after it began to read: the connection goes back without a transaction.
func TestGateRollsBack(t *testing.T) {
	ctx := t.Context()
	opened, err := Opener{}.Open(ctx, engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "d.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	e := opened.(*Engine)
	write := func(mode engines.WriteMode) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
		defer b.Release()
		b.Field(0).(*array.Int64Builder).Append(1)
		rec := b.NewRecordBatch()
		defer rec.Release()
		r, err := array.NewRecordReader(rec.Schema(), []arrow.RecordBatch{rec})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if _, err := e.Write(ctx, engines.Write{Mode: mode, Rows: r}); err != nil {
			t.Fatal(err)
		}
	}
	write(engines.Replace)
	write(engines.Append)
	old, err := e.borrow(ctx) // keeps the WAL from being folded
	if err != nil {
		t.Fatal(err)
	}
	defer old.done()
	if err := old.conn.exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := old.conn.count(ctx, "d"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.conn.exec(ctx, "ROLLBACK") }()
	write(engines.Append)
	write(engines.Append)

	e.o.Dataset = "missing"
	if _, err := e.gate(ctx); err == nil {
		t.Fatal("there is no such table")
	}
	e.o.Dataset = "d"
	b, err := e.borrow(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer b.done()
	if err := errors.Join(b.conn.exec(ctx, "BEGIN"), b.conn.exec(ctx, "ROLLBACK")); err != nil {
		t.Fatal(err)
	}
}
