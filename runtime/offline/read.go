package offline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/snapshots"
)

// Verify implements api.Store. The bytes go through the folder of temporary files.
func (s *store) Verify(ctx context.Context, dataset string, id uint64, progress func(done, total int64)) (string, error) {
	x, err := s.find(ctx, dataset, id)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "pitwall-verify-")
	if err != nil {
		return "", refusal(api.Local, "%v", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "snapshot.db")
	if err := s.m.Download(ctx, dataset, x, file, progress); err != nil {
		if snapshots.KindOf(err) == snapshots.DiskFull {
			return "", refusal(api.Local, "%v; TMPDIR names the folder it is written to", err)
		}
		return "", s.explain(err, api.Unreachable)
	}
	found := "size and SHA-256 are those recorded"
	info, engine, err := check(ctx, file, dataset, x)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", refusal(api.Unsound, "verify %s snapshot %d: %s, but %v", dataset, id, found, err)
	case engine == "":
		return fmt.Sprintf("%s; it was not opened, because this pitwall has no engine %s", found, x.Engine), nil
	case x.Rows >= 0 && info.Rows != x.Rows:
		return "", refusal(api.Unsound, "verify %s snapshot %d: %s, but it holds %s, recorded are %d", dataset, id, found, rows(info.Rows), x.Rows)
	case x.Rows < 0:
		return fmt.Sprintf("%s, %s opens it, %s (none recorded)", found, engine, rows(info.Rows)), nil
	}
	return fmt.Sprintf("%s, %s opens it, %s as recorded", found, engine, rows(info.Rows)), nil
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// check opens a file with the engine that wrote it, and returns which that is: "" when this pitwall does not
// have it. Old writers did not record theirs: then it is the first that can open the file.
func check(ctx context.Context, file, dataset string, x snapshots.Snapshot) (info engines.Info, engine string, err error) {
	for _, o := range launch.Engines() {
		if o.Extension() == "" || x.Engine != "" && !strings.EqualFold(x.Engine, o.Name()) {
			continue
		}
		info, _, cerr := o.Check(ctx, file, dataset)
		if cerr == nil {
			return info, o.Name(), nil
		}
		if err == nil || engines.KindOf(cerr) != engines.Corrupt {
			err = cerr
		}
	}
	return info, "", err
}

// Export implements api.Store.
func (s *store) Export(ctx context.Context, dataset string, id uint64, file string, overwrite bool, progress func(done, total int64)) error {
	x, err := s.find(ctx, dataset, id)
	if err != nil {
		return err
	}
	taken := refusal(api.Invalid, "%s is there already; --force replaces it", file)
	switch st, err := os.Lstat(file); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return refusal(api.Local, "%v", err)
	case st.IsDir():
		return refusal(api.Invalid, "%s is a folder; name a file in it", file)
	case !overwrite:
		return taken
	}
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, ".pitwall-export-*.tmp")
	if err != nil {
		return refusal(api.Local, "%v", err)
	}
	defer os.Remove(tmp.Name())
	if err := tmp.Close(); err != nil {
		return refusal(api.Local, "%v", err)
	}
	if err := s.m.Download(ctx, dataset, x, tmp.Name(), progress); err != nil {
		return s.explain(err, api.Unreachable)
	}
	if overwrite {
		err = os.Rename(tmp.Name(), file)
	} else {
		err = renameNew(tmp.Name(), file)
	}
	if errors.Is(err, fs.ErrExist) {
		return taken
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return refusal(api.Local, "%v", err)
	}
	return nil
}

// renameNew gives a file a name that nobody has. Some file systems have no hard links; there somebody who takes
// the name in the same moment loses it.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
