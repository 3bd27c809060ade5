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

func TestConformanceFile(t *testing.T) {
	enginetest.Run(t, func(t testing.TB) enginetest.Harness {
		return enginetest.Harness{
			Opener: sqlite.Opener{}, Dir: t.TempDir(), Sidecars: []string{"-wal", "-shm", "-journal"}, Refused: refused(),
		}
	})
}

func TestConformanceMemory(t *testing.T) {
	enginetest.Run(t, func(testing.TB) enginetest.Harness {
		return enginetest.Harness{Opener: sqlite.Opener{}, Refused: refused()}
	})
}

func TestModel(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		enginetest.RunModel(t, func(t testing.TB) enginetest.Harness {
			return enginetest.Harness{Opener: sqlite.Opener{}, Dir: t.TempDir()}
		})
	})
	t.Run("memory", func(t *testing.T) {
		enginetest.RunModel(t, func(testing.TB) enginetest.Harness { return enginetest.Harness{Opener: sqlite.Opener{}} })
	})
}
