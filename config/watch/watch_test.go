package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pitwall/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is how long a test waits for a version; polls are slower than that, so that a test which
// passes has seen an event.
const deadline = 20 * time.Second

const neverPoll = time.Hour

func pod(name string) string {
	return "version: v1\nkind: Spicepod\nname: " + name + "\ndatasets:\n  - from: ./x.csv\n    name: x\n"
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs a watcher until the end of the test.
func start(t *testing.T, path string, o Options) *Watcher {
	t.Helper()
	o.Load.Env = func(string) (string, bool) { return "", false }
	if o.Debounce == 0 {
		o.Debounce = 20 * time.Millisecond
	}
	w := New(path, &o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		for range w.Versions() { // closed by Run, or this hangs
		}
	})
	return w
}

// next waits for a version that ok accepts and fails when there is none in time.
func next(t *testing.T, w *Watcher, what string, ok func(Version) bool) Version {
	t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case v := <-w.Versions():
			if ok(v) {
				return v
			}
			t.Logf("passed over: %v", v.Problems)
		case <-timeout:
			t.Fatalf("no version %s in %s", what, deadline)
		}
	}
}

func named(name string) func(Version) bool {
	return func(v Version) bool { return v.Config != nil && v.Config.Name == name }
}

func broken(v Version) bool { return v.Config == nil && len(v.Problems) > 0 }

func TestEditors(t *testing.T) {
	save := map[string]func(t *testing.T, file, content string){
		"write in place": write,
		"rename over": func(t *testing.T, file, content string) {
			write(t, file+".tmp", content)
			if err := os.Rename(file+".tmp", file); err != nil {
				t.Fatal(err)
			}
		},
		"backup and create": func(t *testing.T, file, content string) {
			if err := os.Rename(file, file+"~"); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			write(t, file, content)
		},
		"delete and create": func(t *testing.T, file, content string) {
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			write(t, file, content)
		},
		"truncate, then write in two steps": func(t *testing.T, file, content string) {
			write(t, file, "")
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, part := range []string{content[:20], content[20:]} {
				if _, err := f.WriteString(part); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for name, save := range save {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "spicepod.yml")
			write(t, file, pod("one"))
			w := start(t, file, Options{Poll: neverPoll})
			first := next(t, w, "one", named("one"))
			// Twice: the second save must be seen although the first one replaced the inode.
			save(t, file, pod("two"))
			second := next(t, w, "two", named("two"))
			save(t, file, pod("three"))
			next(t, w, "three", named("three"))
			if first.Hash == second.Hash || first.Hash != first.Config.Hash || second.At.Before(first.At) {
				t.Errorf("hashes or times are wrong: %+v %+v", first, second)
			}
		})
	}
}

func TestInvalidThenValid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spicepod.yml")
	write(t, file, pod("one"))
	w := start(t, file, Options{Poll: neverPoll})
	next(t, w, "one", named("one"))
	write(t, file, pod("one")+"    acceleration: {engine: ducdb}\n")
	v := next(t, w, "broken", broken)
	if v.Hash == "" || v.Problems[0].Line == 0 {
		t.Errorf("a broken file must say what and where: %+v", v)
	}
	write(t, file, pod("two"))
	next(t, w, "two", named("two"))
}

func TestBackToTheVersionBefore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spicepod.yml")
	write(t, file, pod("one"))
	w := start(t, file, Options{Poll: neverPoll})
	next(t, w, "one", named("one"))
	write(t, file, "broken: [")
	next(t, w, "broken", broken)
	write(t, file, pod("one"))
	next(t, w, "one again", named("one"))
}

func TestDeleteAndRecreateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "app")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "spicepod.yaml"), pod("one"))
	// The watch goes away with the directory: the poll finds the new one.
	w := start(t, dir, Options{Poll: 50 * time.Millisecond})
	next(t, w, "one", named("one"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	next(t, w, "missing", broken)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "spicepod.yml"), pod("two"))
	next(t, w, "two", named("two"))
}

func TestKubernetesMount(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, "..v"+v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "..v"+v, "spicepod.yml"), pod(v))
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..vone", "..data")
	link("..data/spicepod.yml", "spicepod.yml")
	w := start(t, filepath.Join(dir, "spicepod.yml"), Options{Poll: neverPoll})
	next(t, w, "one", named("one"))
	link("..vtwo", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	next(t, w, "two", named("two"))
}

func TestRefsAndDotenvAreWatched(t *testing.T) {
	dir := t.TempDir()
	ref := filepath.Join(dir, "datasets", "y")
	if err := os.MkdirAll(ref, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(ref, "dataset.yaml"), "from: ./y.csv\nname: y\nparams: {file_format: '${env:FORMAT}'}\n")
	write(t, filepath.Join(dir, ".env"), "FORMAT=csv\n")
	write(t, filepath.Join(dir, "spicepod.yml"), "version: v1\nkind: Spicepod\nname: r\ndatasets: [{ref: datasets/y}]\n")
	w := start(t, dir, Options{Poll: neverPoll})
	next(t, w, "with y", func(v Version) bool { return v.Config != nil && v.Config.Dataset("y") != nil })
	write(t, filepath.Join(ref, "dataset.yaml"), "from: ./z.csv\nname: z\nparams: {file_format: '${env:FORMAT}'}\n")
	v := next(t, w, "with z", func(v Version) bool { return v.Config != nil && v.Config.Dataset("z") != nil })
	write(t, filepath.Join(dir, ".env"), "FORMAT=json\n")
	after := next(t, w, "with a new secret", func(v Version) bool {
		return v.Config != nil && v.Config.Dataset("z").Params["file_format"].Reveal() == "json"
	})
	if c := config.Diff(v.Config, after.Config); len(c.Changed) != 1 {
		t.Errorf("the rotated secret changes %d datasets, want 1", len(c.Changed))
	}
}

func TestPollOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spicepod.yml")
	w := start(t, file, Options{PollOnly: true, Poll: 10 * time.Millisecond})
	v := next(t, w, "missing", broken)
	if v.Hash != "" {
		t.Errorf("a missing file has the hash %q", v.Hash)
	}
	write(t, file, pod("one"))
	next(t, w, "one", named("one"))
}

func TestHaveIsNotDeliveredAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spicepod.yml")
	write(t, file, pod("one"))
	have, _ := config.Load(file, config.LoadOptions{})
	w := start(t, file, Options{Poll: 20 * time.Millisecond, Have: have})
	// The same content again is no version. Renamed into place: a file that is being written is a version,
	// too, where the machine is slow enough.
	for _, name := range []string{"one", "two"} {
		write(t, file+".new", pod(name))
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	if v := <-w.Versions(); v.Config == nil || v.Config.Name != "two" {
		t.Errorf("the first version is %+v, want two", v.Config)
	}
}

func TestSlowReceiverGetsTheNewest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spicepod.yml")
	w := New(file, nil)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for _, name := range []string{"one", "two", "three"} {
		write(t, file, pod(name))
		w.look(timer)
	}
	if v := <-w.Versions(); v.Config == nil || v.Config.Name != "three" {
		t.Errorf("got %+v, want three", v.Config)
	}
	select {
	case v := <-w.Versions():
		t.Errorf("a second version waits: %+v", v.Config)
	default:
	}
}
