package enginetest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// testCompact compacts, if the engine can: nothing of the dataset changes by it, the order of rows only between
// partitions.
func testCompact(t *testing.T, e engines.Engine, partitions bool) {
	t.Helper()
	c, ok := e.(engines.Compactor)
	if !ok {
		return
	}
	type seen struct {
		Lines []string
		Info  engines.Info
		At    *engines.Checkpoint
		Kind  engines.Kind
	}
	see := func() seen {
		var s seen
		var err error
		s.Lines, err = readLines(t.Context(), e, engines.Scan{}) // in their order
		if partitions {
			slices.Sort(s.Lines)
		}
		s.Kind = engines.KindOf(err)
		if s.Info, err = e.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Info.Bytes = 0
		if s.At, err = e.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := see()
	for {
		done, err := c.Compact(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done.Before == 0 {
			break
		}
	}
	after := see()
	if before.Info.Schema != nil && !before.Info.Schema.Equal(after.Info.Schema) {
		t.Errorf("schema %s, was %s", after.Info.Schema, before.Info.Schema)
	}
	before.Info.Schema, after.Info.Schema = nil, nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the compaction changed something: %s", diff)
	}
}

// testKillCompact kills a process that appends and compacts.
func testKillCompact(t *testing.T, h Harness) {
	if _, ok := h.again(t).Open(t).(engines.Compactor); !ok {
		return
	}
	testKill(t, h, compact)
}
