// Package ui is the frame of pitwall's console: the one tea.Model, screens and their history, the
// registry of actions, dialogs, tables, themes and the subscription to the runtime. It knows the
// runtime by runtime/api only, and the screens by the View interface only.
//
// Run starts two goroutines, the program and one that ends it on a hang-up or when the context ends,
// and waits for both; only a terminal that takes no bytes any more makes it give up the program. All
// else happens in the program's goroutine and in Cmds, which Run waits for too.
package ui

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	xterm "github.com/charmbracelet/x/term"

	"pitwall/runtime/api"
	"pitwall/ui/settings"
)

// fps is the highest rate Bubble Tea draws at; at its default of 60 a key waits up to 17 ms.
const fps = 120

// endGrace is how long a program that was told to end may take before it is given up: a terminal that
// does not read any more can hold it for ever.
const endGrace = 2 * time.Second

// ErrHangup says that the terminal went away.
var ErrHangup = errors.New("the terminal went away")

// Options of Run.
type Options struct {
	// Version is shown in help and crash reports.
	Version string
	// NoColor draws without colours, ASCII without other signs than those of ASCII.
	NoColor, ASCII bool
	// Theme is "auto" (or empty, asks the terminal), "dark" or "light".
	Theme string
	// LogFile is where the log goes, shown in help.
	LogFile string
	// StateDir is the folder of screen dumps and crash reports; the default is
	// $XDG_STATE_HOME/pitwall or ~/.local/state/pitwall.
	StateDir string
	// NoSession neither goes on where the last session ended nor keeps this one.
	NoSession bool
	// Settings is how a person has set up the console, nil for the defaults; Updates brings later versions. Whoever
	// made Updates closes it, or never does.
	Settings *settings.Settings
	Updates  <-chan settings.Update
	// Dial opens another context of the settings; nil when there can be none. Views makes the screens for it.
	Dial  Dial
	Views func() []View
	// Editor opens files, as words of a command line; empty is $VISUAL, $EDITOR or vi.
	Editor string
	// Terminal is where the console draws, nil for the terminal of the process.
	Terminal *Terminal
}

// Terminal is a terminal that is not that of the process: an ssh session, a test.
type Terminal struct {
	In      io.Reader
	Out     io.Writer
	Env     []string
	Profile colorprofile.Profile
	// Width and Height are the first size; Sizes brings later ones. Whoever made Sizes closes it, or
	// never does.
	Width, Height int
	Sizes         <-chan tea.WindowSizeMsg
}

func (o *Options) ensureDefaults() {
	if o.Terminal == nil && os.Getenv("NO_COLOR") != "" {
		o.NoColor = true
	}
	if o.StateDir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if home, err := os.UserHomeDir(); base == "" && err == nil {
			base = filepath.Join(home, ".local", "state")
		}
		o.StateDir = filepath.Join(base, "pitwall")
		if base == "" {
			o.StateDir = filepath.Join(os.TempDir(), "pitwall")
		}
	}
}

// Run shows the console until a person quits (nil), ctx ends (nil), the terminal goes away
// (ErrHangup) or the console breaks (*CrashError). The terminal is restored when it returns.
func Run(ctx context.Context, c api.Console, vs []View, o Options) error {
	if len(vs) == 0 {
		return errors.New("the console has no screens")
	}
	o.ensureDefaults()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first, ch := c.Watch(ctx)
	app := newApp(ctx, c, first, ch, vs, o)
	app.restore()

	opts := []tea.ProgramOption{tea.WithFPS(fps), tea.WithoutSignalHandler()}
	if t := o.Terminal; t != nil {
		opts = append(opts, tea.WithInput(t.In), tea.WithOutput(lossy{t.Out, cancel}), tea.WithEnvironment(t.Env),
			tea.WithColorProfile(t.Profile), tea.WithWindowSize(t.Width, t.Height))
	} else {
		opts = append(opts, tea.WithOutput(lossyFile{os.Stdout, cancel}))
		defer log.SetOutput(log.Writer())
		log.SetOutput(io.Discard) // what libraries write there would go over the frame
		app.size = func() (int, int, error) { return xterm.GetSize(os.Stdout.Fd()) }
	}
	p := tea.NewProgram(app, opts...)
	app.pace.program = p

	ended := make(chan struct{}) // closed below, when the program has ended
	done := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		end(ctx, cancel, p, o.Terminal, ended)
	}()
	go func() { _, err := p.Run(); done <- err }()
	err := await(ctx, p, done)
	cause := context.Cause(ctx)
	close(ended)
	cancel(nil)
	wg.Wait()
	app.pace.stop()
	app.cmds.wait(endGrace)
	if path := app.sessionFile(); path != "" && app.crash == nil {
		_ = writeSession(path, app.session()) // there is nobody left to tell
	}
	return app.outcome(cause, err)
}

// end tells the program when the terminal hangs up, the context ends or the size changes.
func end(ctx context.Context, cancel context.CancelCauseFunc, p *tea.Program, t *Terminal, ended <-chan struct{}) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	var sizes <-chan tea.WindowSizeMsg
	if t != nil {
		sizes = t.Sizes
	}
	for {
		select {
		case <-ended:
			return
		case <-hup:
			cancel(ErrHangup)
		case <-ctx.Done():
			p.Quit()
			return
		case s, ok := <-sizes:
			if !ok {
				sizes = nil
				continue
			}
			p.Send(s)
		}
	}
}

// await waits for the end of the program; one that was told to end and does not is killed, and given
// up when even that does not help.
func await(ctx context.Context, p *tea.Program, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	for range 2 {
		t := time.NewTimer(endGrace)
		select {
		case err := <-done:
			t.Stop()
			return err
		case <-t.C:
			go p.Kill()
		}
	}
	return ErrHangup
}

// outcome makes of the program's end what Run returns.
func (a *App) outcome(cause, err error) error {
	switch {
	case a.crash != nil:
		now := time.Now()
		if path, werr := writeReport(a.opts.StateDir, a.report(now), now); werr == nil {
			a.crash.Path = path
		}
		return a.crash
	case errors.Is(cause, ErrHangup):
		return ErrHangup
	case a.quitting, errors.Is(cause, context.Canceled), errors.Is(cause, context.DeadlineExceeded):
		return nil
	}
	return err
}

// lossy ends the console when nothing can be written to the terminal any more; Bubble Tea drops such
// errors and would go on for nobody.
type lossy struct {
	io.Writer
	cancel context.CancelCauseFunc
}

// Write implements io.Writer.
func (l lossy) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p)
	if err != nil {
		l.cancel(ErrHangup)
	}
	return n, err
}

// lossyFile is lossy for a terminal, which Bubble Tea has to know as the file it is.
type lossyFile struct {
	*os.File
	cancel context.CancelCauseFunc
}

// Write implements io.Writer.
func (l lossyFile) Write(p []byte) (int, error) {
	n, err := l.File.Write(p)
	if err != nil {
		l.cancel(ErrHangup)
	}
	return n, err
}
