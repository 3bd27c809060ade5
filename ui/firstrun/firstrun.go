// Package firstrun is what pitwall asks where there is no spicepod: to look at the demo, to write a first spicepod, or
// to see where it looked. It starts no goroutine that it does not wait for.
package firstrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"pitwall/config"
)

// Options of Ask.
type Options struct {
	// Looked are the files that were looked for; the first is the one to write.
	Looked []string
	// Theme is "dark" or "light"; anything else asks the terminal. NoColor draws without colours, ASCII with the
	// signs of ASCII only.
	Theme          string
	NoColor, ASCII bool
}

// Choice is what a person chose.
type Choice int

// The choices.
const (
	// Quit is to do nothing.
	Quit Choice = iota
	// Demo is to open the demo.
	Demo
	// Written is to go on with the spicepod that was written.
	Written
)

// NeedsEnv says that the spicepod was written and refers to environment variables that are not set.
type NeedsEnv struct {
	// File is the spicepod.
	File string
	// Names are those of the variables.
	Names []string
}

// Error says what to do.
func (e *NeedsEnv) Error() string {
	return fmt.Sprintf("%s is written; it needs %s: set it in the environment, or in a file .env beside it, and start pitwall again",
		e.File, strings.Join(e.Names, " and "))
}

// What is chosen in the menus.
const (
	openDemo  = "demo"
	write1    = "write"
	showPlace = "looked"
	quit      = "quit"
	change    = "change"
)

// Ask shows the dialog on the terminal of the process until something is chosen. The error is a *NeedsEnv, or why the
// spicepod could not be written, or that of the terminal.
func Ask(ctx context.Context, o Options) (Choice, error) {
	file := o.Looked[0]
	a := &answers{kind: kindFile, engine: "duckdb", interval: "10m", snapshots: yes, snapshotsFolder: "file://./snapshots", host: "localhost", file: file}
	for {
		what := openDemo
		err := o.run(ctx, huh.NewGroup(pick("Welcome to pitwall. There is no spicepod here.",
			"A spicepod is the file that says which data to accelerate.", &what,
			huh.NewOption("open the demo: a workspace with generated data, made on the spot", openDemo),
			huh.NewOption("write a first spicepod: a few questions about one source", write1),
			huh.NewOption("show where pitwall looked", showPlace),
			huh.NewOption("quit", quit))))
		switch {
		case errors.Is(err, huh.ErrUserAborted), err == nil && what == quit:
			return Quit, nil
		case err != nil:
			return Quit, err
		case what == openDemo:
			return Demo, nil
		case what == showPlace:
			err = o.looked(ctx)
		default:
			var done bool
			if done, err = o.starter(ctx, a); done && err == nil {
				return Written, missing(a, file)
			}
		}
		if err != nil && !errors.Is(err, huh.ErrUserAborted) { // that one leads back to the menu
			return Quit, err
		}
	}
}

// looked shows where a spicepod was looked for.
func (o *Options) looked(ctx context.Context) error {
	return o.run(ctx, huh.NewGroup(pick("pitwall looked for", strings.Join(o.Looked, "\n")+"\n\n--pod FILE names another file or folder; PITWALL_POD does so, too.",
		new(string), huh.NewOption("back", ""))))
}

// starter asks, shows the spicepod and writes it when that is wanted; done is false when it is not. What the spicepod
// would not take is asked for again, and only that.
func (o *Options) starter(ctx context.Context, a *answers) (done bool, err error) {
	questions := a.forms()
	for {
		if err := o.run(ctx, questions...); err != nil {
			return false, err
		}
		questions = a.forms()
		problems := a.problems()
		if q := a.wrong(problems); q != nil {
			q.about = strings.TrimSuffix(a.refused(*q).Error()+"\n"+q.about, "\n")
			questions = []*huh.Group{huh.NewGroup(a.field(*q))}
			continue
		}
		text, err := a.yaml()
		if err != nil {
			return false, err
		}
		what := write1
		choices := []huh.Option[string]{huh.NewOption("write it and open the console", write1), huh.NewOption("go back to the questions", change), huh.NewOption("give up", quit)}
		title, about := "This is "+a.file, inSight(string(text))
		if len(problems) > 0 {
			title, about = "This would be said against it", ""
			for _, p := range problems {
				about += strings.TrimSuffix(p.Message+"\n"+p.Hint, "\n") + "\n"
			}
			about = inSight(about)
		}
		if len(config.Errors(problems)) > 0 {
			what, choices = change, choices[1:]
		}
		if err := o.run(ctx, huh.NewGroup(pick(title, about, &what, choices...))); err != nil {
			return false, err
		}
		switch what {
		case write1:
			if err := write(a.file, text); err != nil {
				return false, fmt.Errorf("the spicepod was not written: %w", err)
			}
			return true, nil
		case quit:
			return false, nil
		}
	}
}

// beside is how many lines stand around a text.
const beside = 8

// inSight leaves out of a text what would push the choices below it out of the window.
func inSight(text string) string {
	_, h, err := term.GetSize(os.Stdout.Fd())
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if room := max(h-beside, 1); err == nil && len(lines) > room {
		lines = append(lines[:room-1:room-1], fmt.Sprintf("… and %d more lines", len(lines)-room+1))
	}
	return strings.Join(lines, "\n") + "\n"
}

// missing tells which variables of the spicepod are not set, in the environment or in .env.
func missing(a *answers, file string) error {
	dotenv, _ := os.ReadFile(filepath.Join(filepath.Dir(file), ".env")) // most folders have none
	names := slices.DeleteFunc(a.secrets(), func(n string) bool {
		_, set := os.LookupEnv(n)
		return set || slices.ContainsFunc(strings.Split(string(dotenv), "\n"), func(l string) bool {
			return strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(l), "export "), n+"=")
		})
	})
	if len(names) > 0 {
		return &NeedsEnv{file, names}
	}
	return nil
}

// ascii replaces the signs that ASCII has not.
var ascii = strings.NewReplacer("┃", "|", "•", "*", "↑", "up", "↓", "down", "→", "right", "←", "left", "…", "~")

// run shows a form.
func (o *Options) run(ctx context.Context, groups ...*huh.Group) error {
	keys := huh.NewDefaultKeyMap()
	keys.Quit = key.NewBinding(key.WithKeys("ctrl+c", "esc"), key.WithHelp("esc", "back"))
	keys.Select.Filter.SetEnabled(false)
	f := huh.NewForm(groups...).WithKeyMap(keys).WithTheme(huh.ThemeFunc(func(dark bool) *huh.Styles {
		if o.NoColor {
			return huh.ThemeBase(dark)
		}
		return huh.ThemeCharm(o.Theme == "dark" || o.Theme != "light" && dark)
	}))
	f.SubmitCmd, f.CancelCmd = tea.Quit, tea.Quit
	opts := []tea.ProgramOption{tea.WithContext(ctx)}
	if o.NoColor {
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	if _, err := tea.NewProgram(screen{f, o.ASCII}, opts...).Run(); err != nil {
		return err
	}
	if f.State != huh.StateCompleted {
		return huh.ErrUserAborted
	}
	return nil
}

// screen is a form that has the whole terminal. (Run of the form draws between the lines of the shell, in Unicode.)
type screen struct {
	form  *huh.Form
	ascii bool
}

// Init implements tea.Model.
func (s screen) Init() tea.Cmd { return s.form.Init() }

// Update implements tea.Model.
func (s screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := s.form.Update(msg)
	return s, cmd
}

// View implements tea.Model.
func (s screen) View() tea.View {
	text := s.form.View()
	if s.ascii {
		text = ascii.Replace(text)
	}
	v := tea.NewView(text)
	v.AltScreen = true
	return v
}
