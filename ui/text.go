package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is the number of cells s takes; escape sequences take none.
//
// ASCII, colours and the signs of the console are counted here, ten times as fast as by segmenting
// graphemes; anything else is left to x/ansi.
func Width(s string) int {
	n := 0
	for i := 0; i < len(s); {
		switch b := s[i]; {
		case b >= 0x20 && b < 0x7f:
			n++
			i++
		case b == 0x1b && i+1 < len(s) && s[i+1] == '[':
			i += 2
			for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == ';') {
				i++
			}
			if i >= len(s) || s[i] != 'm' {
				return ansi.StringWidth(s)
			}
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !ownSign(r) {
				return ansi.StringWidth(s)
			}
			n++
			i += size
		}
	}
	return n
}

// ownSign tells whether r is one of the signs the console draws with, which all take one cell.
func ownSign(r rune) bool {
	switch {
	case r >= 0x2500 && r <= 0x259f, r >= 0x2190 && r <= 0x2193: // boxes and blocks, arrows
		return true
	}
	switch r {
	case '…', '·', '●', '◔', '◌', '□', '▲', '✓', '✗', '▸', '▶', 'Δ', '×':
		return true
	}
	return false
}

// Clean makes text of others safe to draw: one line, no control or formatting characters (an escape
// sequence in a name must not reach the terminal), valid UTF-8.
func Clean(s string) string {
	ok := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError, unicode.Is(unicode.Cc, r):
			b.WriteByte('?')
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		default:
			b.WriteRune(r)
		}
	}
	return sameWidth(b.String())
}

// sameWidth replaces the characters that terminals do not agree upon: those that take as many cells
// as their graphemes on some and as their code points on others.
func sameWidth(s string) string {
	if ansi.StringWidth(s) == ansi.StringWidthWc(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		c := firstCluster(s)
		s = s[len(c):]
		if ansi.StringWidth(c) != ansi.StringWidthWc(c) {
			c = "?"
		}
		b.WriteString(c)
	}
	return b.String()
}

// Cut shortens s to at most w cells and marks the cut with an ellipsis.
func Cut(s string, w int) string {
	switch {
	case w <= 0:
		return ""
	case Width(s) <= w:
		return s
	}
	return ansi.Truncate(s, w, "…")
}

// Pad makes s exactly w cells wide: cut, or filled up with spaces on the right.
func Pad(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := Width(s)
	if n > w {
		s = Cut(s, w)
		n = Width(s)
	}
	return s + Spaces(w-n)
}

// PadLeft makes s exactly w cells wide with the spaces on the left.
func PadLeft(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := Width(s)
	if n > w {
		s = Cut(s, w)
		n = Width(s)
	}
	return Spaces(w-n) + s
}

const blanks = "                                                                                                                                "

// Spaces returns n spaces, none for a negative n.
func Spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blanks):
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// Wrap breaks s at spaces into lines of at most w cells; words that are longer are broken anywhere.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	lines := strings.Split(ansi.Wrap(s, w, ""), "\n")
	for i, l := range lines {
		if Width(l) > w { // a character wider than w
			lines[i] = Cut(l, w)
		}
	}
	return lines
}

// Sides puts left and right at the two ends of a line of w cells; left gives way.
func Sides(left, right string, w int) string {
	r := Width(right)
	if r >= w {
		return Cut(right, w)
	}
	if r == 0 {
		return Pad(left, w)
	}
	return Pad(left, w-r) + right
}
