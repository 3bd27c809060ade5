package views_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// startParted runs the console over the sample with a partitioned dataset in front.
func startParted(t *testing.T, regions, days, w, h int) (*uitest.Console, *uitest.Screen) {
	t.Helper()
	s := uitest.Sample(time.Now())
	uitest.Partitioned(s, regions, days)
	c := uitest.New(s)
	scr := uitest.Start(t, c, views.All(), w, h, ui.Options{Version: "test"})
	scr.Wait("lake.clicks", "? help")
	return c, scr
}

// lineOf is the first line of the screen that has a text.
func lineOf(screen, text string) int {
	return slices.IndexFunc(strings.Split(screen, "\n"), func(l string) bool { return strings.Contains(l, text) })
}

func TestFilesOfADataset(t *testing.T) {
	c, s := startParted(t, 3, 5, 120, 32)
	s.Press("enter")
	s.Wait("36 files (15 small) in 15 partitions", "left out 1,340 (91%)", "3 runs: 24 files became 6")
	s.Press("shift+tab")
	s.Wait("Partitions 15", "region=r00/day=2026-01-01", "119 rows (<1% of all) are still in the files")
	for range 6 { // to the column of sizes
		s.Press(">")
	}
	s.Until("the largest first", func(text string) bool {
		return strings.Contains(text, "sort size") && lineOf(text, "region=r02/day=2026-01-05") < lineOf(text, "region=r00/day=2026-01-01")
	})
	s.Press("/", "r", "0", "1", "enter")
	s.Wait("Partitions 5/15")
	s.Gone("region=r02")
	s.Press("/")
	s.Type("zzz")
	s.Press("enter")
	s.Wait("no partition matches the filter; esc clears it")
	s.Press("esc")
	s.Wait("Partitions 15")
	c.Dataset("lake.clicks", func(d *api.Dataset) {
		d.Layout = &api.Layout{Total: api.Partition{Files: 2}, Partitions: []api.Partition{{Path: "region=new", Files: 2}}}
		d.Compaction = &api.Compaction{Running: true, Runs: 3, Before: 24, After: 6}
		d.Reads = nil
	})
	s.Wait("region=new", "◔ runs now; before, 3 runs: 24 files became 6")
	c.Dataset("lake.clicks", func(d *api.Dataset) { d.Layout = &api.Layout{} })
	s.Wait("none yet: the first refresh writes them, r starts one")
}

// The tab is one where there is something to see: other engines have six, and who steps to one of them is told.
func TestFilesAreATabWhereThereAreSome(t *testing.T) {
	_, s := startParted(t, 3, 5, 120, 32)
	s.Press("enter", "shift+tab")
	s.Wait("Partitions 15")
	s.Press("]")
	s.Wait("datasets ▸ lake.sales_eu", "duckdb file full does not keep its rows in files that are written once")
	s.Press("tab")
	s.Wait("Refresh duration")
	s.Gone("Data  Files")
	s.Press("shift+tab")
	s.Wait("Data · the first 200 rows")
}

// A click selects the partition under it.
func TestClickOnAPartition(t *testing.T) {
	_, s := startParted(t, 3, 5, 120, 32)
	s.Press("enter", "shift+tab")
	s.Wait("Partitions 15")
	y := lineOf(s.Text(), "region=r01/day=2026-01-01")
	s.Click(5, y)
	s.Wait("▌ region=r01/day=2026-01-01")
}

// The tree goes down to the partitions, level by level; left goes up again.
func TestTreeOfPartitions(t *testing.T) {
	_, s := startParted(t, 3, 5, 120, 32)
	s.Press("7")
	s.Wait("▸ tree")
	s.Press("right")
	s.Wait("15 partitions", "322K rows, 32 MiB, 36 files", "region=r02")
	s.Press("down", "down", "right")
	s.Wait("57.3K rows, 5.7 MiB, 11 files, 5 partitions", "day=2026-01-05")
	s.Press("down", "left")
	s.Wait("▌     │─↓ region=r00")
	s.Press("left")
	s.Gone("day=2026-01-05")
	s.Press("left")
	s.Wait("▌   └─↓ 15 partitions")
	s.Press("left")
	s.Gone("region=r00")
}

// Where names are cut, what tells them apart stays.
func TestEndsOfPartitionsStay(t *testing.T) {
	long := func(s *api.State) {
		uitest.Partitioned(s, 1, 2)
		for i := range s.Datasets[0].Layout.Partitions {
			s.Datasets[0].Layout.Partitions[i].Path = fmt.Sprintf("region_of_the_customer=north/date_trunc_day_ordered_at=2026-01-%02d", i+1)
		}
	}
	for _, keys := range [][]string{{"enter", "shift+tab"}, {"7", "right", "down", "right", "down", "right"}} {
		frame := trimmed(draw(t, keys, long, 80, 24, ui.Options{}))
		if !strings.Contains(frame, "at=2026-01-01") || !strings.Contains(frame, "at=2026-01-02") {
			t.Errorf("%v:\n%s", keys, frame)
		}
	}
}

// Thousands of partitions are folded at first, and a State costs little when nothing of them changed.
func TestManyPartitions(t *testing.T) {
	c, s := startParted(t, 100, 100, 80, 24)
	s.Press("7")
	s.Wait("▸ tree")
	s.Press("right")
	s.Wait("10,000 partitions")
	if lineOf(s.Text(), "region=r00") >= 0 {
		t.Error("10,000 partitions are unfolded by themselves")
	}
	s.Press("down", "right")
	s.Wait("region=r00")
	s.Press("1")
	s.Wait("Datasets 8")
	s.Press("enter", "shift+tab")
	s.Wait("Partitions 10,000")
	s.Press("end")
	s.Wait("region=r99/day=2026-04-10")
	c.Dataset("lake.clicks", func(d *api.Dataset) { d.Reads = &api.Reads{Scans: 15_000, Files: 1} })
	s.Wait("15,000", "▌ region=r99/day=2026-04-10")
}

// BenchmarkPartitions is the time of a State and a frame with 10,000 partitions on the screen.
func BenchmarkPartitions(b *testing.B) {
	for name, keys := range map[string][]string{"tab": {"enter", "shift+tab"}, "tree": {"7", "right", "down", "right"}} {
		b.Run(name, func(b *testing.B) {
			now := time.Now()
			st := uitest.Sample(now)
			uitest.Partitioned(st, 10_000, 1)
			c := uitest.New(st)
			still := ui.NewStill(c, views.All(), ui.Options{StateDir: b.TempDir(), Version: "test"}, 200, 55)
			for _, k := range keys {
				still.Press(k)
			}
			scans := int64(0)
			for b.Loop() {
				scans++
				c.Dataset("lake.clicks", func(d *api.Dataset) { d.Reads = &api.Reads{Scans: scans} })
				still.State(c.State())
				_ = still.Frame()
			}
			if err := still.Err(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// Every size from the smallest on fits, with long names of partitions and wide characters.
func TestPartitionsFitEverywhere(t *testing.T) {
	odd := func(s *api.State) {
		uitest.Partitioned(s, 2, 2)
		ps := s.Datasets[0].Layout.Partitions
		ps[3].Path = "region=" + strings.Repeat("東京", 60) + "/day=\x1b[31m2026"
	}
	for _, z := range [][2]int{{40, 10}, {60, 16}, {80, 24}, {99, 20}, {200, 55}} {
		for _, keys := range [][]string{{"enter"}, {"enter", "shift+tab"}, {"7", "right", "down", "down", "down", "right"}} {
			t.Run(fmt.Sprintf("%dx%d", z[0], z[1]), func(t *testing.T) {
				fits(t, draw(t, keys, odd, z[0], z[1], ui.Options{Theme: "dark"}), z[0], z[1])
			})
		}
	}
}
