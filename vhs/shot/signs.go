package shot

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// sign draws the signs of the console that the font lacks, or that must fill their cell exactly; false for a letter.
func sign(r rune, im *image.RGBA, at image.Rectangle, front, back color.Color) bool {
	p := pen{im, at, front}
	w, h := float64(at.Dx()), float64(at.Dy())
	x, y := w/2, h/2
	switch {
	case r == '█':
		p.fill(0, 0, w, h)
	case r >= '▁' && r <= '▇':
		p.fill(0, h-math.Round(h*float64(r-'▁'+1)/8), w, h)
	case r == '▌':
		p.fill(0, 0, math.Round(w/2), h)
	case r == '▒':
		p.front = mix(front, back, 0.5)
		p.fill(0, 0, w, h)
	case r == '▖', r == '▘', r == '▝', r == '▗':
		left, top := r == '▖' || r == '▘', r == '▘' || r == '▝'
		x0, y0 := x, y
		if left {
			x0 = 0
		}
		if top {
			y0 = 0
		}
		p.fill(x0, y0, x0+x, y0+y)
	case r == '━':
		p.fill(0, y-1, w, y+2)
	case r == '─':
		p.fill(0, y, w, y+1)
	case r == '│':
		p.fill(x, 0, x+1, h)
	case r == '┌', r == '╭':
		p.fill(x, y, x+1, h)
		p.fill(x, y, w, y+1)
	case r == '┐', r == '╮':
		p.fill(x, y, x+1, h)
		p.fill(0, y, x+1, y+1)
	case r == '└', r == '╰':
		p.fill(x, 0, x+1, y+1)
		p.fill(x, y, w, y+1)
	case r == '┘', r == '╯':
		p.fill(x, 0, x+1, y+1)
		p.fill(0, y, x+1, y+1)
	case r == '●':
		p.shape(circle(x, y, 4))
	case r == '◔':
		p.ring(x, y, 4, 0, 1)
		p.shape([][2]float64{{x, y}, {x, y - 4}, {x + 2.8, y - 2.8}, {x + 4, y}})
	case r == '◌':
		for i := range 8 {
			p.ring(x, y, 4, float64(i)/8, float64(i)/8+0.06)
		}
	case r == '□':
		p.line(x-4, y-4, x+4, y-4, 1)
		p.line(x-4, y+4, x+4, y+4, 1)
		p.line(x-4, y-4, x-4, y+4, 1)
		p.line(x+4, y-4, x+4, y+4, 1)
	case r == '✗':
		p.line(x-3.5, y-4.5, x+3.5, y+4.5, 1.6)
		p.line(x+3.5, y-4.5, x-3.5, y+4.5, 1.6)
	case r == '✓':
		p.line(x-4, y+0.5, x-1.2, y+4, 1.6)
		p.line(x-1.2, y+4, x+4, y-4.5, 1.6)
	case r == '▲':
		p.shape([][2]float64{{x, y - 4.5}, {x + 4.5, y + 4}, {x - 4.5, y + 4}})
	case r == '▶':
		p.shape([][2]float64{{x - 4, y - 4.5}, {x + 4.5, y}, {x - 4, y + 4.5}})
	case r == '▸':
		p.shape([][2]float64{{x - 2.5, y - 3}, {x + 3, y}, {x - 2.5, y + 3}})
	case r == '↑', r == '↓':
		up := 1.0
		if r == '↓' {
			up = -1
		}
		p.line(x, y-5*up, x, y+5*up, 1.4)
		p.line(x, y-5*up, x-3, y-2*up, 1.4)
		p.line(x, y-5*up, x+3, y-2*up, 1.4)
	case r == '→':
		p.line(x-4, y, x+4, y, 1.4)
		p.line(x+4, y, x+1, y-3, 1.4)
		p.line(x+4, y, x+1, y+3, 1.4)
	default:
		return false
	}
	return true
}

// pen draws in one cell, with coordinates from its upper left corner.
type pen struct {
	im    *image.RGBA
	at    image.Rectangle
	front color.Color
}

func (p pen) fill(x0, y0, x1, y1 float64) {
	r := image.Rect(int(x0), int(y0), int(x1), int(y1)).Add(p.at.Min)
	draw.Draw(p.im, r, image.NewUniform(p.front), image.Point{}, draw.Src)
}

// shape fills a polygon.
func (p pen) shape(points [][2]float64) {
	z := vector.NewRasterizer(p.at.Dx(), p.at.Dy())
	for i, q := range points {
		if i == 0 {
			z.MoveTo(float32(q[0]), float32(q[1]))
		} else {
			z.LineTo(float32(q[0]), float32(q[1]))
		}
	}
	z.ClosePath()
	z.Draw(p.im, p.at, image.NewUniform(p.front), image.Point{})
}

// line draws a line of a width.
func (p pen) line(x0, y0, x1, y1, width float64) {
	dx, dy := x1-x0, y1-y0
	n := math.Hypot(dx, dy)
	ox, oy := -dy/n*width/2, dx/n*width/2
	p.shape([][2]float64{{x0 + ox, y0 + oy}, {x1 + ox, y1 + oy}, {x1 - ox, y1 - oy}, {x0 - ox, y0 - oy}})
}

// ring draws a part of a circle, from and to in turns.
func (p pen) ring(x, y, r, from, to float64) {
	const steps = 32
	for i := range steps {
		a, b := from+(to-from)*float64(i)/steps, from+(to-from)*float64(i+1)/steps
		p.line(x+r*math.Cos(2*math.Pi*a), y+r*math.Sin(2*math.Pi*a), x+r*math.Cos(2*math.Pi*b), y+r*math.Sin(2*math.Pi*b), 1.1)
	}
}

// circle is the polygon of a circle.
func circle(x, y, r float64) [][2]float64 {
	var out [][2]float64
	for i := range 32 {
		a := 2 * math.Pi * float64(i) / 32
		out = append(out, [2]float64{x + r*math.Cos(a), y + r*math.Sin(a)})
	}
	return out
}
