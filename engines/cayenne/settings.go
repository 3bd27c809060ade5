package cayenne

import (
	"fmt"
	"strconv"
	"time"

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
	// held is how many bytes of incoming rows wait for others of their partitions.
	held int64
	// compactEvery is how long after a write small files are put together; 0 means never.
	compactEvery time.Duration
	// compactTrigger is how many neighbouring small files it takes, compactMost how many are taken at a time.
	compactTrigger, compactMost int
}

// defaultTarget is the size of a data file, in MiB.
const defaultTarget = 256

// parseSettings reads acceleration.params. The error names the parameter.
func parseSettings(params map[string]string) (settings, error) {
	s := settings{target: defaultTarget << 20, held: heldBytes, workers: 2, compactEvery: 10 * time.Second, compactTrigger: 8, compactMost: 32}
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
	if v := params["cayenne_compaction_background_interval_ms"]; v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return s, fmt.Errorf("cayenne_compaction_background_interval_ms: %q is not a number of milliseconds; 0 switches compaction off", v)
		}
		s.compactEvery = time.Duration(n) * time.Millisecond
	}
	for name, to := range map[string]*int{"cayenne_compaction_trigger_files": &s.compactTrigger, "cayenne_compaction_max_files_per_pick": &s.compactMost} {
		if v := params[name]; v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 2 {
				return s, fmt.Errorf("%s: %q is not a number of files of at least 2", name, v)
			}
			*to = n
		}
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
