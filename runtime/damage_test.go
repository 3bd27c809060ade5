package runtime_test

import (
	"os"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// A local file that was damaged is told of after it was rebuilt from the source, where nothing else shows that something
// happened, until somebody asks for a refresh.
func TestDamageIsToldUntilSomebodyRefreshes(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: ` + engine + `, mode: file}
`, "a.csv": csv(10)}).start()
			file := b.ready("d", 10).File
			b.stop()
			if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 1000)), 0o644); err != nil {
				t.Fatal(err)
			}
			b.start()
			d := b.ready("d", 10)
			signs := api.Signs(d)
			if len(signs) != 1 || !strings.Contains(signs[0].Text, "damaged and rebuilt from the source") || signs[0].At.IsZero() {
				t.Fatalf("%+v", signs)
			}
			if _, err := os.Stat(d.Damage.KeptAs); err != nil || !strings.Contains(signs[0].Hint, d.Damage.KeptAs) {
				t.Error(err, signs[0].Hint)
			}
			if task := b.do(api.RefreshNow{Dataset: "d"}); task.State != api.TaskDone {
				t.Fatalf("%+v", task)
			}
			if d := b.Runtime.State().Dataset("d"); d.Damage != nil || len(api.Signs(d)) > 0 {
				t.Errorf("it is told on: %+v", d.Damage)
			}
		})
	}
}
