package dbfile

import (
	"errors"
	"io"
	"sync"
)

// Idle are connections of one database that nobody uses at the moment.
type Idle[C io.Closer] struct {
	mu  sync.Mutex
	all []C
}

// Get returns an idle connection, or a new one.
func (i *Idle[C]) Get(connect func() (C, error)) (C, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.all); n > 0 {
		c := i.all[n-1]
		i.all = i.all[:n-1]
		return c, nil
	}
	return connect()
}

// Put gives a connection back.
func (i *Idle[C]) Put(c C) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, c)
}

// Close closes those that are idle.
func (i *Idle[C]) Close() error {
	var all error
	for _, c := range i.all {
		all = errors.Join(all, c.Close())
	}
	return all
}
