package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pitwall/config/secrets"
)

// LoadOptions change how a spicepod is read. The zero value is ready for use.
type LoadOptions struct {
	// Env looks up an environment variable; nil means os.LookupEnv.
	Env func(string) (string, bool)
}

// Result is everything one look at a spicepod found out.
type Result struct {
	// Config is nil when there is an error among Problems.
	Config   *Config
	Problems []Problem
	// Path is the absolute path of the spicepod file, also when it could not be read.
	Path string
	// Files are the spicepod and every file it pulled in that exists, Inputs the files it may have
	// read besides: those of the secret stores, whether they exist or not.
	Files, Inputs []string
	// Hash is the hex SHA-256 over the content of all Files, in order.
	Hash string
	// Redactor masks the secrets of the file in any text, also when the file is not valid.
	Redactor *secrets.Redactor
}

// Load reads the spicepod at path, a file or a directory with a spicepod.yaml or .yml in it (spec
// data-refresh 1). The Config is nil when a problem is an error; the problems always are all of them,
// in the order of the file.
func Load(path string, o LoadOptions) (*Config, []Problem) {
	r := Inspect(path, o)
	return r.Config, r.Problems
}

// Parse is Load of a file whose content is at hand. Paths in it are relative to the directory of file.
func Parse(src []byte, file string, o LoadOptions) (*Config, []Problem) {
	r := inspect(src, file, o)
	return r.Config, r.Problems
}

// Inspect is Load for callers that also want to know which files a broken spicepod consists of.
func Inspect(path string, o LoadOptions) Result {
	file, err := find(path)
	if err == nil {
		var src []byte
		if src, err = readFile(file); err == nil {
			return inspect(src, file, o)
		}
	}
	message, hint := err.Error(), ""
	var p *pathProblem
	if errors.As(err, &p) {
		hint = p.hint
	}
	return Result{Path: absolute(file), Problems: []Problem{{Severity: SeverityError, File: file, Message: message, Hint: hint}}}
}

// pathProblem is a reason why there is no file to read.
type pathProblem struct{ message, hint string }

func (p *pathProblem) Error() string { return p.message }

// names of a spicepod and of the file behind a ref:.
var (
	podNames     = []string{"spicepod.yaml", "spicepod.yml"}
	datasetNames = []string{"dataset.yaml", "dataset.yml"}
)

// find returns the spicepod file that path means.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, &pathProblem{"the file does not exist", "name a spicepod file or the directory it is in"}
	case err != nil:
		return path, &pathProblem{"cannot be read: " + reason(err), ""}
	case !info.IsDir():
		return path, nil
	}
	return choose(path, podNames)
}

// choose returns the one of names that is in dir.
func choose(dir string, names []string) (string, error) {
	var found []string
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(dir, n)); err == nil {
			found = append(found, n)
		}
	}
	first := filepath.Join(dir, names[0])
	switch len(found) {
	case 0:
		return first, &pathProblem{"the directory has no " + strings.Join(names, " or "), "write one (the README shows a minimal one), name it with --pod FILE, or look at one that runs: pitwall demo"}
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	return first, &pathProblem{"the directory has both " + strings.Join(names, " and "), "keep one of them"}
}

// readFile reads a regular file or pipe of at most maxFileBytes.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &pathProblem{"cannot be read: " + reason(err), ""}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &pathProblem{"is a directory, not a file", ""}
	}
	src, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, &pathProblem{"cannot be read: " + reason(err), ""}
	}
	return src, nil
}

// reason is the error of the system without operation and path.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// loader is the state of one look at a spicepod.
type loader struct {
	o        LoadOptions
	dir      string
	problems []Problem
	files    []string // as shown in problems
	inputs   []string
	sources  [][]byte
	resolver *secrets.Resolver
	optIn    map[string]bool           // runtime.metrics
	lines    map[string]map[string]int // of the keys of each dataset
}

// inspect checks src, which is the content of file.
func inspect(src []byte, file string, o LoadOptions) Result {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	path := absolute(file)
	l := &loader{o: o, dir: filepath.Dir(path), resolver: secrets.NewResolver(), lines: map[string]map[string]int{}}
	d := l.open(file, src)
	var c *Config
	if d.root != nil {
		var raw rawPod
		d.fill(&raw)
		c = l.pod(d, &raw)
		l.name(file, &raw)
	}
	r := Result{Path: path, Problems: sortProblems(l.problems, l.files), Inputs: l.inputs, Hash: l.hash(),
		Redactor: l.resolver.Redactor()}
	for _, f := range l.files {
		r.Files = append(r.Files, absolute(f))
	}
	for i := range r.Problems {
		r.Problems[i].redact(r.Redactor)
	}
	if c != nil && len(Errors(r.Problems)) == 0 {
		c.Path, c.Dir, c.Hash, c.Files = path, l.dir, r.Hash, r.Files
		c.Warnings, c.redactor, c.Lines, c.texts = r.Problems, r.Redactor, l.lines, l.sources
		r.Config = c
	}
	return r
}

// name says which datasets the problems of the spicepod's own file are about.
func (l *loader) name(file string, raw *rawPod) {
	for i := range l.problems {
		p := &l.problems[i]
		rest, ok := strings.CutPrefix(p.Path, "datasets[")
		at, _, closed := strings.Cut(rest, "]")
		n, err := strconv.Atoi(at)
		if ok && closed && err == nil && p.File == file && n < len(raw.Datasets) {
			p.Dataset = clip(raw.Datasets[n].Name, 80)
		}
	}
}

// open parses one file of the spicepod and remembers it.
func (l *loader) open(file string, src []byte) *document {
	l.files = append(l.files, file)
	l.sources = append(l.sources, bytes.Clone(src))
	return readDocument(file, src, &l.problems)
}

// hash is the SHA-256 over all files.
func (l *loader) hash() string {
	h := sha256.New()
	for _, src := range l.sources {
		h.Write(src)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// redact masks secrets in everything a person would read.
func (p *Problem) redact(r *secrets.Redactor) {
	p.Message, p.Hint, p.Excerpt = r.Redact(p.Message), r.Redact(p.Hint), r.Redact(p.Excerpt)
}

// Missing returns the files that path, a file or a directory, could have meant when there is none of
// them, the one to write first; nil when there is something, whatever it is.
func Missing(path string) []string {
	info, err := os.Stat(path)
	switch ext := filepath.Ext(path); {
	case err == nil && !info.IsDir(), err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && (ext == ".yml" || ext == ".yaml"):
		return []string{absolute(path)}
	}
	var out []string
	for _, n := range slices.Backward(podNames) {
		f := filepath.Join(absolute(path), n)
		if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		out = append(out, f)
	}
	return out
}
