package views_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// bomb is a screen that breaks where it is told to.
type bomb struct {
	ui.View
	where string
}

func (b *bomb) Draw(c *ui.Ctx, w, h int) []string {
	if b.where == "draw" && len(c.State.Tasks) > 0 {
		panic("password=hunter2 is in a slice of 3")
	}
	return b.View.Draw(c, w, h)
}

func (b *bomb) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	if len(c.State.Tasks) > 0 {
		switch b.where {
		case "update":
			panic("password=hunter2 in Update")
		case "cmd":
			return func() tea.Msg { panic("password=hunter2 in a Cmd") }
		}
	}
	return b.View.Update(c, msg)
}

func TestCrashLeavesAReportWithoutSecrets(t *testing.T) {
	for _, where := range []string{"draw", "update", "cmd"} {
		t.Run(where, func(t *testing.T) {
			vs := views.All()
			vs[0] = &bomb{vs[0], where}
			c := uitest.New(uitest.Sample(time.Now()))
			c.Event(api.Event{Message: "connected to https://ops:hunter2@db.example/x", Fields: []api.Field{{Key: "s3_secret", Value: "hunter2"}}})
			s := uitest.Start(t, c, vs, 100, 30, ui.Options{Version: "1.2.3"})
			s.Wait("lake.sales_eu")
			c.Change(func(st *api.State) { st.Tasks = []api.Task{{ID: 1, State: api.TaskDone}} })
			err := s.End()
			var crash *ui.CrashError
			if !errors.As(err, &crash) || crash.Path == "" {
				t.Fatalf("%v", err)
			}
			b, err := os.ReadFile(crash.Path)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"pitwall 1.2.3", "end_test.go", "lake.sales_eu", "connected to https://ops:***@db.example"} {
				if !strings.Contains(string(b), want) {
					t.Errorf("the report lacks %q", want)
				}
			}
			if strings.Contains(string(b)+crash.Error(), "hunter2") {
				t.Errorf("the report has a secret:\n%s", b)
			}
		})
	}
}

// gone is a terminal that takes some bytes and is gone then.
type gone struct{ left int }

func (g *gone) Write(p []byte) (int, error) {
	if g.left -= len(p); g.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestWriteErrorEndsTheConsole(t *testing.T) {
	in, hold := io.Pipe()
	defer hold.Close()
	c := uitest.New(uitest.Sample(time.Now()))
	done := make(chan error, 1)
	go func() {
		done <- ui.Run(context.Background(), c, views.All(), ui.Options{Theme: "dark", StateDir: t.TempDir(),
			Terminal: &ui.Terminal{In: in, Out: &gone{left: 1000}, Profile: colorprofile.TrueColor, Width: 100, Height: 30}})
	}()
	select {
	case err := <-done:
		if !errors.Is(err, ui.ErrHangup) {
			t.Fatal(err)
		}
	case <-time.After(uitest.Patience):
		t.Fatal("the console goes on for nobody")
	}
}

func TestContextEndsTheConsole(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	s := uitest.Start(t, c, views.All(), 100, 30, ui.Options{})
	s.Wait("lake.sales_eu")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}
