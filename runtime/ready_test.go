package runtime_test

import (
	"context"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// /v1/ready waited for the load of a dataset that answers from its source.
func TestReadyStateDecidesWhatReadyWaitsFor(t *testing.T) {
	for _, c := range []struct {
		name, runtime, dataset string
		ready                  bool // before anything is loaded
	}{
		{"default", "{}", "on_load", false},
		{"dataset on_registration", "{ready_state: on_load}", "on_registration", true},
		{"runtime on_registration", "{ready_state: on_registration}", "on_load", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newValve()
			b := newBed(t, map[string]string{"spicepod.yml": `
runtime: ` + c.runtime + `
datasets:
  - {from: 'file:a.csv', name: d, ready_state: ` + c.dataset + `, acceleration: {engine: duckdb}}
`, "a.csv": cities(10)}).start(v.options)
			<-v.reading
			b.dataset("d", "is loading", func(d *api.Dataset) bool { return d.Run != nil && d.Registered })
			if s := b.Runtime.State(); s.Ready != c.ready || s.Dataset("d").HasData {
				t.Errorf("ready: %t while the data loads", s.Ready)
			}
			v.Open()
			b.ready("d", 10)
			if !b.Runtime.State().Ready {
				t.Error("not ready with data")
			}
		})
	}
}

// A dataset that fails and was never ready keeps the runtime from being ready until it is removed; one
// that was ready and is given another source does not.
func TestReadyIsSticky(t *testing.T) {
	const good = "\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {engine: duckdb}}\n"
	const bad = "  - {from: 'file:missing.csv', name: bad, acceleration: {engine: duckdb}}\n"
	b := newBed(t, map[string]string{"spicepod.yml": good + bad, "a.csv": cities(10)}).start()
	b.ready("a", 10)
	b.failing("bad")
	if b.Runtime.State().Ready {
		t.Error("ready though a dataset never was")
	}
	b.write("spicepod.yml", good)
	b.until("ready without the one that fails", func(s *api.State) bool { return s.Ready && len(s.Datasets) == 1 })
	b.write("spicepod.yml", "\ndatasets:\n  - {from: 'file:missing.csv', name: a, acceleration: {engine: sqlite}}\n")
	b.dataset("a", "fails with its new source", func(d *api.Dataset) bool { return d.Engine == "sqlite" && d.Status == api.Error })
	if s := b.Runtime.State(); !s.Ready || !s.Dataset("a").WasReady {
		t.Error("a dataset that fails later made the runtime not ready")
	}
}

// Who asked in the first moments was told that there is no such dataset.
func TestDatasetsAreKnownBeforeAnythingRuns(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": "\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {}}\n  - {from: 'file:a.csv', name: b}\n", "a.csv": cities(10)})
	s, err := launch.Open(t.Context(), launch.Options{Pod: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	st := s.Runtime.State()
	if len(st.Datasets) != 2 || st.Ready || st.Dataset("a").Status != api.Initializing {
		t.Errorf("%d datasets, ready %t", len(st.Datasets), st.Ready)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}
