package ui

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 412 * time.Millisecond: "412ms", time.Second: "1s", 4200 * time.Millisecond: "4.2s", 41 * time.Second: "41s",
		9*time.Minute + 48*time.Second: "9m48s", 10 * time.Minute: "10m", 3*time.Hour + 12*time.Minute: "3h12m", 52 * time.Hour: "2d4h", -time.Minute: "-1m",
		math.MinInt64: "-106751d23h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestAgeAndUntil(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{0: "0s", 4 * time.Second: "4s", 12*time.Minute + 59*time.Second: "12m", 3 * time.Hour: "3h", 49 * time.Hour: "2d", -time.Hour: "0s"} {
		if got := Age(now, now.Add(-d)); got != want {
			t.Errorf("Age(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-time.Second: "now", 0: "now", 6 * time.Second: "6s", 9*time.Minute + 48*time.Second + 900*time.Millisecond: "9m48s", 52 * time.Hour: "2d4h"} {
		if got := Until(now, now.Add(d)); got != want {
			t.Errorf("Until(%v) = %q, want %q", d, got, want)
		}
	}
	if Age(now, time.Time{}) != "-" || Until(now, time.Time{}) != "-" || Clock(now, time.Time{}) != "-" {
		t.Error("the zero time is not a dash")
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3_250_000: "3.1 MiB", 412 << 20: "412 MiB", 10 << 20: "10 MiB", 1 << 40: "1.0 TiB", math.MaxInt64: "8.0 EiB", -1: "?", 1<<20 - 1: "1.0 MiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 512: "512", 9100: "9.1K", 999_499: "999K", 999_500: "1.0M", 18_204_118: "18.2M", math.MaxInt64: "9.2E", -1: "?"} {
		if got := Count(n); got != want || len(got) > 5 {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "+0", 1204: "+1,204", -10204: "-10,204", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := Signed(n); got != want {
			t.Errorf("Signed(%d) = %q, want %q", n, got, want)
		}
	}
	for f, want := range map[float64]string{0: "0%", 0.999: "99%", 1: "100%", 2: "100%", -1: "?", math.NaN(): "?"} {
		if got := Percent(f); got != want {
			t.Errorf("Percent(%v) = %q, want %q", f, got, want)
		}
	}
}

func TestWidthIsThatOfGraphemes(t *testing.T) {
	g := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "●", "▶", "✗", "…", "━", "\x1b[1;38;2;1;2;3m", reset, "\x1b[", "\u0301", "\ufe0f", "日", "👩‍👩‍👧", "\x1b", "\x9b", "\n"})))
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(g.Draw(rt, "s"), "")
		if got, want := Width(s), ansi.StringWidth(s); got != want {
			rt.Fatalf("Width(%q) = %d, want %d", s, got, want)
		}
		if c := Clean(s); ansi.StringWidth(c) != ansi.StringWidthWc(c) || Clean(c) != c {
			rt.Fatalf("Clean(%q) = %q, whose width depends on the terminal", s, c)
		}
	})
}

func TestTextFits(t *testing.T) {
	for _, s := range []string{"", "abc", "日本語データ", "e\u0301e\u0301e\u0301", "👩‍👩‍👧 family", "\x1b[31mred\x1b[0m", "a\tb\nc\x00\x9b31m", "\u202Eevil", string([]byte{0xff, 0xfe})} {
		for w := range 12 {
			c := Clean(s)
			if got := Width(Pad(c, w)); got != w {
				t.Errorf("Pad(%q, %d) is %d wide", c, w, got)
			}
			if got := Width(PadLeft(c, w)); got != w {
				t.Errorf("PadLeft(%q, %d) is %d wide", c, w, got)
			}
			for _, l := range Wrap(c, w) {
				if Width(l) > w {
					t.Errorf("Wrap(%q, %d) has %q", c, w, l)
				}
			}
		}
		for _, r := range Clean(s) {
			if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e {
				t.Errorf("Clean(%q) keeps %q", s, r)
			}
		}
	}
}
