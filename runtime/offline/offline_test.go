package offline_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/offline"
	"pitwall/snapshots"
	"pitwall/snapshots/objstore/storetest"
	"pitwall/ui/cli"
)

var server *storetest.S3

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, func(s *storetest.S3) { server = s })) }

// bed is a store with three snapshots of trips and one of zones, which a runtime wrote that has ended.
type bed struct {
	dir, location string
	params        []string // of the location, as key=value
	root          string   // the folder in which the store keeps its objects
}

// each runs a test on a folder and on S3.
func each(t *testing.T, f func(t *testing.T, b *bed)) {
	t.Run("file", func(t *testing.T) {
		root := t.TempDir()
		f(t, (&bed{location: "file://" + root, root: root}).fill(t))
	})
	t.Run("s3", func(t *testing.T) {
		name := "box-" + strings.ToLower(rand.Text())
		if err := server.CreateBucket(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		f(t, (&bed{location: "s3://" + name + "/spice/", root: filepath.Join(server.Dir, name, "spice"),
			params: []string{"s3_endpoint=" + server.URL, "s3_region=us-east-1", "s3_key=" + storetest.Key, "s3_secret=" + storetest.Secret, "allow_http=true"}}).fill(t))
	})
}

// fill writes the spicepod and has a runtime write the snapshots.
func (b *bed) fill(t *testing.T) *bed {
	t.Helper()
	b.dir = t.TempDir()
	params := ""
	t.Setenv("SNAPSHOT_SECRET", storetest.Secret)
	for _, p := range b.params {
		k, v, _ := strings.Cut(p, "=")
		if k == "s3_secret" {
			v = "${env:SNAPSHOT_SECRET}"
		}
		params += k + ": '" + v + "', "
	}
	b.write(t, "a.csv", "id,name\n1,Seattle\n2,Bellevue\n")
	b.write(t, "spicepod.yml", `version: v1
kind: Spicepod
name: test
snapshots: {location: '`+b.location+`', params: {`+params+`}}
datasets:
  - {from: 'file:a.csv', name: trips, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: zones, acceleration: {engine: sqlite, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: fares, acceleration: {engine: sqlite, mode: file, snapshots: bootstrap_only}}
`)
	s, err := launch.Open(t.Context(), launch.Options{Pod: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	defer wg.Wait()
	defer cancel()
	written := func(dataset string, n int64) {
		t.Helper()
		for st, next := s.Runtime.Watch(ctx); ; {
			if d := st.Dataset(dataset); d.Snapshots.Totals.Attempts == n && d.Snapshots.Totals.Failed == 0 && d.Snapshots.Run == nil {
				return
			}
			var ok bool
			if st, ok = <-next; !ok {
				t.Fatalf("%s never had %d snapshots", dataset, n)
			}
		}
	}
	written("zones", 1)
	written("trips", 1)
	for n := range int64(2) {
		if _, err := s.Runtime.Do(ctx, api.SnapshotNow{Dataset: "trips"}); err != nil {
			t.Fatal(err)
		}
		written("trips", n+2)
	}
	return b
}

func (b *bed) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// object is the file of a snapshot of trips.
func (b *bed) object(t *testing.T, id int) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(b.root, "month=*", "day=*", "dataset=trips", "*.duckdb"))
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[id]
}

// pitwall runs `pitwall snapshots` in this process.
func pitwall(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	return until(t, t.Context(), args...)
}

// until runs it until the context ends.
func until(t *testing.T, ctx context.Context, args ...string) (out, errs string, code int) {
	t.Helper()
	root := &cobra.Command{Use: "pitwall", SilenceUsage: true, SilenceErrors: true}
	new(cli.Common).Add(root.PersistentFlags())
	root.AddCommand(cli.Snapshots(offline.Open))
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(append([]string{"snapshots"}, args...))
	err := root.ExecuteContext(ctx)
	if err != nil {
		e.WriteString(err.Error())
	}
	return o.String(), e.String(), cli.Code(err)
}

// byPod and byLocation name the store in the two ways there are.
func (b *bed) byPod() []string { return []string{"--pod", b.dir} }

func (b *bed) byLocation() []string {
	args := []string{"--location", b.location}
	for _, p := range b.params {
		args = append(args, "--param", p)
	}
	return args
}

// expect runs a command and looks at its exit code and what it says.
func expect(t *testing.T, place []string, code int, want string, args ...string) string {
	t.Helper()
	out, errs, got := pitwall(t, append(args, place...)...)
	if got != code || !strings.Contains(out+errs, want) {
		t.Errorf("%v: exit code %d, %s%s; want %d, %s", args, got, out, errs, code, want)
	}
	if strings.Contains(out+errs, storetest.Secret) {
		t.Errorf("%v shows the secret: %s%s", args, out, errs)
	}
	return out
}

func TestAStoreIsReadWithoutARuntime(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		for _, place := range [][]string{b.byPod(), b.byLocation()} {
			expect(t, place, 0, "trips    duckdb  3", "list")
			expect(t, place, 0, "✓        verified", "list", "trips")
			expect(t, place, 0, `"dataset_name":"zones"`, "list", "--format", "json")
			expect(t, place, 0, "zones,sqlite,1,", "list", "--format", "csv")
			var list struct {
				Location string
				Current  uint64 `json:"current_snapshot_id"`
				Engine   string
				List     []struct {
					ID     uint64 `json:"snapshot_id"`
					Rows   int    `json:"row_count"`
					Status string
				} `json:"snapshots"`
			}
			text := expect(t, place, 0, "", "list", "trips", "--limit", "2", "--format", "json")
			if err := json.Unmarshal([]byte(text), &list); err != nil || list.Location != b.location || list.Current != 2 || list.Engine != "duckdb" ||
				len(list.List) != 2 || list.List[0].ID != 1 || list.List[0].Rows != 2 || list.List[1].Status != "verified" {
				t.Errorf("%v: %s", err, text)
			}
			expect(t, place, 0, "replicas load it", "show", "trips", "2")
			expect(t, place, 0, ",false,verified,", "show", "trips", "1", "--format", "csv")
			expect(t, place, 0, `"checksum_algorithm":"SHA256"`, "show", "trips", "1", "--format", "json")
			expect(t, place, 0, "snapshot 1 of trips is sound: size and SHA-256 are those recorded, duckdb opens it, 2 rows as recorded", "verify", "trips", "1")
			expect(t, place, 0, "3 snapshots verified", "verify", "trips", "--all")
			expect(t, place, 0, "sqlite opens it", "verify", "--all")
			// What is not there is told with what is.
			expect(t, place, 2, "did you mean trips? it has those of trips, zones", "list", "tripps")
			expect(t, place, 2, "it has those of trips, zones", "verify", "elephants", "--all")
			expect(t, place, 2, "has no snapshot 7", "show", "trips", "7")
			expect(t, place, 2, "it has: 0, 1, 2", "verify", "trips", "7")
			expect(t, place, 2, "not the id of a snapshot", "verify", "trips", "x")
			expect(t, place, 2, "has no snapshot 7", "set-current", "trips", "7")
			expect(t, place, 2, "--all in place of the ID", "verify", "trips")
			expect(t, place, 2, "--limit", "list", "trips", "--limit", "0")
		}
		expect(t, b.byPod(), 0, "ID  TIMESTAMP", "list", "fares")
		expect(t, b.byPod(), 2, "dataset fares has no snapshots", "show", "fares", "0")
		expect(t, b.byPod(), 2, "--read-only", "set-current", "trips", "0", "--read-only")
		expect(t, b.byPod(), 0, "snapshot 0 is current", "set-current", "trips", "0")
		expect(t, b.byLocation(), 0, `"current_snapshot_id":0`, "list", "trips", "--format", "json")
	})
}

func TestAStoreIsSteeredWithoutARuntime(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		expect(t, b.byPod(), 2, "--read-only", "pin", "trips", "0", "--read-only")
		expect(t, b.byPod(), 2, "has no snapshot 7", "pin", "trips", "7")
		expect(t, b.byPod(), 0, "snapshot 0 is pinned", "pin", "trips", "0")
		expect(t, b.byLocation(), 0, "pinned   verified", "list", "trips")
		expect(t, b.byLocation(), 0, "until it is unpinned", "show", "trips", "0")
		expect(t, b.byLocation(), 1, "snapshot 0 is pinned; unpin it first", "set-current", "trips", "1")
		expect(t, b.byLocation(), 1, "it is pinned", "delete", "trips", "0")
		expect(t, b.byPod(), 2, "did you mean trips?", "unpin", "tripps")
		expect(t, b.byPod(), 0, "the newest one is current", "unpin", "trips")
		expect(t, b.byPod(), 1, "it is the current one", "delete", "trips", "2")
		expect(t, b.byLocation(), 0, "snapshot 1 is deleted", "delete", "trips", "1")
		expect(t, b.byLocation(), 2, "it has: 0, 2", "show", "trips", "1")
		expect(t, b.byLocation(), 2, "name that by --pod", "gc", "trips")
		expect(t, b.byPod(), 2, "no snapshots_retain for dataset zones", "gc", "zones")
		pod, err := os.ReadFile(filepath.Join(b.dir, "spicepod.yml"))
		if err != nil {
			t.Fatal(err)
		}
		b.write(t, "spicepod.yml", strings.Replace(string(pod), "snapshots: enabled}", "snapshots: enabled, snapshots_retain: {last: 1, min_age: 1ms}}", 1))
		expect(t, b.byPod(), 0, "dry run: 1 kept, 1 removed (#0)", "gc", "trips", "--dry-run", "--read-only")
		expect(t, b.byPod(), 2, "--read-only", "gc", "trips", "--read-only")
		expect(t, b.byPod(), 0, "1 kept, 1 removed (#0)", "gc", "trips")
		expect(t, b.byPod(), 0, `"current_snapshot_id":2,"snapshots":[{"snapshot_id":2,`, "list", "trips", "--format", "json")

		// What a runtime found when it read a snapshot stands in the store.
		m, err := snapshots.Open(t.Context(), b.location, "", b.secrets())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Note(t.Context(), "trips", 2, snapshots.Check{At: time.Now(), Result: "mismatch", Detail: "its SHA-256 differs"}); err != nil {
			t.Fatal(err)
		}
		expect(t, b.byPod(), 0, "verified, read: mismatch", "list", "trips")
		expect(t, b.byLocation(), 0, `"verification":"mismatch","verified_at":"20`, "show", "trips", "2", "--format", "json")
	})
}

// secrets are the params of the location.
func (b *bed) secrets() map[string]string {
	out := map[string]string{}
	for _, p := range b.params {
		k, v, _ := strings.Cut(p, "=")
		out[k] = v
	}
	return out
}

// Without keys they are looked for where the vendor's tools look.
func TestCredentialsOfTheEnvironment(t *testing.T) {
	name := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	place := []string{"--location", "s3://" + name + "/", "--param", "s3_endpoint=" + server.URL, "--param", "allow_http=true"}
	expect(t, place, 3, "no credentials were found", "list")
	t.Setenv("AWS_ACCESS_KEY_ID", storetest.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", storetest.Secret)
	t.Setenv("AWS_REGION", "us-east-1")
	expect(t, place, 0, "DATASET", "list")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	expect(t, place, 3, "SignatureDoesNotMatch", "list")
}

func TestDamageInAStoreIsFound(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		first, second := b.object(t, 0), b.object(t, 1)
		body, err := os.ReadFile(first)
		if err != nil {
			t.Fatal(err)
		}
		body[len(body)/2] ^= 1
		if err := os.WriteFile(first, body, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(second); err != nil {
			t.Fatal(err)
		}
		expect(t, b.byLocation(), 1, "its SHA-256 is", "verify", "trips", "0")
		expect(t, b.byPod(), 1, "is gone", "verify", "trips", "1")
		expect(t, b.byPod(), 0, "missing", "list", "trips")
		expect(t, b.byPod(), 1, "is gone", "set-current", "trips", "1")
		out := expect(t, b.byPod(), 1, "2 of 4 snapshots can't be used", "verify", "--all")
		if !strings.Contains(out, "snapshot 2 of trips is sound") || !strings.Contains(out, "snapshot 0 of zones is sound") {
			t.Errorf("what is sound is not told: %s", out)
		}
		to := filepath.Join(t.TempDir(), "x.duckdb")
		expect(t, b.byPod(), 1, "its SHA-256 is", "export", "trips", "0", "--to", to)
		left, err := os.ReadDir(filepath.Dir(to))
		if err != nil || len(left) > 0 {
			t.Errorf("a failed export leaves %v, %v", left, err)
		}

		// A file with the recorded checksum that no engine opens, or that has other rows.
		metadata := filepath.Join(b.root, "metadata.json")
		text, err := os.ReadFile(metadata)
		if err != nil {
			t.Fatal(err)
		}
		edit := func(old, replacement string) {
			t.Helper()
			if !bytes.Contains(text, []byte(old)) {
				t.Fatalf("no %s in %s", old, text)
			}
			if err := os.WriteFile(metadata, bytes.ReplaceAll(text, []byte(old), []byte(replacement)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		edit(`"snapshot-row-count": 2`, `"snapshot-row-count": 3`)
		expect(t, b.byPod(), 1, "it holds 2 rows, recorded are 3", "verify", "trips", "2")
		edit(`"snapshot-engine": "duckdb"`, `"snapshot-engine": "sqlite"`)
		expect(t, b.byPod(), 1, "size and SHA-256 are those recorded, but", "verify", "trips", "2")
		edit(`"snapshot-engine": "duckdb"`, `"snapshot-engine": "turso"`)
		expect(t, b.byPod(), 0, "this pitwall has no engine turso", "verify", "trips", "2")
		edit(`"snapshot-engine": "sqlite",`, ``) // as old writers did
		expect(t, b.byPod(), 0, "sqlite opens it, 2 rows", "verify", "zones", "0")

		edit(string(text), "<html>not JSON")
		for _, args := range [][]string{{"list"}, {"list", "trips"}, {"show", "trips", "0"}, {"verify", "--all"}, {"set-current", "trips", "0"}, {"export", "trips", "0", "--to", to}} {
			expect(t, b.byLocation(), 1, "not valid JSON", args...)
		}
		if got, err := os.ReadFile(metadata); err != nil || !strings.HasPrefix(string(got), "<html>") {
			t.Errorf("what could not be read was overwritten: %s, %v", got, err)
		}
	})
}

func TestExport(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		to := filepath.Join(t.TempDir(), "trips.duckdb")
		expect(t, b.byPod(), 0, "snapshot 1 of trips is in "+to, "export", "trips", "1", "--to", to)
		same := func() {
			t.Helper()
			got, err := os.ReadFile(to)
			want, werr := os.ReadFile(b.object(t, 1))
			if err != nil || werr != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(want), werr)
			}
		}
		same()
		if err := os.WriteFile(to, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, b.byLocation(), 2, "--force", "export", "trips", "1", "--to", to)
		if got, err := os.ReadFile(to); err != nil || string(got) != "mine" {
			t.Errorf("the file is %q, %v", got, err)
		}
		expect(t, b.byLocation(), 0, "SHA-256", "export", "trips", "1", "--to", to, "--force")
		same()
		expect(t, b.byLocation(), 2, "is a folder", "export", "trips", "1", "--to", filepath.Dir(to), "--force")
		expect(t, b.byLocation(), 1, "no such file", "export", "trips", "1", "--to", filepath.Join(to+".d", "x"))
		expect(t, b.byLocation(), 2, "--to FILE", "export", "trips", "1")
		left, err := os.ReadDir(filepath.Dir(to))
		if err != nil || len(left) != 1 {
			t.Errorf("%v, %v", left, err)
		}
	})
}

func TestAStoreThatIsNotThere(t *testing.T) {
	name := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	down := httptest.NewServer(nil)
	down.Close()
	s3 := func(location, endpoint, secret string) []string {
		return (&bed{location: location, params: []string{"s3_endpoint=" + endpoint, "s3_region=us-east-1", "s3_key=" + storetest.Key, "s3_secret=" + secret, "allow_http=true", "client_timeout=5"}}).byLocation()
	}
	gone := filepath.Join(t.TempDir(), "gone")
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "spicepod.yml"), []byte("version: v9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		place []string
		code  int
		want  string
	}{
		{"wrong secret", s3("s3://"+name+"/", server.URL, "geheim-geheim"), 3, "s3_secret"},
		{"no such bucket", s3("s3://nowhere/x/", server.URL, storetest.Secret), 3, "no such bucket"},
		{"nobody there", s3("s3://"+name+"/", down.URL, storetest.Secret), 3, "s3_endpoint"},
		{"no folder", []string{"--location", "file://" + gone}, 3, "there is no folder " + gone},
		{"no such scheme", []string{"--location", "ftp://x/y"}, 2, `scheme "ftp" is not known`},
		{"bad param", []string{"--location", "s3://x/", "--param", "s3_key"}, 2, "--param is key=value"},
		{"bad value", []string{"--location", "s3://x/", "--param", "s3_auth=maybe"}, 2, "s3_auth"},
		{"no spicepod", []string{"--pod", gone}, 1, "--location"},
		{"bad spicepod", []string{"--pod", broken}, 1, "v9"},
		{"two places", []string{"--location", "file://" + gone, "--http-endpoint", down.URL}, 2, "give one of them"},
		{"nothing in it", s3("s3://"+name+"/", server.URL, storetest.Secret), 2, "has no snapshots of any dataset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := pitwall(t, append([]string{"list", "trips"}, c.place...)...)
			if code != c.code || !strings.Contains(errs, c.want) || strings.Contains(errs, "geheim") {
				t.Errorf("exit code %d, %s%s; want %d, %s", code, out, errs, c.code, c.want)
			}
		})
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("looking at a folder has made it")
	}
}

// A command that is interrupted in the middle of a download leaves nothing behind.
func TestInterrupted(t *testing.T) {
	name := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	b := (&bed{location: "s3://" + name + "/spice/", root: filepath.Join(server.Dir, name, "spice"),
		params: []string{"s3_endpoint=" + server.URL, "s3_region=us-east-1", "s3_key=" + storetest.Key, "s3_secret=" + storetest.Secret, "allow_http=true"}}).fill(t)
	proxy := storetest.NewProxy(t, server.URL)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, args := range [][]string{{"export", "trips", "0", "--to", filepath.Join(dir, "x")}, {"verify", "trips", "0"}, {"verify", "--all"}} {
		ctx, cancel := context.WithCancel(t.Context())
		proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "dataset=") {
				return false
			}
			cancel()
			return storetest.Hang(w, r)
		})
		out, errs, code := until(t, ctx, append(append(args, b.byLocation()...), "--param", "s3_endpoint="+proxy.URL)...)
		if code != cli.ExitInterrupted {
			t.Errorf("%v: exit code %d, %s%s", args, code, out, errs)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("%v leaves %v, %v", args, left, err)
		}
		cancel()
	}
}
