package dbfile

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned by a Slot after Close.
var ErrClosed = errors.New("the engine is closed")

// Store is one opened generation of a database.
type Store interface{ Close() error }

// Slot holds the current generation of a store. It is opened when first needed; a generation that
// was replaced is closed when the last of its leases is released.
type Slot[S Store] struct {
	open func(context.Context) (S, error)
	mu   Lock
	cur  *generation[S]
	// ended is closed with the dead generation whose file the next one opens; nil when there is none.
	ended <-chan struct{}

	count  sync.Mutex // guards refs and dead of generations, and closed
	closed bool
	live   sync.WaitGroup
}

type generation[S Store] struct {
	store S
	refs  int // leases, plus one while current
	dead  bool
	ended chan struct{} // closed after the store
}

// Lease keeps one generation open.
type Lease[S Store] struct {
	Store S
	slot  *Slot[S]
	gen   *generation[S]
	once  sync.Once
}

// NewSlot returns an empty slot; open is called under its lock.
func NewSlot[S Store](open func(context.Context) (S, error)) *Slot[S] {
	return &Slot[S]{open: open, mu: NewLock()}
}

// Acquire leases the current generation, opening it if need be. Enter, if not nil, runs while the
// generation cannot be replaced: what it opens by the file's name belongs to this generation.
func (s *Slot[S]) Acquire(ctx context.Context, enter func(S) error) (*Lease[S], error) {
	if err := s.mu.Lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	if s.cur != nil && s.isDead(s.cur) {
		s.ended = s.cur.ended
		s.retire()
	}
	if s.cur == nil {
		if err := s.awaitEnd(ctx); err != nil {
			return nil, err
		}
		store, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.adopt(store)
	}
	if enter != nil {
		if err := enter(s.cur.store); err != nil {
			return nil, err
		}
	}
	s.count.Lock()
	s.cur.refs++
	s.count.Unlock()
	return &Lease[S]{Store: s.cur.store, slot: s, gen: s.cur}, nil
}

// Replace runs install, which puts another file in the place of the current one, while nobody can
// open or lease a generation. After success the old generation is retired; the next Acquire opens
// the new file.
func (s *Slot[S]) Replace(ctx context.Context, install func() error) error {
	if err := s.mu.Lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	if err := install(); err != nil {
		return err
	}
	s.retire()
	s.ended = nil // readers of the old file do not meet the new one
	return nil
}

// Set makes an opened store the current generation; the one before is retired.
func (s *Slot[S]) Set(ctx context.Context, store S) error {
	if err := s.mu.Lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	s.retire()
	s.adopt(store)
	return nil
}

// Close retires the current generation and waits until all leases are released. It is idempotent.
func (s *Slot[S]) Close() error {
	_ = s.mu.Lock(context.Background()) // cannot fail: the context never ends
	s.count.Lock()
	s.closed = true
	s.count.Unlock()
	s.retire()
	s.mu.Unlock()
	s.live.Wait()
	return nil
}

func (s *Slot[S]) isClosed() bool {
	s.count.Lock()
	defer s.count.Unlock()
	return s.closed
}

func (s *Slot[S]) isDead(g *generation[S]) bool {
	s.count.Lock()
	defer s.count.Unlock()
	return g.dead
}

// awaitEnd waits until the dead generation before is closed.
func (s *Slot[S]) awaitEnd(ctx context.Context) error {
	if s.ended == nil {
		return nil
	}
	select {
	case <-s.ended:
		s.ended = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Slot[S]) adopt(store S) {
	s.live.Add(1)
	s.cur = &generation[S]{store: store, refs: 1, ended: make(chan struct{})}
}

func (s *Slot[S]) retire() {
	if g := s.cur; g != nil {
		s.cur = nil
		s.drop(g)
	}
}

func (s *Slot[S]) drop(g *generation[S]) {
	s.count.Lock()
	g.refs--
	last := g.refs == 0
	s.count.Unlock()
	if last {
		_ = g.store.Close() // a read handle or a sealed file: nothing is lost when closing fails
		close(g.ended)
		s.live.Done()
	}
}

// Condemn marks a generation that is of no more use, such as a database that refuses all work after an
// error; the lease stays valid. The next Acquire opens the same file again, after the last lease of this
// generation: what readers still read must not be written over, and closing any handle of a file
// drops the process's locks on it. So do not Acquire before giving back this lease.
func (l *Lease[S]) Condemn() {
	l.slot.count.Lock()
	defer l.slot.count.Unlock()
	l.gen.dead = true
}

// Release gives the lease back. It is idempotent.
func (l *Lease[S]) Release() { l.once.Do(func() { l.slot.drop(l.gen) }) }
