package dbfile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pitwall/engines"
)

// tempSuffix ends the names of unfinished files.
const tempSuffix = ".tmp"

// TempPath returns the path of a new unfinished file for a database: in dir, or beside the database
// when dir is empty, and with a name that RemoveTemp recognises.
func TempPath(path, dir string) string {
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // never fails since Go 1.24
	if dir == "" {
		dir = filepath.Dir(path)
	}
	return filepath.Join(dir, filepath.Base(path)+"."+hex.EncodeToString(nonce[:])+tempSuffix)
}

// RemoveTemp removes the unfinished files, with their sidecars, that a killed process left of this
// database: names made by TempPath, nothing else. A missing directory is not an error.
func RemoveTemp(path, dir string) error {
	if dir == "" {
		dir = filepath.Dir(path)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".")
		if !ok || len(rest) < 16+len(tempSuffix) || !strings.HasPrefix(rest[16:], tempSuffix) {
			continue
		}
		if _, err := hex.DecodeString(rest[:16]); err != nil {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Discard removes an unfinished file and its sidecars; what is not there is fine.
func Discard(tmp string) {
	for _, suffix := range []string{"", ".wal", ".spill", "-journal", "-wal", "-shm"} {
		_ = os.RemoveAll(tmp + suffix) // best effort: RemoveTemp repeats it at the next Open
	}
}

// Sync makes the content of a file or the names in a directory durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Head returns the first n bytes of a database file, or fewer if it is shorter or can't be read to there.
func Head(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Fail(engines.NotFound, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, n)
	if n, err = f.ReadAt(head, 0); errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	return head[:n], nil
}

// Size returns the bytes of a file; 0 when it does not exist.
func Size(path string) int64 {
	i, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return i.Size()
}

// Exists says whether there is anything at path.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// copyStep is how many bytes are copied between two looks at the context: 16 MiB.
const copyStep = 16 << 20

// Copy writes the first n bytes of src to the new file dst and makes it durable. On error dst is
// removed.
func Copy(ctx context.Context, src *os.File, n int64, dst string) (err error) {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err != nil {
			_ = os.Remove(dst) // the error that counts is already there
		}
	}()
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := io.CopyN(out, src, min(n, copyStep))
		if err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		n -= done
	}
	return out.Sync()
}
