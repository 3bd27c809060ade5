package objects

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// apply reads the params about the content of files; those about the place are the store's. It returns
// everything that is wrong.
func (o *Options) apply(params map[string]string) error {
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if err := o.param(key, params[key]); err != nil {
			problems = append(problems, err)
		}
	}
	if (o.Quote != 0 || o.Escape != 0) && o.Delimiter > 127 {
		problems = append(problems, errors.New("csv_quote and csv_escape need a csv_delimiter of ASCII"))
	}
	return errors.Join(problems...)
}

func (o *Options) param(key, v string) (err error) {
	if v == "" {
		return nil
	}
	switch key {
	case "file_format":
		o.Format = canonical(strings.ToLower(v))
		if _, ok := formats[o.Format]; !ok {
			return fmt.Errorf("file_format %q is not known; use parquet, csv, json or arrow", v)
		}
	case "file_extension":
		o.Extension = "." + strings.TrimPrefix(strings.ToLower(v), ".")
	case "file_compression_type":
		o.Compression = strings.ToLower(v)
		switch o.Compression {
		case "gz":
			o.Compression = "gzip"
		case "zst":
			o.Compression = "zstd"
		case "bzip2":
			o.Compression = "bz2"
		case "uncompressed":
			o.Compression = "none"
		}
		if !slices.Contains([]string{"gzip", "zstd", "bz2", "none"}, o.Compression) {
			return fmt.Errorf("file_compression_type %q is not known; use gzip, zstd, bz2 or none", v)
		}
	case "hive_partitioning_enabled":
		o.Hive, err = strconv.ParseBool(v)
	case "csv_delimiter":
		if v == `\t` {
			v = "\t"
		}
		if r := []rune(v); len(r) != 1 || r[0] == '"' || r[0] == '\n' || r[0] == '\r' {
			return fmt.Errorf("csv_delimiter must be one character, not %q", v)
		} else {
			o.Delimiter = r[0]
		}
	case "csv_quote":
		o.Quote, err = ascii(v)
	case "csv_escape":
		o.Escape, err = ascii(v)
	case "csv_has_header", "has_header":
		o.HasHeader, err = strconv.ParseBool(v)
	case "schema_infer_max_records", "csv_schema_infer_max_records":
		if o.InferRecords, err = strconv.Atoi(v); err == nil && o.InferRecords < 1 {
			err = errors.New("it must be at least 1")
		}
	}
	var n *strconv.NumError
	if errors.As(err, &n) {
		err = n.Err
	}
	if err != nil {
		return fmt.Errorf("param %s %q: %w", key, v, err)
	}
	return nil
}

func ascii(v string) (byte, error) {
	if len(v) != 1 || v[0] < ' ' || v[0] > '~' {
		return 0, errors.New("it must be one character of ASCII")
	}
	return v[0], nil
}
