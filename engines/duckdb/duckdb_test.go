//go:build duckdb_arrow

package duckdb_test

import (
	"testing"

	"pitwall/engines/duckdb"
	"pitwall/engines/enginetest"
)

func refused() map[string]bool {
	return map[string]bool{
		"decimal256(60, 5)": true, "timestamp[ns, tz=UTC]": true, "duration[ns]": true, "month_day_nano_interval": true,
		"day_time_interval": true,
	}
}

func TestConformanceFile(t *testing.T) {
	enginetest.Run(t, func(t testing.TB) enginetest.Harness {
		return enginetest.Harness{Opener: duckdb.Opener{}, Dir: t.TempDir(), Sidecars: []string{".wal"}, Refused: refused()}
	})
}

func TestConformanceMemory(t *testing.T) {
	enginetest.Run(t, func(testing.TB) enginetest.Harness {
		return enginetest.Harness{Opener: duckdb.Opener{}, Refused: refused()}
	})
}

func TestModel(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		enginetest.RunModel(t, func(t testing.TB) enginetest.Harness {
			return enginetest.Harness{Opener: duckdb.Opener{}, Dir: t.TempDir()}
		})
	})
	t.Run("memory", func(t *testing.T) {
		enginetest.RunModel(t, func(testing.TB) enginetest.Harness { return enginetest.Harness{Opener: duckdb.Opener{}} })
	})
}
