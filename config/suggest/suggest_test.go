package suggest_test

import (
	"testing"

	"pitwall/config/suggest"
)

func TestNearest(t *testing.T) {
	for in, want := range map[string]string{"ducdb": "duckdb", "dukcdb": "duckdb", "DUCKDB": "duckdb", "sqlit": "sqlite", "oracle": "", "x": ""} {
		if got := suggest.Nearest(in, []string{"arrow", "duckdb", "sqlite"}); got != want {
			t.Errorf("%q is near %q, want %q", in, got, want)
		}
	}
}
