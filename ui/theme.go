package ui

import (
	"fmt"
	"strconv"
	"strings"
)

// Style is the SGR parameters of a run of text; "" leaves it as it is.
type Style string

const reset = "\x1b[m"

// On renders text in the style.
func (s Style) On(text string) string {
	if s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + reset
}

// Bold returns the style in bold.
func (s Style) Bold() Style {
	if s == "" {
		return "1"
	}
	return "1;" + s
}

// Theme is the roles of colours. Text of no role keeps the terminal's own colour, so that it is
// readable on any background. A role never is the only carrier of a meaning.
type Theme struct {
	Name                                              string
	Dim, Accent, Good, Warn, Bad, Info, Border, Title Style
	// Tint is the background of the selected row, Match marks what a search found.
	Tint, Match Style
}

// palette is hex colours, so that the contrast test can reckon with them.
type palette struct {
	dim, accent, good, warn, bad, info, border, tint string
}

var (
	darkPalette  = palette{"9da5b8", "8ab4f8", "7bd88f", "f2c55c", "ff8a8a", "6fd3e0", "8a92a6", "2f3649"}
	lightPalette = palette{"5a5f6b", "1a56b0", "1a6b2d", "7a5200", "b3161f", "0b6070", "656b78", "dde4f2"}
)

// fg returns the SGR parameters of a foreground colour given as hex.
func fg(hex string) Style { return rgb("38", hex) }

func bg(hex string) Style { return rgb("48", hex) }

func rgb(kind, hex string) Style {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return ""
	}
	return Style(fmt.Sprintf("%s;2;%d;%d;%d", kind, n>>16&255, n>>8&255, n&255))
}

func themeOf(name string, p palette) *Theme {
	return &Theme{
		Name: name, Dim: fg(p.dim), Accent: fg(p.accent), Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad),
		Info: fg(p.info), Border: fg(p.border), Title: "1", Tint: bg(p.tint), Match: fg(p.warn).Bold() + ";4",
	}
}

// Dark returns the theme for dark backgrounds.
func Dark() *Theme { return themeOf("dark", darkPalette) }

// Light returns the theme for light backgrounds.
func Light() *Theme { return themeOf("light", lightPalette) }

// Mono returns the theme without colours: bold, faint and underline only.
func Mono() *Theme {
	return &Theme{Name: "mono", Accent: "1", Bad: "1", Warn: "1", Title: "1", Tint: "1", Match: "1;4"}
}

// tint lays the background of the selection under a finished line.
func (t *Theme) tint(line string) string {
	if t.Tint == "" {
		return line
	}
	on := "\x1b[0;" + string(t.Tint) + "m"
	return on + strings.ReplaceAll(line, reset, on) + reset
}

// Tint lays the background of the selection under a finished line.
func (c *Ctx) Tint(line string) string { return c.Theme.tint(line) }
