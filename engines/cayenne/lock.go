package cayenne

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"pitwall/engines"
)

// lockName is the file in the folder of a store that the process locks which has it open.
const lockName = ".pitwall.lock"

// lock takes the store for one engine, until the lock is closed. It is nil where nobody can write: then there is
// nothing to keep apart. Kind Locked: another engine has it, most likely one of another process.
func (f folder) lock() (*flock.Flock, error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return nil, unlessReadOnly(err)
	}
	if err := unix.Access(string(f), unix.W_OK); err != nil {
		return nil, unlessReadOnly(err)
	}
	name := filepath.Join(string(f), lockName)
	l := flock.New(name)
	switch ok, err := l.TryLock(); {
	case err != nil:
		return nil, errors.Join(unlessReadOnly(fmt.Errorf("lock %s: %w", name, err)), l.Close())
	case !ok:
		pid, _ := os.ReadFile(name) // only for the message
		return nil, errors.Join(&engines.Error{
			Kind: engines.Locked,
			Err:  fmt.Errorf("the store is open in another process (pid %s)", strings.TrimSpace(string(pid))),
			Hint: "stop the other process, or give this dataset a cayenne_file_path of its own",
		}, l.Close())
	}
	_ = os.WriteFile(name, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600) // tells people whose lock it is
	return l, nil
}

func unlessReadOnly(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		return nil
	}
	return err
}

// unlock gives the store free. It is idempotent.
func (e *Engine) unlock() error {
	if e.lock == nil {
		return nil
	}
	return e.lock.Close()
}
