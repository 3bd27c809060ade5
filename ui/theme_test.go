package ui

import (
	"math"
	"reflect"
	"strconv"
	"testing"
)

// luminance of a colour by WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	lin := func(v uint64) float64 {
		c := float64(v) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(n>>16&255) + 0.7152*lin(n>>8&255) + 0.0722*lin(n&255)
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Every colour is readable on the usual backgrounds and on the tint of the selection.
func TestContrast(t *testing.T) {
	for _, tc := range []struct {
		name        string
		p           palette
		backgrounds []string
	}{
		{"dark", darkPalette, []string{"000000", "1e1e2e", "282a36", "1d2021", "002b36", darkPalette.tint}},
		{"light", lightPalette, []string{"ffffff", "fdf6e3", "eff1f5", lightPalette.tint}},
	} {
		for _, fg := range []string{tc.p.dim, tc.p.accent, tc.p.good, tc.p.warn, tc.p.bad, tc.p.info, tc.p.border} {
			for _, bg := range tc.backgrounds {
				need := 4.5
				if fg == tc.p.border {
					need = 3 // lines, not text
				}
				if c := contrast(t, fg, bg); c < need {
					t.Errorf("%s: #%s on #%s has %.2f, wants %.1f", tc.name, fg, bg, c, need)
				}
			}
		}
	}
}

// Every sign takes one cell, and no two states share one.
func TestGlyphs(t *testing.T) {
	for name, g := range map[string]*Glyphs{"unicode": Unicode(), "ascii": ASCII()} {
		v := reflect.ValueOf(*g)
		for i := range v.NumField() {
			f := v.Field(i)
			if f.Kind() == reflect.String {
				if Width(f.String()) != 1 {
					t.Errorf("%s %s %q is %d wide", name, v.Type().Field(i).Name, f, Width(f.String()))
				}
				if r := []rune(f.String()); name == "ascii" && (len(r) != 1 || r[0] > 126) {
					t.Errorf("%q is not ASCII", f)
				}
				continue
			}
			for _, s := range f.Interface().([]string) {
				if Width(s) != 1 {
					t.Errorf("%s %q is %d wide", name, s, Width(s))
				}
			}
		}
		seen := map[string]bool{}
		for _, s := range []string{g.Ready, g.Running, g.Waiting, g.Failed, g.Off, g.Warn} {
			if seen[s] {
				t.Errorf("%s: two states are %q", name, s)
			}
			seen[s] = true
		}
	}
}
