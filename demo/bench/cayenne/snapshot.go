//go:build duckdb_arrow

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/demo/trips"
	"pitwall/engines"
	"pitwall/engines/cayenne"
	"pitwall/snapshots"
)

// growth is what it takes to store a dataset again after it grew by a hundredth.
type growth struct {
	load, append, first, second time.Duration
	whole, stored               int64
}

// grown loads trips in partitions, stores them, appends a hundredth and stores them again.
func grown(ctx context.Context, dir string, batches []arrow.RecordBatch, rows int, last time.Time, by ...engines.PartitionBy) (g growth, err error) {
	e, err := cayenne.Opener{}.Open(ctx, engines.Options{Dataset: "trips", Path: filepath.Join(dir, "trips.cayenne"), Partitions: by})
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, e.Close(), os.RemoveAll(dir)) }()
	write := func(mode engines.WriteMode, batches []arrow.RecordBatch) (time.Duration, error) {
		r, err := array.NewRecordReader(batches[0].Schema(), batches)
		if err != nil {
			return 0, err
		}
		defer r.Release()
		start := time.Now()
		_, err = e.Write(ctx, engines.Write{Mode: mode, Rows: r})
		return time.Since(start), err
	}
	if g.load, err = write(engines.Replace, batches); err != nil {
		return g, err
	}
	m, err := snapshots.Open(ctx, "file://"+filepath.Join(dir, "store"), "", nil)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	s, took, err := stored(ctx, m, e.(engines.FileEngine), filepath.Join(dir, "copy"))
	if err != nil {
		return g, err
	}
	g.first = took
	more, _ := trips.Batch(rand.New(rand.NewPCG(3, 4)), max(rows/100, 1), last)
	if g.append, err = write(engines.Append, []arrow.RecordBatch{more}); err != nil {
		return g, err
	}
	s, g.second, err = stored(ctx, m, e.(engines.FileEngine), filepath.Join(dir, "copy"))
	if err == nil && !s.Incremental {
		err = errors.New("the second snapshot is not incremental")
	}
	g.whole, g.stored = s.Bytes, s.Stored
	return g, err
}

func stored(ctx context.Context, m *snapshots.Manager, e engines.FileEngine, tmp string) (snapshots.Snapshot, time.Duration, error) {
	start := time.Now()
	s, err := m.Create(ctx, snapshots.CreateRequest{Dataset: "trips", Engine: "cayenne", Extension: ".cayenne", Force: true, Incremental: true, FullEvery: 10,
		Export: func(ctx context.Context) (snapshots.Copy, error) {
			x, err := e.Export(ctx, tmp, false)
			return snapshots.Copy{Path: tmp, Rows: x.Rows, Schema: x.Schema}, err
		}})
	return s, time.Since(start), errors.Join(err, os.Remove(tmp))
}

func (g growth) print(what string) {
	fmt.Printf("%-13s %8.2fs  stored in %.2fs; a hundredth more: written in %.2fs, %.2f of %.1f MB stored in %.2fs: %.2f %% (at most 3)\n", what,
		g.load.Seconds(), g.first.Seconds(), g.append.Seconds(), mega(g.stored), mega(g.whole), g.second.Seconds(), 100*ratio(g.stored, g.whole))
}
