package runtime

import (
	"testing"

	"pitwall/engines"
)

// A look that finds what was there changes nothing, so that nothing is published, and States share the partitions.
func TestTheSameLayoutIsNoChange(t *testing.T) {
	a := &actor{rt: &Runtime{}}
	l := func(scans int64, paths ...string) engines.Layout {
		out := engines.Layout{Reads: engines.Reads{Scans: scans}, Compaction: &engines.Compaction{Runs: 1}}
		for _, p := range paths {
			out.Partitions = append(out.Partitions, engines.Partition{Path: p, Files: 2, Rows: 10})
		}
		return out
	}
	if !a.lies(l(0, "y=2", "y=1")) || a.st.Layout.Partitions[0].Path != "y=1" || a.st.Layout.Total.Files != 4 {
		t.Fatalf("%+v", a.st.Layout)
	}
	first := a.st.Layout
	if a.lies(l(0, "y=1", "y=2")) {
		t.Error("the same is a change")
	}
	if !a.lies(l(1, "y=1", "y=2")) || a.st.Layout != first || a.st.Reads.Scans != 1 {
		t.Errorf("a scan: %+v", a.st.Reads)
	}
	if !a.lies(l(1, "y=1")) || a.st.Layout == first || len(first.Partitions) != 2 {
		t.Error("a partition that went is no change, or was taken from an older State")
	}
	gone := l(1, "y=1")
	gone.Compaction = nil
	if !a.lies(gone) || a.st.Compaction != nil || a.lies(gone) {
		t.Error("no compaction any more")
	}
}
