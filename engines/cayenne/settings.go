package cayenne

import (
	"fmt"
	"strconv"

	"pitwall/engines/cayenne/vortex"
)

// settings are the parameters cayenne_* of a dataset that change something here.
type settings struct {
	// target is the size in bytes at which a data file is ended.
	target int64
	// zstd compresses text by Zstandard instead of FSST.
	zstd bool
	// workers is how many columns or batches are worked on at a time.
	workers int
}

// defaultTarget is the size of a data file, in MiB.
const defaultTarget = 256

// parseSettings reads acceleration.params. The error names the parameter.
func parseSettings(params map[string]string) (settings, error) {
	s := settings{target: defaultTarget << 20, workers: 2}
	if v := params["cayenne_target_file_size_mb"]; v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 1 {
			return s, fmt.Errorf("cayenne_target_file_size_mb: %q is not a number of MiB of at least 1", v)
		}
		s.target = n << 20
	}
	if v := params["cayenne_write_concurrency"]; v != "" && v != "auto" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return s, fmt.Errorf("cayenne_write_concurrency: %q is not a number of at least 1", v)
		}
		s.workers = n
	}
	switch v := params["cayenne_compression_strategy"]; v {
	case "", "btrblocks":
	case "zstd":
		s.zstd = true
	default:
		return s, fmt.Errorf("cayenne_compression_strategy: %q is neither btrblocks nor zstd", v)
	}
	if v := params["cayenne_metastore"]; v != "" && v != "sqlite" {
		return s, fmt.Errorf("cayenne_metastore: %q is not supported, only sqlite", v)
	}
	return s, nil
}

func (s settings) options() vortex.Options {
	o := vortex.DefaultOptions()
	o.Zstd, o.Workers = s.zstd, s.workers
	return o
}
