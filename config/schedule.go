package config

import (
	"strings"

	"pitwall/config/secrets"
)

// FileWatcher tells whether changes of local files start refreshes: the param file_watcher, of the
// dataset or of its acceleration (spec data-refresh 2.8).
func (d *Dataset) FileWatcher() bool {
	on := func(params map[string]secrets.Value) bool {
		return strings.EqualFold(params["file_watcher"].Reveal(), "enabled")
	}
	return d.Connector == "file" && d.Acceleration.Enabled && (on(d.Params) || on(d.Acceleration.Params))
}

// ScheduleText says when the dataset is refreshed: "every 10m ± 1m", "cron 0 8 * * *", "on demand", and
// whether changes of its files start a refresh.
func (d *Dataset) ScheduleText() string {
	a := d.Acceleration
	text := "on demand"
	switch {
	case a.RefreshCron != "":
		text = "cron " + a.RefreshCron
	case a.RefreshCheckInterval > 0:
		text = "every " + FormatDuration(a.RefreshCheckInterval)
	}
	if a.RefreshJitterEnabled && a.RefreshJitterMax > 0 {
		text += " ± " + FormatDuration(a.RefreshJitterMax)
	}
	if d.FileWatcher() {
		text += " and on file changes"
	}
	return text
}
