package dbfile

import (
	"os"
	"sync"
)

// Handle is a handle of a database file for copies. It stays open as long as the database, because
// closing any handle of a file drops the process's locks on it.
type Handle struct {
	mu   sync.Mutex
	file *os.File
}

// Open returns the handle.
func (h *Handle) Open(path string) (*os.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		h.file = f
	}
	return h.file, nil
}

// Close closes it, after the database.
func (h *Handle) Close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}
