package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cron "github.com/netresearch/go-cron"

	"pitwall/config/suggest"
)

// accel is the prefix of the keys of acceleration:.
const accel = "acceleration."

// acceleration checks the block of one dataset (spec data-refresh 1.6).
func (l *loader) acceleration(e *entry, snaps *Snapshots) {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	a.RefreshMode = defaultRefreshMode(e.con)
	off := r.Enabled != nil && !*r.Enabled
	if e.ds.Connector == "debezium" && (off || !e.set("acceleration")) {
		e.errorf(e.path("acceleration"), "", "a debezium source needs acceleration with refresh_mode: changes")
	}
	switch {
	case !e.set("acceleration"):
		return
	case off:
		e.warnIgnored()
		return
	}
	a.Enabled = true
	a.Engine, a.Mode = or(r.Engine, a.Engine), or(r.Mode, a.Mode)
	if a.Engine == EngineCayenne && a.Mode == ModeMemory {
		a.Mode = ModeFile // its data is files, whatever mode says (spec data-refresh 2.5)
	}
	// What the decoder has refused already must not cause more problems.
	if e.broken[e.path(accel+"engine")] {
		a.Engine = EngineDuckDB
	}
	if e.broken[e.path(accel+"mode")] || e.broken[e.path(accel+"engine")] {
		a.Mode = ModeFile
	}
	a.RefreshMode = or(r.RefreshMode, a.RefreshMode)
	a.RefreshOnStartup = or(r.RefreshOnStartup, a.RefreshOnStartup)
	a.OnZeroResults = or(r.OnZeroResults, a.OnZeroResults)
	a.RefreshSQL, a.RetentionSQL = r.RefreshSQL, r.RetentionSQL
	a.RefreshDataWindow, a.RefreshAppendOverlap = r.RefreshDataWindow.d, r.RefreshAppendOverlap.d
	a.Params = e.params(l, "acceleration.params", r.Params)
	e.schedule()
	e.engine(l)
	if !e.broken[e.path(accel+"refresh_mode")] {
		e.mode()
	}
	e.retention()
	e.constraints()
	e.sql()
	e.metrics(l)
	e.partitions()
	e.snapshots(snaps)
}

// defaultRefreshMode is the mode of a connector when the file does not say (spec data-refresh 1.6).
func defaultRefreshMode(c connector) RefreshMode {
	switch {
	case c.name == "sink":
		return RefreshDisabled
	case c.changes:
		return RefreshChanges
	}
	return RefreshFull
}

// warnIgnored says which keys have no effect because the acceleration is off.
func (e *entry) warnIgnored() {
	var names []string
	for _, k := range e.keysUnder(e.path("acceleration")) {
		if k != "enabled" && k != "ready_state" {
			names = append(names, k)
		}
	}
	if len(names) > 0 {
		e.warnf(e.path("acceleration.enabled"), "", "acceleration is off, so these have no effect: %s", strings.Join(names, ", "))
	}
}

// ignoredPath reports whether a path belongs to an acceleration that is off.
func ignoredPath(d *document, path string) bool {
	i := strings.Index(path, accel)
	if i < 0 {
		return false
	}
	m, ok := d.marks[path[:i]+accel+"enabled"]
	return ok && strings.EqualFold(m.value.Value, "false")
}

// schedule checks interval, cron, jitter and retry.
func (e *entry) schedule() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	a.RefreshCheckInterval, a.RefreshCron = r.RefreshCheckInterval.d, strings.TrimSpace(r.RefreshCron)
	if e.set(accel + "refresh_cron") {
		if e.set(accel + "refresh_check_interval") {
			e.errorf(e.path(accel+"refresh_cron"), "keep one of them", "refresh_cron and refresh_check_interval exclude each other")
		}
		if err := CheckCron(a.RefreshCron); err != nil {
			e.errorf(e.path(accel+"refresh_cron"), "minute hour day month weekday, with seconds in front if wanted, or @daily; such as 0 12 * * 1-5",
				"not a cron schedule: %s", err)
		}
	}
	if a.RefreshCheckInterval == 0 && a.RefreshMode == RefreshSnapshot {
		a.RefreshCheckInterval = defaultSnapshotPoll
	}
	a.RefreshRetryEnabled = r.RefreshRetryEnabled == nil || *r.RefreshRetryEnabled
	if n := r.RefreshRetryMaxAttempts; n != nil {
		v := int(*n)
		a.RefreshRetryMaxAttempts = &v
	}
	a.RefreshJitterEnabled, a.RefreshJitterMax = r.RefreshJitterEnabled, r.RefreshJitterMax.d
	if a.RefreshJitterEnabled && a.RefreshJitterMax == 0 {
		a.RefreshJitterMax = a.RefreshCheckInterval / jitterShare
	}
	if !a.RefreshJitterEnabled && e.set(accel+"refresh_jitter_max") {
		e.warnf(e.path(accel+"refresh_jitter_max"), "add refresh_jitter_enabled: true", "refresh_jitter_max has no effect: the jitter is off")
	}
	if a.RefreshJitterEnabled && a.RefreshCheckInterval > 0 && a.RefreshJitterMax >= a.RefreshCheckInterval {
		e.warnf(e.path(accel+"refresh_jitter_max"), "", "refresh_jitter_max is not shorter than refresh_check_interval")
	}
}

// CheckCron says what is wrong with a schedule: five fields, six with seconds in front, or a
// descriptor such as @daily (spec data-refresh 5).
func CheckCron(s string) error {
	_, err := CronParser().Parse(s)
	return err
}

// CronParser returns the parser of refresh_cron, for whoever runs the schedule.
func CronParser() cron.Parser {
	return cron.MustNewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
}

// engine checks engine, mode and the params of the engine.
func (e *entry) engine(l *loader) {
	a := &e.ds.Acceleration
	if e.ds.Unsupported == "" {
		e.ds.Unsupported = cannotRun(a)
	}
	if a.Engine == EngineArrow && a.Mode != ModeMemory {
		e.errorf(e.path(accel+"mode"), "use engine: duckdb, sqlite or cayenne for a file", "the arrow engine keeps data in memory only, mode %s needs another engine", a.Mode)
	}
	known := engineParams(a.Engine)
	for name, v := range a.Params {
		at := join(e.path("acceleration.params"), name)
		switch {
		case name == "duckdb_file" && a.Engine == EngineDuckDB || name == "sqlite_file" && a.Engine == EngineSQLite:
			e.engineFile(l, at, name, v.Reveal())
		case name == "duckdb_memory_limit" && a.Engine == EngineDuckDB:
			if !memoryLimit.MatchString(v.Reveal()) {
				e.errorf(at, "such as 512MB or 2GiB", "%q is not an amount of memory", clip(v.String(), 40))
			}
		case name == "file_watcher" && e.ds.Connector == "file":
			e.checkWatcher(at, v.Reveal())
		case strings.HasPrefix(name, "caching_") || known == nil || slices.Contains(known, name):
		default:
			msg := fmt.Sprintf("pitwall does not act on the param %q of %s yet; it is ignored", clip(name, 60), a.Engine)
			if near := suggest.Nearest(name, known); near != "" {
				msg += fmt.Sprintf(" (did you mean %q?)", near)
			}
			e.warnf(at, "", "%s", msg)
		}
	}
	e.cachingParams()
}

// engineFile checks duckdb_file and sqlite_file (spec data-refresh 1.6 item 10).
func (e *entry) engineFile(l *loader, at, name, file string) {
	a := &e.ds.Acceleration
	if a.Mode == ModeMemory {
		e.errorf(at, "add mode: file", "%s needs mode: file, the mode is memory", name)
	}
	ext := strings.ToLower(filepath.Ext(file))
	if name == "duckdb_file" && !slices.Contains([]string{".db", ".ddb", ".duckdb"}, ext) {
		e.errorf(at, "allowed: .db, .ddb, .duckdb", "a DuckDB file must not end in %q", ext)
	}
	if file == "" {
		e.errorf(at, "", "the path of the file is empty")
	} else if info, err := os.Stat(absFrom(l.dir, file)); err == nil && info.IsDir() {
		e.errorf(at, "name a file in it", "the path is a directory")
	}
}

// cachingParams checks the two names of the time to live (spec data-refresh 1.6 items 3 and 14).
func (e *entry) cachingParams() {
	p := e.ds.Acceleration.Params
	at := e.path("acceleration.params.caching_ttl")
	ttl, one := p["caching_ttl"]
	item, two := p["caching_item_ttl"]
	if one && two && ttl.Reveal() != item.Reveal() {
		e.errorf(at, "keep caching_ttl", "caching_ttl and its alias caching_item_ttl differ")
	}
	for _, name := range []string{"caching_ttl", "caching_item_ttl", "caching_stale_while_revalidate_ttl"} {
		if v, ok := p[name]; ok {
			if _, err := ParseDuration(v.Reveal()); err != nil && !v.Secret() {
				e.errorf(join(e.path("acceleration.params"), name), durationHint, "%s", err)
			}
		}
	}
}
