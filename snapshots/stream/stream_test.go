package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What arrives is what was read, with its SHA-256, both ways, for every length around those of the pieces.
func TestReadAndHash(t *testing.T) {
	for _, n := range []int{0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, pieces*pieceBytes + 7, 3*pieces*pieceBytes + 5} {
		body := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(n)}).Read(body)
		var last int64
		for name, reader := range map[string]io.Reader{"at once": bytes.NewReader(body), "in halves": iotest.HalfReader(bytes.NewReader(body)),
			"end with data": iotest.DataErrReader(bytes.NewReader(body))} {
			file, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			r := NewReader(t.Context(), reader, func(n int64) { last = n })
			wrote, err := io.Copy(NewWriter(file), r)
			if cerr := file.Close(); err != nil || cerr != nil || wrote != int64(n) || r.Bytes() != wrote || n > 0 && last != wrote {
				t.Errorf("%s, %d bytes: %d were written, %d read, %d told: %v %v", name, n, wrote, r.Bytes(), last, err, cerr)
			}
			got, err := os.ReadFile(file.Name())
			if err != nil || !bytes.Equal(got, body) || r.Sum() != sha256.Sum256(body) {
				t.Errorf("%s, %d bytes: the file or the SHA-256 differs, %v", name, n, err)
			}
		}
		r := NewReader(t.Context(), bytes.NewReader(body), nil)
		if got, err := io.ReadAll(struct{ io.Reader }{r}); err != nil || !bytes.Equal(got, body) || r.Sum() != sha256.Sum256(body) {
			t.Errorf("read in order, %d bytes: %v", n, err)
		}
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

// Faults of either side, and the end of the context, end the copy with nothing left running.
func TestFaults(t *testing.T) {
	cut := func() io.Reader {
		return io.MultiReader(bytes.NewReader(make([]byte, 2*pieceBytes+3)), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	if n, err := NewReader(t.Context(), cut(), nil).WriteTo(io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) || n != 2*pieceBytes+3 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := NewReader(t.Context(), cut(), nil).WriteTo(full{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := NewReader(ctx, rand.NewChaCha8([32]byte{}), func(n int64) {
		if n > 10*pieceBytes {
			cancel()
		}
	})
	if _, err := r.WriteTo(io.Discard); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
