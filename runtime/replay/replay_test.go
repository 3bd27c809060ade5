package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pitwall/runtime/api"
	"pitwall/ui/uitest"
)

// story records a minute in which a dataset breaks after 20 s and a snapshot is written after 40 s.
func story(t *testing.T) (path string, states map[int]*api.State) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "incident.jsonl")
	states = map[int]*api.State{}
	synctest.Test(t, func(t *testing.T) {
		c := uitest.New(uitest.Sample(time.Now()))
		c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now())[1:2], nil, false)
		c.SetFindings(uitest.Findings(), nil, false)
		rec, run, err := Record(c, Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- run(ctx) }()
		states[0] = c.State()
		time.Sleep(20 * time.Second)
		c.Dataset("lake.sales_us", func(d *api.Dataset) { d.Status, d.Err = api.Error, "the source is gone" })
		c.Event(api.Event{Level: api.ErrorLevel, Dataset: "lake.sales_us", Message: "the source is gone"})
		time.Sleep(20 * time.Second)
		states[20] = c.State()
		all := uitest.Snapshots(time.Now())
		c.SetSnapshots("lake.sales_eu", all, nil, false)
		c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Snapshots.Newest, d.Snapshots.Kept = &all[0], len(all) })
		if _, err := rec.Doctor(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		states[40] = c.State()
		c.Dataset("ref.fx", func(d *api.Dataset) { d.Rows++ })
		time.Sleep(2 * time.Second)
		states[60] = c.State()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path, states
}

// at is the state of a recording without what says that it is one.
func at(p *Player) *api.State {
	s := *p.hub.State()
	s.Link = api.Link{}
	return &s
}

// What was seen is played at its time, at any speed, forward and back.
func TestARecordingPlaysWhatWasSeen(t *testing.T) {
	path, states := story(t)
	synctest.Test(t, func(t *testing.T) {
		p, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		same := func(second int) {
			t.Helper()
			synctest.Wait()
			if d := cmp.Diff(states[second].Datasets, at(p).Datasets); d != "" {
				t.Errorf("second %d (-recorded +played):\n%s", second, d)
			}
		}
		same(0)
		time.Sleep(21 * time.Second)
		same(20)
		if e := p.hub.State().Events; e[len(e)-1].Message != "the source is gone" {
			t.Errorf("%+v", e[len(e)-1])
		}
		if list, err := p.Snapshots(ctx, "lake.sales_eu"); err != nil || len(list) != 1 {
			t.Error(len(list), err)
		}
		p.Speed(4)
		time.Sleep(5 * time.Second) // second 41
		same(40)
		if list, err := p.Snapshots(ctx, "lake.sales_eu"); err != nil || len(list) < 2 {
			t.Error(len(list), err)
		}
		if f, err := p.Doctor(ctx); err != nil || len(f) != len(uitest.Findings()) {
			t.Error(f, err)
		}
		p.Seek(-30 * time.Second)
		same(0)
		if list, err := p.Snapshots(ctx, "lake.sales_eu"); err != nil || len(list) != 1 {
			t.Error("the list is not that of the moment: ", len(list), err)
		}
		p.Hold(true)
		time.Sleep(time.Hour)
		same(0)
		before := p.Now()
		p.Seek(15 * time.Second)
		same(20)
		if p.Now().Sub(before) != 15*time.Second || !p.Playback().Held {
			t.Error(p.Playback())
		}
		p.Hold(false)
		time.Sleep(time.Hour)
		same(60)
		if b := p.Playback(); !b.At.Equal(b.Last) || !b.Held {
			t.Errorf("not at the end: %+v", b)
		}
		p.Seek(-time.Hour)
		same(0)
		if _, err := p.Do(ctx, api.RefreshNow{Dataset: "ref.fx"}); api.ReasonOf(err) != api.Refused || !strings.Contains(err.Error(), "recording") {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A console that opens on a later moment does not show the first one before it.
func TestASeekIsThereAtOnce(t *testing.T) {
	path, states := story(t)
	p, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p.Hold(true)
	p.Seek(25 * time.Second)
	first, _ := p.Watch(t.Context())
	if d := cmp.Diff(states[20].Datasets, first.Datasets); d != "" {
		t.Errorf("(-recorded +played):\n%s", d)
	}
}

// Twice as fast, a moment that an odd number of nanoseconds is away is reached, and not waited for without end.
func TestOddMomentsAreReached(t *testing.T) {
	path, states := story(t)
	synctest.Test(t, func(t *testing.T) {
		p, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		p.moments[1].at = p.moments[1].at.Add(1)
		p.Speed(2)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if d := cmp.Diff(states[60].Datasets, at(p).Datasets); d != "" {
			t.Errorf("(-recorded +played):\n%s", d)
		}
		cancel()
		<-done
	})
}

// The recording of a process that was killed ends before its torn line; other damage is named.
func TestDamagedRecordings(t *testing.T) {
	path, _ := story(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	torn := text[:len(text)-len(lines[len(lines)-2])/2]
	p, err := read(bytes.NewReader(torn), "x")
	if err != nil || len(p.moments) == 0 {
		t.Fatal(err)
	}
	if _, err := read(bytes.NewReader(bytes.Replace(text, []byte(`"delta":{`), []byte(`"delta":[`), 1)), "x"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
	for _, bad := range []string{"", "{}\n", "hello\n", `{"pitwall_recording":1,"at":"2026-01-01T00:00:00Z"}` + "\n"} {
		if _, err := read(strings.NewReader(bad), "x"); !errors.Is(err, ErrNoRecording) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := read(strings.NewReader(`{"pitwall_recording":99,"pitwall":"v9"}`+"\n"), "x"); err == nil || !strings.Contains(err.Error(), "v9") {
		t.Error(err)
	}
}

// A recording never overwrites a file.
func TestARecordingTakesANewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Record(uitest.New(uitest.Sample(time.Now())), Options{Path: path}); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Error(err)
	}
}

// A disk that is full ends the recording, not what is recorded.
func TestAFullDiskEndsTheRecordingOnly(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here: ", err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := uitest.New(uitest.Sample(time.Now()))
		r := &Recorder{Console: c, clock: time.Now, file: full, out: bufio.NewWriter(full), last: map[string][]api.Snapshot{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(time.Minute)
		select {
		case err := <-done:
			t.Fatalf("it ended, and would end the console: %v", err)
		default:
		}
		cancel()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("why it ended is not told: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"pitwall_recording":1,"at":"2026-01-01T00:00:00Z"}` + "\n" + `{"at":"2026-01-01T00:00:01Z","delta":{"state":{"Seq":1},"order":["a"],"datasets":{"a":{"Name":"a"}}}}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := read(bytes.NewReader(text), "x")
		if (p == nil) == (err == nil) {
			t.Error("neither a recording nor an error")
		}
	})
}
