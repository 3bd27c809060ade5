package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/renameio/v2"

	"pitwall/runtime/api"
)

// sessionEvery is how often the session is written while the console runs.
const sessionEvery = 30 * time.Second

// session is what a person finds again after leaving the console: where they were and how it looked. There is one for
// each spicepod, and for each runtime that was attached to.
type session struct {
	Stack  []place `json:"stack"`
	Faults bool    `json:"faults_only,omitempty"`
	Zoomed bool    `json:"zoomed,omitempty"`
	// Theme is set when it was chosen in the palette.
	Theme string                     `json:"theme,omitempty"`
	Said  []string                   `json:"palette,omitempty"`
	Views map[string]json.RawMessage `json:"views,omitempty"`
}

// place is a screen and its dataset.
type place struct {
	View    string `json:"view"`
	Subject string `json:"dataset,omitempty"`
}

// sessionFile is where the session of what is shown is kept; "" for a recording, which has none.
func (a *App) sessionFile() string {
	s := a.live
	of := s.Config.Path
	switch s.Link.Kind {
	case api.LinkRecording:
		return ""
	case "":
	default:
		of = s.Link.Kind + ":" + s.Link.Name
	}
	if of == "" || a.opts.NoSession {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(of))
	return filepath.Join(a.opts.StateDir, "sessions", fmt.Sprintf("%016x.json", h.Sum64()))
}

// session takes a picture of what there is to find again.
func (a *App) session() *session {
	s := &session{Faults: a.ctxv.FaultsOnly, Zoomed: a.ctxv.Zoomed, Theme: a.chosen, Said: a.said, Views: map[string]json.RawMessage{}}
	a.top().subject = a.ctxv.Subject
	for _, e := range a.stack {
		s.Stack = append(s.Stack, place{e.view.ID(), e.subject})
	}
	for _, v := range a.views {
		if sv, ok := v.(Saver); ok {
			if raw, err := sv.Save(); err == nil {
				s.Views[v.ID()] = raw
			}
		}
	}
	return s
}

// restore brings the session back. A file that is damaged is set aside, and says so.
func (a *App) restore() {
	path := a.sessionFile()
	if path == "" {
		return
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var s session
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		aside := path + ".damaged"
		if rerr := os.Rename(path, aside); rerr == nil {
			path = aside
		}
		a.toast(api.Warn, "the last session could not be read and begins anew; what is left of it is in "+path)
		return
	}
	a.ctxv.FaultsOnly, a.ctxv.Zoomed, a.said = s.Faults, s.Zoomed, s.Said
	if t := themeNamed(s.Theme); t != nil && !a.opts.NoColor {
		a.ctxv.Theme, a.chosen = t, s.Theme
	}
	var stack []entry
	for _, v := range a.views {
		if sv, ok := v.(Saver); ok && s.Views[v.ID()] != nil {
			if err := sv.Restore(s.Views[v.ID()]); err != nil {
				a.toast(api.Warn, "the screen "+v.ID()+" begins anew: "+err.Error())
			}
		}
	}
	for _, p := range s.Stack {
		for _, v := range a.views {
			if v.ID() == p.View {
				stack = append(stack, entry{v, p.Subject})
			}
		}
	}
	if len(stack) > 0 && stack[0].view == a.views[0] {
		a.stack = stack
		a.ctxv.Subject = a.top().subject
	}
}

// themeNamed returns a theme by its name, nil when there is none.
func themeNamed(name string) *Theme {
	for _, t := range []*Theme{Dark(), Light(), Mono()} {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// saved is the Cmd that writes the session now; nil when there is nothing to write to.
func (a *App) saved() tea.Cmd {
	path := a.sessionFile()
	if path == "" {
		return nil
	}
	s := a.session()
	return func() tea.Msg { return savedMsg{writeSession(path, s)} }
}

// savedMsg tells how the writing of the session went.
type savedMsg struct{ err error }

func writeSession(path string, s *session) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(path, text, 0o600)
}
