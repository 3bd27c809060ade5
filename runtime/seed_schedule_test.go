package runtime_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

func httpFace(o *launch.Options) { o.HTTP = "127.0.0.1:0" }

// http asks the HTTP API.
func (b *bed) http(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, "http://"+b.Faces.HTTP()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// triggered waits for a finished refresh by a trigger that is newer than n refreshes.
func (b *bed) triggered(name, trigger string, n int) *api.Dataset {
	b.t.Helper()
	return b.dataset(name, "refreshed by "+trigger, func(d *api.Dataset) bool {
		return len(d.Refreshes) > n && d.Refreshes[0].Trigger == trigger && d.Run == nil
	})
}

func TestSeedStartup(t *testing.T) {
	// again runs a dataset twice, with other data at its source the second time.
	again := func(t *testing.T, acceleration string) *bed {
		b := aBed(t, "", acceleration, cities(10))
		b.ready("d", 10)
		b.stop()
		b.write("a.csv", cities(20))
		return b.start()
	}
	for _, setting := range []string{"", "refresh_on_startup: auto"} {
		t.Run("auto without an interval does not refresh "+setting, func(t *testing.T) {
			b := again(t, setting)
			if d := b.ready("d", 10); len(d.Refreshes) != 0 || d.Run != nil || !d.NextRefresh.IsZero() || d.LastRefresh.IsZero() {
				t.Errorf("%d refreshes, next %v, last %v", len(d.Refreshes), d.NextRefresh, d.LastRefresh)
			}
			b.refresh("d") // on demand only
			b.ready("d", 20)
		})
	}
	t.Run("auto with an interval goes on from the last refresh", func(t *testing.T) {
		b := again(t, "refresh_check_interval: 1h")
		d := b.dataset("d", "has its next refresh", func(d *api.Dataset) bool { return !d.NextRefresh.IsZero() })
		if wait := d.NextRefresh.Sub(d.LastRefresh); len(d.Refreshes) != 0 || d.Rows != 10 || wait < 59*time.Minute || wait > 61*time.Minute {
			t.Errorf("%d refreshes, %d rows, next %s after the last", len(d.Refreshes), d.Rows, wait)
		}
	})
	t.Run("auto with an interval that has elapsed refreshes at once", func(t *testing.T) {
		b := aBed(t, "", "refresh_check_interval: 1ms", cities(10))
		b.ready("d", 10)
		b.stop()
		b.write("a.csv", cities(20))
		b.start()
		b.ready("d", 20)
	})
	t.Run("always refreshes on every startup", func(t *testing.T) {
		b := again(t, "refresh_on_startup: always, refresh_check_interval: 1h")
		b.ready("d", 20)
	})
}

func TestSeedIntervalDemandAndCron(t *testing.T) {
	t.Run("refresh_check_interval refreshes that often", func(t *testing.T) {
		b := aBed(t, "", "refresh_check_interval: 200ms", cities(10))
		b.ready("d", 10)
		b.write("a.csv", cities(12))
		d := b.ready("d", 12)
		if r := d.Refreshes; r[0].Trigger != "interval" || r[0].StartedAt.Sub(r[1].StartedAt.Add(r[1].Duration)) < 190*time.Millisecond {
			t.Errorf("%+v", r)
		}
	})
	t.Run("on demand through the API", func(t *testing.T) {
		b := aBed(t, "", "", cities(10), httpFace)
		n := len(b.ready("d", 10).Refreshes)
		b.write("a.csv", cities(11))
		code, body := b.http("POST", "/v1/datasets/d/acceleration/refresh", "")
		if code != http.StatusCreated || !strings.Contains(body, "Dataset refresh triggered for d.") {
			t.Errorf("%d %s", code, body)
		}
		b.triggered("d", "manual", n)
		b.wants("SELECT count(*) AS n FROM d", "n\n11")
	})
	t.Run("on demand terminates the refresh in progress", func(t *testing.T) {
		v := newValve()
		v.Open()
		b := aBed(t, "", "", cities(10), v.options)
		b.ready("d", 10)
		v.Close()
		first := b.send(api.RefreshNow{Dataset: "d"})
		<-v.reading
		b.write("a.csv", cities(11))
		second := b.send(api.RefreshNow{Dataset: "d"})
		if task := b.task(first); task.State != api.TaskCancelled {
			t.Errorf("the first: %+v", task)
		}
		<-v.reading
		v.Open()
		if task := b.task(second); task.State != api.TaskDone {
			t.Errorf("the second: %+v", task)
		}
		if d := b.ready("d", 11); d.Refreshes[1].Outcome != api.Superseded {
			t.Errorf("%+v", d.Refreshes)
		}
	})
	t.Run("refresh_cron at midday every weekday", func(t *testing.T) {
		b := aBed(t, "", "refresh_cron: '0 12 * * 1-5'", cities(10))
		d := b.dataset("d", "knows its times", func(d *api.Dataset) bool { return len(d.Upcoming) == 5 })
		for i, at := range d.Upcoming {
			if at = at.Local(); at.Hour() != 12 || at.Minute() != 0 || at.Second() != 0 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
				t.Errorf("time %d is %s", i, at)
			}
		}
	})
	t.Run("refresh_cron refreshes", func(t *testing.T) {
		b := aBed(t, "", "refresh_cron: '* * * * * *'", cities(10))
		b.write("a.csv", cities(12))
		n := len(b.ready("d", 12).Refreshes)
		if d := b.triggered("d", "cron", n); d.Refreshes[0].StartedAt.Nanosecond() > int(500*time.Millisecond) {
			t.Logf("it began at %s", d.Refreshes[0].StartedAt)
		}
	})
	t.Run("refresh_cron and refresh_check_interval exclude each other", func(t *testing.T) {
		refused(t, aPod("", "refresh_cron: '0 12 * * *', refresh_check_interval: 1h"), "refresh_cron", "refresh_check_interval")
	})
}

func TestSeedRetries(t *testing.T) {
	missing := func(t *testing.T, acceleration string) *bed {
		return newBed(t, map[string]string{"spicepod.yml": aPod("", acceleration)}).start()
	}
	t.Run("transient errors are retried with Fibonacci backoff", func(t *testing.T) {
		b := missing(t, "")
		for i, want := range []time.Duration{time.Second, 2 * time.Second} {
			d := b.dataset("d", fmt.Sprint("waits for re-try ", i+1), func(d *api.Dataset) bool { return d.Retry != nil && d.Retry.Attempt == i+1 })
			end := d.Refreshes[0].StartedAt.Add(d.Refreshes[0].Duration)
			if wait := d.Retry.At.Sub(end); wait < want*7/10-50*time.Millisecond || wait > want*13/10+time.Second/2 || d.Retry.Max != 0 {
				t.Errorf("re-try %d of %d after %s", d.Retry.Attempt, d.Retry.Max, wait)
			}
		}
		b.write("a.csv", cities(3))
		if d := b.ready("d", 3); d.Refreshes[0].Attempt != 3 || d.Refreshes[0].Trigger != "retry" || d.Failures != 2 {
			t.Errorf("%+v, %d failures", d.Refreshes[0], d.Failures)
		}
	})
	t.Run("errors of the configuration are not retried", func(t *testing.T) {
		b := aBed(t, "", "refresh_sql: SELECT nix FROM d", cities(3))
		if d := b.failing("d"); d.Retry != nil || !strings.Contains(d.Err, "nix") {
			t.Errorf("%q, retry %v", d.Err, d.Retry)
		}
	})
	t.Run("refresh_retry_enabled: false", func(t *testing.T) {
		b := missing(t, "refresh_retry_enabled: false")
		if d := b.dataset("d", "failed", func(d *api.Dataset) bool { return d.Failures == 1 && d.Run == nil }); d.Retry != nil || !d.NextRefresh.IsZero() {
			t.Errorf("retry %v, next %s", d.Retry, d.NextRefresh)
		}
	})
	t.Run("refresh_retry_max_attempts", func(t *testing.T) {
		b := missing(t, "refresh_retry_max_attempts: 1")
		if d := b.dataset("d", "waits", func(d *api.Dataset) bool { return d.Retry != nil }); d.Retry.Max != 1 {
			t.Errorf("%+v", d.Retry)
		}
		if d := b.dataset("d", "gave up", func(d *api.Dataset) bool { return d.Failures == 2 && d.Run == nil }); d.Retry != nil || !d.NextRefresh.IsZero() {
			t.Errorf("retry %v, next %s", d.Retry, d.NextRefresh)
		}
	})
}

func TestSeedRetention(t *testing.T) {
	const check = "refresh_mode: append, retention_check_enabled: true, retention_check_interval: 100ms, "
	t.Run("by time evicts what exceeds retention_period", func(t *testing.T) {
		rows := fmt.Sprintf("at,v\n%d,old\n%d,soon\n%d,new\n", ago(time.Hour), ago(0)-1, ago(0)+3600)
		b := aBed(t, unixTime, check+"refresh_data_window: 1d, retention_period: 3s", rows)
		b.dataset("d", "loaded", func(d *api.Dataset) bool { return d.HasData })
		b.ready("d", 1) // the one that became too old meanwhile went by a check
		b.wants("SELECT v FROM d", "v\nnew")
		if d := b.Runtime.State().Dataset("d"); d.Retention.Evicted != 2 {
			t.Errorf("%+v", d.Retention)
		}
	})
	t.Run("by retention_sql evicts what is soft-deleted", func(t *testing.T) {
		b := aBed(t, unixTime, check+"retention_sql: DELETE FROM d WHERE status = 'archived'", "at,status\n1,open\n2,archived\n3,\n")
		b.ready("d", 2)
		b.wants(`SELECT "at" FROM d ORDER BY 1`, "at\n1\n3")
	})
	t.Run("both are applied in each check", func(t *testing.T) {
		rows := fmt.Sprintf("at,v\n%d,keep\n%d,old\n%d,gone\n", ago(time.Minute), ago(2*time.Hour), ago(time.Minute))
		b := aBed(t, unixTime, check+"refresh_data_window: 1d, retention_period: 1h, retention_sql: DELETE FROM d WHERE v = 'gone'", rows)
		b.ready("d", 1)
		b.wants("SELECT v FROM d", "v\nkeep")
	})
	t.Run("is off by default", func(t *testing.T) {
		b := aBed(t, unixTime, "", fmt.Sprintf("at,v\n%d,1\n", ago(1000*day)))
		if d := b.ready("d", 1); d.Retention != nil {
			t.Errorf("%+v", d.Retention)
		}
	})
	t.Run("retention_check_enabled requires an interval and a period", func(t *testing.T) {
		refused(t, aPod(unixTime, "retention_check_enabled: true, retention_period: 1h"), "retention_check_interval")
		refused(t, aPod(unixTime, "retention_check_enabled: true, retention_check_interval: 1h"), "retention_period")
	})
	t.Run("retention_sql is a DELETE FROM its dataset with WHERE", func(t *testing.T) {
		for _, sql := range []string{"DELETE FROM d", "DELETE FROM other WHERE id = 1", "SELECT id FROM d"} {
			refused(t, aPod("", "retention_check_enabled: true, retention_check_interval: 1h, retention_sql: "+sql), "retention_sql")
		}
	})
}

func TestSeedJitter(t *testing.T) {
	// many is a pod of 16 datasets.
	many := func(acceleration string) string {
		var s strings.Builder
		s.WriteString("\nruntime: {dataset_load_parallelism: 16}\ndatasets:\n")
		for i := range 16 {
			fmt.Fprintf(&s, "  - {from: 'file:a.csv', name: d%d, acceleration: {%s}}\n", i, acceleration)
		}
		return s.String()
	}
	loaded := func(s *api.State) bool {
		for _, d := range s.Datasets {
			if !d.HasData || d.Run != nil {
				return false
			}
		}
		return true
	}
	for _, c := range []struct {
		name, setting string
		most          time.Duration
	}{
		{"moves each refresh by up to refresh_jitter_max", ", refresh_jitter_max: 30m", 30 * time.Minute},
		{"is up to a tenth of the interval by default", "", 6 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": many("refresh_check_interval: 1h"), "a.csv": cities(3)}).start()
			b.until("all loaded", loaded)
			b.write("spicepod.yml", many("refresh_check_interval: 1h, refresh_jitter_enabled: true"+c.setting))
			b.until("the jitter", generation(2))
			before, after, slack := 0, 0, 20*time.Second
			for i := range 16 {
				none := time.Duration(0) // the refresh itself is not moved
				name := fmt.Sprint("d", i)
				b.do(api.RefreshNow{Dataset: name, JitterMax: &none})
				d := b.Runtime.State().Dataset(name)
				move := d.NextRefresh.Sub(d.Refreshes[0].StartedAt.Add(d.Refreshes[0].Duration)) - time.Hour
				if move < -c.most-slack || move > c.most+slack {
					t.Errorf("moved by %s", move)
				}
				if move < -time.Second {
					before++
				} else if move > time.Second {
					after++
				}
			}
			if before == 0 || after == 0 {
				t.Errorf("%d before and %d after their interval", before, after)
			}
		})
	}
	t.Run("applies to the initial load", func(t *testing.T) {
		begin := time.Now()
		b := newBed(t, map[string]string{"spicepod.yml": many("refresh_jitter_enabled: true, refresh_jitter_max: 2s, refresh_check_interval: 1h"), "a.csv": cities(3)}).start()
		var first, last time.Duration = time.Hour, 0
		for _, d := range b.until("all loaded", loaded).Datasets {
			at := d.Refreshes[len(d.Refreshes)-1].StartedAt.Sub(begin)
			first, last = min(first, at), max(last, at)
		}
		if last-first < 200*time.Millisecond || last > 6*time.Second {
			t.Errorf("the loads began from %s to %s", first, last)
		}
	})
}
