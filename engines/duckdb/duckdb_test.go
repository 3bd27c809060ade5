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

func harness() enginetest.Harness {
	return enginetest.Harness{Opener: duckdb.Opener{}, Sidecars: []string{".wal"}, Refused: refused()}
}

func TestConformance(t *testing.T) { enginetest.Both(t, harness(), enginetest.Run) }

func TestModel(t *testing.T) { enginetest.Both(t, harness(), enginetest.RunModel) }
