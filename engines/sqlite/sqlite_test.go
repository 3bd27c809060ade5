package sqlite_test

import (
	"testing"

	"pitwall/engines/enginetest"
	"pitwall/engines/sqlite"
)

func TestMain(m *testing.M) { enginetest.Main(m, sqlite.Opener{}) }

func refused() map[string]bool {
	out := map[string]bool{"month_interval": true, "day_time_interval": true, "month_day_nano_interval": true}
	for _, unit := range []string{"s", "ms", "us", "ns"} {
		out["duration["+unit+"]"] = true
	}
	return out
}

func harness() enginetest.Harness {
	return enginetest.Harness{Opener: sqlite.Opener{}, Sidecars: []string{"-wal", "-shm", "-journal"}, Refused: refused()}
}

func TestConformance(t *testing.T) { enginetest.Both(t, harness(), enginetest.Run) }

func TestModel(t *testing.T) { enginetest.Both(t, harness(), enginetest.RunModel) }
