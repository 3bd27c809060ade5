package filter_test

import (
	"testing"
	"time"

	"pitwall/engines/filter"
)

func TestParseInstant(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Time{
		"2026-01-02T03:04:05Z":            at,
		"2026-01-02T05:04:05+02:00":       at,
		"2026-01-02T05:04:05+0200":        at,
		"2026-01-02 03:04:05":             at,
		"2026-01-02T03:04:05":             at,
		"2026-01-02 01:04:05-02:00":       at,
		"2026-01-02T03:04:05.000000001Z":  at.Add(1),
		"2026-01-02 03:04:05.5":           at.Add(500 * time.Millisecond),
		"2026-01-02T03:04:05,25Z":         at.Add(250 * time.Millisecond),
		"2026-01-02T03:04Z":               at.Add(-5 * time.Second),
		"2026-01-02":                      time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00Z":            time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"":                                {},
		"yesterday":                       {},
		"2026-02-30":                      {},
		"2026-01-02T25:00:00Z":            {},
		"1767323045":                      {},
		" 2026-01-02":                     {},
		"2026-01-02T03:04:05Z and so on":  {},
		"2026-01-02T03:04:05 Europe/Rome": {},
	}
	for text, want := range tests {
		got, ok := filter.ParseInstant(text)
		if known := !want.IsZero() || text == "0001-01-01T00:00:00Z"; ok != known || ok && !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, ok, want)
		}
	}
}

// BenchmarkParseInstant is what a row costs in a retention check of time_format ISO8601.
func BenchmarkParseInstant(b *testing.B) {
	for b.Loop() {
		filter.ParseInstant("2026-01-02 03:04:05.123456")
	}
}
