package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the file must be left alone before it is read: editors write it in steps.
const settle = 150 * time.Millisecond

// Update is a new version of the file; Err says why it was not taken, and Settings is nil then.
type Update struct {
	Settings *Settings
	Err      error
}

// Watch tells of every new version until ctx ends, which is no error. It watches the folder, so that a file that is
// replaced is seen; a folder that is not there is not watched.
func Watch(ctx context.Context, path string, updates chan<- Update) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); path == "" || err != nil {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil //nolint:nilerr // without it the file is read at the start only
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return nil //nolint:nilerr // as above
	}
	last, _ := os.ReadFile(path)
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Events:
			if !ok {
				return nil
			}
			if filepath.Base(e.Name) == filepath.Base(path) {
				quiet = time.After(settle)
			}
		case <-w.Errors:
		case <-quiet:
			quiet = nil
			text, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) || bytes.Equal(text, last) {
				continue
			}
			last = text
			var u Update
			u.Settings, u.Err = Load(path)
			select {
			case updates <- u:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func indent(to *bytes.Buffer, text []byte) error {
	if err := json.Indent(to, text, "", "  "); err != nil {
		return err
	}
	to.WriteByte('\n')
	return nil
}
