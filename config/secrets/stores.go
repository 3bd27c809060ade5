package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/joho/godotenv"
)

// maxSecretBytes bounds a file of the file store: a secret is a line, not a disk image.
const maxSecretBytes = 1 << 20

// Env is the env store of spec data-refresh 1.2: SPICE_<KEY>, then <KEY>, in the environment and then
// in the dotenv files. A variable that is set in the environment always wins.
type Env struct {
	lookup func(string) (string, bool)
	dotenv map[string]string
}

// NewEnv returns an env store over lookup and the dotenv files, first file wins. A file that does not
// exist is skipped; one that cannot be read or parsed is reported, without its content, and skipped.
func NewEnv(lookup func(string) (string, bool), files ...string) (*Env, []error) {
	e := &Env{lookup: lookup, dotenv: map[string]string{}}
	var errs []error
	for _, name := range files {
		src, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", filepath.Base(name), err))
			continue
		}
		vars, err := godotenv.UnmarshalBytes(src)
		if err != nil {
			// The error of the parser quotes the file, which is full of secrets.
			errs = append(errs, fmt.Errorf("%s is not a valid dotenv file (lines of NAME=value)", filepath.Base(name)))
			continue
		}
		for k, v := range vars {
			if _, ok := e.dotenv[k]; !ok {
				e.dotenv[k] = v
			}
		}
	}
	return e, errs
}

// Get implements Store.
func (e *Env) Get(key string) (string, bool, error) {
	key = strings.ToUpper(key)
	for _, name := range []string{"SPICE_" + key, key} {
		if v, ok := e.lookup(name); ok {
			return v, true, nil
		}
		if v, ok := e.dotenv[name]; ok {
			return v, true, nil
		}
	}
	return "", false, nil
}

// Where says which variables would be read.
func (e *Env) Where(key string) string {
	key = strings.ToUpper(key)
	return fmt.Sprintf("set SPICE_%s or %s in the environment, in .env.local or in .env", key, key)
}

// Dir is the file store: one file per secret, as Kubernetes mounts them.
type Dir struct{ dir string }

// NewDir returns a store over the files of dir.
func NewDir(dir string) *Dir { return &Dir{dir} }

// Get implements Store. One trailing line break is not part of the secret.
func (d *Dir) Get(key string) (string, bool, error) {
	name := filepath.Join(d.dir, key)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretBytes {
		return "", false, fmt.Errorf("%s is not a regular file of at most 1 MiB", name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", false, err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), true, nil
}

// Where says which file would be read.
func (d *Dir) Where(key string) string { return "create the file " + filepath.Join(d.dir, key) }

// Unsupported stands for a kind of store pitwall knows by name only.
type Unsupported struct{ Kind string }

// Get implements Store and always fails.
func (u Unsupported) Get(string) (string, bool, error) {
	return "", false, fmt.Errorf("pitwall cannot read %s stores yet", u.Kind)
}

var (
	_ Store = (*Env)(nil)
	_ Store = (*Dir)(nil)
	_ Store = Unsupported{}
)
