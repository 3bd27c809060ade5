package cayenne_test

import (
	"testing"

	"pitwall/engines/cayenne"
	"pitwall/engines/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m, cayenne.Opener{}) }

func harness() enginetest.Harness {
	params := map[string]string{"cayenne_compaction_trigger_files": "2"} // the suite has small files only
	return enginetest.Harness{Opener: cayenne.Opener{}, Folder: true, Params: params, Refused: map[string]bool{
		"duration[s]": true, "duration[ms]": true, "duration[us]": true, "duration[ns]": true,
		"month_interval": true, "day_time_interval": true, "month_day_nano_interval": true,
	}}
}

func open(t testing.TB) enginetest.Harness {
	h := harness()
	h.Dir = t.TempDir()
	return h
}

func TestConformance(t *testing.T) { enginetest.Run(t, open) }

func TestModel(t *testing.T) { enginetest.RunModel(t, open) }
