package snapshots

import (
	"errors"
	"syscall"
)

// localError classifies a fault of the local disk: no other snapshot cures it.
func localError(op string, err error) error {
	kind := LocalFailed
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		kind = DiskFull
	}
	return &Error{Op: op, Kind: kind, Err: err, Hint: kind.hint()}
}
