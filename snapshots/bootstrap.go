package snapshots

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
	"pitwall/snapshots/stream"
)

// OnFailure is bootstrap_on_failure_behavior.
type OnFailure string

// The behaviours (seed, "Failure handling on bootstrap").
const (
	Warn     OnFailure = "warn"     // one try of the current snapshot
	Retry    OnFailure = "retry"    // the current snapshot until it loads, as long as waiting can help
	Fallback OnFailure = "fallback" // the current snapshot, then older ones
)

// BootstrapRequest asks for the local data of a dataset to be loaded from a snapshot.
type BootstrapRequest struct {
	Dataset, Engine string
	// ID asks for exactly this snapshot; nil takes the current one and obeys OnFailure.
	ID        *uint64
	OnFailure OnFailure
	// Dir is where the download goes, on the disk of the database file.
	Dir string
	// Install is handed a file whose size and checksum are right. It checks engine and schema and
	// makes it the local data, or returns an error of Kind Corrupt, WrongEngine, WrongSchema (another
	// snapshot may do) or LocalFailed (none will).
	Install func(ctx context.Context, file string, s Snapshot) error
	// Wait is called before attempt n+1 (n from 1) of a fault that time may cure; it returns an error
	// when there shall be no further attempt.
	Wait func(ctx context.Context, n int, cause error) error
	// Progress is told the phase ("download", "open") and the bytes done of total; may be nil.
	Progress func(s Snapshot, phase string, done, total int64)
}

// Bootstrapped tells which snapshot was loaded and which were not.
type Bootstrapped struct {
	Snapshot Snapshot
	// Rejected are the snapshots that were tried before it, in order, with the reason.
	Rejected []*Error
}

// ErrNone is returned by Bootstrap when the store has no snapshot of the dataset: not a failure.
var ErrNone = errors.New("no snapshot of this dataset")

// Bootstrap loads a snapshot. ErrNone: there is none. Otherwise the error is why the last one tried
// could not be used; the result then still lists what was rejected.
func (m *Manager) Bootstrap(ctx context.Context, r BootstrapRequest) (Bootstrapped, error) {
	var out Bootstrapped
	for attempt := 1; ; attempt++ {
		candidates, err := m.candidates(ctx, r)
		if errors.Is(err, ErrNone) {
			return out, err
		}
		if err == nil {
			out.Rejected = nil
			err = m.try(ctx, r, candidates, &out)
		}
		if err == nil {
			return out, nil
		}
		err = wrap("bootstrap", r.Dataset, err)
		if !curable(KindOf(err)) || r.Wait == nil {
			return out, err
		}
		if werr := r.Wait(ctx, attempt, err); werr != nil {
			return out, err
		}
	}
}

// curable tells whether waiting may cure a fault of this kind.
func curable(k Kind) bool { return k == Unavailable || k == Denied }

// candidates returns the snapshots to try, in order.
func (m *Manager) candidates(ctx context.Context, r BootstrapRequest) ([]Snapshot, error) {
	v, err := m.view(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	all := v.list()
	if r.ID != nil {
		s, ok := v.find(*r.ID)
		if !ok {
			if len(all) == 0 {
				return nil, ErrNone
			}
			return nil, &Error{Op: "bootstrap", Snapshot: r.ID, Kind: Missing, Err: errUnknown}
		}
		return []Snapshot{s}, nil
	}
	// The current one first, which the pointer may not name.
	slices.SortStableFunc(all, func(a, b Snapshot) int {
		switch {
		case a.Current == b.Current:
			return cmp.Compare(b.ID, a.ID)
		case a.Current:
			return -1
		default:
			return 1
		}
	})
	if r.OnFailure != Fallback {
		all = all[:min(1, len(all))]
		if len(all) > 0 && !all[0].Current {
			all = nil
		}
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all, nil
}

// try takes the first candidate that can be used. Faults that another snapshot can cure go on to the
// next one; the error of the last is returned.
func (m *Manager) try(ctx context.Context, r BootstrapRequest, candidates []Snapshot, out *Bootstrapped) error {
	var last error
	for _, s := range candidates {
		err := m.load1(ctx, r, s)
		if err == nil {
			out.Snapshot = s
			return nil
		}
		id := s.ID
		var e *Error
		if err = wrap("bootstrap", r.Dataset, err); errors.As(err, &e) && e.Snapshot == nil {
			e.Snapshot = &id
		}
		out.Rejected = append(out.Rejected, e)
		last = err
		switch KindOf(err) {
		case Canceled, LocalFailed, DiskFull:
			return err
		}
	}
	return last
}

// load1 downloads, verifies and installs one snapshot.
func (m *Manager) load1(ctx context.Context, r BootstrapRequest, s Snapshot) error {
	if s.Engine != "" && !strings.EqualFold(s.Engine, r.Engine) {
		return &Error{Op: "bootstrap", Kind: WrongEngine,
			Err:  fmt.Errorf("it was written by %s, the dataset uses %s", s.Engine, r.Engine),
			Hint: fmt.Sprintf("set acceleration.engine back to %s, or let a refresh rebuild the data", s.Engine)}
	}
	// A name of its own: a verification may read the same snapshot at the same time.
	tmp, err := os.CreateTemp(r.Dir, fmt.Sprintf(".%s.*.download.tmp", strings.ReplaceAll(r.Dataset, "/", "_")))
	if err != nil {
		return localError("write", err)
	}
	file := tmp.Name()
	defer os.Remove(file)
	if err := tmp.Close(); err != nil {
		return localError("write", err)
	}
	report := func(phase string, done int64) {
		if r.Progress != nil {
			r.Progress(s, phase, done, s.Bytes)
		}
	}
	if err := m.fetch(ctx, s, file, func(n int64) { report("download", n) }); err != nil {
		return err
	}
	report("open", s.Bytes)
	return r.Install(ctx, file, s)
}

// fetch downloads the object of a snapshot to file, synced, and checks size and checksum. With file
// empty the bytes are only checked.
func (m *Manager) fetch(ctx context.Context, s Snapshot, file string, progress func(int64)) (err error) {
	if s.Incremental {
		return m.fetchBlocks(ctx, s, file, progress)
	}
	if !strings.EqualFold(s.Algorithm, metadata.Algorithm) {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("its checksum algorithm is %q; only %s is known", s.Algorithm, metadata.Algorithm)}
	}
	key, err := metadata.KeyOf(m.Location(), s.URI)
	if err != nil {
		return &Error{Op: "find", Kind: Corrupt, Err: err}
	}
	in, size, err := m.store.Open(ctx, key)
	if objstore.KindOf(err) == objstore.KindNotFound {
		return missing(s.URI)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if size != s.Bytes {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("its size is %d bytes, recorded are %d", size, s.Bytes)}
	}
	var w io.Writer = io.Discard
	if file != "" {
		out, oerr := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if oerr != nil {
			return localError("write", oerr)
		}
		defer func() {
			if e := out.Sync(); err == nil && e != nil {
				err = localError("sync", e)
			}
			if e := out.Close(); err == nil && e != nil {
				err = localError("close", e)
			}
		}()
		w = &localWriter{stream.NewWriter(out)}
	}
	h := stream.NewReader(ctx, &storeReader{in}, progress)
	if _, err := h.WriteTo(w); err != nil {
		return err
	}
	if h.Bytes() != s.Bytes {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("%d of %d bytes arrived", h.Bytes(), s.Bytes)}
	}
	if sum := fmt.Sprintf("%x", h.Sum()); sum != strings.ToLower(s.Checksum) {
		return &Error{Op: "verify", Kind: Corrupt, Err: fmt.Errorf("its SHA-256 is %.8s, recorded is %.8s", sum, s.Checksum),
			Hint: "the stored object was damaged or replaced; choose another snapshot"}
	}
	return nil
}

// missing tells that an object of a snapshot is gone.
func missing(object string) error {
	return &Error{Op: "read", Kind: Missing, Err: fmt.Errorf("the object %s is gone", object),
		Hint: "a lifecycle rule of the bucket may have removed it; write a new snapshot or choose another one"}
}

// storeReader tells faults of the store from those of the local disk.
type storeReader struct{ r io.Reader }

func (s *storeReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		err = &Error{Op: "read", Kind: Unavailable, Err: err}
	}
	return n, err
}

// localWriter tells faults of the local disk from those of the store.
type localWriter struct{ w io.Writer }

func (l *localWriter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if err != nil {
		err = localError("write", err)
	}
	return n, err
}

// Verify reads the object of a snapshot and checks its size and checksum: nil, or an error of Kind
// Missing, Corrupt or Unavailable.
func (m *Manager) Verify(ctx context.Context, dataset string, id uint64, progress func(done, total int64)) error {
	v, err := m.view(ctx, dataset)
	if err != nil {
		return wrap("verify", dataset, err)
	}
	s, ok := v.find(id)
	if !ok && len(v.own.Sets) > 0 {
		return m.VerifySet(ctx, dataset, id, nil, progress)
	}
	if !ok {
		return &Error{Op: "verify", Dataset: dataset, Snapshot: &id, Kind: Missing, Err: errUnknown}
	}
	err = m.fetch(ctx, s, "", func(n int64) {
		if progress != nil {
			progress(n, s.Bytes)
		}
	})
	return named(wrap("verify", dataset, err), id)
}

// named fills in which snapshot an error is about.
func named(err error, id uint64) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Snapshot = &id
	}
	return err
}

// Age returns how long ago the snapshot was created, never negative.
func (s Snapshot) Age(now time.Time) time.Duration { return max(0, now.Sub(s.Created)) }
