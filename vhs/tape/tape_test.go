package tape_test

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/draw"
	"image/gif"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"

	"pitwall/runtime/replay"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/vhs/shot"
	"pitwall/vhs/tape"
	"pitwall/views"
)

var (
	write = flag.Bool("record", false, "write the GIFs")
	only  = flag.String("tape", "*", "which tapes")
)

// beat is how often the screen is looked at.
const beat = 50 * time.Millisecond

// What happens at the same moment has no order. So looks are not at whole fractions of a second, as is much of what
// the console does, but longer after them than it takes to draw (a 120th); and what a key begins does not end with a
// look.
const (
	apart    = 23_456_789 * time.Nanosecond
	keyApart = 1_234_567 * time.Nanosecond
)

// player plays a tape in the time of a synctest bubble: the console, its screens and the recording are those of
// `pitwall replay`, the terminal is an emulator.
type player struct {
	t      *testing.T
	tape   *tape.Tape
	screen *uitest.Screen
	hidden bool
	camera *shot.Camera
	ground shot.Ground
	w, h   int
	frame  string // the newest one
	film   tape.Film
	same   bool // frame was shown, and nothing was hidden since
}

// look takes a picture when the screen is another one.
func (p *player) look() {
	synctest.Wait()
	frame := p.screen.Frame()
	if p.hidden || frame == p.frame && p.same {
		return
	}
	p.frame, p.same = frame, true
	p.film.Show(p.camera.Take(frame, p.w, p.h, p.ground))
}

// pass lets time pass.
func (p *player) pass(d time.Duration) {
	for ; d > 0; d -= beat {
		step := min(d, beat)
		p.look()
		time.Sleep(step)
		if !p.hidden {
			p.film.Lasts(step)
		}
	}
	p.look()
}

func (p *player) step(s tape.Step) {
	switch {
	case s.Hide:
		p.look()
		p.hidden = true
	case s.Show:
		p.hidden, p.same = false, false
		p.look()
	case s.Pause > 0:
		p.pass(s.Pause)
	case s.Wait != nil:
		for left := s.Limit; !s.Wait.MatchString(p.screen.Text()); left -= beat {
			if left <= 0 {
				p.t.Fatalf("line %d: the screen never showed %s:\n%s", s.Line, s.Wait, p.screen.Text())
			}
			p.pass(beat)
		}
	case s.Text != "":
		for _, r := range s.Text {
			time.Sleep(keyApart)
			p.screen.Type(string(r))
			p.pass(p.tape.Typing)
		}
	default:
		for range s.Times {
			time.Sleep(keyApart)
			p.screen.Press(s.Key)
			p.pass(2 * p.tape.Typing)
		}
	}
}

// play plays a tape in a theme and returns its GIF.
func play(t *testing.T, path, theme string) (out []byte, frames int) {
	t.Helper()
	tp, err := tape.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("replay", pflag.ContinueOnError)
	seek, speed, held := flags.Duration("seek", 0, ""), flags.Float64("speed", 1, ""), flags.Bool("held", false, "")
	if err := flags.Parse(tp.Command); err != nil || flags.NArg() != 1 {
		t.Fatal(tp.Command, err)
	}
	camera, err := shot.NewCamera()
	if err != nil {
		t.Fatal(err)
	}
	ground := map[string]shot.Ground{"dark": shot.Dark(), "light": shot.Light()}[theme]
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		rec, err := replay.Load(filepath.Join("..", "..", flags.Arg(0)))
		if err != nil {
			t.Fatal(err)
		}
		rec.Speed(*speed)
		rec.Seek(*seek)
		rec.Hold(*held)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- rec.Run(ctx) }()
		w, h := shot.Cells(tp.Width, tp.Height)
		s := uitest.Start(t, rec, views.All(), w, h, ui.Options{Theme: theme, StateDir: state, NoSession: true})
		p := &player{t: t, tape: tp, screen: s, camera: camera, ground: ground, w: w, h: h}
		time.Sleep(beat + apart) // the first picture is not that of an empty terminal
		for _, x := range tp.Steps {
			p.step(x)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var b bytes.Buffer
		if err := p.film.Write(&b); err != nil {
			t.Fatal(err)
		}
		out, frames = b.Bytes(), p.film.Frames()
	})
	return out, frames
}

// Each tape tells its story to the end, the same pixels at the same times whenever it is played. With -record it
// is written; committed pictures are not compared, as every screen would be drawn anew with each change of any.
func TestTapes(t *testing.T) {
	tapes, err := filepath.Glob(filepath.Join("..", *only+".tape"))
	if err != nil || len(tapes) == 0 {
		t.Fatal(tapes, err)
	}
	c := make(chan os.Signal, 1) // what os/signal begins with must not begin in a bubble
	signal.Notify(c, syscall.SIGHUP)
	signal.Stop(c)
	was := time.Local
	time.Local = time.UTC // a tape has no time zone of its own
	defer func() { time.Local = was }()
	for _, path := range tapes {
		name := strings.TrimSuffix(filepath.Base(path), ".tape")
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "incident" {
				t.Skip("one is enough")
			}
			for _, theme := range []string{"dark", "light"} {
				got, frames := play(t, path, theme)
				file := map[string]string{"dark": name + ".gif", "light": name + "-light.gif"}[theme]
				t.Logf("%s: %d pictures, %d kB", file, frames, len(got)/1000)
				if len(got) > 1_500_000 {
					t.Errorf("%s has %d bytes: make the story shorter", file, len(got))
				}
				if *write {
					if err := os.WriteFile(filepath.Join("..", file), got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if theme == "light" && !*write { // one theme is enough
					continue
				}
				if !*write && name != "incident" && name != "tour" { // two are enough
					continue
				}
				if again, _ := play(t, path, theme); !bytes.Equal(got, again) {
					t.Errorf("%s is another one when it is played again", file)
				}
			}
		})
	}
}

// What is on a film comes out of it, at the same times.
func TestFilm(t *testing.T) {
	var f tape.Film
	a, b := image.NewRGBA(image.Rect(0, 0, 4, 4)), image.NewRGBA(image.Rect(0, 0, 4, 4))
	for i := range a.Pix {
		a.Pix[i], b.Pix[i] = 255, 255
	}
	b.Pix[0] = 7
	f.Show(a)
	f.Lasts(500 * time.Millisecond)
	f.Show(b)
	f.Lasts(time.Second)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	check(t, &out, a, b)
}

func check(t *testing.T, in *bytes.Buffer, want ...*image.RGBA) {
	t.Helper()
	g, err := gif.DecodeAll(in)
	if err != nil || len(g.Image) != len(want) {
		t.Fatal(err, len(g.Image))
	}
	if g.Delay[0] != 50 || g.Delay[1] != 100 {
		t.Error(g.Delay)
	}
	canvas := image.NewRGBA(want[0].Rect)
	for n, im := range g.Image {
		draw.Draw(canvas, im.Rect, im, im.Rect.Min, draw.Over)
		if !bytes.Equal(canvas.Pix, want[n].Pix) {
			t.Errorf("picture %d is %v", n, canvas.Pix)
		}
	}
	if got := g.Image[1].Rect; got != image.Rect(0, 0, 1, 1) {
		t.Errorf("all of the second picture is written again: %v", got)
	}
}
