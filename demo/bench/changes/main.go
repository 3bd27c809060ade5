//go:build duckdb_arrow

// Command changes measures how fast changes are applied: upserts of random keys, each with a row of about 1 KB, in batches
// with the state of a stream in the same commit. The figure is a ratio to the bulk append of the same rows by the same
// engine in the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/arrowmem"
	"pitwall/engines/cayenne"
	"pitwall/engines/duckdb"
	"pitwall/engines/sqlite"
)

func main() {
	keys := flag.Int("keys", 1_000_000, "rows that are there")
	events := flag.Int("events", 500_000, "changes to apply")
	size := flag.Int("batch", 10_000, "changes in a commit")
	names := flag.String("engines", "duckdb,sqlite", "engines to measure: duckdb, sqlite, cayenne, arrow")
	profile := flag.String("profile", "", "file for a CPU profile")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	for _, name := range strings.Split(*names, ",") {
		if err := run(context.Background(), name, *keys, *events, *size); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", name+":", err)
			os.Exit(1)
		}
	}
}

// goal is how many changes a second are to be applied on two cores.
func goal(engine string) float64 {
	if engine == "duckdb" {
		return 100_000
	}
	return 50_000
}

func run(ctx context.Context, name string, n, events, size int) (err error) {
	dir, err := os.MkdirTemp("", "pitwall-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opener := map[string]engines.Opener{"duckdb": duckdb.Opener{}, "sqlite": sqlite.Opener{}, "cayenne": cayenne.Opener{}, "arrow": arrowmem.Opener{}}[name]
	if opener == nil {
		return errors.New("there is no such engine")
	}
	o := engines.Options{Dataset: "rows", Path: filepath.Join(dir, "rows."+name), Keys: engines.Keys{Primary: []string{"id"}}}
	if name == "arrow" {
		o.Path = ""
	}
	e, err := opener.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	r := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	if _, err := e.Write(ctx, engines.Write{Mode: engines.Replace, Rows: &many{n: n, size: size, r: r}}); err != nil {
		return err
	}
	bulk := float64(n) / time.Since(began).Seconds()
	var changed time.Duration
	var slowest time.Duration
	for done := 0; done < events; done += size {
		ids := picked(r, n, size)
		rows := made(r, ids)
		w := engines.Write{Mode: engines.Append, Keyed: true, State: []byte(fmt.Sprint(done))}
		keyed := array.NewRecordBatch(arrow.NewSchema(schema().Fields()[:1], nil), rows.Columns()[:1], rows.NumRows())
		w.Remove = engines.Among{Rows: keyed}
		if w.Rows, err = array.NewRecordReader(schema(), []arrow.RecordBatch{rows}); err != nil {
			return err
		}
		at := time.Now()
		stats, err := e.Write(ctx, w)
		if err != nil {
			return err
		}
		took := time.Since(at)
		changed, slowest = changed+took, max(slowest, took)
		if stats.Removed != int64(size) || stats.Rows != int64(n) {
			return fmt.Errorf("%+v after upserts of %d keys that are there", stats, size)
		}
		rows.Release()
		keyed.Release()
		w.Rows.Release()
	}
	if err := e.Close(); err != nil {
		return err
	}
	again := time.Now()
	if o.Path != "" {
		if e, err = opener.Open(ctx, o); err != nil {
			return err
		}
		if i, err := e.Info(ctx); err != nil || i.Rows != int64(n) {
			return fmt.Errorf("%d rows after opening again: %w", i.Rows, err)
		}
	}
	opened := time.Since(again)
	rate := float64(events) / changed.Seconds()
	fmt.Printf("%-8s upserts %8.0f/s in batches of %d onto %d keys (goal %.0f); bulk append %8.0f rows/s: ratio %.2f; slowest batch %s; opened again in %s\n",
		name, rate, size, n, goal(name), bulk, rate/bulk, slowest.Round(time.Millisecond), opened.Round(time.Millisecond))
	return nil
}

func schema() *arrow.Schema {
	f := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: name != "id"}
	}
	return arrow.NewSchema([]arrow.Field{f("id", arrow.PrimitiveTypes.Int64), f("amount", arrow.PrimitiveTypes.Float64),
		f("at", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}), f("state", arrow.BinaryTypes.String), f("note", arrow.BinaryTypes.String)}, nil)
}

// made are rows of about 1 KB.
func made(r *rand.Rand, ids []int64) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema())
	defer b.Release()
	var note [960]byte
	for _, id := range ids {
		b.Field(0).(*array.Int64Builder).Append(id)
		b.Field(1).(*array.Float64Builder).Append(float64(r.IntN(100_000)) / 100)
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + r.Int64N(1e15)))
		b.Field(3).(*array.StringBuilder).Append([]string{"new", "paid", "sent", "returned"}[r.IntN(4)])
		for i := 0; i < len(note); i += 8 {
			x := r.Uint64()
			for k := range 8 {
				note[i+k] = 'a' + byte(x>>(8*k))%26
			}
		}
		b.Field(4).(*array.StringBuilder).Append(string(note[:]))
	}
	return b.NewRecordBatch()
}

// picked are different keys of those that are there.
func picked(r *rand.Rand, n, size int) []int64 {
	seen := make(map[int64]bool, size)
	ids := make([]int64, 0, size)
	for len(ids) < size {
		if id := r.Int64N(int64(n)); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// many reads rows that are made as they are read.
type many struct {
	array.RecordReader
	n, size, at int
	r           *rand.Rand
	current     arrow.RecordBatch
}

func (m *many) Schema() *arrow.Schema          { return schema() }
func (m *many) Retain()                        {}
func (m *many) Release()                       {}
func (m *many) Err() error                     { return nil }
func (m *many) RecordBatch() arrow.RecordBatch { return m.current }

func (m *many) Next() bool {
	if m.current != nil {
		m.current.Release()
		m.current = nil
	}
	if m.at >= m.n {
		return false
	}
	ids := make([]int64, min(m.size, m.n-m.at))
	for i := range ids {
		ids[i] = int64(m.at + i)
	}
	m.at += len(ids)
	m.current = made(m.r, ids)
	return true
}
