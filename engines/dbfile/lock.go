// Package dbfile holds what engines with one database file have in common: opened generations of
// the file that live as long as their readers, the atomic and durable replacement of the file,
// sidecars that must never meet another file of the same name, temp files, copies, idle connections,
// and, for all engines, the checks of a write, names in SQL, and the kinds of errors. It starts no goroutines.
package dbfile

import "context"

// Lock is a mutex whose waiters can give up.
type Lock chan struct{}

// NewLock returns an unlocked Lock.
func NewLock() Lock { return make(Lock, 1) }

// Lock waits for the lock or for the end of the context, whose error it returns.
func (l Lock) Lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TryLock takes the lock if it is free.
func (l Lock) TryLock() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}

// Unlock frees the lock.
func (l Lock) Unlock() { <-l }
