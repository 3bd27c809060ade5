package doctor_test

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/config"
	"pitwall/runtime/doctor"
)

// load reads a spicepod from text.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "spicepod.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := config.Inspect(dir, config.LoadOptions{})
	if r.Config == nil {
		t.Fatal(r.Problems)
	}
	return r.Config
}

// The datasets of testdata/alerts_test.yml.
const alerting = `version: v1
kind: Spicepod
name: alerting
snapshots: {location: ./snaps}
datasets:
  - {from: 'file:a.csv', name: trips, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, snapshots: enabled}}
  - {from: 'file:a.csv', name: 'lake.fares', acceleration: {engine: sqlite, mode: file, snapshots: create_only, snapshots_trigger: time_interval, snapshots_trigger_threshold: 1h}}
  - {from: 'file:a.csv', name: cron, acceleration: {engine: duckdb, mode: file, refresh_cron: '0 6 * * *', snapshots: enabled}}
  - {from: 'file:a.csv', name: demand, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: reader, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, snapshots: bootstrap_only}}
  - {from: 'file:a.csv', name: memory, acceleration: {engine: duckdb}}
`

//go:embed testdata/alerts_test.yml
var alertSeries []byte

// TestAlertsInPrometheus has promtool read the rules, and run them over the series of testdata/alerts_test.yml.
func TestAlertsInPrometheus(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed; it is in Debian's package prometheus")
	}
	rules, err := doctor.Alerts(load(t, alerting), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), rules, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts_test.yml"), alertSeries, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yml"}, {"test", "rules", "alerts_test.yml"}} {
		c := exec.CommandContext(t.Context(), promtool, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("promtool %v: %v\n%s\n%s", args, err, out, rules)
		}
	}
}

func TestAlertsAreOfTheSpicepod(t *testing.T) {
	rules, err := doctor.Alerts(load(t, alerting), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{dataset="trips"}) > 1200`, `{dataset="lake.fares"}) > 7200`, `{dataset="cron"}) > 172800`} {
		if !strings.Contains(string(rules), want) {
			t.Errorf("no %s in %s", want, rules)
		}
	}
	for _, other := range []string{"demand", "reader", "memory"} {
		if strings.Contains(string(rules), `"`+other+`"`) {
			t.Errorf("a rule for %s, whose snapshots come when they come", other)
		}
	}
}

func TestDashboardIsWhole(t *testing.T) {
	text, err := doctor.Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			ID      int
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || len(d.Panels) < 10 {
		t.Fatalf("%d panels, %v", len(d.Panels), err)
	}
	ids, at := map[int]bool{}, map[[2]int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || at[[2]int{p.GridPos.X, p.GridPos.Y}] || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 || p.Targets[0].Expr == "" {
			t.Errorf("%+v", p)
		}
		ids[p.ID], at[[2]int{p.GridPos.X, p.GridPos.Y}] = true, true
	}
}
