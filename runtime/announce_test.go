package runtime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/snapshots/objstore/storetest"
)

// announced is a replica that writes snapshots to a bucket, one that follows them and would look again in an hour,
// and the queue that it listens to.
type announced struct {
	t              *testing.T
	writer, reader *bed
	store, front   *cloud // front stands before the queues
	sqs            *storetest.SQS
	queue          string
}

// newAnnounced starts both with 10 rows; messages that stay come again after some seconds.
func newAnnounced(t *testing.T, visibility int) *announced {
	t.Helper()
	return newAnnouncedOf(t, visibility, "", "", cities(10), 10)
}

// newAnnouncedOf is newAnnounced with a file of so many rows, and more settings of the dataset that writes.
func newAnnouncedOf(t *testing.T, visibility int, dataset, acceleration, csv string, rows int64) *announced {
	t.Helper()
	a := &announced{t: t, sqs: storetest.StartSQS(t), store: newCloud(t)}
	a.front = &cloud{t: t, Proxy: storetest.NewProxy(t, a.sqs.URL)}
	a.queue = a.sqs.Queue("snapshots", visibility)
	a.writer = newBed(t, map[string]string{"a.csv": csv, "spicepod.yml": a.top("") + `
datasets:
  - {from: 'file:a.csv', name: d` + dataset + `, acceleration: {engine: duckdb, mode: file, snapshots: create_only` + acceleration + `}}
`}).start()
	snapshotOf(a.writer, rows)
	a.reader = newBed(t, map[string]string{"spicepod.yml": a.follower(a.queue)}).start()
	a.reader.ready("d", rows)
	a.listens(a.queue)
	return a
}

// top is the head of a spicepod whose snapshots are in the bucket.
func (a *announced) top(more string) string {
	c := a.store
	return fmt.Sprintf("\nsnapshots: {location: 's3://%s/snaps a', params: {s3_endpoint: '%s', s3_region: us-east-1, s3_auth: key, s3_key: %s, s3_secret: %s, allow_http: true%s}}",
		c.bucket, c.URL, storetest.Key, storetest.Secret, more)
}

// follower is the spicepod of the reader.
func (a *announced) follower(queue string) string {
	param := ""
	if queue != "" {
		param = fmt.Sprintf(", s3_queue_url: '%s%s'", a.front.URL, a.sqs.Path(queue))
	}
	return a.top(param) + `
datasets:
  - {from: 'databricks:nowhere.d', name: d, acceleration: {engine: duckdb, mode: file, refresh_mode: snapshot, refresh_check_interval: 1h, snapshots: bootstrap_only}}
`
}

// listens puts a test message on a queue and waits until it is gone.
func (a *announced) listens(queue string) {
	a.t.Helper()
	a.sqs.Send(queue, `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`)
	a.sqs.Drained(queue, 0)
}

// write has a snapshot of that many rows written.
func (a *announced) write(rows int) {
	a.t.Helper()
	a.writer.write("a.csv", cities(rows))
	a.writer.refresh("d")
	snapshotOf(a.writer, int64(rows))
}

// event is what S3 sends when an object was written.
func (a *announced) event(bucket, key string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"size":9}}}]}`,
		bucket, strings.ReplaceAll(key, " ", "+"))
}

func (a *announced) commit() string { return a.event(a.store.bucket, "snaps a/metadata.json") }

// told waits for an event of the reader.
func (a *announced) told(l api.Level, text string) {
	a.t.Helper()
	a.reader.until(text, func(s *api.State) bool { return happened(s, l, text) })
}

func happened(s *api.State, l api.Level, text string) bool {
	for _, e := range s.Events {
		if e.Level == l && strings.Contains(e.Message, text) {
			return true
		}
	}
	return false
}

// A snapshot that is announced is loaded without waiting for the next look, whichever way the announcement came.
func TestQueueAnnouncesSnapshots(t *testing.T) {
	a := newAnnounced(t, 30)
	text, err := json.Marshal(a.commit())
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{
		a.commit(),
		fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":%s}`, text),
		fmt.Sprintf(`{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":%q},"object":{"key":"snaps a/metadata.json"}}}`, a.store.bucket),
	} {
		rows := 11 + i
		a.write(rows)
		a.sqs.Send(a.queue, body)
		d := a.reader.ready("d", int64(rows))
		if got := d.Refreshes[0]; got.Trigger != "queue" || got.Outcome != api.Succeeded {
			t.Errorf("%d rows by %+v", rows, got)
		}
		a.sqs.Drained(a.queue, 0)
	}

	n := len(a.reader.ready("d", 13).Refreshes)
	for _, body := range []string{a.event(a.store.bucket, "snaps a/month=2026-11/day=2026-11-22/dataset=d/d_1.duckdb"),
		a.event(a.store.bucket, "snaps a/leases/d.json"), "hello"} {
		a.sqs.Send(a.queue, body)
	}
	a.sqs.Drained(a.queue, 0)
	a.told(api.Warn, "a message of the queue was deleted")
	a.sqs.Send(a.queue, a.event("elsewhere", "snaps a/metadata.json"))
	a.sqs.Send(a.queue, a.event(a.store.bucket, "snaps b/metadata.json"))
	a.told(api.ErrorLevel, "stays in the queue")
	a.listensWith(2)
	if got := a.reader.ready("d", 13); len(got.Refreshes) != n {
		t.Errorf("a message that announces nothing had the store read: %+v", got.Refreshes[0])
	}

	a.reader.do(api.Hold{Dataset: "d", On: true})
	a.write(20)
	a.sqs.Send(a.queue, a.commit())
	a.sqs.Drained(a.queue, 2)
	a.reader.ready("d", 13)
	a.reader.do(api.Hold{Dataset: "d", On: false})
	a.reader.ready("d", 20)
}

// listensWith is listens for a queue that keeps some messages.
func (a *announced) listensWith(kept int) {
	a.t.Helper()
	a.sqs.Send(a.queue, `{"Event":"s3:TestEvent"}`)
	a.sqs.Drained(a.queue, kept)
}

// Announcements that come while a snapshot is loaded have the store looked at once more, not once each.
func TestAnnouncementsCoalesce(t *testing.T) {
	a := newAnnounced(t, 30)
	a.write(11)
	reached, release := make(chan struct{}, 100), make(chan struct{})
	a.store.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/dataset=d") {
			reached <- struct{}{}
			<-release
		}
		return false
	})
	a.sqs.Send(a.queue, a.commit())
	<-reached
	for range 12 {
		a.sqs.Send(a.queue, a.commit())
	}
	a.sqs.Drained(a.queue, 0)
	a.store.Break(nil)
	close(release)
	d := a.reader.dataset("d", "looks once more", func(d *api.Dataset) bool {
		return d.Rows == 11 && d.Refreshes[0].Outcome == api.Skipped && d.Run == nil
	})
	n := 0
	for _, r := range d.Refreshes {
		if r.Trigger == "queue" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d refreshes", n)
	}
}

// A message stays in the queue until the store can be read; a queue that is away is asked again.
func TestQueueOutages(t *testing.T) {
	a := newAnnounced(t, 1)
	a.write(11)
	a.store.Break(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/metadata.json") && storetest.Status(http.StatusForbidden)(w, r)
	})
	a.sqs.Send(a.queue, a.commit())
	a.told(api.Warn, "what the queue announces can't be read")
	if n := a.sqs.Kept(a.queue); n != 1 {
		t.Errorf("the queue holds %d messages", n)
	}
	a.store.Break(nil)
	a.reader.ready("d", 11)
	a.told(api.Info, "what the queue announces can't be read")
	a.sqs.Drained(a.queue, 0)

	up := a.front.down()
	a.told(api.Warn, "the queue of s3_queue_url can't be read")
	a.write(12)
	a.sqs.Send(a.queue, a.commit())
	up()
	a.reader.ready("d", 12)
	a.told(api.Info, "the queue of s3_queue_url can't be read")
	a.sqs.Drained(a.queue, 0)
	a.reader.stop() // in the middle of a long poll
}

// A change of the queue in the spicepod needs no restart.
func TestQueueFollowsTheSpicepod(t *testing.T) {
	a := newAnnounced(t, 2) // moto may still answer a consumer that has hung up
	other := a.sqs.Queue("other", 30)
	a.reader.write("spicepod.yml", a.follower(other))
	a.write(11)
	a.sqs.Send(other, a.commit())
	s := a.reader.until("11 rows", func(s *api.State) bool { return s.Dataset("d").Rows == 11 })
	if len(s.Config.NeedsRestart) > 0 {
		t.Errorf("%v needs a restart", s.Config.NeedsRestart)
	}
	a.sqs.Send(a.queue, a.commit())
	a.listens(other)
	if n := a.sqs.Kept(a.queue); n != 1 {
		t.Errorf("the queue of before was read: it holds %d messages", n)
	}
	a.reader.write("spicepod.yml", a.follower(""))
	a.reader.until("the change", func(s *api.State) bool { return s.Config.Generation == 3 })
	a.reader.write("spicepod.yml", a.follower(a.queue))
	a.sqs.Drained(a.queue, 0)
}

// An incremental snapshot is recorded beside metadata.json, after that: only the later event announces it.
func TestQueueAnnouncesIncrementalSnapshots(t *testing.T) {
	all := manyRows(200_000)
	at := strings.Index(all, "\n196001,") + 1
	a := newAnnouncedOf(t, 30, ", time_column: id, time_format: unix_seconds", ", refresh_mode: append, snapshots_upload: incremental", "id,text\n"+all[:at], 196_000)
	reached, release := make(chan struct{}, 100), make(chan struct{})
	a.store.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/pitwall/d.json") {
			reached <- struct{}{}
			<-release
		}
		return false
	})
	a.writer.write("a.csv", "id,text\n"+all)
	a.writer.refresh("d")
	<-reached
	a.sqs.Send(a.queue, a.commit())
	a.reader.dataset("d", "finds nothing", func(d *api.Dataset) bool {
		return d.Refreshes[0].Trigger == "queue" && d.Refreshes[0].Outcome == api.Skipped
	})
	close(release)
	if s := a.writer.dataset("d", "its second snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 2 }).Snapshots.Newest; !s.Incremental {
		t.Fatalf("%+v", s)
	}
	a.sqs.Send(a.queue, a.event(a.store.bucket, "snaps a/pitwall/d.json"))
	a.reader.ready("d", 200_000)
	a.sqs.Drained(a.queue, 0)
}
