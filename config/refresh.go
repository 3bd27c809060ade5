package config

import (
	"maps"
	"regexp"
	"slices"
)

// memoryLimit is what DuckDB takes as memory_limit.
var memoryLimit = regexp.MustCompile(`(?i)^\s*\d+(\.\d+)?\s*([kmgt]i?)?b\s*$|^\s*\d+(\.\d+)?\s*%\s*$`)

// mode checks that source, time column and refresh mode fit (spec data-refresh 1.6 items 6 to 8, 12, 13).
func (e *entry) mode() {
	a, at := &e.ds.Acceleration, e.path(accel+"refresh_mode")
	_, known := connectorOf(e.ds.Connector)
	switch {
	case e.ds.Connector == ConnectorView && a.RefreshMode != RefreshFull:
		e.errorf(at, "use refresh_mode: full", "acceleration mode %s unsupported for a view", a.RefreshMode)
	case e.ds.Connector == "sink" && e.set(accel+"refresh_mode"):
		e.errorf(at, "remove refresh_mode", "a sink is never refreshed")
	case a.RefreshMode == RefreshAppend && e.ds.TimeColumn == "" && !e.con.appendStream && known:
		e.errorf(at, "add time_column to the dataset, or use refresh_mode: full",
			"acceleration mode append unsupported for %s without a time_column", e.ds.From)
	case a.RefreshMode == RefreshChanges && !e.con.changeStream && known:
		e.errorf(at, "use refresh_mode: full or append", "acceleration mode changes unsupported for %s", e.ds.From)
	case e.ds.Connector == "kafka" && a.RefreshMode != RefreshAppend:
		e.errorf(at, "use refresh_mode: append", "a kafka source needs refresh_mode append, not %s", a.RefreshMode)
	case e.ds.Connector == "debezium" && a.RefreshMode != RefreshChanges:
		e.errorf(at, "use refresh_mode: changes", "a debezium source needs refresh_mode changes, not %s", a.RefreshMode)
	}
	if spice := e.ds.Connector == "spice.ai" || e.ds.Connector == "spiceai"; spice && a.RefreshMode == RefreshAppend && e.ds.TimeColumn == "" {
		e.ds.Unsupported = "pitwall cannot follow the pushed changes of spice.ai yet"
		e.warnf(at, "add time_column to the dataset, or use refresh_mode: full",
			"%s, which append without time_column is; the dataset will be in Error", e.ds.Unsupported)
	}
	if a.RefreshDataWindow > 0 && e.ds.TimeColumn == "" {
		e.warnf(e.path(accel+"refresh_data_window"), "add time_column to the dataset", "refresh_data_window has no effect without time_column")
		a.RefreshDataWindow = 0
	}
	if e.set(accel+"refresh_append_overlap") && (a.RefreshMode != RefreshAppend || e.ds.TimeColumn == "") {
		e.warnf(e.path(accel+"refresh_append_overlap"), "", "refresh_append_overlap has an effect only with refresh_mode: append and time_column")
	}
	if a.RefreshMode == RefreshSnapshot {
		for _, k := range []string{"refresh_sql", "refresh_data_window", "on_zero_results"} {
			if e.set(accel + k) {
				e.warnf(e.path(accel+k), "", "%s has no effect: refresh_mode snapshot never asks the source", k)
			}
		}
	}
	if a.RefreshMode == RefreshChanges || a.RefreshMode == RefreshDisabled || a.RefreshMode == RefreshAppend && e.ds.TimeColumn == "" {
		for _, k := range []string{"refresh_check_interval", "refresh_cron"} {
			if e.set(accel + k) {
				e.warnf(e.path(accel+k), "", "%s has no effect: the dataset follows its source", k)
			}
		}
	}
}

// retention checks that a retention that is switched on can work (spec data-refresh 1.6 item 11).
func (e *entry) retention() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	a.RetentionCheckEnabled = r.RetentionCheckEnabled
	a.RetentionPeriod, a.RetentionCheckInterval = r.RetentionPeriod.d, r.RetentionCheckInterval.d
	at := e.path(accel + "retention_check_enabled")
	if a.RetentionCheckEnabled && a.RefreshMode == RefreshSnapshot {
		e.warnf(at, "evict where the snapshots are written", "retention_check_enabled has no effect: refresh_mode snapshot serves snapshots as they are")
		a.RetentionCheckEnabled = false
		return
	}
	if !a.RetentionCheckEnabled {
		for _, k := range []string{"retention_period", "retention_sql", "retention_check_interval"} {
			if e.set(accel + k) {
				e.warnf(e.path(accel+k), "add retention_check_enabled: true", "%s does not evict anything: the retention check is off", k)
			}
		}
		return
	}
	if !e.set(accel + "retention_check_interval") {
		e.errorf(at, "such as retention_check_interval: 1h", "retention_check_enabled needs retention_check_interval")
	}
	switch {
	case !e.set(accel+"retention_period") && a.RetentionSQL == "":
		e.errorf(at, "", "retention_check_enabled needs retention_period with time_column, or retention_sql")
	case e.set(accel+"retention_period") && e.ds.TimeColumn == "":
		e.errorf(e.path(accel+"retention_period"), "add time_column to the dataset", "retention_period needs time_column")
	}
}

// constraints checks keys, indexes and conflicts (spec data-refresh 1.6 items 5 and 9, 2.7).
func (e *entry) constraints() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	if e.set(accel + "primary_key") {
		ref, err := parseColumnRef(r.PrimaryKey)
		if err != nil {
			e.errorf(e.path(accel+"primary_key"), "col, or (a, b)", "%s", err)
		}
		a.PrimaryKey = ref
	}
	a.Indexes = columnRefs(e, "indexes", r.Indexes)
	a.OnConflict = columnRefs(e, "on_conflict", r.OnConflict)
	targets := 0
	if a.PrimaryKey != "" {
		targets++
	}
	for _, kind := range a.Indexes {
		if kind == "unique" {
			targets++
		}
	}
	at := e.path(accel + "on_conflict")
	if n := len(a.OnConflict); n > 1 {
		allDrop := !slices.ContainsFunc(slices.Collect(maps.Values(a.OnConflict)), func(v string) bool { return v != "drop" })
		if !allDrop || n != targets {
			e.errorf(at, "use drop for every unique index and the primary key, or one entry",
				"several on_conflict entries must all be drop, one for each of the %d unique keys", targets)
		}
	}
	if len(a.OnConflict) > 0 && a.Engine == EngineArrow && a.PrimaryKey == "" {
		e.warnf(at, "add primary_key", "on_conflict has no effect on the arrow engine without primary_key")
		a.OnConflict = nil
	}
}

// columnRefs normalises the keys of a map.
func columnRefs[T ~string](e *entry, key string, raw map[string]T) map[string]string {
	if len(raw) == 0 {
		return nil
	}
	out := map[string]string{}
	for k, v := range raw {
		at := join(e.path(accel+key), k)
		ref, err := parseColumnRef(k)
		if err != nil {
			e.errorf(at, "col, or (a, b)", "%s", err)
			continue
		}
		if _, twice := out[ref]; twice {
			e.errorf(at, "", "the columns %s are listed twice", ref)
		}
		out[ref] = string(v)
	}
	return out
}
