package config

import (
	"strings"
	"testing"
)

func TestParsePartition(t *testing.T) {
	for in, want := range map[string]PartitionExpr{
		"region":                    {Name: "region", Column: "region"},
		`"Order Region"`:            {Name: "Order Region", Column: "Order Region"},
		"bucket(100, user_id)":      {Name: "bucket_100_user_id", Func: "bucket", N: 100, Column: "user_id"},
		`BUCKET( 8 ,"a,b")`:         {},
		"truncate(10, id)":          {Name: "truncate_10_id", Func: "truncate", N: 10, Column: "id"},
		"YEAR(ts)":                  {Name: "year_ts", Func: "year", Column: "ts"},
		" month ( ts ) ":            {Name: "month_ts", Func: "month", Column: "ts"},
		"date_trunc('Day', ts)":     {Name: "date_trunc_day_ts", Func: "date_trunc_day", Column: "ts"},
		"date_part('hour', \"ts\")": {Name: "hour_ts", Func: "hour", Column: "ts"},
		"date_trunc('week', ts)":    {},
		"bucket(0, id)":             {},
		"bucket(id)":                {},
		"lower(region)":             {},
		"a || b":                    {},
		"year(a + b)":               {},
		"":                          {},
	} {
		got, err := parsePartition(in)
		if got != want || (err == nil) != (want != PartitionExpr{}) {
			t.Errorf("%q: %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestPartitionBy(t *testing.T) {
	for _, tt := range []struct{ engine, by, names, problem string }{
		{"cayenne", `[region, {"by day": "date_trunc('day', ts)"}]`, "region,by_day", ""},
		{"cayenne", `[{a: id}, {a: ts}]`, "a", `two levels "a"`},
		{"cayenne", `[region, lower(name)]`, "", `does not partition by "lower(name)"; the dataset is not partitioned`},
		{"duckdb", `[region]`, "", "no effect with engine duckdb"},
	} {
		c, problems := Parse([]byte("version: v1\nkind: Spicepod\nname: p\ndatasets:\n  - from: file:a.parquet\n    name: d\n    acceleration:\n      engine: "+tt.engine+"\n      mode: file\n      partition_by: "+tt.by+"\n"), "spicepod.yml", LoadOptions{})
		var text []string
		for _, p := range problems {
			text = append(text, p.String())
		}
		all := strings.Join(text, "\n")
		if tt.problem == "" && all != "" || !strings.Contains(all, tt.problem) {
			t.Errorf("%+v: %s", tt, all)
		}
		if c == nil || len(c.Datasets) == 0 {
			continue
		}
		var names []string
		for _, p := range c.Datasets[0].Acceleration.PartitionBy {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, ","); got != tt.names {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
