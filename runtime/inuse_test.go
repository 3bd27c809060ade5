package runtime_test

import (
	"path/filepath"
	"strings"
	"testing"

	"pitwall/engines"
	"pitwall/engines/cayenne"
	"pitwall/runtime/api"
)

// TestAStoreInUseIsLeftAlone starts a dataset on a folder that another process has open, also one that would make it
// anew: the error says so and nothing is lost. When the other one is gone, the dataset loads by itself.
func TestAStoreInUseIsLeftAlone(t *testing.T) {
	for _, mode := range []string{"file", "file_create"} {
		t.Run(mode, func(t *testing.T) {
			b := newBed(t, map[string]string{"a.csv": upTo(10), "spicepod.yml": `
datasets:
  - from: file:a.csv
    name: d
    acceleration:
      engine: cayenne
      mode: ` + mode + `
      params: {cayenne_file_path: ./store}
`}).start()
			file := b.ready("d", 10).File
			b.stop()
			other, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: file})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			b.start()
			d := b.dataset("d", "is refused", func(d *api.Dataset) bool { return d.Status == api.Error })
			if !strings.Contains(d.Err, "is open in another process (pid ") || !strings.Contains(d.Hint, "cayenne_file_path of its own") {
				t.Errorf("%q, %q", d.Err, d.Hint)
			}
			if left, err := filepath.Glob(filepath.Join(file, "data/*/*/*.vortex")); len(left) != 1 || err != nil {
				t.Errorf("%v, %v", left, err)
			}
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			b.ready("d", 10)
		})
	}
}
