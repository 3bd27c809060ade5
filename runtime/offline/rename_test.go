package offline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Whoever took the name while the download ran keeps it.
func TestRenameNewTakesNoName(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for name, text := range map[string]string{from: "new", to: "old"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := renameNew(from, to); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	if err := renameNew(from, filepath.Join(dir, "free")); err != nil {
		t.Error(err)
	}
}
