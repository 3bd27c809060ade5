package config

import (
	"strings"
	"testing"
)

// TestCayenneParams goes through the parameters of Cayenne: each is acted on, or warned about by its name.
func TestCayenneParams(t *testing.T) {
	for name, taken := range map[string]bool{
		"cayenne_file_path":                              true,
		"cayenne_compression_strategy":                   true,
		"cayenne_target_file_size_mb":                    true,
		"cayenne_write_concurrency":                      true,
		"cayenne_metastore":                              true,
		"cayenne_compaction_trigger_files":               true,
		"cayenne_compaction_background_interval_ms":      true,
		"cayenne_compaction_max_files_per_pick":          true,
		"cayenne_metadata_dir":                           false,
		"cayenne_compaction_max_levels":                  false,
		"cayenne_compaction_trigger_snapshot_age_ms":     false,
		"cayenne_compaction_trigger_protected_snapshots": false,
		"cayenne_delta_encoding":                         false,
		"sort_columns":                                   false,
		"cayenne_sort_columns":                           false,
		"cayenne_segment_cache_mb":                       false,
		"cayenne_unsupported_type_action":                false,
		"cayenne_deletion_mode":                          false,
		"cayenne_pk_conflict_detection":                  false,
		"cayenne_upload_concurrency":                     false,
		"cayenne_cdc_durability":                         false,
		"cayenne_cdc_mem_tier_max_mb":                    false,
		"cayenne_tuning":                                 false,
		"cayenne_goal_latency":                           false,
		"cayenne_s3_zone_ids":                            false,
		"cayenne_datalake_location":                      false,
	} {
		_, problems := Parse([]byte("version: v1\nkind: Spicepod\nname: p\ndatasets:\n  - from: file:a.parquet\n    name: d\n    acceleration:\n      engine: cayenne\n      mode: file\n      params: {"+name+": x}\n"), "spicepod.yml", LoadOptions{})
		warned := false
		for _, p := range problems {
			if p.Severity != SeverityWarning {
				t.Errorf("%s: %s", name, p)
			}
			warned = warned || strings.Contains(p.Message, `does not act on the param "`+name+`" of cayenne`)
		}
		if warned == taken {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// A dataset of Spice.ai can be read from, but what it pushes can't be followed yet.
func TestSpiceAIIsReadButNotFollowed(t *testing.T) {
	for text, want := range map[string]string{
		"from: 'spice.ai/a/b/datasets/c', params: {spiceai_api_key: x}, acceleration: {refresh_mode: append}":                  "cannot follow the pushed changes of spice.ai yet",
		"from: 'spice.ai/a/b/datasets/c', time_column: t, params: {spiceai_endpoint: x}, acceleration: {refresh_mode: append}": "",
		"from: 'spiceai:c', acceleration: {}": "",
		"from: 'flightsql:a.b', params: {flightsql_endpoint: x, flightsql_username: y, flightsql_password: z}, acceleration: {}": "",
		"from: 'flightsql:a.b', acceleration: {refresh_mode: append}":                                                            "without a time_column",
	} {
		cfg, problems := Parse([]byte("version: v1\nkind: Spicepod\nname: p\ndatasets:\n  - {name: d, "+text+"}\n"), "spicepod.yml", LoadOptions{})
		all := ""
		for _, p := range problems {
			all += p.Message + "\n"
		}
		if (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: %s", text, all)
		}
		if strings.Contains(text, "spice.ai") && (cfg.Datasets[0].Unsupported == "") != (want == "") {
			t.Errorf("%s: unsupported is %q", text, cfg.Datasets[0].Unsupported)
		}
	}
}
