package doctor_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/runtime/api"
	"pitwall/runtime/doctor"
	"pitwall/snapshots"
	"pitwall/snapshots/objstore/storetest"
)

var server *storetest.S3

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, func(s *storetest.S3) { server = s })) }

// patient is a spicepod and its store.
type patient struct {
	t     *testing.T
	in    doctor.Input
	env   map[string]string
	proxy *storetest.Proxy // in front of S3; nil for a folder
	box   string           // the bucket
	root  string           // the folder in which the store keeps its objects
}

// admit opens the store of a spicepod; block is the rest of its snapshots: block, in flow style.
func admit(t *testing.T, location, block, datasets string) *patient {
	t.Helper()
	p := &patient{t: t, env: map[string]string{}, root: strings.TrimPrefix(location, "file://")}
	p.in = doctor.Input{Now: time.Now(), Getenv: func(k string) string { return p.env[k] },
		Config: load(t, "version: v1\nkind: Spicepod\nname: test\nsnapshots: {location: '"+location+"'"+block+"}\ndatasets:\n"+datasets)}
	params := map[string]string{}
	for k, v := range p.in.Config.Snapshots.Params {
		params[k] = v.Reveal()
	}
	m, err := snapshots.Open(t.Context(), location, "", params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	p.in.Store = m
	return p
}

const oneDataset = "  - {from: 'file:a.csv', name: trips, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, snapshots: enabled}}\n"

// onS3 admits one with a bucket of its own behind a proxy.
func onS3(t *testing.T, more, datasets string) *patient {
	t.Helper()
	box := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	proxy := storetest.NewProxy(t, server.URL)
	t.Setenv("DOCTOR_SECRET", storetest.Secret)
	p := admit(t, "s3://"+box+"/spice/snapshots/", ", params: {s3_endpoint: '"+proxy.URL+"', s3_region: us-east-1, s3_key: "+storetest.Key+
		", s3_secret: '${env:DOCTOR_SECRET}', allow_http: 'true', client_timeout: 5s}"+more, datasets)
	p.proxy, p.box, p.root = proxy, box, filepath.Join(server.Dir, box, "spice", "snapshots")
	return p
}

// publish stores a snapshot.
func (p *patient) publish(dataset string) snapshots.Snapshot {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "copy")
	if err := os.WriteFile(file, []byte("a database"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	s, err := p.in.Store.Create(p.t.Context(), snapshots.CreateRequest{Dataset: dataset, Engine: "duckdb", Extension: ".duckdb", Force: true,
		Export: func(context.Context) (snapshots.Copy, error) {
			return snapshots.Copy{Path: file, Rows: 1, Schema: arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)}, nil
		}})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// says looks for a finding, and returns all of them.
func (p *patient) says(line, dataset string, state api.FindingState, words ...string) []api.Finding {
	p.t.Helper()
	list := doctor.Check(p.t.Context(), p.in)
	for _, f := range list {
		if f.Title == "" || f.Found == "" || strings.Contains(f.Found+f.Remedy, storetest.Secret) {
			p.t.Errorf("%+v", f)
		}
	}
	for _, f := range list {
		if f.Check != line || f.Dataset != dataset {
			continue
		}
		if f.State == state && len(words) == 0 || f.State == state && strings.Contains(f.Found+" "+f.Remedy, words[0]) {
			return list
		}
		p.t.Errorf("%s %s: %s, %s; %s. Want %s, %v", line, dataset, f.State, f.Found, f.Remedy, state, words)
		return list
	}
	p.t.Errorf("no finding %s %s in %+v", line, dataset, list)
	return list
}

func TestAFolder(t *testing.T) {
	p := admit(t, "file://"+t.TempDir(), ", bootstrap_on_failure_behavior: fallback", oneDataset)
	p.publish("trips")
	list := p.says("store", "", api.FindingOK, "answers")
	if n, warnings := doctor.Problems(list); n+warnings > 0 {
		t.Errorf("%+v", list)
	}
	p.says("conditional writes", "", api.FindingOK)
	p.says("read-only", "", api.FindingNone, "trips")
	p.says("versioning", "", api.FindingNone, "folder")
	p.says("fallback", "trips", api.FindingOK)
	p.says("current", "trips", api.FindingOK, "snapshot 0")
	p.says("fresh", "trips", api.FindingOK, "every 10m")
	p.says("failures", "", api.FindingNone, "--http-endpoint")
	p.says("secrets", "", api.FindingOK)
	p.says("alerts", "", api.FindingNone, "--alerts")

	note := func(result, detail string) {
		t.Helper()
		if err := p.in.Store.Note(t.Context(), "trips", 0, snapshots.Check{At: p.in.Now.Add(-3 * time.Hour), Result: result, Detail: detail}); err != nil {
			t.Fatal(err)
		}
	}
	note("verified", "")
	p.says("current", "trips", api.FindingOK, "verified 3h ago")
	note("mismatch", "its SHA-256 is another one")
	p.says("current", "trips", api.FindingProblem, "snapshot 0 was found unusable 3h ago: its SHA-256 is another one")

	object, err := filepath.Glob(filepath.Join(p.root, "month=*", "day=*", "*", "*.duckdb"))
	if err != nil || len(object) != 1 {
		t.Fatal(object, err)
	}
	if err := os.Truncate(object[0], 3); err != nil {
		t.Fatal(err)
	}
	p.says("current", "trips", api.FindingProblem, "has 3 bytes")
	if err := os.Remove(object[0]); err != nil {
		t.Fatal(err)
	}
	p.says("current", "trips", api.FindingProblem, "is gone")
	if err := os.WriteFile(filepath.Join(p.root, "metadata.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.says("store", "", api.FindingProblem, "not valid JSON")
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	p := admit(t, "file://"+dir, "", oneDataset)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	p.says("conditional writes", "", api.FindingProblem, "allow the credentials to write")
}

func TestStaleSnapshots(t *testing.T) {
	p := admit(t, "file://"+t.TempDir(), "", oneDataset+
		"  - {from: 'file:a.csv', name: always, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, refresh_jitter_enabled: false, snapshots: enabled, snapshots_creation_policy: always}}\n"+
		"  - {from: 'file:a.csv', name: cron, acceleration: {engine: duckdb, mode: file, refresh_cron: '0 6 * * 1', snapshots: enabled, snapshots_creation_policy: always}}\n"+
		"  - {from: 'file:a.csv', name: timed, acceleration: {engine: duckdb, mode: file, snapshots: create_only, snapshots_trigger: time_interval, snapshots_trigger_threshold: 1h, snapshots_creation_policy: always}}\n"+
		"  - {from: 'file:a.csv', name: demand, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}\n"+
		"  - {from: 'file:a.csv', name: never, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, snapshots: create_only}}\n")
	for _, name := range []string{"trips", "always", "cron", "timed", "demand"} {
		p.publish(name)
	}
	p.says("fresh", "", api.FindingOK, "4 datasets: trips, always, cron, timed")
	p.says("fresh", "demand", api.FindingNone, "on demand")
	p.says("fresh", "never", api.FindingProblem, "there is none")
	p.says("current", "never", api.FindingWarning, "no snapshot of it")

	created := time.Now()
	p.in.Now = created.Add(-2 * time.Minute)
	p.says("fresh", "trips", api.FindingWarning, "from the future")
	p.in.Now = created.Add(21 * time.Minute)
	p.says("fresh", "trips", api.FindingWarning, "21m old")
	p.says("fresh", "always", api.FindingProblem, "21m old")
	p.says("fresh", "", api.FindingOK, "2 datasets: cron, timed")
	p.in.Now = created.Add(121 * time.Minute)
	p.says("fresh", "timed", api.FindingProblem, "2h old, expected is one every 1h")
	p.says("fresh", "cron", api.FindingOK)
	p.in.Now = created.Add(15 * 24 * time.Hour)
	p.says("fresh", "cron", api.FindingProblem, "15d old")

	// A runtime knows whether there was anything to write.
	p.in.Now = created.Add(30 * time.Minute)
	state := func(attempts ...api.SnapshotAttempt) {
		p.in.State = &api.State{Datasets: []*api.Dataset{{Name: "trips", Snapshots: api.DatasetSnapshots{Attempts: attempts}}}}
	}
	skipped := api.SnapshotAttempt{Outcome: api.Skipped, At: p.in.Now.Add(-5 * time.Minute)}
	failed := api.SnapshotAttempt{Outcome: api.Failed, At: p.in.Now.Add(-16 * time.Minute), Duration: 2 * time.Minute, Err: "the store is full"}
	state(skipped)
	p.says("fresh", "", api.FindingOK, "3 datasets: trips, cron, timed")
	p.says("failures", "trips", api.FindingOK)
	state(failed, skipped)
	p.says("fresh", "trips", api.FindingProblem)
	p.says("failures", "trips", api.FindingProblem, "1 within 15m, the last 14m ago: the store is full")
	p.says("failures", "", api.FindingNone)
	p.in.Now = p.in.Now.Add(2 * time.Minute)
	p.says("failures", "trips", api.FindingOK)
}

func TestFallback(t *testing.T) {
	datasets := oneDataset +
		"  - {from: 'file:a.csv', name: early, ready_state: on_registration, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}\n" +
		"  - {from: 'file:a.csv', name: reader, acceleration: {engine: duckdb, mode: file, refresh_mode: snapshot, snapshots: bootstrap_only}}\n" +
		"  - {from: 'file:a.csv', name: writer, acceleration: {engine: duckdb, mode: file, snapshots: create_only}}\n"
	p := admit(t, "file://"+t.TempDir(), "", datasets)
	p.says("fallback", "trips", api.FindingWarning, "starts empty")
	p.says("fallback", "early", api.FindingOK, "source answers")
	p.says("fallback", "reader", api.FindingProblem, "bootstrap_on_failure_behavior: fallback")
	p = admit(t, "file://"+t.TempDir(), ", bootstrap_on_failure_behavior: retry", datasets)
	p.says("fallback", "trips", api.FindingWarning, "waits")
	p = admit(t, "file://"+t.TempDir(), ", bootstrap_on_failure_behavior: fallback", datasets)
	p.says("fallback", "", api.FindingOK, "3 datasets: trips, early, reader")
}

func TestBucket(t *testing.T) {
	p := onS3(t, "", oneDataset)
	p.publish("trips")
	p.says("conditional writes", "", api.FindingOK)
	p.says("versioning", "", api.FindingWarning, "aws s3api put-bucket-versioning --bucket "+p.box+" --versioning-configuration Status=Enabled --endpoint-url "+p.proxy.URL)
	if err := server.KeepVersions(t.Context(), p.box); err != nil {
		t.Fatal(err)
	}
	p.says("versioning", "", api.FindingOK, "old versions are kept")
	p.says("credentials", "", api.FindingWarning, "s3_key")
	p.says("secrets", "", api.FindingOK, "secret store")
	p.says("region", "", api.FindingNone, "us-east-1")
	p.env["AWS_DEFAULT_REGION"] = "us-east-1"
	p.says("region", "", api.FindingOK)
	p.env["AWS_REGION"] = "eu-central-1"
	p.says("region", "", api.FindingWarning, "the bucket is in us-east-1, the runtime in eu-central-1 (AWS_REGION)")

	// What versitygw does not have, as AWS answers it.
	answer := func(status int, body string) {
		p.proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if !r.URL.Query().Has("lifecycle") {
				return false
			}
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+body)
			return true
		})
	}
	rules := func(text string) {
		answer(200, `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+text+`</LifecycleConfiguration>`)
	}
	answer(404, `<Error><Code>NoSuchLifecycleConfiguration</Code><Message>The lifecycle configuration does not exist</Message><BucketName>x</BucketName></Error>`)
	p.says("lifecycle", "", api.FindingWarning, "no rule covers spice/snapshots/")
	as := p.in.Config
	p.in.Config = load(t, "version: v1\nkind: Spicepod\nname: test\nsnapshots: {location: 's3://"+p.box+"/spice/snapshots/'}\ndatasets:\n"+
		strings.ReplaceAll(oneDataset, "snapshots: enabled", "snapshots: enabled, snapshots_retain: {last: 3}"))
	p.says("lifecycle", "", api.FindingWarning, "old versions pile up")
	p.in.Config = as
	answer(403, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	p.says("lifecycle", "", api.FindingNone, "AccessDenied")
	const other = `<Rule><ID>logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule>`
	rules(other)
	p.says("lifecycle", "", api.FindingWarning, "no rule covers")
	rules(`<Rule><ID>off</ID><Filter><Prefix></Prefix></Filter><Status>Disabled</Status><Expiration><Days>7</Days></Expiration></Rule>`)
	p.says("lifecycle", "", api.FindingWarning, "no rule covers")
	rules(other + `<Rule><ID>old</ID><Filter><Prefix>spice/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>`)
	p.says("lifecycle", "", api.FindingOK, `rule "old" removes old versions`)
	rules(`<Rule><ID>all</ID><Prefix>spice/snapshots/month=</Prefix><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule>`)
	p.says("lifecycle", "", api.FindingWarning, "does not change for so long (trips)")
	rules(`<Rule><ID>tagged</ID><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule>`)
	p.says("lifecycle", "", api.FindingWarning, "no rule covers")
	p.in.Config = load(t, strings.ReplaceAll(alerting, "./snaps", "s3://"+p.box+"/spice/snapshots/")) // cron: one a day
	rules(`<Rule><ID>hasty</ID><Filter></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>`)
	p.says("lifecycle", "", api.FindingProblem, `rule "hasty" removes objects after 1 days: before the next snapshot of cron comes`)
}

// Where pitwall removes older snapshots itself, and the bucket keeps no versions of them, no rule is needed.
func TestRetainBoundsWhatIsKept(t *testing.T) {
	p := onS3(t, "", strings.ReplaceAll(oneDataset, "snapshots: enabled", "snapshots: enabled, snapshots_retain: {last: 3}"))
	p.proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("lifecycle") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<Error><Code>NoSuchLifecycleConfiguration</Code><Message>The lifecycle configuration does not exist</Message></Error>`)
		}
		return r.URL.Query().Has("lifecycle")
	})
	p.says("lifecycle", "", api.FindingOK, "none is needed")
}

func TestReaders(t *testing.T) {
	p := onS3(t, "", strings.ReplaceAll(oneDataset, "snapshots: enabled", "snapshots: bootstrap_only"))
	p.says("read-only", "", api.FindingWarning, "these credentials can write")
	p.says("conditional writes", "", api.FindingNone)
	p.says("fresh", "", api.FindingNone)
	if _, err := os.Stat(filepath.Join(p.root, "pitwall")); err == nil {
		t.Error("to find out, it has written")
	}
	p.proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		return true
	})
	p.says("read-only", "", api.FindingOK)
	p.in.ReadOnly = true
	p.says("read-only", "", api.FindingNone, "--read-only")
}

func TestStoresThatWillNotDo(t *testing.T) {
	p := onS3(t, "", oneDataset)
	p.publish("trips")
	p.says("conditional writes", "", api.FindingOK)
	// Writes are refused from now on.
	p.proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusForbidden)
		}
		return r.Method == http.MethodPut
	})
	p.says("conditional writes", "", api.FindingProblem, "bootstrap_only")
	// Conditions are ignored.
	p = onS3(t, "", oneDataset)
	p.proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-None-Match")
		r.Header.Del("If-Match")
		if r.Method == http.MethodPut {
			w.Header().Set("ETag", `"00000000000000000000000000000001"`)
			w.WriteHeader(http.StatusOK)
		}
		return r.Method == http.MethodPut
	})
	p.says("conditional writes", "", api.FindingProblem, "ignores conditional writes")
	p.proxy.Break(storetest.Status(http.StatusForbidden))
	list := p.says("store", "", api.FindingProblem, "s3_secret")
	for _, f := range list {
		if f.Check == "versioning" || f.Check == "fresh" {
			t.Errorf("it goes on to ask: %+v", f)
		}
	}
	p.proxy.Break(nil)
	p.says("store", "", api.FindingOK)
	p.in.Store, p.in.StoreErr = nil, "param s3_auth is wrong"
	p.says("store", "", api.FindingProblem, "s3_auth")
}

func TestSecretsInTheSpicepod(t *testing.T) {
	p := admit(t, "s3://box/x/", ", params: {s3_key: abc, s3_secret: 'in-clear-text'}", oneDataset)
	p.in.Store, p.in.StoreErr = nil, "not asked here"
	list := p.says("secrets", "", api.FindingProblem, "clear text: s3_secret")
	if strings.Contains(fmt.Sprint(list), "in-clear-text") {
		t.Errorf("it is shown: %+v", list)
	}
}

func TestNothingToCheck(t *testing.T) {
	c := load(t, "version: v1\nkind: Spicepod\nname: test\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {engine: duckdb}}\n")
	list := doctor.Check(t.Context(), doctor.Input{Config: c, Now: time.Now(), Getenv: os.Getenv, StoreErr: "the spicepod has no snapshots: block"})
	if len(list) != 1 || list[0].State != api.FindingNone {
		t.Errorf("%+v", list)
	}
	if n, w := doctor.Problems([]api.Finding{{State: api.FindingProblem}, {State: api.FindingWarning}, {State: api.FindingOK}}); n != 1 || w != 1 {
		t.Error(n, w)
	}
}
