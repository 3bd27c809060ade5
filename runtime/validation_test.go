package runtime_test

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
)

// bare is a source without columns.
type bare struct{ source.Source }

func (bare) Read(context.Context, source.Scan) (source.Reader, error) {
	r, err := array.NewRecordReader(arrow.NewSchema(nil, nil), nil)
	return emptyReader{r}, err
}

// TestValidationListWithTheSource is row 4 of the validation list of spec data-refresh 1.6, for which the
// source is needed; the other rows are TestValidationList of package config.
func TestValidationListWithTheSource(t *testing.T) {
	bareSource := func(o *launch.Options) {
		o.Sources = func(d *config.Dataset, dir string) (source.Source, error) {
			if d.Name == "bare" {
				return bare{}, nil
			}
			return runtime.Connect(d, dir)
		}
	}
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: key, acceleration: {engine: duckdb, mode: file, primary_key: nix}}
  - {from: 'file:a.csv', name: key2, acceleration: {engine: sqlite, primary_key: "(id, nix)"}}
  - {from: 'file:a.csv', name: plain, acceleration: {engine: duckdb, mode: file, indexes: {nix: enabled}}}
  - {from: 'file:a.csv', name: unique, acceleration: {engine: sqlite, mode: file, indexes: {"(name, nix)": unique}}}
  - {from: 'file:a.csv', name: conflict, acceleration: {engine: duckdb, primary_key: id, on_conflict: {nix: upsert}}}
  - {from: 'file:a.csv', name: bare, acceleration: {engine: duckdb, mode: file, primary_key: id}}
  - {from: 'file:a.csv', name: good, acceleration: {engine: duckdb, mode: file, primary_key: id, indexes: {name: enabled}, on_conflict: {id: upsert}}}
`, "a.csv": cities(3)}).start(bareSource)
	for name, setting := range map[string]string{"key": "primary_key", "key2": "primary_key", "plain": "indexes", "unique": "indexes", "conflict": "on_conflict"} {
		d := b.failing(name)
		for _, w := range []string{name, setting, "nix"} {
			if !strings.Contains(d.Err, w) {
				t.Errorf("%s: %q does not say %q", name, d.Err, w)
			}
		}
		if !strings.Contains(d.Hint, "id, name, city") || d.Retry != nil || d.HasData {
			t.Errorf("%s: hint %q, retry %v, data %t", name, d.Hint, d.Retry, d.HasData)
		}
	}
	if d := b.failing("bare"); !strings.Contains(d.Err, "bare: ") || !strings.Contains(d.Err, "no columns") || !strings.Contains(d.Hint, "from: file:a.csv") || d.Retry != nil {
		t.Errorf("%q / %q, retry %v", d.Err, d.Hint, d.Retry)
	}
	b.ready("good", 3)
	// Columns that come to the source mend it, with the next refresh.
	b.write("a.csv", "id,nix,name,city\n1,2,3,4\n")
	for _, name := range []string{"key", "plain"} {
		if task := b.do(api.RefreshNow{Dataset: name}); task.State != api.TaskDone {
			t.Errorf("%s: %+v", name, task)
		}
		b.ready(name, 1)
	}
}
