package blocks

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func sums(t testing.TB, body []byte) []Sum {
	t.Helper()
	got, err := Sums(t.Context(), bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBothWaysToHashAgree(t *testing.T) {
	for _, n := range []int{0, 1, Bytes - 1, Bytes, Bytes + 1, 5*Bytes + 77} {
		body := noise(1, n)
		s := NewSplitter()
		for p := range slices.Chunk(body, 100_001) {
			_, _ = s.Write(p)
		}
		if diff := cmp.Diff(sums(t, body), s.Sums(), cmp.Comparer(func(a, b []Sum) bool { return slices.Equal(a, b) })); diff != "" {
			t.Errorf("%d bytes: %s", n, diff)
		}
	}
	if _, err := Sums(t.Context(), bytes.NewReader(nil), 5); err == nil {
		t.Error("a file that is shorter than it says was hashed")
	}
}

// read gets a file by its index.
func read(t *testing.T, x *Index, limit int64, objects map[string][]byte) []byte {
	t.Helper()
	out := make([]byte, x.Size)
	for _, r := range x.Runs(limit) {
		at := r.Offset
		if r.Length > max(limit, Bytes) {
			t.Errorf("a run of %d bytes", r.Length)
		}
		for _, p := range r.Pieces {
			b := objects[r.Object][at : at+int64(p.Length)]
			if SumOf(b) != p.Sum {
				t.Fatal("another block is there")
			}
			for _, to := range p.Targets {
				copy(out[to:], b)
			}
			at += int64(p.Length)
		}
	}
	return out
}

// A chain of files that grow, shrink, change and repeat themselves is read back from what was stored.
func TestAChainOfIndexes(t *testing.T) {
	body := noise(1, 20*Bytes+5)
	objects := map[string][]byte{"full": body}
	x := Whole("full", int64(len(body)), sums(t, body))
	for i, edit := range []func(b []byte) []byte{
		func(b []byte) []byte { return append(b, noise(2, 3*Bytes)...) },
		func(b []byte) []byte { b[7*Bytes+1]++; return b },
		func(b []byte) []byte { return append(make([]byte, 6*Bytes), b...) },
		func(b []byte) []byte { return b[:9*Bytes+9] },
		func(b []byte) []byte { return b },
		func(b []byte) []byte { return nil },
	} {
		body = edit(slices.Clone(body))
		s := sums(t, body)
		key := string(rune('a' + i))
		next, fresh, n := Next(x, int64(len(body)), s, key)
		for _, f := range fresh {
			objects[key] = append(objects[key], body[f*Bytes:f*Bytes+next.Len(f)]...)
		}
		if int64(len(objects[key])) != n || slices.Contains(next.Objects, key) != (n > 0) {
			t.Errorf("%s: %d bytes, announced %d, named %v", key, len(objects[key]), n, next.Objects)
		}
		if i == 2 && n > 22*Bytes+Bytes { // shifted by whole blocks: only zeros are new, once
			t.Errorf("%d bytes are new", n)
		}
		again, err := Decode(next.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(next, again); diff != "" && len(body) > 0 {
			t.Error(diff)
		}
		for _, limit := range []int64{1, 3 * Bytes, 1 << 30} {
			if !bytes.Equal(read(t, again, limit, objects), body) {
				t.Errorf("%s is not what it was", key)
			}
		}
		if again.Root() != Whole("elsewhere", int64(len(body)), s).Root() {
			t.Error("the root depends on the place")
		}
		x = again
	}
}

// Every damage of an index is found.
func TestDamagedIndexes(t *testing.T) {
	body := noise(1, 2*Bytes+5)
	good := Whole("month=1/o", int64(len(body)), sums(t, body)).Encode()
	for i := range good {
		for bit := range 8 {
			bad := slices.Clone(good)
			bad[i] ^= 1 << bit
			if _, err := Decode(bad); err == nil {
				t.Fatalf("bit %d of byte %d", bit, i)
			}
		}
		if _, err := Decode(good[:i]); err == nil {
			t.Fatalf("%d bytes", i)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Whole("k", 5, []Sum{{1}}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(b)
		if err != nil {
			return
		}
		x.Runs(1 << 20)
		if again, err := Decode(x.Encode()); err != nil || again.Root() != x.Root() {
			t.Fatal(err)
		}
	})
}
