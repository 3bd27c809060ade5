package views

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

func TestRulesOfADatasetAreShown(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := &api.Dataset{Name: "logs", RefreshSQL: "SELECT * FROM logs WHERE asset = 'a1'", Patched: true, TimeColumn: "at", Window: 24 * time.Hour,
		Upcoming: []time.Time{now.Add(time.Hour), now.Add(25 * time.Hour)}, Refreshes: []api.Refresh{{Plan: "3 of 40 row groups"}},
		ZeroResults: "use_source", ReadyOnRegistration: true, Totals: api.Totals{ZeroFallbacks: 7},
		Retention: &api.Retention{Period: 48 * time.Hour, SQL: "DELETE FROM logs WHERE gone", Every: time.Minute, Last: now.Add(-time.Minute), LastEvicted: 5, Evicted: 1234,
			Err: "logs: retention_sql: no column gone", Hint: "correct it"}}
	c := &ui.Ctx{Now: now, Theme: ui.Mono(), Glyphs: ui.ASCII()}
	text := strings.Join(rules(c, d, 100), "\n")
	for _, want := range []string{"asset = 'a1'", "temporary", "at, not older than", "in 1h", "3 of 40 row groups", "until data is loaded (0 times)",
		"without a row here (7 times)", "older than", "every 1m", "5 rows went", "1,234", "no column gone", "hint: correct it"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
