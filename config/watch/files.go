package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"pitwall/config"
)

// maxInputBytes bounds what is read of a file of a secret store to see whether it changed.
const maxInputBytes = 1 << 20

// fingerprint is equal for two looks exactly when nothing a person or the runtime could notice differs.
func fingerprint(r config.Result) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q\n", r.Hash, r.Path, r.Files)
	for _, p := range r.Problems {
		fmt.Fprintf(h, "%s %q\n", p.Severity, p.String())
	}
	for _, in := range r.Inputs {
		fmt.Fprintf(h, "%q\n", in)
		hashInput(h, in)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// contentOf identifies the content of files and directories.
func contentOf(paths []string) string {
	h := sha256.New()
	for _, p := range paths {
		fmt.Fprintf(h, "%q\n", p)
		hashInput(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashInput adds the content of a file or of the files of a directory. What cannot be read counts by
// its error: it becoming readable is a change.
func hashInput(h io.Writer, path string) {
	info, err := os.Stat(path)
	if err != nil {
		fmt.Fprintf(h, "error %v\n", err)
		return
	}
	if !info.IsDir() {
		hashFile(h, path)
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		fmt.Fprintf(h, "error %v\n", err)
		return
	}
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			fmt.Fprintf(h, "%q\n", e.Name())
			hashFile(h, name)
		}
	}
}

func hashFile(h io.Writer, path string) {
	f, err := os.Open(path)
	if err != nil {
		fmt.Fprintf(h, "error %v\n", err)
		return
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(f, maxInputBytes))
	fmt.Fprintf(h, "%d %x %v\n", n, sum.Sum(nil), err)
}

// follow watches the directories of everything the spicepod consists of, and reports whether one is
// new. A directory that cannot be watched is left to polling.
func (w *Watcher) follow(r config.Result) (added bool) {
	if w.events == nil {
		return false
	}
	paths := append(slices.Concat(r.Files, r.Inputs), r.Path)
	if abs, err := filepath.Abs(w.path); err == nil {
		paths = append(paths, abs, filepath.Join(abs, "spicepod.yaml"), filepath.Join(abs, "spicepod.yml"))
	}
	w.names = map[string]bool{}
	dirs := map[string]bool{}
	for _, p := range paths {
		w.names[p] = true
		dirs[filepath.Dir(p)] = true
		// Kubernetes mounts swap the link ..data beside the file; others link to other directories.
		w.names[filepath.Join(filepath.Dir(p), "..data")] = true
		if real, err := filepath.EvalSymlinks(p); err == nil && real != p {
			w.names[real] = true
			dirs[filepath.Dir(real)] = true
		}
		if info, err := os.Stat(p); err == nil && info.IsDir() && slices.Contains(r.Inputs, p) {
			dirs[p] = true
		}
	}
	watched := w.events.WatchList()
	for dir := range dirs {
		known := slices.Contains(watched, dir)
		if err := w.events.Add(dir); err == nil && !known {
			added = true
		}
	}
	for _, dir := range watched {
		if !dirs[dir] {
			// It is gone already when the directory was deleted.
			_ = w.events.Remove(dir)
		}
	}
	return added
}

// matters reports whether an event in a watched directory is about the spicepod.
func (w *Watcher) matters(name string) bool {
	return w.names[name] || w.names[filepath.Dir(name)]
}
