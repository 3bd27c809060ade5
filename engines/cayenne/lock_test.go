package cayenne_test

import (
	"path/filepath"
	"strings"
	"testing"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// TestSecondOpenIsRefused opens a store twice: the second must not take the first one's unfinished files for strays.
func TestSecondOpenIsRefused(t *testing.T) {
	o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "new", "store.cayenne")}
	first, err := cayenne.Opener{}.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for _, written := range []bool{false, true} {
		second, err := cayenne.Opener{}.Open(t.Context(), o)
		if err == nil {
			t.Fatal(second.Close(), "opened twice")
		}
		if engines.KindOf(err) != engines.Locked || !strings.Contains(err.Error(), "open in another process (pid ") {
			t.Errorf("%s: %v", engines.KindOf(err), err)
		}
		if !written {
			if _, err := first.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: numbers(t, 5)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if info, _, err := (cayenne.Opener{}).Check(t.Context(), o.Path, "d"); info.Rows != 5 || err != nil {
		t.Errorf("a store in use could not be checked: %+v, %v", info, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := cayenne.Opener{}.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
