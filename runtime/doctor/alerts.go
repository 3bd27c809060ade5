package doctor

import (
	"bytes"
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"pitwall/config"
)

// ruleFile is a file of Prometheus rules.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// snap begins the names of the metrics of snapshots.
const snap = "dataset_acceleration_snapshot_"

// alert is a rule with the annotations that on-call reads first.
func alert(name, severity, wait, expr, summary, description string) rule {
	return rule{Alert: name, Expr: expr, For: wait, Labels: map[string]string{"severity": severity},
		Annotations: map[string]string{"summary": summary, "description": description}}
}

// general are the rules that hold for every dataset.
func general() []rule {
	return []rule{
		alert("PitwallSnapshotFailed", "critical", "",
			"increase("+snap+"failure_count[15m]) > 0",
			"A snapshot of {{ $labels.dataset }} could not be written",
			"pitwall on {{ $labels.instance }} failed to write a snapshot of {{ $labels.dataset }} within the last 15 minutes. What it serves is not harmed, but a new replica would get older data. Look at: pitwall events, pitwall doctor."),
		// The series of a reason begins with its first failure, so that increase does not see that one.
		alert("PitwallBootstrapFailed", "critical", "",
			"increase("+snap+"bootstrap_failure_count[15m]) > 0 or ("+snap+"bootstrap_failure_count unless "+snap+"bootstrap_failure_count offset 15m) > 0",
			"A snapshot of {{ $labels.dataset }} could not be loaded ({{ $labels.reason }})",
			"pitwall on {{ $labels.instance }} could not load a snapshot of {{ $labels.dataset }}: {{ $labels.reason }}. Look at: pitwall snapshots verify {{ $labels.dataset }} --all, and choose a good one by pitwall snapshots set-current."),
		alert("PitwallDatasetError", "critical", "5m",
			"dataset_load_state == 3",
			"{{ $labels.dataset }} is in error",
			"The dataset {{ $labels.dataset }} of pitwall on {{ $labels.instance }} has been in error for 5 minutes. Look at: pitwall datasets, pitwall events."),
		alert("PitwallRefreshFailing", "warning", "",
			"time() - dataset_unavailable_time_ms / 1000 > 15 * 60 and dataset_unavailable_time_ms > 0",
			"Refreshes of {{ $labels.dataset }} have failed for {{ $value | humanizeDuration }}",
			"No refresh of {{ $labels.dataset }} on {{ $labels.instance }} has succeeded for {{ $value | humanizeDuration }}; it serves the data from before."),
		alert("PitwallStreamStopped", "critical", "1m",
			`dataset_acceleration_cdc_phase{phase="stopped"} == 1`,
			"The stream of changes of {{ $labels.dataset }} stopped",
			"The stream that {{ $labels.dataset }} of pitwall on {{ $labels.instance }} follows stopped at something that somebody has to decide about; it serves the rows from before. Look at: pitwall why {{ $labels.dataset }}, then pitwall refresh (retry), or pitwall stream skip, or pitwall stream rebootstrap."),
		alert("PitwallStreamBehind", "warning", "5m",
			"dataset_acceleration_cdc_lag_records > 1000 and dataset_acceleration_cdc_replication_lag_ms > 5 * 60 * 1000",
			"{{ $labels.dataset }} is behind its stream of changes",
			"The newest change that {{ $labels.dataset }} of pitwall on {{ $labels.instance }} has applied is older than 5 minutes, and more than 1000 records wait. Look at: pitwall why {{ $labels.dataset }}."),
		alert("PitwallRetentionFailing", "warning", "15m",
			"dataset_acceleration_retention_failing == 1",
			"Old rows of {{ $labels.dataset }} are not removed",
			"The retention checks of {{ $labels.dataset }} on {{ $labels.instance }} fail; its data grows."),
	}
}

// stale is the rule for a dataset whose snapshots should come once in a period. A look that found nothing to
// write counts: nothing is lost then. So does the time since the start, for writers that never wrote one. Of
// several writers one is enough.
func stale(dataset string, every time.Duration, text string) rule {
	limit := max(2*every, 2*time.Minute)
	of := fmt.Sprintf("{dataset=%q}", dataset)
	secs := int64(limit.Seconds())
	window := fmt.Sprintf("%ds", secs)
	const by = "max by (job, dataset) "
	written := by + "(" + snap + "write_timestamp" + of + ")"
	expr := fmt.Sprintf("(time() - %s > %d\n or (%s(%s) unless %s) and on (job) max by (job) (time() - process_start_time_seconds) > %d)\nunless %s(increase(%s[%s])) > 0",
		written, secs, by, snap+"failure_count"+of, written, secs, by, snap+"skipped_count"+of, window)
	r := alert("PitwallSnapshotStale", "warning", "1m", expr, "The newest snapshot of "+dataset+" is stale",
		fmt.Sprintf("A snapshot of %s is expected %s, but no pitwall of {{ $labels.job }} has written one for longer than %s. Look at: pitwall doctor --http-endpoint, pitwall events.", dataset, text, config.FormatDuration(limit)))
	r.Labels["dataset"] = dataset // as in the series; rules of one name have to differ in their labels
	return r
}

// Alerts returns Prometheus alert rules for the datasets of a spicepod.
func Alerts(c *config.Config, now time.Time) ([]byte, error) {
	file := ruleFile{Groups: []ruleGroup{{Name: "pitwall", Rules: general()}}}
	var fresh []rule
	for _, ds := range c.Datasets {
		if every, text := period(ds, now); writes(ds) && every > 0 {
			fresh = append(fresh, stale(ds.Name, every, text))
		}
	}
	if len(fresh) > 0 {
		file.Groups = append(file.Groups, ruleGroup{Name: "pitwall-snapshots", Rules: fresh})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Alert rules for pitwall, written by pitwall doctor --alerts from the spicepod %q.\n# Write them anew when its datasets or their triggers change.\n", c.Name)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(file); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}
