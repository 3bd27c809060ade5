// Package file reads a dataset from local files: one file, a folder or a glob of Parquet, CSV or
// JSON, streamed as Arrow record batches. It starts no goroutines.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/runtime/source"
)

// batchRows is the size of the batches handed on. 122,880 is DuckDB's row group: smaller batches cost
// up to 1.6 times as much on its side.
const batchRows = 122_880

// Options say what to read.
type Options struct {
	// Path is a file, a folder (read with all folders below it) or a glob; a file:// URL is accepted.
	// A relative one is relative to Dir.
	Path, Dir string
	// Format is "parquet", "csv" or "json"; empty takes it from the file names.
	Format string
	// Delimiter of CSV; 0 means a comma.
	Delimiter rune
	// HasHeader is false for CSV without a header line.
	HasHeader bool
	// InferRecords is how many records of each CSV or JSON file are looked at to learn the types;
	// 0 means 1,000.
	InferRecords int
}

// Source is files on a local disk.
type Source struct {
	o    Options
	path string
}

var _ source.Source = (*Source)(nil)

// New checks the options. An unknown format or parameter is an error of Kind Unsupported.
func New(o Options, params map[string]string) (*Source, error) {
	s := &Source{o: o, path: o.Path}
	s.o.HasHeader = true
	if strings.HasPrefix(s.path, "file:") {
		u, err := url.Parse(s.path)
		if err != nil {
			return nil, s.unsupported(err)
		}
		s.path = u.Host + u.Path
		if u.Opaque != "" {
			s.path = u.Opaque
		}
	}
	if s.path == "" {
		return nil, s.unsupported(errors.New("no path"))
	}
	if !filepath.IsAbs(s.path) {
		s.path = filepath.Join(o.Dir, s.path)
	}
	for key, v := range params {
		if err := s.param(key, v); err != nil {
			return nil, s.unsupported(err)
		}
	}
	return s, nil
}

func (s *Source) param(key, v string) error {
	var err error
	switch key {
	case "file_format":
		s.o.Format = canonical(strings.ToLower(v))
		if _, ok := formats[s.o.Format]; !ok {
			return fmt.Errorf("file_format %q is not known; use parquet, csv or json", v)
		}
	case "csv_delimiter":
		if r := []rune(v); len(r) == 1 {
			s.o.Delimiter = r[0]
		} else {
			return fmt.Errorf("csv_delimiter must be one character, not %q", v)
		}
	case "csv_has_header", "has_header":
		s.o.HasHeader, err = strconv.ParseBool(v)
	case "schema_infer_max_records", "csv_schema_infer_max_records":
		s.o.InferRecords, err = strconv.Atoi(v)
	}
	if err != nil {
		return fmt.Errorf("parameter %s: %w", key, err)
	}
	return nil
}

func (s *Source) unsupported(err error) error {
	return &source.Error{Kind: source.Unsupported, Place: s.o.Path, Err: err}
}

// format reads one kind of file.
type format struct {
	// schema learns the schema of one file.
	schema func(ctx context.Context, f *input, o *Options) (*arrow.Schema, error)
	// open streams one file with a schema that was merged over all files.
	open func(ctx context.Context, f *input, o *Options, s *arrow.Schema) (array.RecordReader, error)
}

// formats by the name of file_format.
var formats = map[string]format{
	"parquet": {schema: parquetSchema, open: openParquet},
	"csv":     {schema: csvSchema, open: openCSV},
	"json":    {schema: jsonSchema, open: openJSON},
}

// canonical is the one name of a format that has several.
func canonical(format string) string {
	if format == "jsonl" || format == "ndjson" {
		return "json"
	}
	return format
}

// extensions of file names, in lower case.
var extensions = map[string]string{
	".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".json": "json", ".ndjson": "json", ".jsonl": "json",
}

// entry is one file to read.
type entry struct {
	path string
	size int64
}

// list finds the files, sorted by path. Names that begin with a dot or an underscore are passed over,
// as are unfinished files, unless the path names them.
func (s *Source) list() ([]entry, string, error) {
	var paths []string
	st, err := os.Stat(s.path)
	switch {
	case err == nil && !st.IsDir():
		paths = []string{s.path}
	case err == nil:
		err = filepath.WalkDir(s.path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case p != s.path && strings.ContainsAny(d.Name()[:1], "._"):
				if d.IsDir() {
					return fs.SkipDir
				}
			case !d.IsDir() && s.wanted(p):
				paths = append(paths, p)
			}
			return nil
		})
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(s.path, "*?["):
		paths, err = filepath.Glob(s.path)
	}
	if err != nil {
		return nil, "", s.fault(s.path, err)
	}
	var files []entry
	format := s.o.Format
	slices.Sort(paths)
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, "", s.fault(p, err)
		}
		if st.IsDir() {
			continue
		}
		if f := extensions[strings.ToLower(filepath.Ext(p))]; s.o.Format == "" {
			switch {
			case f == "":
				return nil, "", &source.Error{Kind: source.Unsupported, Place: p, Err: errors.New("its name does not tell its format"),
					Hint: "set params.file_format to parquet, csv or json"}
			case format == "":
				format = f
			case format != f:
				return nil, "", &source.Error{Kind: source.Unsupported, Place: s.path, Err: fmt.Errorf("it has both %s and %s files", format, f),
					Hint: "set params.file_format, or narrow the path with a glob such as *.parquet"}
			}
		}
		files = append(files, entry{p, st.Size()})
	}
	if len(files) == 0 {
		return nil, "", &source.Error{Kind: source.Missing, Place: s.path, Err: errors.New("there are no files to read"),
			Hint: "check from: in the spicepod; relative paths start at the spicepod's folder"}
	}
	return files, format, nil
}

// wanted tells whether a file of a folder belongs to the dataset.
func (s *Source) wanted(p string) bool {
	f := extensions[strings.ToLower(filepath.Ext(p))]
	return f != "" && (s.o.Format == "" || f == s.o.Format)
}

// fault classifies an error of the file system.
func (s *Source) fault(place string, err error) error { return fault(place, err) }

func fault(place string, err error) error {
	var e *source.Error
	switch {
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &source.Error{Kind: source.Missing, Place: place, Err: errors.New("it does not exist"),
			Hint: "check from: in the spicepod; relative paths start at the spicepod's folder"}
	case errors.Is(err, fs.ErrPermission):
		return &source.Error{Kind: source.Denied, Place: place, Err: err, Hint: "let this user read it"}
	case errors.As(err, new(*fs.PathError)):
		return &source.Error{Kind: source.Unavailable, Place: place, Err: err}
	default:
		return &source.Error{Kind: source.Damaged, Place: place, Err: err}
	}
}

// Read lists the files, merges their schemas and returns a reader over all of them.
func (s *Source) Read(ctx context.Context, _ source.Scan) (source.Reader, error) {
	files, name, err := s.list()
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, files: files, format: formats[name], o: &s.o}
	r.refs.Store(1)
	for _, f := range files {
		r.total += f.size
		schema, err := r.learn(ctx, f)
		if err != nil {
			return nil, err
		}
		if r.schema, err = merge(r.schema, schema, f.path, name == "parquet"); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// reader reads the files one after the other.
type reader struct {
	ctx    context.Context // of the run that reads; a RecordReader's Next has no context of its own
	files  []entry
	format format
	o      *Options
	schema *arrow.Schema

	next int // index of the next file
	in   *input
	cur  array.RecordReader
	err  error

	refs   atomic.Int64
	total  int64
	before atomic.Int64 // bytes of the files already finished
	now    atomic.Pointer[input]
}

var _ source.Reader = (*reader)(nil)

func (r *reader) learn(ctx context.Context, f entry) (s *arrow.Schema, err error) {
	defer recovered(f.path, &err)
	in, err := openInput(ctx, f)
	if err != nil {
		return nil, fault(f.path, err)
	}
	defer in.Close()
	if s, err = r.format.schema(ctx, in, r.o); err != nil {
		return nil, fault(f.path, err)
	}
	return s, nil
}

// recovered turns a panic of a file format library, which a damaged file can cause, into an error.
func recovered(path string, err *error) {
	if p := recover(); p != nil {
		*err = &source.Error{Kind: source.Damaged, Place: path, Err: fmt.Errorf("it can't be decoded: %v", p)}
	}
}

func (r *reader) Schema() *arrow.Schema { return r.schema }
func (r *reader) Err() error            { return r.err }
func (r *reader) Retain()               { r.refs.Add(1) }

func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		r.close()
	}
}

func (r *reader) RecordBatch() arrow.RecordBatch { return r.cur.RecordBatch() }

// Record is RecordBatch under its old name, which the interface still has.
func (r *reader) Record() arrow.RecordBatch { return r.RecordBatch() }

func (r *reader) Progress() (int64, int64) {
	done := r.before.Load()
	if in := r.now.Load(); in != nil {
		done += min(in.read.Load(), in.size)
	}
	return min(done, r.total), r.total
}

func (r *reader) Next() bool {
	for r.err == nil {
		if r.err = r.ctx.Err(); r.err != nil {
			break
		}
		if r.cur != nil {
			if r.advance() {
				return true
			}
			if r.err != nil {
				break
			}
			r.before.Add(r.files[r.next-1].size) // all of it, also what an unfinished last line left unread
			r.close()
		}
		if r.next == len(r.files) {
			return false
		}
		r.open(r.files[r.next])
		r.next++
	}
	r.close()
	return false
}

// advance takes the next batch of the current file.
func (r *reader) advance() (ok bool) {
	defer recovered(r.in.path, &r.err)
	if r.cur.Next() {
		return true
	}
	err := r.cur.Err()
	if err == nil {
		err = r.in.whole()
	}
	if err != nil {
		r.err = fault(r.in.path, err)
	}
	return false
}

func (r *reader) open(f entry) {
	defer recovered(f.path, &r.err)
	in, err := openInput(r.ctx, f)
	if err != nil {
		r.err = fault(f.path, err)
		return
	}
	r.in = in
	r.now.Store(in)
	cur, err := r.format.open(r.ctx, in, r.o, r.schema)
	if err != nil {
		r.err = fault(f.path, err)
		return
	}
	r.cur = cur
}

func (r *reader) close() {
	r.now.Store(nil)
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
	if r.in != nil {
		r.in.Close()
		r.in = nil
	}
}
