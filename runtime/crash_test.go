package runtime_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/snapshots"
)

// child runs a session until it is killed and prints every acknowledged snapshot.
func child(dir string) int {
	s, err := launch.Open(context.Background(), launch.Options{Pod: dir})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	go func() {
		seen := uint64(0)
		st, next := s.Runtime.Watch(context.Background())
		for {
			for _, e := range st.Events {
				if e.Seq <= seen {
					continue
				}
				seen = e.Seq
				var id uint64
				if n, _ := fmt.Sscanf(e.Message, "snapshot %d written", &id); n == 1 {
					fmt.Printf("ack %s %d %s\n", e.Dataset, id, e.Fields[0].Value)
				}
				if e.Level == api.ErrorLevel {
					fmt.Printf("error %s: %s\n", e.Dataset, e.Message)
				}
			}
			fmt.Println("seen", seen)
			n, ok := <-next
			if !ok {
				return
			}
			st = n
		}
	}()
	if err := s.Run(context.Background()); err != nil {
		return 1
	}
	return 0
}

const busyPod = `
snapshots:
  location: file://./snaps
datasets:
  - {from: 'file:a.csv', name: duck, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}}
  - {from: 'file:a.csv', name: lite, acceleration: {engine: sqlite, mode: file, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}}
  - {from: 'file:a.csv', name: cay, acceleration: {engine: cayenne, mode: file, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}}
  - {from: 'file:a.csv', name: parts, acceleration: {engine: cayenne, mode: file, partition_by: ['bucket(3, id)'], refresh_check_interval: 20ms, snapshots: enabled, snapshots_by: partition, snapshots_creation_policy: always}}
  - from: file:e.csv
    name: tail
    time_column: at
    time_format: unix_seconds
    acceleration: {engine: duckdb, mode: file, refresh_mode: append, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}
`

// TestKillNineLosesNothingAcknowledged kills a busy process at random moments: every acknowledged
// snapshot is there and sound, and every database file opens with a whole refresh in it.
func TestKillNineLosesNothingAcknowledged(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 4
	}
	if v, err := strconv.Atoi(os.Getenv("PITWALL_KILLS")); err == nil {
		kills = v
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	r := rand.New(rand.NewPCG(seed, 0))
	b := newBed(t, map[string]string{"spicepod.yml": busyPod, "a.csv": csv(1000)})
	events := 0
	grow := func() {
		b.write("a.csv", csv(1000*(1+r.IntN(9))))
		events += 100
		var s strings.Builder
		s.WriteString("at,v\n")
		for i := range events {
			fmt.Fprintf(&s, "%d,%d\n", 1_700_000_000+i, i)
		}
		b.write("e.csv", s.String())
		for _, name := range []string{"a.csv", "e.csv"} { // as if always just written: no refresh skips it as unchanged
			b.age(name, -24*time.Hour)
		}
	}
	acked := map[string]string{} // dataset and id -> checksum
	for k := range kills {
		grow()
		for line := range runAndKill(t, b.dir, time.Duration(300+r.IntN(900))*time.Millisecond, []string{"seen", "ack"}[k%2]) {
			var dataset, id, sum string
			if n, _ := fmt.Sscan(line, new(string), &dataset, &id, &sum); strings.HasPrefix(line, "ack ") && n == 4 {
				acked[dataset+" "+id] = sum
			}
			if strings.HasPrefix(line, "error ") {
				t.Errorf("kill %d (seed %d): %s", k, seed, line)
			}
		}
		check(t, b, acked, events)
		if t.Failed() {
			t.Fatalf("after kill %d of seed %d", k, seed)
		}
	}
	t.Logf("%d snapshots were acknowledged and are sound", len(acked))
	if len(acked) < kills/2 {
		t.Errorf("only %d snapshots in %d runs: the test did not exercise what it is for", len(acked), kills)
	}
	// And the survivor starts clean and goes on.
	b.write("a.csv", csv(77))
	b.start()
	b.ready("duck", 77)
	b.ready("lite", 77)
	b.ready("cay", 77)
	b.ready("parts", 77)
	b.ready("tail", int64(events))
	left, _ := filepath.Glob(filepath.Join(b.DataDir, ".*tmp*"))
	if len(left) > 0 {
		b.stop()
		if left, _ = filepath.Glob(filepath.Join(b.DataDir, ".*tmp*")); len(left) > 0 {
			t.Errorf("unfinished files are left: %v", left)
		}
	}
}

// runAndKill runs a child and kills it d after its first line that begins with from; the lines that it printed whole
// come out.
func runAndKill(t *testing.T, dir string, d time.Duration, from string) map[string]bool {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "PITWALL_TEST_CHILD="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	rd := bufio.NewReader(out)
	begun := false
	last := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer last.Stop()
	for {
		l, err := rd.ReadString('\n')
		if err != nil {
			if err != io.EOF {
				t.Log(err)
			}
			break
		}
		lines[strings.TrimSpace(l)] = true
		if !begun && strings.HasPrefix(l, from) { // from here the clock runs
			begun = true
			kill := time.AfterFunc(d, func() { _ = c.Process.Kill() })
			defer kill.Stop()
		}
	}
	_ = c.Wait()
	return lines
}

func check(t *testing.T, b *bed, acked map[string]string, events int) {
	t.Helper()
	m, err := snapshots.Open(t.Context(), "file://"+filepath.Join(b.dir, "snaps"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, name := range []string{"duck", "lite", "cay", "parts", "tail"} {
		list, err := m.List(t.Context(), name)
		verify := func(id uint64) error { return m.Verify(t.Context(), name, id, nil) }
		if name == "parts" {
			list, err = m.Sets(t.Context(), name)
			verify = func(id uint64) error { return m.VerifySet(t.Context(), name, id, nil, nil) }
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		have := map[string]string{}
		for _, s := range list {
			have[fmt.Sprintf("%s %d", name, s.ID)] = s.Checksum
			if err := verify(s.ID); err != nil {
				t.Errorf("a listed snapshot is not sound: %v", err)
			}
		}
		for k, sum := range acked {
			var id uint64
			if n, _ := fmt.Sscanf(k, "parts %d", &id); n == 1 && len(list) > 0 && id+10 <= list[0].ID {
				continue // of sets the last ten are remembered
			}
			if strings.HasPrefix(k, name+" ") && have[k] != sum {
				t.Errorf("acknowledged snapshot %s is lost", k)
			}
		}
	}
	for _, o := range launch.Engines() {
		if o.Extension() == "" {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(b.dir, ".spice", "data", "*"+o.Extension()))
		for _, f := range files {
			name := strings.TrimSuffix(filepath.Base(f), o.Extension())
			e, err := o.Open(t.Context(), optionsFor(name, f))
			if err != nil {
				t.Errorf("%s does not open after the kill: %v", f, err)
				continue
			}
			info, err := e.Info(t.Context())
			switch {
			case err != nil:
				t.Errorf("%s: %v", f, err)
			case name == "tail" && (info.Rows%100 != 0 || info.Rows > int64(events)):
				t.Errorf("%s has %d rows: part of an append", f, info.Rows)
			case name != "tail" && info.Schema != nil && info.Rows%1000 != 0:
				t.Errorf("%s has %d rows: part of a refresh", f, info.Rows)
			}
			if err := e.Close(); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}
