package dbfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// parkedSuffix ends the names of sidecars that were moved out of the way of a new database file. In
// front of it stands the inode of the file they belong to, so that after a crash it is plain whether
// they still do.
const parkedSuffix = ".aside"

// Parked are sidecars that were moved aside.
type Parked struct{ from, to []string }

// Park moves the sidecars of path aside.
func Park(path string, suffixes ...string) (*Parked, error) {
	p := &Parked{}
	inode := inodeOf(path)
	for _, s := range suffixes {
		from, to := path+s, fmt.Sprintf("%s%s.%d%s", path, s, inode, parkedSuffix)
		err := os.Rename(from, to)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, p.Restore())
		}
		p.from, p.to = append(p.from, from), append(p.to, to)
	}
	return p, nil
}

// Restore moves the sidecars back.
func (p *Parked) Restore() error {
	var all error
	for i := range p.from {
		all = errors.Join(all, os.Rename(p.to[i], p.from[i]))
	}
	return all
}

// Delete removes the parked sidecars, whose database is gone.
func (p *Parked) Delete() {
	for _, to := range p.to {
		_ = os.Remove(to) // Unpark repeats it at the next Open
	}
}

// Unpark settles what a killed process parked: sidecars of the file at path go back to it, those of
// a file that was replaced are removed.
func Unpark(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	inode := inodeOf(path)
	for _, e := range entries {
		name, ours := strings.CutSuffix(e.Name(), parkedSuffix)
		dot := strings.LastIndexByte(name, '.')
		if !ours || dot < 0 || !strings.HasPrefix(name, filepath.Base(path)+"-") {
			continue
		}
		owner, err := strconv.ParseUint(name[dot+1:], 10, 64)
		if err != nil {
			continue
		}
		parked, home := filepath.Join(filepath.Dir(path), e.Name()), filepath.Join(filepath.Dir(path), name[:dot])
		if owner != 0 && owner == inode && !Exists(home) {
			err = os.Rename(parked, home)
		} else {
			err = os.Remove(parked)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inodeOf returns the inode of a file, 0 when there is none.
func inodeOf(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return stat.Ino
}
