package cayenne

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLargeFilesAreAligned(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var out bytes.Buffer
		w := newTarWriter(&out)
		want := map[string][]byte{}
		for range 1 + rng.IntN(6) {
			name := "data/" + strings.Repeat("käse=x/", rng.IntN(30)) + strings.Repeat("n", 1+rng.IntN(90))
			b := make([]byte, rng.IntN(2*alignedBytes))
			for i := 0; i < len(b); i += 1000 {
				b[i] = byte(rng.Uint32())
			}
			if err := w.begin(name, int64(len(b))); err != nil {
				t.Fatal(err)
			}
			if len(b) >= alignedBytes && w.out.n%blockBytes != 0 {
				t.Errorf("%d bytes begin at %d", len(b), w.out.n)
			}
			if _, err := w.Write(b); err != nil {
				t.Fatal(err)
			}
			want[name] = b
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(&out); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(b, want[h.Name]) {
				t.Errorf("%s: %d bytes, %v", h.Name, len(b), err)
			}
			delete(want, h.Name)
		}
		if len(want) > 0 {
			t.Errorf("%d files are not there", len(want))
		}
	}
}
