package api_test

import (
	"testing"
	"time"

	"pitwall/runtime/api"
)

func TestTwinLines(t *testing.T) {
	ten := 10 * time.Second
	for _, x := range []struct {
		c          api.Command
		line, curl string
	}{
		{api.RefreshNow{Dataset: "trips"}, "pitwall refresh trips --http-endpoint http://h:1", "curl -X POST http://h:1/v1/datasets/trips/acceleration/refresh"},
		{api.RefreshNow{Dataset: "a b", Mode: "full", SQL: "SELECT * FROM t WHERE a = 'x'", JitterMax: &ten},
			`pitwall refresh 'a b' --refresh-sql 'SELECT * FROM t WHERE a = '\''x'\''' --refresh-mode full --refresh-jitter-max 10000ms --http-endpoint http://h:1`,
			`curl -X POST http://h:1/v1/datasets/a%20b/acceleration/refresh -H 'Content-Type: application/json' -d '{"refresh_jitter_max":"10000ms","refresh_mode":"full","refresh_sql":"SELECT * FROM t WHERE a = '\''x'\''"}'`},
		{api.CancelRefresh{Dataset: "t"}, "curl -X DELETE http://h:1/v1/datasets/t/refreshes/current", "curl -X DELETE http://h:1/v1/datasets/t/refreshes/current"},
	} {
		twin := api.TwinOf(x.c)
		if got := twin.Line("http://h:1"); got != x.line {
			t.Errorf("%s\nwant %s", got, x.line)
		}
		if got := twin.Curl("http://h:1"); got != x.curl {
			t.Errorf("%s\nwant %s", got, x.curl)
		}
	}
}
