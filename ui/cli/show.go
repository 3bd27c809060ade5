package cli

import (
	"context"

	"pitwall/runtime/api"
	"pitwall/runtime/replay"
	"pitwall/ui"
	"pitwall/ui/settings"
)

// Screen opens the console over any runtime, the way the flags and the settings of the person say.
type Screen struct {
	Common  *Common
	Version string
	Views   func() []ui.View
}

// Show shows a runtime that the others run, and records it into a new file when one is named. log is the file of the
// runtime's log, empty for none. When the console ends, so do the others.
func (s *Screen) Show(ctx context.Context, c api.Console, record replay.Options, log string, runs ...func(context.Context) error) error {
	path := settings.Path()
	mine, err := settings.Load(path)
	if err != nil {
		return &Exit{ExitUsage, err}
	}
	c, rec, err := replay.Record(c, record)
	if err != nil {
		return &Exit{ExitUsage, err}
	}
	updates := make(chan settings.Update)
	f := s.Common
	o := ui.Options{Version: s.Version, NoColor: f.NoColor, ASCII: f.ASCII, Theme: f.Theme, LogFile: log, NoSession: f.NoRestore || mine.Restore != nil && !*mine.Restore,
		Settings: mine, Updates: updates, Views: s.Views, Dial: s.open}
	return Together(ctx, func(ctx context.Context) error { return ui.Run(ctx, c, s.Views(), o) },
		append(runs, rec, func(ctx context.Context) error { return settings.Watch(ctx, path, updates) })...)
}

// open implements ui.Dial: it reads the settings as they are now.
func (s *Screen) open(ctx context.Context, name string) (api.Console, func(context.Context) error, error) {
	now, err := settings.Load(settings.Path())
	if err != nil {
		return nil, nil, err
	}
	a, err := contextNamed(now, name)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.dial(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Run, nil
}
