// Package objects reads a dataset from files: one file, a folder or a glob of Parquet, CSV, JSON or
// Arrow IPC, on a local disk, in an object store or on a web server, streamed as Arrow record batches.
// Folders named key=value become columns. What a scan does not need is left out as early as can be:
// folders before they are listed, files before they are opened, row groups and pages before they are
// read. Goroutines read ahead; the reader's Release waits for them.
package objects

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/runtime/source"
	"pitwall/runtime/source/objects/store"
)

// batchRows is the size of the batches handed on. 122,880 is DuckDB's row group: smaller batches cost
// up to 1.6 times as much on its side.
const batchRows = 122_880

// Rows can be large: batches of Parquet have about batchBytes, which the first one, of firstRows, tells.
const (
	batchBytes = 128 << 20
	firstRows  = 4096
)

// Options say what to read.
type Options struct {
	// Connector is file, s3, gs, gcs, abfs, abfss, https or http; empty is file.
	Connector string
	// Path is a file, a folder (read with all folders below it) or a glob; a file:// URL is accepted.
	// A relative one is relative to Dir. For a store it is bucket/key, for a web server host/path.
	Path, Dir string
	// Format is "parquet", "csv", "json" or "arrow"; empty takes it from the file names.
	Format string
	// Extension is what the names of a folder's files end in; empty takes those of known formats.
	Extension string
	// Compression is "gzip", "zstd", "bz2" or "none"; empty takes it from the file names.
	Compression string
	// Hive has folders named key=value become columns; New sets it unless a param says no.
	Hive bool
	// Delimiter of CSV; 0 means a comma.
	Delimiter rune
	// Quote and Escape of CSV; 0 means a double quote, which is doubled inside a quoted field.
	Quote, Escape byte
	// HasHeader is false for CSV without a header line.
	HasHeader bool
	// InferRecords is how many records of each CSV or JSON file are looked at to learn the types;
	// 0 means 1,000 and all of the first 4 MiB.
	InferRecords int
}

// Source is a set of objects.
type Source struct {
	o        Options
	location store.Location

	mu    sync.Mutex
	young map[string]source.Object // what had just been changed when it was listed last
}

var _ source.Source = (*Source)(nil)

// New checks the options and params; it does not touch the store. What can't be used is an error of Kind
// Unsupported that names the param.
func New(o Options, params map[string]string) (*Source, error) {
	s := &Source{o: o}
	s.o.HasHeader, s.o.Hive = true, true
	err := s.o.apply(params)
	var lerr error
	s.location, lerr = store.Locate(o.Connector, o.Path, o.Dir, params)
	if err = errors.Join(err, lerr); err == nil && !s.location.Single {
		_, err = s.glob()
	}
	if err != nil {
		name := s.location.Name
		if name == "" {
			name = o.Connector
		}
		return nil, &source.Error{Kind: source.Unsupported, Place: name, Err: oneLine(err)}
	}
	return s, nil
}

// oneLine writes several problems into one line.
func oneLine(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}

func (s *Source) glob() (glob, error) {
	if s.location.Single {
		return glob{base: s.location.Path}, nil
	}
	g, err := parseGlob(s.location.Path)
	if err != nil {
		return g, fmt.Errorf("the pattern can't be read: %w", err)
	}
	return g, nil
}

func (s *Source) hive() bool { return s.o.Hive && !s.location.Single }

// run is one Read.
type run struct {
	s     *Source
	o     *Options
	store store.Store
	scan  source.Scan
	read  atomic.Int64 // bytes read from the store
	keep  atomic.Int64 // bytes that may still be kept in memory between two looks at an object
}

// keepBytes bounds what is kept in memory of many small objects, so that they need not be read twice.
const keepBytes = 64 << 20

// Read lists the objects, learns their columns and returns a reader over what the scan needs.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	st, err := s.location.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{s: s, o: &s.o, store: st, scan: scan}
	r.keep.Store(keepBytes)
	reader, err := r.open(ctx)
	if err != nil {
		st.Close()
		return nil, err
	}
	return reader, nil
}

func (r *run) open(ctx context.Context) (*reader, error) {
	now := time.Now()
	l, err := r.list(ctx, r.scan.Where, false)
	if err != nil {
		return nil, err
	}
	if r.scan.IfChanged && r.s.unchanged(l.found, r.scan.Seen, now) {
		return nil, source.ErrUnchanged
	}
	r.s.remember(l.found, now)
	wanted := l.found
	if r.scan.Since {
		wanted = since(l.found, r.scan.Seen)
	}
	recent := r.recent(wanted)
	learned, err := r.learn(ctx, l, recent)
	if err == nil && len(recent) < len(wanted) && learned.has(r.scan.LastModified) {
		recent = wanted // the column is in the data: the age of an object says nothing about it
		learned, err = r.learn(ctx, l, recent)
	}
	if err != nil {
		return nil, err
	}
	v, err := r.view(learned, l)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, r, l, recent, v, learned.format), nil
}

// format reads one kind of file.
type format struct {
	// schema learns the schema of one file.
	schema func(in *input, o *Options) (*arrow.Schema, error)
	// open streams the columns of view.data that the file has.
	open func(in *input, o *Options, v *view) (array.RecordReader, error)
	// exact is set when the file says its types, so that all files must have the same.
	exact bool
	// compressible is set when the file as a whole may be compressed.
	compressible bool
}

// formats by the name of file_format.
var formats = map[string]format{
	"parquet": {schema: parquetSchema, open: openParquet, exact: true},
	"arrow":   {schema: arrowSchema, open: openArrow, exact: true, compressible: true},
	"csv":     {schema: csvSchema, open: openCSV, compressible: true},
	"json":    {schema: jsonSchema, open: openJSON, compressible: true},
}

// canonical is the one name of a format that has several.
func canonical(format string) string {
	switch format {
	case "jsonl", "ndjson":
		return "json"
	case "ipc", "feather":
		return "arrow"
	case "tsv":
		return "csv"
	}
	return format
}

// extensions of file names, in lower case.
var extensions = map[string]string{
	".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".json": "json", ".ndjson": "json", ".jsonl": "json",
	".arrow": "arrow", ".ipc": "arrow", ".feather": "arrow", ".arrows": "arrow",
}
