package doctor

import (
	"bytes"
	"encoding/json"
)

// The parts of a Grafana dashboard that are used.
type (
	dashboard struct {
		Title         string    `json:"title"`
		UID           string    `json:"uid"`
		Tags          []string  `json:"tags"`
		SchemaVersion int       `json:"schemaVersion"`
		Editable      bool      `json:"editable"`
		Refresh       string    `json:"refresh"`
		Time          timeRange `json:"time"`
		Templating    variables `json:"templating"`
		Panels        []panel   `json:"panels"`
	}
	timeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	variables struct {
		List []variable `json:"list"`
	}
	variable struct {
		Name       string         `json:"name"`
		Label      string         `json:"label"`
		Type       string         `json:"type"`
		Query      any            `json:"query"`
		Datasource *source        `json:"datasource,omitempty"`
		Definition string         `json:"definition,omitempty"`
		Refresh    int            `json:"refresh,omitempty"`
		Multi      bool           `json:"multi,omitempty"`
		IncludeAll bool           `json:"includeAll,omitempty"`
		AllValue   string         `json:"allValue,omitempty"`
		Current    map[string]any `json:"current,omitempty"`
	}
	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	panel struct {
		ID          int      `json:"id"`
		Title       string   `json:"title"`
		Description string   `json:"description,omitempty"`
		Type        string   `json:"type"`
		Datasource  source   `json:"datasource"`
		GridPos     grid     `json:"gridPos"`
		FieldConfig fields   `json:"fieldConfig"`
		Targets     []target `json:"targets"`
	}
	grid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	fields struct {
		Defaults  field `json:"defaults"`
		Overrides []any `json:"overrides"`
	}
	field struct {
		Unit     string    `json:"unit"`
		Min      *float64  `json:"min,omitempty"`
		Mappings []mapping `json:"mappings,omitempty"`
	}
	mapping struct {
		Type    string         `json:"type"`
		Options map[string]any `json:"options"`
	}
	target struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		RefID        string `json:"refId"`
	}
)

// prometheus is the data source that is chosen at the top of the dashboard.
var prometheus = source{"prometheus", "${datasource}"}

// graph is what a panel shows; of is the selection of datasets.
type graph struct{ title, description, unit, expr, legend string }

// graphs are the panels, two in a row.
func graphs() []graph {
	const of, by = `{dataset=~"$dataset"}`, "{{dataset}}"
	return []graph{
		{"Snapshot failures in 15 minutes", "Above 0 something is wrong: PitwallSnapshotFailed.", "short", "increase(" + snap + "failure_count" + of + "[15m])", by},
		{"Age of the newest snapshot", "As written by this process; empty until it has written one.", "s", "time() - " + snap + "write_timestamp" + of, by},
		{"Time to write a snapshot, 95th percentile", "", "ms", "histogram_quantile(0.95, sum by (dataset, le) (rate(" + snap + "write_duration_ms_bucket" + of + "[1h])))", by},
		{"Size of the newest snapshot", "", "bytes", snap + "write_bytes" + of, by},
		{"Snapshots skipped in an hour, because nothing changed", "", "short", "increase(" + snap + "skipped_count" + of + "[1h])", by},
		{"Snapshots that could not be loaded, in an hour", "", "short", "sum by (dataset, reason) (increase(" + snap + "bootstrap_failure_count" + of + "[1h]))", by + " {{reason}}"},
		{"Bytes of the snapshot that was loaded", "Empty for a dataset that was loaded from its source.", "bytes", snap + "bootstrap_bytes" + of, by},
		{"Time spent loading snapshots", "Since the process started.", "ms", snap + "bootstrap_duration_ms" + of, by},
		{"Time since the last refresh", "", "s", "time() - dataset_acceleration_last_refresh_unix_time_ms" + of + " / 1000", by},
		{"Refresh errors in 15 minutes", "", "short", "sum by (dataset) (increase(dataset_acceleration_refresh_errors" + of + "[15m]))", by},
		{"Time of a refresh, 95th percentile", "", "ms", "histogram_quantile(0.95, sum by (dataset, le) (rate(dataset_acceleration_refresh_duration_ms_bucket" + of + "[1h])))", by},
		{"Rows", "", "short", "dataset_acceleration_rows" + of, by},
	}
}

// Dashboard returns a dashboard for Grafana, to be imported there.
func Dashboard() ([]byte, error) {
	d := dashboard{Title: "pitwall", UID: "pitwall", Tags: []string{"pitwall"}, SchemaVersion: 39, Editable: true, Refresh: "30s",
		Time: timeRange{"now-6h", "now"}}
	all := map[string]any{"text": "All", "value": "$__all"}
	const values = "label_values(dataset_load_state, dataset)"
	d.Templating.List = []variable{
		{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
		{Name: "dataset", Label: "Dataset", Type: "query", Query: map[string]any{"query": values, "refId": "datasets"}, Definition: values,
			Datasource: &prometheus, Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".*", Current: all},
	}
	states := []mapping{{"value", map[string]any{}}}
	for i, text := range []string{"Initializing", "Ready", "Disabled", "Error", "Refreshing", "ShuttingDown"} {
		states[0].Options[string(rune('0'+i))] = map[string]any{"text": text, "index": i}
	}
	const height, width, column = 8, 24, 12
	d.Panels = append(d.Panels, panel{ID: 1, Title: "Status", Type: "state-timeline", Datasource: prometheus, GridPos: grid{height, width, 0, 0},
		FieldConfig: fields{field{Unit: "short", Mappings: states}, []any{}}, Targets: []target{{`dataset_load_state{dataset=~"$dataset"}`, "{{dataset}}", "A"}}})
	zero := 0.0
	for i, g := range graphs() {
		d.Panels = append(d.Panels, panel{ID: i + 2, Title: g.title, Description: g.description, Type: "timeseries", Datasource: prometheus,
			GridPos:     grid{height, column, i % 2 * column, (i/2 + 1) * height},
			FieldConfig: fields{field{Unit: g.unit, Min: &zero}, []any{}}, Targets: []target{{g.expr, g.legend, "A"}}})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(d)
	return b.Bytes(), err
}
