package views_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// many is a State of n datasets.
func many(n int) *api.State {
	now := time.Now()
	s := uitest.Sample(now)
	s.Datasets = nil
	for i := range n {
		d := *uitest.Sample(now).Datasets[i%7]
		d.Name = fmt.Sprintf("schema_%02d.dataset_%04d", i%17, i)
		s.Datasets = append(s.Datasets, &d)
	}
	return s
}

// touched returns a State in which n datasets are others.
func touched(s *api.State, n, round int) *api.State {
	next := *s
	next.Seq++
	next.Datasets = append([]*api.Dataset(nil), s.Datasets...)
	for i := range n {
		j := i
		if n < len(next.Datasets) {
			j = (i*3 + round%3) % len(next.Datasets)
		}
		d := *next.Datasets[j]
		d.Rows += int64(round%5) - 1
		d.Rev++
		next.Datasets[j] = &d
	}
	return &next
}

// BenchmarkDatasetsFrame draws a frame of 1,000 datasets at 160×48 after so many changed.
func BenchmarkDatasetsFrame(b *testing.B) {
	for _, tc := range []struct {
		changes int
		keys    []string
		name    string
	}{{1, nil, "changes=1"}, {330, nil, "changes=330"}, {330, []string{">", ">", ">"}, "changes=330/sorted"}, {330, []string{"/", "d", "a", "t", "a", "enter"}, "changes=330/filtered"}} {
		b.Run(tc.name, func(b *testing.B) {
			s := many(1000)
			states := make([]*api.State, 64)
			for i := range states {
				s = touched(s, tc.changes, i)
				states[i] = s
			}
			st := ui.NewStill(uitest.New(states[0]), views.All(), ui.Options{Theme: "dark", StateDir: b.TempDir()}, 160, 48)
			st.Press(tc.keys...)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				st.State(states[i%len(states)])
				_ = st.Frame()
			}
		})
	}
}

// BenchmarkKey moves the selection in 1,000 datasets and draws.
func BenchmarkKey(b *testing.B) {
	st := ui.NewStill(uitest.New(many(1000)), views.All(), ui.Options{Theme: "dark", StateDir: b.TempDir()}, 160, 48)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		st.Press([]string{"j", "j", "k"}[i%3])
		_ = st.Frame()
	}
}

// BenchmarkEventsFrame draws the events while 333 come with every frame.
func BenchmarkEventsFrame(b *testing.B) {
	s := many(10)
	st := ui.NewStill(uitest.New(s), views.All(), ui.Options{Theme: "dark", StateDir: b.TempDir()}, 160, 48)
	st.Press("4")
	ring := make([]api.Event, 0, 4*api.EventWindow)
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		b.StopTimer()
		if len(ring)+333 > cap(ring) {
			ring = append(make([]api.Event, 0, 4*api.EventWindow), ring[len(ring)-api.EventWindow:]...)
		}
		for range 333 {
			seq++
			ring = append(ring, api.Event{Seq: seq, At: time.Now(), Level: api.Info, Dataset: "schema_00.dataset_0000", Kind: "refresh", Message: "refresh done", Fields: []api.Field{{Key: "rows", Value: "12"}}})
		}
		next := *s
		next.Events = ring[max(0, len(ring)-api.EventWindow):]
		b.StartTimer()
		st.State(&next)
		_ = st.Frame()
	}
}

// 1,000 datasets and 10,000 events a second leave the console quick.
func TestFloodStaysResponsive(t *testing.T) {
	c := uitest.New(many(1000))
	s := uitest.Start(t, c, views.All(), 160, 48, ui.Options{})
	s.Wait("Datasets 1000")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		ring := make([]api.Event, 0, 8*api.EventWindow)
		for round, seq := 0, uint64(0); ; round++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if len(ring)+50 > cap(ring) {
				ring = append(make([]api.Event, 0, 8*api.EventWindow), ring[len(ring)-api.EventWindow:]...)
			}
			for range 50 {
				seq++
				ring = append(ring, api.Event{Seq: seq, At: time.Now(), Level: api.Info, Kind: "refresh", Message: "refresh done"})
			}
			c.Change(func(st *api.State) {
				st.Datasets = touched(st, 50, round).Datasets
				st.Events = ring[max(0, len(ring)-api.EventWindow):len(ring):len(ring)]
			})
		}
	}()
	slowest := time.Duration(0)
	for i := range 60 {
		key, want := "down", "▌ "+c.State().Datasets[i+1].Name
		begin := time.Now()
		s.Press(key)
		s.Wait(want)
		slowest = max(slowest, time.Since(begin))
	}
	s.Press("4")
	s.Wait("following")
	cancel()
	<-done
	t.Logf("slowest key to screen: %v", slowest)
	if slowest > 2*time.Second { // the machine may be busy; the point is that nothing queues up
		t.Errorf("a key took %v", slowest)
	}
}
