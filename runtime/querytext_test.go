package runtime_test

import (
	"fmt"
	"testing"

	"pitwall/runtime/api"
)

// The texts of a result can be kept: the console shows them after the rows are closed, when their memory is another's.
func TestTextsOutliveTheirRows(t *testing.T) {
	for _, engine := range []string{"duckdb", "cayenne", "sqlite", "arrow"} {
		t.Run(engine, func(t *testing.T) {
			mode := map[bool]string{true: "memory", false: "file"}[engine == "arrow"]
			b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(`
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: %s, mode: %s}
`, engine, mode), "a.csv": csv(5_000)}).start()
			b.ready("d", 5_000)
			var kept []string
			for range 5 { // each reuses what the one before has given back
				rows, err := b.Runtime.Query(t.Context(), "SELECT id, name FROM d", api.QueryOptions{})
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					for i := range rows.Len() {
						id, _ := rows.Text(i, 0)
						name, _ := rows.Text(i, 1)
						kept = append(kept, id, name)
					}
				}
				if err := rows.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for i := 0; i < len(kept); i += 2 {
				if kept[i+1] != "name "+kept[i] {
					t.Fatalf("value %d became %q, of id %q", i/2, kept[i+1], kept[i])
				}
			}
			if len(kept) != 2*5*5_000 {
				t.Errorf("%d texts", len(kept))
			}
		})
	}
}
