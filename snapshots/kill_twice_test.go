package snapshots

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/snapshots/metadata"
)

// killBed has full and incremental snapshots, of which a collection that keeps two takes most.
func killBed(t *testing.T) (b *bed, bucket string) {
	t.Helper()
	b = bedOnS3(t, server.URL)
	b.chain(6) // 0 and 4 are full
	return b, filepath.Base(filepath.Dir(b.store))
}

// recovered checks that what is listed is whole, that the next process of the replica goes on, and that a collection in
// the end leaves nothing that no record names.
func (b *bed) recovered(where, acked string) {
	b.t.Helper()
	ctx := context.Background()
	list := b.list()
	if len(list) < 2 || list[0].ID < 5 || b.current() != list[0].ID {
		b.t.Errorf("%s: listed are %+v", where, list)
	}
	var id uint64
	var sum string
	found := false
	n, _ := fmt.Sscanf(acked, "ack %d %s", &id, &sum)
	for _, s := range list {
		found = found || s.ID == id && s.Checksum == sum
		if err := b.Verify(ctx, "o", s.ID, nil); err != nil {
			b.t.Errorf("%s: %v", where, err)
		}
	}
	if n == 2 && !found {
		b.t.Errorf("%s: %s is lost: %+v", where, acked, list)
	}
	var s Snapshot
	for i := range 2 { // the first may be full
		r := childRequest(b.dir, "host-a", content(8+i))
		r.Incremental, r.FullEvery = true, 100
		var err error
		if s, err = b.Create(ctx, r); err != nil || s.ID <= list[0].ID || !s.Current || i == 1 && !s.Incremental {
			b.t.Errorf("%s: then: %+v, %v", where, s, err)
		}
	}
	// Once for what waits, and again for what nobody knows.
	for _, later := range []time.Duration{2 * time.Hour, orphanAge + 3*time.Hour} {
		if _, err := b.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 1}, Now: time.Now().Add(later), Grace: time.Hour}); err != nil {
			b.t.Errorf("%s: then: %v", where, err)
		}
	}
	if got, err := b.chosen(s.ID); err != nil || got != content(9) {
		b.t.Errorf("%s: then: %d bytes, %v", where, len(got), err)
	}
	f, _, err := b.load(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	own, _, err := b.loadOwn(ctx, "o")
	if err != nil {
		b.t.Fatal(err)
	}
	named := b.named(f, own)
	if err := filepath.WalkDir(b.store, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(b.store, p)
		if err == nil && !named[key] && key != metadata.Name && key != metadata.OwnKey("o") && key != metadata.LeaseKey("o") && key != "pitwall/probe" {
			b.t.Errorf("%s: %s is left", where, key)
		}
		return err
	}); err != nil {
		b.t.Error(err)
	}
}

// steps are every how many requests a process is killed: `make torture` leaves none out.
func steps(normal, short int64) int64 {
	switch {
	case os.Getenv("PITWALL_TORTURE") != "":
		return 1
	case testing.Short():
		return short
	default:
		return normal
	}
}

// A process is killed at every request of a collection of incremental snapshots.
func TestCollectOfIncrementsKilledAtEveryRequest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	step, kills := steps(1, 5), 0
	for n := 1 + rng.Int64N(step); ; n += step {
		b, bucket := killBed(t)
		after := rng.IntN(2) == 0
		acked, killed := kill(t, bucket, "collect", n, after)
		b.recovered(fmt.Sprintf("seed %d: request %d, after it %t", seed, n, after), acked)
		if !killed {
			if n < 12 {
				t.Errorf("a collection has %d requests only", n-1)
			}
			break
		}
		kills++
	}
	t.Logf("seed %d, %d kills", seed, kills)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// A process is killed, and the one that comes after it, too, at some request: whatever the two left, the third goes on.
func TestKilledAgainWhileRecovering(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	want := fmt.Sprintf("loaded %x", sha256.Sum256([]byte(content(5))))
	kills := 0
	step := steps(4, 10)
	for _, op := range []string{"create", "increment", "collect", "bootstrap"} {
		for n := 1 + rng.Int64N(step); ; n += step {
			b, bucket := killBed(t)
			acked, killed := kill(t, bucket, op, n, rng.IntN(2) == 0)
			again, after := 1+rng.Int64N(n+4), rng.IntN(2) == 0
			then, twice := kill(t, bucket, op, again, after)
			where := fmt.Sprintf("seed %d: %s, request %d and then %d, after it %t", seed, op, n, again, after)
			if strings.HasPrefix(acked, "ack") {
				b.recovered(where, acked)
			} else {
				b.recovered(where, then)
			}
			if op == "bootstrap" && (!killed && acked != want || !twice && then != want) {
				t.Errorf("%s: %q, %q", where, acked, then)
			}
			for _, k := range []bool{killed, twice} {
				if k {
					kills++
				}
			}
			if !killed {
				break
			}
		}
	}
	t.Logf("seed %d, %d kills", seed, kills)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
