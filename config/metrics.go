package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pitwall/config/suggest"
)

// OptInMetrics are the metrics that have to be asked for, by metrics: of runtime: or of an acceleration
// (spec data-refresh 9.2). They need time_column.
func OptInMetrics() []string {
	const p = "dataset_acceleration_"
	return []string{p + "max_timestamp_before_refresh_ms", p + "max_timestamp_after_refresh_ms", p + "refresh_lag_ms", p + "ingestion_lag_ms"}
}

// rawMetric is one entry of metrics:.
type rawMetric struct {
	Name    string `json:"name" jsonschema:"required"`
	Enabled *bool  `json:"enabled,omitempty"`
}

// optIn reads a list of metrics at a path; those that pitwall does not have are warned about.
func optIn(d *document, at string, raw []rawMetric) map[string]bool {
	known := OptInMetrics()
	out := map[string]bool{}
	for i, r := range raw {
		if r.Name == "" {
			continue
		}
		if !slices.Contains(known, r.Name) {
			hint := "those to ask for: " + strings.Join(known, ", ")
			if near := suggest.Nearest(r.Name, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.warnf(fmt.Sprintf("%s[%d].name", at, i), hint, "there is no metric %q to ask for", clip(r.Name, 80))
			continue
		}
		out[r.Name] = r.Enabled == nil || *r.Enabled
	}
	return out
}

// metrics resolves which metrics the dataset has beyond the usual ones: what it says itself counts more.
func (e *entry) metrics(l *loader) {
	wanted := maps.Clone(l.optIn)
	if wanted == nil {
		wanted = map[string]bool{}
	}
	own := optIn(e.document, e.path(accel+"metrics"), e.raw.Acceleration.Metrics)
	maps.Copy(wanted, own)
	if e.ds.TimeColumn == "" {
		if len(own) > 0 {
			e.warnf(e.path(accel+"metrics"), "add time_column to the dataset", "these metrics need time_column")
		}
		return
	}
	for _, name := range OptInMetrics() {
		if wanted[name] {
			e.ds.Acceleration.Metrics = append(e.ds.Acceleration.Metrics, name)
		}
	}
}
