package runtime

import (
	"time"

	"go.yaml.in/yaml/v4"

	"pitwall/config"
	"pitwall/runtime/api"
)

// describe copies what the spicepod says into the state.
func (a *actor) describe() {
	d := a.cfg()
	c := d.Acceleration
	s := &a.st
	s.Name, s.Description, s.From, s.DependsOn = d.Name, d.Description, d.From, d.DependsOn
	s.TimeColumn, s.RefreshSQL, s.Patched = d.TimeColumn, a.refreshSQL(), a.patched != ""
	s.ReadyOnRegistration, s.ZeroResults = d.ReadyState == config.ReadyOnRegistration, string(c.OnZeroResults)
	if s.Window = c.RefreshDataWindow; s.Window == 0 && d.TimeColumn != "" {
		s.Window = c.RetentionPeriod
	}
	s.Metrics = c.Metrics
	a.describeRetention()
	s.Config = effective(d)
	s.Engine, s.Mode, s.RefreshMode, s.Schedule, s.File = "", "", "", "", ""
	s.Jitter = 0
	s.Snapshots.Mode, s.Snapshots.Off = string(config.SnapshotsDisabled), a.usesSnapshots()
	if !c.Enabled {
		return
	}
	s.Engine, s.Mode, s.RefreshMode, s.File = string(c.Engine), "memory", string(c.RefreshMode), a.file
	switch {
	case c.Engine == config.EnginePostgres:
		s.Mode = "external"
	case a.file != "":
		s.Mode = "file"
	}
	s.Schedule, s.PrimaryKey = d.ScheduleText(), keysOf(c).Primary
	if c.RefreshJitterEnabled {
		s.Jitter = c.RefreshJitterMax
	}
	s.Snapshots.Mode, s.Snapshots.Trigger, s.Snapshots.Policy = string(c.Snapshots), "", ""
	if c.Snapshots == config.SnapshotsBootstrapOnly || a.follows() {
		return
	}
	s.Snapshots.Trigger, s.Snapshots.Policy = string(c.SnapshotsTrigger), string(c.SnapshotsCreationPolicy)
	s.Snapshots.Retain = c.SnapshotsRetain.String()
	if c.SnapshotsTrigger == config.TriggerTimeInterval {
		s.Snapshots.Trigger += " every " + config.FormatDuration(c.SnapshotsInterval)
	}
}

// describeRetention keeps what is counted when only the settings change.
func (a *actor) describeRetention() {
	c := a.cfg().Acceleration
	if !c.Enabled || !c.RetentionCheckEnabled {
		a.st.Retention = nil
		return
	}
	if a.st.Retention == nil {
		a.st.Retention = &api.Retention{}
	}
	a.retention(func(r *api.Retention) {
		r.Period, r.SQL, r.Every = c.RetentionPeriod, c.RetentionSQL, c.RetentionCheckInterval
	})
}

// effective writes what pitwall acts on, with defaults resolved and secrets masked, as YAML.
func effective(d *config.Dataset) string {
	c := d.Acceleration
	m := yaml.Node{Kind: yaml.MappingNode}
	put := func(to *yaml.Node, key string, v any) {
		var n yaml.Node
		if n.Encode(v) == nil {
			to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &n)
		}
	}
	text := func(to *yaml.Node, key, v string) {
		if v != "" {
			put(to, key, v)
		}
	}
	span := func(to *yaml.Node, key string, v time.Duration) {
		if v > 0 {
			put(to, key, config.FormatDuration(v))
		}
	}
	text(&m, "from", d.From)
	text(&m, "name", d.Name)
	text(&m, "description", d.Description)
	if len(d.Params) > 0 {
		p := map[string]string{}
		for k, v := range d.Params {
			p[k] = v.String()
		}
		put(&m, "params", p)
	}
	text(&m, "time_column", d.TimeColumn)
	if d.TimeColumn != "" {
		text(&m, "time_format", string(d.TimeFormat))
	}
	text(&m, "time_partition_column", d.TimePartitionColumn)
	text(&m, "time_partition_format", string(d.TimePartitionFormat))
	text(&m, "ready_state", string(d.ReadyState))
	text(&m, "on_schema_change", string(d.OnSchemaChange))
	text(&m, "unsupported_type_action", string(d.UnsupportedTypeAction))
	acc := yaml.Node{Kind: yaml.MappingNode}
	put(&acc, "enabled", c.Enabled)
	if c.Enabled {
		text(&acc, "engine", string(c.Engine))
		text(&acc, "mode", string(c.Mode))
		text(&acc, "refresh_mode", string(c.RefreshMode))
		span(&acc, "refresh_check_interval", c.RefreshCheckInterval)
		text(&acc, "refresh_cron", c.RefreshCron)
		text(&acc, "refresh_sql", c.RefreshSQL)
		span(&acc, "refresh_data_window", c.RefreshDataWindow)
		span(&acc, "refresh_append_overlap", c.RefreshAppendOverlap)
		put(&acc, "refresh_retry_enabled", c.RefreshRetryEnabled)
		if c.RefreshRetryMaxAttempts != nil {
			put(&acc, "refresh_retry_max_attempts", *c.RefreshRetryMaxAttempts)
		}
		if c.RefreshJitterEnabled {
			span(&acc, "refresh_jitter_max", c.RefreshJitterMax)
		}
		text(&acc, "refresh_on_startup", string(c.RefreshOnStartup))
		if c.RetentionCheckEnabled {
			put(&acc, "retention_check_enabled", true)
			span(&acc, "retention_check_interval", c.RetentionCheckInterval)
			span(&acc, "retention_period", c.RetentionPeriod)
			text(&acc, "retention_sql", c.RetentionSQL)
		}
		text(&acc, "on_zero_results", string(c.OnZeroResults))
		text(&acc, "primary_key", c.PrimaryKey)
		if len(c.Indexes) > 0 {
			put(&acc, "indexes", c.Indexes)
		}
		if len(c.OnConflict) > 0 {
			put(&acc, "on_conflict", c.OnConflict)
		}
		text(&acc, "snapshots", string(c.Snapshots))
		if c.Snapshots != config.SnapshotsDisabled {
			text(&acc, "snapshots_trigger", string(c.SnapshotsTrigger))
			text(&acc, "snapshots_creation_policy", string(c.SnapshotsCreationPolicy))
		}
		if len(c.Params) > 0 {
			p := map[string]string{}
			for k, v := range c.Params {
				p[k] = v.String()
			}
			put(&acc, "params", p)
		}
	}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "acceleration"}, &acc)
	out, err := yaml.Marshal(&m)
	if err != nil {
		return "# " + err.Error() + "\n"
	}
	return string(out)
}

func configStatus(c *config.Config, generation int) api.ConfigStatus {
	return api.ConfigStatus{Path: c.Path, Name: c.Name, Version: c.Version, Generation: generation, AppliedAt: time.Now(), Problems: apiProblems(c.Warnings), Places: places(c)}
}

// places says where the datasets stand.
func places(c *config.Config) map[string]api.Place {
	out := map[string]api.Place{}
	for _, d := range c.Datasets {
		out[d.Name] = api.Place{File: d.File, Line: d.Line, Keys: c.Lines[d.Name]}
	}
	return out
}

func apiProblems(ps []config.Problem) []api.Problem {
	out := make([]api.Problem, len(ps))
	for i, p := range ps {
		out[i] = api.Problem{Severity: string(p.Severity), File: p.File, Line: p.Line, Column: p.Column,
			Path: p.Path, Dataset: p.Dataset, Message: p.Message, Hint: p.Hint, Excerpt: p.Excerpt}
	}
	return out
}
