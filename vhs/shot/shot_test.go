package shot_test

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/vhs/shot"
	"pitwall/views"
)

var update = flag.Bool("update", false, "write the pictures")

// The screens of the documents are the same pixels on every machine, in light and dark.
func TestPictures(t *testing.T) {
	camera, err := shot.NewCamera()
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 120, 32
	for name, keys := range map[string][]string{"datasets": nil, "dataset": {"enter"}, "refreshes": {"enter", "tab"}, "snapshots": {"2"}, "picker": {"b"},
		"pulse": {"3"}, "tree": {"7", "down", "right"}, "doctor": {"6"}, "why": {"w"}, "palette": {":", "r", "e", "f"}} {
		for theme, ground := range map[string]shot.Ground{"dark": shot.Dark(), "light": shot.Light()} {
			frame := ""
			synctest.Test(t, func(t *testing.T) {
				c := uitest.New(uitest.Sample(time.Now()))
				c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, false)
				c.SetFindings(uitest.Findings(), nil, false)
				st := ui.NewStill(c, views.All(), ui.Options{Theme: theme, StateDir: "/state"}, w, h)
				st.Press(keys...)
				st.Wake()
				frame = st.Frame()
			})
			compare(t, filepath.Join("testdata", name+"-"+theme+".png"), camera.Take(frame, w, h, ground))
		}
	}
}

func compare(t *testing.T, path string, got *image.RGBA) {
	t.Helper()
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, got); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != got.Bounds() {
		t.Fatalf("%s is %v, drawn is %v", path, want.Bounds(), got.Bounds())
	}
	differ := 0
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			r1, g1, b1, _ := want.At(x, y).RGBA()
			r2, g2, b2, _ := got.At(x, y).RGBA()
			if r1>>8 != r2>>8 || g1>>8 != g2>>8 || b1>>8 != b2>>8 {
				differ++
			}
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d pixels differ; go test ./vhs/shot -update draws it anew", path, differ)
	}
}
