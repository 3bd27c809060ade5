package tape

import (
	"cmp"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"maps"
	"slices"
	"time"
)

// Film is a sequence of pictures of one size, each shown for a while.
type Film struct {
	frames []*image.RGBA
	last   []time.Duration // how long each is shown
}

// Show shows a picture; the one before was shown for a time. A picture that is the one before goes on.
func (f *Film) Show(im *image.RGBA) {
	f.frames, f.last = append(f.frames, im), append(f.last, 0)
}

// Lasts has the newest picture stay longer.
func (f *Film) Lasts(d time.Duration) {
	if n := len(f.last); n > 0 {
		f.last[n-1] += d
	}
}

// Frames is the number of pictures.
func (f *Film) Frames() int { return len(f.frames) }

// colours is how many colours a GIF has, beside the one that lets through what was there before.
const colours = 255

// palette are the most frequent colours, in an order that is always the same.
func (f *Film) palette() color.Palette {
	seen := map[color.RGBA]int{}
	for _, im := range f.frames {
		for i := 0; i < len(im.Pix); i += 4 {
			seen[color.RGBA{im.Pix[i], im.Pix[i+1], im.Pix[i+2], 255}]++
		}
	}
	value := func(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
	all := slices.SortedFunc(maps.Keys(seen), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(value(a), value(b)))
	})
	p := color.Palette{color.RGBA{}}
	for _, c := range all[:min(len(all), colours)] {
		p = append(p, c)
	}
	return p
}

// Write writes the film as a GIF that begins anew at its end. Of each picture there is what differs from the one
// before.
func (f *Film) Write(w io.Writer) error {
	if len(f.frames) == 0 {
		return errors.New("nothing is on the film")
	}
	p := f.palette()
	opaque, index := p[1:], map[color.RGBA]uint8{}
	of := func(c color.RGBA) uint8 {
		i, ok := index[c]
		if !ok {
			i = uint8(opaque.Index(c) + 1)
			index[c] = i
		}
		return i
	}
	out := &gif.GIF{Config: image.Config{ColorModel: p, Width: f.frames[0].Rect.Dx(), Height: f.frames[0].Rect.Dy()}}
	var before *image.RGBA
	for n, im := range f.frames {
		area := changed(before, im)
		part := image.NewPaletted(area, p)
		for y := area.Min.Y; y < area.Max.Y; y++ {
			for x := area.Min.X; x < area.Max.X; x++ {
				if c := im.RGBAAt(x, y); before == nil || before.RGBAAt(x, y) != c {
					part.SetColorIndex(x, y, of(c))
				}
			}
		}
		out.Image = append(out.Image, part)
		out.Delay = append(out.Delay, int(f.last[n]/(10*time.Millisecond)))
		out.Disposal = append(out.Disposal, gif.DisposalNone)
		before = im
	}
	return gif.EncodeAll(w, out)
}

// changed is where two pictures differ, at least a pixel; all of the first.
func changed(a, b *image.RGBA) image.Rectangle {
	if a == nil {
		return b.Rect
	}
	out := image.Rectangle{}
	for y := b.Rect.Min.Y; y < b.Rect.Max.Y; y++ {
		for x := b.Rect.Min.X; x < b.Rect.Max.X; x++ {
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
				out = out.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if out.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return out
}
