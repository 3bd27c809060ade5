package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// snapshotsBlock checks the top-level snapshots: block (spec acceleration-snapshots 4.1).
func (l *loader) snapshotsBlock(d *document, raw *rawSnapshots) Snapshots {
	s := defaultSnapshots()
	s.Present = d.has("snapshots")
	if !s.Present {
		return s
	}
	s.Enabled = raw.Enabled == nil || *raw.Enabled
	s.Location = strings.TrimSpace(raw.Location)
	s.BootstrapOnFailureBehavior = or(raw.BootstrapOnFailureBehavior, s.BootstrapOnFailureBehavior)
	known := storeParams(s.Location)
	if _, queue := raw.Params[queueParam]; queue { // it says itself where it does not belong
		known = append(known, queueParam)
	}
	params := scalarMap{}
	for name, v := range raw.Params {
		at := join("snapshots.params", name)
		if !slices.Contains(known, name) {
			msg, hint := unknown("param", name, known)
			d.errorf(at, hint, "%s", msg)
			continue
		}
		if name == "region" {
			if _, both := raw.Params["s3_region"]; both {
				d.errorf(at, "keep s3_region", "region is another name of s3_region, which is set too")
			}
			name = "s3_region"
		}
		if name == "s3_auth" && v != "iam_role" && v != "key" {
			msg, hint := unknown("s3_auth", v, []string{"iam_role", "key"})
			d.errorf(at, hint, "%s", msg)
		}
		params[name] = v
	}
	sev := SeverityWarning
	if reason, _ := unusableLocation(&s); reason == "" && s.Enabled {
		sev = SeverityError
	}
	s.Params, _ = l.resolve(d, sev, "snapshots", "snapshots.params", params)
	s.queue(d, sev)
	if reason, hint := unusableLocation(&s); reason != "" && s.Enabled {
		d.warnf("snapshots.location", hint, "%s; snapshots are off", reason)
	}
	return s
}

// storeParams are the params of a location (spec acceleration-snapshots 4.1); region is the seed's name of
// s3_region.
func storeParams(location string) []string {
	switch scheme, _, _ := strings.Cut(location, "://"); scheme {
	case "gs", "gcs", "abfs", "abfss":
		return bucketParams(scheme)
	default:
		return append(bucketParams("s3"), queueParam, "region")
	}
}

// unusableLocation says why pitwall cannot keep snapshots at the location, or "".
func unusableLocation(s *Snapshots) (why, hint string) {
	hint = "a directory such as ./snapshots, or file:///var/lib/pitwall/snapshots"
	if s.Location == "" {
		return "snapshots has no location", hint
	}
	scheme, rest, ok := strings.Cut(s.Location, "://")
	switch {
	case !ok:
		return "", ""
	case scheme == "file":
		if rest == "" {
			return "snapshots.location names no directory", hint
		}
		if _, err := url.Parse(s.Location); err != nil {
			return "snapshots.location is not a URL", hint
		}
		return "", ""
	case slices.Contains([]string{"s3", "s3a", "abfs", "abfss", "gs", "gcs"}, scheme):
		if strings.Trim(rest, "/") == "" {
			return "snapshots.location names no bucket", "such as " + scheme + "://bucket/snapshots/"
		}
		return "", ""
	}
	return fmt.Sprintf("unknown kind of snapshots location %q", clip(scheme, 20)), hint
}

// off says why no dataset can use snapshots, or "".
func (s *Snapshots) off() string {
	switch reason, _ := unusableLocation(s); {
	case !s.Present:
		return "the file has no snapshots: block"
	case !s.Enabled:
		return "snapshots.enabled is false"
	default:
		return reason
	}
}

// snapshots checks the snapshot keys of one dataset (spec acceleration-snapshots 4.2 and 4.3).
func (e *entry) snapshots(top *Snapshots) {
	r, a, at := &e.raw.Acceleration, &e.ds.Acceleration, e.path(accel+"snapshots")
	a.Snapshots = or(r.Snapshots, a.Snapshots)
	a.SnapshotsCreationPolicy = or(r.SnapshotsCreationPolicy, a.SnapshotsCreationPolicy)
	a.SnapshotsCompaction = r.SnapshotsCompaction == "enabled"
	a.SnapshotsResetExpiryOnLoad = r.SnapshotsResetExpiryOnLoad == "enabled"
	e.retain()
	e.drill()
	e.upload()
	e.unit()
	e.trigger()
	if a.RefreshMode == RefreshSnapshot {
		if a.Snapshots != SnapshotsEnabled && a.Snapshots != SnapshotsBootstrapOnly {
			e.errorf(e.path(accel+"refresh_mode"), "add snapshots: bootstrap_only", "refresh_mode snapshot needs snapshots enabled or bootstrap_only")
		}
		if a.Engine == EngineArrow || a.Engine == EnginePostgres || a.Mode == ModeMemory && a.Engine != EngineCayenne {
			e.errorf(e.path(accel+"refresh_mode"), "use engine: duckdb and mode: file", "refresh_mode snapshot needs an engine with a file")
			return
		}
	}
	if a.Snapshots == SnapshotsDisabled {
		for _, k := range []string{"snapshots_trigger", "snapshots_trigger_threshold", "snapshots_compaction",
			"snapshots_retain", "snapshots_verify", "snapshots_upload", "snapshots_full_every", "snapshots_by", "snapshots_reset_expiry_on_load", "snapshots_creation_policy"} {
			if e.set(accel + k) {
				e.warnf(e.path(accel+k), "add snapshots: enabled", "%s has no effect: the snapshots of the dataset are disabled", k)
			}
		}
		return
	}
	switch {
	case a.Engine == EngineArrow || a.Engine == EnginePostgres:
		e.errorf(at, "use engine: duckdb or sqlite with mode: file", "the %s engine has no snapshots", a.Engine)
	case a.Mode == ModeMemory && a.Engine != EngineCayenne:
		e.errorf(at, "add mode: file", "snapshots need mode: file, the mode is memory")
	}
	if slices.Contains([]string{"format-version", "location", "last-updated-ms"}, e.ds.Name) {
		e.errorf(e.path("name"), "choose another name", "the name %q is reserved in the metadata of snapshots", e.ds.Name)
	}
	if a.SnapshotsResetExpiryOnLoad && a.RefreshMode != RefreshCaching && (!a.RetentionCheckEnabled || a.RetentionPeriod == 0) {
		e.warnf(e.path(accel+"snapshots_reset_expiry_on_load"), "add retention_check_enabled: true and retention_period", "snapshots_reset_expiry_on_load has no effect: no rows expire by retention_period")
	}
	if why := top.off(); why != "" {
		e.warnf(at, "", "the dataset loads without snapshots: %s", why)
		a.Snapshots = SnapshotsDisabled
	}
}

// trigger resolves when snapshots are made (spec acceleration-snapshots 4.3).
func (e *entry) trigger() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	if a.RefreshMode == RefreshSnapshot {
		return // never creates; even invalid settings are ignored
	}
	if e.broken[e.path(accel+"refresh_mode")] || e.broken[e.path(accel+"snapshots_trigger")] {
		return
	}
	allowed := triggers(a.RefreshMode, e.ds.TimeColumn != "")
	a.SnapshotsTrigger = or(r.SnapshotsTrigger, allowed[0])
	if !slices.Contains(allowed, a.SnapshotsTrigger) {
		e.errorf(e.path(accel+"snapshots_trigger"), "allowed: "+strings.Join(strs(allowed...), ", "),
			"snapshots_trigger %s does not fit refresh_mode %s", a.SnapshotsTrigger, a.RefreshMode)
		return
	}
	const key = accel + "snapshots_trigger_threshold"
	if !e.set(key) {
		return
	}
	text := strings.TrimSpace(string(r.SnapshotsTriggerThreshold))
	switch a.SnapshotsTrigger {
	case TriggerRefreshComplete:
		e.warnf(e.path(key), "", "snapshots_trigger_threshold has no effect with snapshots_trigger refresh_complete")
	case TriggerTimeInterval:
		d, err := ParseDuration(text)
		switch {
		case err != nil:
			e.errorf(e.path(key), durationHint, "%s", err)
		case text[len(text)-1] < 'A':
			e.errorf(e.path(key), "such as 10m", "the threshold of time_interval needs a unit, not the bare number %s", text)
		case d == 0:
			e.errorf(e.path(key), "such as 10m", "the interval must not be zero")
		default:
			a.SnapshotsInterval = d
		}
	case TriggerStreamBatches:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			e.errorf(e.path(key), "such as 100", "the threshold of stream_batches must be a whole number above zero, not %q", clip(text, 40))
			return
		}
		a.SnapshotsBatches = n
	}
}

// triggers are the triggers of a refresh mode, the default first.
func triggers(m RefreshMode, timeColumn bool) []SnapshotTrigger {
	switch {
	case m == RefreshCaching:
		return []SnapshotTrigger{TriggerTimeInterval}
	case m == RefreshChanges, m == RefreshDisabled, m == RefreshAppend && !timeColumn:
		return []SnapshotTrigger{TriggerTimeInterval, TriggerStreamBatches}
	}
	return []SnapshotTrigger{TriggerRefreshComplete, TriggerTimeInterval}
}

// checkSharedFiles warns about datasets with the same file: pitwall keeps one file per dataset.
func (l *loader) checkSharedFiles(c *Config) {
	first := map[string]*Dataset{}
	for i, ds := range c.Datasets {
		for _, key := range []string{"duckdb_file", "sqlite_file"} {
			v, ok := ds.Acceleration.Params[key]
			if !ok || ds.Name == "" || !ds.Acceleration.Enabled {
				continue
			}
			file := absFrom(l.dir, v.Reveal())
			old := first[file]
			if old == nil {
				first[file] = ds
				continue
			}
			l.problems = append(l.problems, Problem{Severity: SeverityWarning, File: l.shown(ds.File), Line: ds.Line, Column: 1,
				Path: fmt.Sprintf("datasets[%d].acceleration.params.%s", i, key), Hint: "give each dataset a file of its own",
				Message: fmt.Sprintf("dataset %q has the same %s %s as dataset %q; pitwall keeps one file per dataset", ds.Name, key, filepath.Base(file), old.Name)})
		}
	}
}

// shown is a file as problems name it.
func (l *loader) shown(abs string) string {
	for _, f := range l.files {
		if absolute(f) == abs {
			return f
		}
	}
	return abs
}
