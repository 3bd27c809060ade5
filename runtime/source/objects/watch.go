package objects

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"pitwall/runtime/source"
)

// watchQuiet is how long the files must be quiet before a change is reported: who writes one does so in
// many steps.
const watchQuiet = 250 * time.Millisecond

// Watch calls changed after each change of the files of a local source, once they were quiet for a
// moment, until ctx ends; then it returns nil. Hidden files do not count. It returns an error when the
// source is not local, or when the system sends no events (any more). changed must not block for long.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	fail := func(err error) error {
		return &source.Error{Kind: source.Unavailable, Place: s.location.Name, Err: err,
			Hint: "changes of the files are not noticed any more; set refresh_check_interval"}
	}
	if s.o.Connector != "file" && s.o.Connector != "" {
		return &source.Error{Kind: source.Unsupported, Place: s.location.Name, Err: errors.New("only local files can be watched")}
	}
	g, err := s.glob()
	if err != nil {
		return fail(err)
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fail(err)
	}
	defer events.Close()
	w := watch{events, g, g.folder()}
	if info, err := os.Stat(g.base); err == nil && info.IsDir() && len(g.parts) == 0 {
		w.folder = strings.TrimSuffix(g.base, "/") + "/"
	}
	// Its folder too: a folder that is replaced as a whole is another one.
	root := strings.TrimSuffix(w.folder, "/")
	if err := errors.Join(events.Add(filepath.Dir(root)), w.add(w.folder)); err != nil {
		return fail(err)
	}
	quiet := time.NewTimer(watchQuiet)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-events.Events:
			if ev.Name != root && !w.matters(ev) || ev.Op == fsnotify.Chmod {
				continue
			}
			if ev.Has(fsnotify.Create) {
				_ = w.add(ev.Name + "/") // a folder that is gone again has nothing to watch
			}
			quiet.Reset(watchQuiet)
		case err := <-events.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fail(err)
			}
			quiet.Reset(watchQuiet)
		case <-quiet.C:
			// The end of the watch of a folder that was moved away is told by its name, and takes along the watch of
			// the folder that has that name now. What came before this one is read by the refresh.
			_ = w.add(w.folder) // a folder that is gone has nothing to watch
			changed()
		}
	}
}

// watch is one Watch.
type watch struct {
	events *fsnotify.Watcher
	glob   glob
	folder string // absolute, ends in "/"
}

// deep tells whether the files of folders in the folder count.
func (w watch) deep() bool {
	if len(w.glob.parts) == 0 {
		return w.folder != w.glob.folder() || strings.HasSuffix(w.glob.base, "/")
	}
	return !w.glob.level()
}

// add watches a folder, and those in it; a path that is no folder is passed over.
func (w watch) add(folder string) error {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		if folder == w.folder {
			return err
		}
		return nil
	}
	if !w.deep() {
		if folder != w.folder {
			return nil
		}
		return w.events.Add(folder)
	}
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // gone meanwhile
		case !d.IsDir():
			return nil
		case w.hidden(path):
			return filepath.SkipDir
		default:
			return w.events.Add(path)
		}
	})
}

// hidden tells whether a name of the path below the folder begins with a dot or an underscore.
func (w watch) hidden(path string) bool {
	rest := "/" + strings.TrimPrefix(path, w.folder)
	return strings.HasPrefix(path, w.folder) && (strings.Contains(rest, "/.") || strings.Contains(rest, "/_"))
}

// matters tells whether an event is about the content of the source. Changes of folders are: files come
// and go with them.
func (w watch) matters(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod || w.hidden(ev.Name) {
		return false
	}
	if len(w.glob.parts) == 0 && !w.deep() {
		return ev.Name == w.glob.base
	}
	info, err := os.Stat(ev.Name)
	if err == nil && info.IsDir() {
		return true
	}
	return strings.HasPrefix(ev.Name, w.glob.folder()) && w.glob.match(ev.Name)
}
