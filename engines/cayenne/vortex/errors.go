package vortex

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by every error that a damaged file gives.
var ErrCorrupt = errors.New("damaged Vortex file")

// corrupt is an error for what no sound file holds.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// broken is what a bounds check deep inside of a parser panics with; guard turns it into an error.
type broken struct{ error }

// need panics unless b holds n bytes from off.
func need(b []byte, off, n int) {
	if off < 0 || n < 0 || off > len(b) || n > len(b)-off {
		panic(broken{corrupt("%d bytes at %d of %d", n, off, len(b))})
	}
}

// guard ends a panic of a failed bounds check, ours or the language's, and one of the Arrow library about arrays
// that do not fit together, with ErrCorrupt: bytes of a file decide where a decoder reads, and it must not bring
// the process down.
func guard(err *error) {
	switch p := recover().(type) {
	case nil:
	case broken:
		*err = p.error
	case error, string: // the language's are errors, the library's are either
		*err = corrupt("%v", p)
	default:
		panic(p)
	}
}
