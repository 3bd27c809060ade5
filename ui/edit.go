package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Edit is a line of text being typed.
type Edit struct {
	text string
	at   int // byte offset of the cursor
}

// Text returns what was typed.
func (e *Edit) Text() string { return e.text }

// Set replaces the text and puts the cursor at its end.
func (e *Edit) Set(s string) { e.text, e.at = s, len(s) }

// Insert types text at the cursor; control characters are dropped.
func (e *Edit) Insert(s string) {
	s = Clean(s)
	e.text = e.text[:e.at] + s + e.text[e.at:]
	e.at += len(s)
}

// Key handles a key; false when it is none of editing.
func (e *Edit) Key(k tea.KeyPressMsg) bool {
	before := e.text[:e.at]
	switch k.String() {
	case "backspace", "ctrl+h":
		cut := before[:len(before)-len(lastCluster(before))]
		e.text, e.at = cut+e.text[e.at:], len(cut)
	case "delete":
		e.text = before + e.text[e.at+len(firstCluster(e.text[e.at:])):]
	case "left", "ctrl+b":
		e.at -= len(lastCluster(before))
	case "right", "ctrl+f":
		e.at += len(firstCluster(e.text[e.at:]))
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "ctrl+u":
		e.text, e.at = e.text[e.at:], 0
	case "ctrl+w":
		cut := strings.TrimRight(before, " ")
		cut = cut[:strings.LastIndexByte(cut, ' ')+1]
		e.text, e.at = cut+e.text[e.at:], len(cut)
	default:
		if k.Text == "" || k.Mod&(tea.ModCtrl|tea.ModAlt) != 0 {
			return false
		}
		e.Insert(k.Text)
	}
	return true
}

// Draw returns the text with the cursor in at most w cells; the cursor stays in sight.
func (e *Edit) Draw(w int) string {
	if w <= 0 {
		return ""
	}
	before, at, after := e.text[:e.at], " ", ""
	if e.at < len(e.text) {
		at = firstCluster(e.text[e.at:])
		after = e.text[e.at+len(at):]
	}
	for Width(before)+Width(at) > w && before != "" {
		before = before[len(firstCluster(before)):]
	}
	return Cut(before+Style("7").On(at)+after, w)
}

func firstCluster(s string) string {
	c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return c
}

func lastCluster(s string) string {
	last := ""
	for s != "" {
		last = firstCluster(s)
		s = s[len(last):]
	}
	return last
}
