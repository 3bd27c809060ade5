package views

import "pitwall/ui"

// pager is a text that can be scrolled.
type pager struct {
	top, height, total int
}

// draw returns the window of lines.
func (p *pager) draw(lines []string, h int) []string {
	p.height, p.total = h, len(lines)
	p.top = max(min(p.top, len(lines)-h), 0)
	return lines[p.top:min(p.top+max(h, 0), len(lines))]
}

func (p *pager) move(key string) bool {
	page := max(p.height-1, 1)
	switch key {
	case "up", "k":
		p.top--
	case "down", "j":
		p.top++
	case "pgup", "ctrl+b":
		p.top -= page
	case "pgdown", "ctrl+f":
		p.top += page
	case "ctrl+u":
		p.top -= page / 2
	case "ctrl+d":
		p.top += page / 2
	case "home", "g":
		p.top = 0
	case "end", "G":
		p.top = p.total
	default:
		return false
	}
	p.top = max(min(p.top, p.total-p.height), 0)
	return true
}

// indented wraps a text of others with a margin.
func indented(s string, margin, w int) []string {
	var out []string
	for _, l := range ui.Wrap(ui.Clean(s), max(w-margin, 4)) {
		out = append(out, ui.Spaces(margin)+l)
	}
	return out
}
