// Package shot draws a screen of the console as a picture, without a browser: the frame goes through a terminal
// emulator, letters come from a font that is built in, and signs that it lacks are drawn. The same frame gives the same
// pixels on every machine.
package shot

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The size of a cell in pixels, the baseline in it, and the margin around the screen.
const (
	cellW  = 10
	cellH  = 21
	base   = 16
	margin = 10
)

// Ground is what a terminal draws with when nothing is said.
type Ground struct{ Text, Back color.RGBA }

// Dark and Light are the grounds of the recordings.
func Dark() Ground {
	return Ground{color.RGBA{0xcd, 0xd6, 0xf4, 0xff}, color.RGBA{0x1e, 0x1e, 0x2e, 0xff}}
}

// Light is the ground for the light theme.
func Light() Ground {
	return Ground{color.RGBA{0x4c, 0x4f, 0x69, 0xff}, color.RGBA{0xef, 0xf1, 0xf5, 0xff}}
}

// Camera draws screens.
type Camera struct{ regular, bold font.Face }

// NewCamera makes ready the fonts.
func NewCamera() (*Camera, error) {
	regular, err := face(gomono.TTF)
	if err != nil {
		return nil, err
	}
	bold, err := face(gomonobold.TTF)
	if err != nil {
		return nil, err
	}
	return &Camera{regular, bold}, nil
}

func face(ttf []byte) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("the built-in font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: 16, DPI: 72, Hinting: font.HintingFull})
}

// Cells is how many cells fit into a picture of a size in pixels.
func Cells(width, height int) (w, h int) {
	return (width - 2*margin) / cellW, (height - 2*margin) / cellH
}

// Take draws a frame of w×h cells, as ui.Still gives it.
func (k *Camera) Take(frame string, w, h int, g Ground) *image.RGBA {
	em := vt.NewEmulator(w, h)
	_, _ = em.Write([]byte(strings.ReplaceAll(frame, "\n", "\r\n"))) // an emulator in memory takes everything
	im := image.NewRGBA(image.Rect(0, 0, w*cellW+2*margin, h*cellH+2*margin))
	draw.Draw(im, im.Bounds(), image.NewUniform(g.Back), image.Point{}, draw.Src)
	for y := range h {
		for x := range w {
			if c := em.CellAt(x, y); c != nil && (c.Width > 0 || c.Content != "") {
				k.cell(im, c, x, y, g)
			}
		}
	}
	return im
}

func (k *Camera) cell(im *image.RGBA, c *uv.Cell, x, y int, g Ground) {
	front, back := colours(c, g)
	at := image.Rect(margin+x*cellW, margin+y*cellH, margin+(x+max(1, c.Width))*cellW, margin+(y+1)*cellH)
	draw.Draw(im, at, image.NewUniform(back), image.Point{}, draw.Src)
	if c.Content == "" || c.Content == " " {
		return
	}
	if !sign([]rune(c.Content)[0], im, at, front, back) {
		fc := k.regular
		if c.Style.Attrs&uv.AttrBold != 0 {
			fc = k.bold
		}
		d := font.Drawer{Dst: im, Src: image.NewUniform(front), Face: fc, Dot: fixed.P(at.Min.X, at.Min.Y+base)}
		d.DrawString(c.Content)
	}
	if c.Style.Underline != 0 {
		draw.Draw(im, image.Rect(at.Min.X, at.Min.Y+base+2, at.Max.X, at.Min.Y+base+3), image.NewUniform(front), image.Point{}, draw.Src)
	}
}

// colours are those of a cell, with reverse and faint applied.
func colours(c *uv.Cell, g Ground) (front, back color.Color) {
	front, back = c.Style.Fg, c.Style.Bg
	if front == nil {
		front = g.Text
	}
	if back == nil {
		back = g.Back
	}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		front, back = back, front
	}
	if c.Style.Attrs&uv.AttrFaint != 0 {
		front = mix(front, back, 0.5)
	}
	return front, back
}

// mix is share of a and the rest of b.
func mix(a, b color.Color, share float64) color.Color {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	m := func(p, q uint32) uint8 { return uint8(uint32(share*float64(p)+(1-share)*float64(q)) >> 8) }
	return color.RGBA{m(r1, r2), m(g1, g2), m(b1, b2), 255}
}
