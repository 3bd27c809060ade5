package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"10m": 10 * time.Minute, "90": 90 * time.Second, "1.5h": 90 * time.Minute, "1e3ms": time.Second,
		"+2s": 2 * time.Second, ".5s": 500 * time.Millisecond, "3.s": 3 * time.Second, "7Ms": 7 * time.Microsecond,
		"250ns": 250, "1d": 24 * time.Hour, "2w": 14 * 24 * time.Hour, "0": 0, "1E-3s": time.Millisecond,
		"0.1s": 100 * time.Millisecond, "9223372036s": 9223372036 * time.Second,
	}
	for s, want := range good {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%q gives %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-1s", "1h30m", "10min", "1y", "1M", "1us", "abc", " 1s", "1 s", "1s ", "inf", "NaN", "1e", "0x10",
		"1e999999999", "1e-999999999", "99999999999999999999999", "1_000", "1,5s", "9223372037s", "１s"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q gives %v, want an error", s, got)
		}
	}
}

func TestFormatDurationRoundTrips(t *testing.T) {
	for _, d := range []time.Duration{1, 1500, time.Microsecond, 3 * time.Millisecond, 90 * time.Second, 90 * time.Minute, 36 * time.Hour, 48 * time.Hour} {
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Errorf("%v is written %q and read back as %v, %v", d, FormatDuration(d), got, err)
		}
	}
}

func TestParseFrom(t *testing.T) {
	for from, want := range map[string][2]string{
		"":                             {"sink", ""},
		"sink":                         {"sink", ""},
		"file:data.csv":                {"file", "data.csv"},
		"file://data.csv":              {"file", "data.csv"},
		"file:///data/logs/":           {"file", "/data/logs/"},
		"file/data.csv":                {"file", "data.csv"},
		"./data/x.parquet":             {"file", "./data/x.parquet"},
		"../x":                         {"file", "../x"},
		"~/x.csv":                      {"file", "~/x.csv"},
		"/data/a:b.csv":                {"file", "/data/a:b.csv"},
		"data/*.csv":                   {"file", "data/*.csv"},
		"data/2024/":                   {"file", "data/2024/"},
		"x.JSONL":                      {"file", "x.JSONL"},
		"data/a:b.csv":                 {"file", "data/a:b.csv"},
		"s3://bucket/a.parquet":        {"s3", "bucket/a.parquet"},
		"s3:bucket/*":                  {"s3", "bucket/*"},
		"postgres:public.users":        {"postgres", "public.users"},
		"spice.ai/eth.recent_blocks":   {"spice.ai", "eth.recent_blocks"},
		"spice.ai/a/b.csv":             {"spice.ai", "a/b.csv"},
		"eth.recent_blocks":            {"spice.ai", "eth.recent_blocks"},
		"graphql:https://api.x/g":      {"graphql", "https://api.x/g"},
		"github:github.com/a/b/files/": {"github", "github.com/a/b/files/"},
		"memory:store":                 {"memory", "store"},
		"elsewhere/table":              {"elsewhere", "table"},
	} {
		if c, s := parseFrom(from); c != want[0] || s != want[1] {
			t.Errorf("%q gives %q, %q, want %q", from, c, s, want)
		}
	}
}

func TestParseName(t *testing.T) {
	for in, want := range map[string]string{
		"Trips": "trips", "Sales.Trips": "sales.trips", `"Mixed"`: "Mixed", `Sales."My Table"`: "sales.My Table",
		"a-b_c$1": "a-b_c$1", "größe": "größe",
	} {
		if got, err := parseName(in); err != nil || got != want {
			t.Errorf("%q gives %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", ".", "a.", ".a", "a.b.c", `"`, `""`, `"a`, `"a"b`, "a b", "a/b", `"a/b"`, `"a.b"`, `".."`, "a\x00", "spice_sys_x"} {
		if got, err := parseName(in); err == nil {
			t.Errorf("%q gives %q, want an error", in, got)
		}
	}
}

func TestParseColumnRef(t *testing.T) {
	for in, want := range map[string]string{"a": "a", " a ": "a", "(a)": "a", "(b, a)": "(a, b)", "(b,a,c)": "(a, b, c)"} {
		got, err := parseColumnRef(in)
		if err != nil || got != want {
			t.Errorf("%q gives %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "(", "(a", "a)", "()", "(a,)", "(a, a)", "a, b", "((a))"} {
		if got, err := parseColumnRef(in); err == nil {
			t.Errorf("%q gives %q, want an error", in, got)
		}
	}
	if got := ColumnsOf("(a, b)"); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("columns of (a, b): %q", got)
	}
	if got := ColumnsOf(""); got != nil {
		t.Errorf("columns of nothing: %q", got)
	}
}
