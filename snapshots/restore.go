package snapshots

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"pitwall/snapshots/blocks"
	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
	"pitwall/snapshots/stream"
)

const (
	// A restore reads runsOnce stretches of at most runBytes side by side, a block of each in memory.
	runsOnce = 4
	runBytes = 8 << 20
	// maxIndex bounds an index that is read into memory: 1.5 TB of blocks.
	maxIndex = 256 << 20
)

// index reads an index of blocks.
func (m *Manager) index(ctx context.Context, key string) (*blocks.Index, error) {
	in, size, err := m.store.Open(ctx, key)
	if objstore.KindOf(err) == objstore.KindNotFound {
		return nil, missing(key)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if size > maxIndex {
		return nil, &Error{Op: "read", Kind: Corrupt, Err: fmt.Errorf("the index %s has %d bytes", key, size)}
	}
	b, err := io.ReadAll(&storeReader{in})
	if err != nil {
		return nil, err
	}
	x, err := blocks.Decode(b)
	if err != nil {
		return nil, &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("%s: %w", key, err), Hint: "choose another snapshot"}
	}
	return x, nil
}

// fetchBlocks is fetch of an incremental snapshot: every block is checked before it is written, and the index against
// the record.
func (m *Manager) fetchBlocks(ctx context.Context, s Snapshot, file string, progress func(int64)) (err error) {
	if s.Algorithm != metadata.IncrementAlgorithm {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("its checksum algorithm is %q; only %s is known", s.Algorithm, metadata.IncrementAlgorithm)}
	}
	key, err := metadata.KeyOf(m.Location(), s.URI)
	if err != nil {
		return &Error{Op: "find", Kind: Corrupt, Err: err}
	}
	x, err := m.index(ctx, key)
	if err != nil {
		return err
	}
	if root := x.Root(); root != s.Checksum || x.Size != s.Bytes {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("its index is of %d bytes with checksum %.8s, recorded are %d and %.8s", x.Size, root, s.Bytes, s.Checksum)}
	}
	runs := x.Runs(runBytes)
	if err := m.enough(ctx, runs); err != nil {
		return err
	}
	var out *os.File
	if file != "" {
		if out, err = os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return localError("write", err)
		}
		defer func() {
			if e := out.Sync(); err == nil && e != nil {
				err = localError("sync", e)
			}
			if e := out.Close(); err == nil && e != nil {
				err = localError("close", e)
			}
		}()
		if err := out.Truncate(x.Size); err != nil {
			return localError("write", err)
		}
	}
	var mu sync.Mutex
	var done int64
	count := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		progress(done)
	}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(runsOnce)
	for _, r := range runs {
		if all.Err() != nil {
			break
		}
		g.Go(func() error { return m.run(all, r, out, count) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// enough looks whether the objects are there, and as long as the index needs them.
func (m *Manager) enough(ctx context.Context, runs []blocks.Run) error {
	need := map[string]int64{}
	for _, r := range runs {
		need[r.Object] = max(need[r.Object], r.Offset+r.Length)
	}
	for key, n := range need {
		a, err := m.store.Stat(ctx, key)
		switch {
		case objstore.KindOf(err) == objstore.KindNotFound:
			return missing(key)
		case err != nil:
			return err
		case a.Bytes < n:
			return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("%s has %d bytes, its index names %d", key, a.Bytes, n)}
		}
	}
	return nil
}

// run reads one stretch and writes its blocks where they belong; out may be nil.
func (m *Manager) run(ctx context.Context, r blocks.Run, out *os.File, count func(int64)) error {
	in, err := m.store.OpenRange(ctx, r.Object, r.Offset, r.Length)
	if objstore.KindOf(err) == objstore.KindNotFound {
		return missing(r.Object)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	buf := make([]byte, blocks.Bytes)
	at := r.Offset
	for _, p := range r.Pieces {
		b := buf[:p.Length]
		if _, err := io.ReadFull(in, b); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &Error{Op: "read", Kind: Unavailable, Err: fmt.Errorf("%s at byte %d: %w", r.Object, at, err)}
		}
		if blocks.SumOf(b) != p.Sum {
			return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("the block at byte %d of %s is damaged", at, r.Object),
				Hint: "the stored object was damaged or replaced; choose another snapshot"}
		}
		for _, to := range p.Targets {
			if out != nil {
				if _, err := out.WriteAt(b, to); err != nil {
					return localError("write", err)
				}
				stream.Send(out, to, int64(p.Length))
			}
			count(int64(p.Length))
		}
		at += int64(p.Length)
	}
	return nil
}
