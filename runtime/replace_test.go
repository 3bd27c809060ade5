package runtime_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/config"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/storetest"
)

// booted starts a dataset whose 20 rows were replaced by the 10 of its first snapshot.
func booted(t *testing.T, dataset, acceleration string, edit ...func(*launch.Options)) *bed {
	t.Helper()
	at := func(n int) string {
		var b strings.Builder
		b.WriteString("at\n")
		for i := range n {
			fmt.Fprintln(&b, i+1)
		}
		return b.String()
	}
	b := newBed(t, map[string]string{"a.csv": at(10), "spicepod.yml": "\nsnapshots: {location: ./snaps}" +
		aPod(dataset, "snapshots: enabled"+more(acceleration))}).start(edit...)
	kept := func(n int) {
		t.Helper()
		b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil && d.Run == nil })
	}
	kept(1)
	b.write("a.csv", at(20))
	b.do(api.RefreshNow{Dataset: "d"})
	kept(2)
	if task := b.do(api.BootstrapFrom{Dataset: "d"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.dataset("d", "old", func(d *api.Dataset) bool { return d.Rows == 10 && !d.Snapshots.Undo.IsZero() && d.Snapshots.Run == nil })
	return b
}

// A refresh that is asked for during an undo waits for it: what it reads goes by the data that it is added to.
func TestRefreshIsNotMixedWithAnUndo(t *testing.T) {
	v := newValve()
	v.Open()
	b := booted(t, unixTime, "refresh_mode: append", v.options)
	v.Close()
	var ids []api.CommandID
	for _, c := range []api.Command{api.UndoBootstrap{Dataset: "d"}, api.RefreshNow{Dataset: "d"}} {
		id, err := b.Runtime.Do(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if task := b.task(ids[0]); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	v.Open()
	if task := b.task(ids[1]); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.wants(`SELECT count(*) AS n, count(DISTINCT "at") AS d FROM d`, "n,d\n20,20")
}

// An undo that fails changes nothing, least of all that the dataset is refreshed.
func TestScheduleSurvivesAnUndoThatFails(t *testing.T) {
	b := booted(t, "", "refresh_check_interval: 1h")
	d := b.dataset("d", "planned", func(d *api.Dataset) bool { return !d.NextRefresh.IsZero() })
	if err := os.WriteFile(d.File+".undo", []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if task := b.do(api.UndoBootstrap{Dataset: "d"}); task.State != api.TaskFailed {
		t.Fatalf("%+v", task)
	}
	b.dataset("d", "planned again", func(d *api.Dataset) bool { return d.Rows == 10 && !d.NextRefresh.IsZero() })
}

// A refresh that waits for its jitter ends when an undo takes its place.
func TestUndoEndsTheRefreshThatWaits(t *testing.T) {
	b := booted(t, "", "", func(o *launch.Options) { o.Seed = 1 }) // of a jitter that is not 0
	long := 100 * time.Hour
	id, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "d", JitterMax: &long})
	if err != nil {
		t.Fatal(err)
	}
	if task := b.do(api.UndoBootstrap{Dataset: "d"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	if task := b.task(id); task.State != api.TaskCancelled {
		t.Errorf("%+v", task)
	}
	b.dataset("d", "does not wait", func(d *api.Dataset) bool { return d.Rows == 20 && !d.Waiting })
}

// A bootstrap that fails does not take away what an earlier one can be undone with.
func TestFailedBootstrapKeepsTheUndoOfTheOneBefore(t *testing.T) {
	b := booted(t, "", "")
	if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: 77}); task.State != api.TaskFailed {
		t.Fatalf("%+v", task)
	}
	b.dataset("d", "failed", func(d *api.Dataset) bool { return d.Snapshots.LastErr != "" && d.Snapshots.Run == nil })
	if task := b.do(api.UndoBootstrap{Dataset: "d"}); task.State != api.TaskDone || !strings.Contains(task.Detail, "20 rows") {
		t.Errorf("%+v", task)
	}
}

// stored is a dataset with a snapshot on S3, behind a proxy.
func stored(t *testing.T) (*bed, *cloud) {
	t.Helper()
	c := newCloud(t)
	b := newBed(t, map[string]string{"a.csv": cities(10), "spicepod.yml": fmt.Sprintf(
		"\nsnapshots: {location: 's3://%s/snaps/', params: {s3_endpoint: '%s', s3_region: us-east-1, s3_auth: key, s3_key: %s, s3_secret: %s, allow_http: true}}",
		c.bucket, c.URL, storetest.Key, storetest.Secret) + aPod("", "snapshots: enabled")}).start()
	b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	return b, c
}

// What waits behind a request that the store does not answer ends with the runtime, which ends soon.
func TestWaitingCommandsEndWithTheRuntime(t *testing.T) {
	b, c := stored(t)
	c.Break(storetest.Hang)
	var ids []api.CommandID
	for _, cmd := range []api.Command{api.SetCurrent{Dataset: "d"}, api.SnapshotNow{Dataset: "d"}, api.PinSnapshot{Dataset: "d"},
		api.VerifySnapshot{Dataset: "d"}, api.UndoBootstrap{Dataset: "d"}, api.BootstrapFrom{Dataset: "d"}} {
		if id, err := b.Runtime.Do(t.Context(), cmd); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) < 5 {
		t.Fatalf("%d commands were accepted", len(ids))
	}
	b.do(api.Hold{Dataset: "d", On: true}) // all before it were looked at
	began := time.Now()
	b.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it ended after %s", took)
	}
	for _, id := range ids {
		for _, task := range b.Runtime.State().Tasks {
			if task.ID == id && task.State == api.TaskRunning {
				t.Errorf("%+v", task)
			}
		}
	}
}

// A dataset is opened when the verification of its snapshot has ended, and not beside it.
func TestDatasetIsNotOpenedDuringAVerification(t *testing.T) {
	b, c := stored(t)
	b.stop()
	var there atomic.Bool
	b.start(func(o *launch.Options) {
		o.Sources = func(d *config.Dataset, dir string) (source.Source, error) {
			if !there.Load() {
				return nil, errors.New("its source is not there yet")
			}
			return runtime.Connect(d, dir)
		}
	})
	b.failing("d")
	c.Break(func(w http.ResponseWriter, q *http.Request) bool {
		return q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/dataset=") && storetest.Hang(w, q)
	})
	verify, err := b.Runtime.Do(t.Context(), api.VerifySnapshot{Dataset: "d"})
	if err != nil {
		t.Fatal(err)
	}
	b.dataset("d", "verifying", func(d *api.Dataset) bool { return d.Snapshots.Run != nil && d.Snapshots.Run.Kind == "verify" })
	there.Store(true)
	refresh, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "d"})
	if err != nil {
		t.Fatal(err)
	}
	b.do(api.Hold{Dataset: "d", On: true})
	d := b.dataset("d", "on hold", func(d *api.Dataset) bool { return d.Held })
	if d.Snapshots.Run == nil || d.Snapshots.Run.Kind != "verify" {
		t.Errorf("beside the verification runs %+v", d.Snapshots.Run)
	}
	c.Break(nil)
	c.CloseClientConnections()
	for _, id := range []api.CommandID{verify, refresh} {
		if task := b.task(id); task.State != api.TaskDone {
			t.Errorf("%+v", task)
		}
	}
	b.ready("d", 10)
}

// mode: file_update goes on when the snapshot that it waits for is not wanted any more.
func TestFileUpdateDoesNotWaitForASnapshotThatIsSwitchedOff(t *testing.T) {
	b, c := stored(t)
	text, err := os.ReadFile(b.dir + "/spicepod.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, pod, _ := strings.Cut(string(text), "name: test\n")
	pod = strings.Replace(pod, "mode: file,", "mode: file_update,", 1)
	b.stop()
	b.write("spicepod.yml", pod)
	b.start()
	b.ready("d", 10)
	b.dataset("d", "at rest", func(d *api.Dataset) bool { return d.Snapshots.Run == nil && d.Run == nil })
	c.Break(func(w http.ResponseWriter, q *http.Request) bool {
		return q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/dataset=") && storetest.Hang(w, q)
	})
	if _, err := b.Runtime.Do(t.Context(), api.VerifySnapshot{Dataset: "d"}); err != nil {
		t.Fatal(err)
	}
	b.dataset("d", "verifying", func(d *api.Dataset) bool { return d.Snapshots.Run != nil })
	b.write("a.csv", "id,city,more\n1,Seattle,x\n")
	if task := b.do(api.RefreshNow{Dataset: "d"}); task.State != api.TaskFailed {
		t.Fatalf("%+v", task)
	}
	b.write("spicepod.yml", strings.Replace(pod, "snapshots: enabled", "snapshots: bootstrap_only", 1))
	b.dataset("d", "reads only", func(d *api.Dataset) bool { return d.Snapshots.Mode == "bootstrap_only" })
	c.Break(nil)
	c.CloseClientConnections()
	b.ready("d", 1)
}
