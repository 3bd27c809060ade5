package config

import (
	"slices"
	"strings"
	"testing"
)

const queuePod = `version: v1
kind: Spicepod
name: t
snapshots:
  location: s3://b/snaps/
  params: {s3_queue_url: "https://sqs.eu-west-1.amazonaws.com/1/one"}
datasets:
  - {from: "file:a.csv", name: d, acceleration: {engine: duckdb, mode: file, refresh_mode: snapshot, snapshots: bootstrap_only}}
`

func TestQueueWithoutReadersIsWarnedAbout(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           bool
	}{
		{"a reader", "", "", false},
		{"no reader", "refresh_mode: snapshot, ", "", true},
		{"a reader that is off", "refresh_mode: snapshot", "enabled: false, refresh_mode: snapshot", true},
		{"snapshots are off", "location:", "enabled: false\n  location:", false},
		{"plain http that is allowed", "https://sqs.eu-west-1.amazonaws.com/1/one\"", "http://queues.example/1/one\", allow_http: yes", false},
		{"no queue", "s3_queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/one\"", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(queuePod, c.old, c.new, 1)
			if (src == queuePod) != (c.old == "") {
				t.Fatal("nothing was replaced")
			}
			_, ps := Parse([]byte(src), "/pod/spicepod.yml", LoadOptions{Env: noEnv})
			if errs := Errors(ps); len(errs) > 0 {
				t.Fatal(errs)
			}
			got := slices.ContainsFunc(ps, func(p Problem) bool { return strings.Contains(p.Message, "s3_queue_url has no effect") })
			if got != c.want {
				t.Errorf("warned: %v; %v", got, ps)
			}
		})
	}
}

func TestQueueIsChangedWithoutARestart(t *testing.T) {
	old := mustParse(t, queuePod, nil)
	for _, src := range []string{strings.Replace(queuePod, "1/one", "1/two", 1), strings.Replace(queuePod, "s3_queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/one\"", "", 1)} {
		c := Diff(old, mustParse(t, src, nil))
		if len(c.Top) != 1 || c.Top[0].Path != "snapshots.params.s3_queue_url" || c.Top[0].Effect != EffectLive {
			t.Errorf("%+v", c.Top)
		}
	}
}
