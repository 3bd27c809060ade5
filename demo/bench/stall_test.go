package main

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if size := os.Getenv(childEnv); size != "" {
		os.Exit(child(size))
	}
	os.Exit(m.Run())
}

// A terminal that stops reading costs the console nothing that grows, and what was pressed meanwhile counts when it
// reads again.
func TestATerminalThatStopsReading(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of another process is read from /proc")
	}
	f, err := stalled(500, 5_000, 4*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(f)
	if f.during > f.before+64<<20 {
		t.Errorf("the memory grew from %.1f to %.1f MiB while nothing was read", mib(f.before), mib(f.during))
	}
	if f.wrote > 1<<20 {
		t.Errorf("%d bytes had piled up", f.wrote)
	}
}
