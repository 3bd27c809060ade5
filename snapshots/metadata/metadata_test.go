package metadata

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func golden(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of the specification is read, and written again byte for byte.
func TestSpecExampleRoundTrips(t *testing.T) {
	b := golden(t, "spec.json")
	f, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Datasets["orders"]
	if d == nil || d.Current() == nil || d.Current().Size != 1048576 || *d.Current().RowCount != 1250 || d.NextID() != 1 {
		t.Fatalf("orders is %+v", d)
	}
	out, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(b)), string(out)); diff != "" {
		t.Errorf("written (+) differs from the specification's example (-):\n%s", diff)
	}
}

// Older writers had no engine, no row count, no properties, and null pointers.
func TestOldRecordsAreRead(t *testing.T) {
	f, err := Decode(golden(t, "v1_8.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := f.Datasets["sales.customers"]
	if s := d.Snapshot(0); s == nil || s.Engine != "" || s.RowCount != nil || !strings.HasSuffix(s.URI, ".db") {
		t.Errorf("snapshot is %+v", s)
	}
	if d.Current() != nil {
		t.Errorf("the unset pointer names %+v", d.Current())
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := string(golden(t, "spec.json"))
	for _, tt := range []struct{ name, in, want string }{
		{"no JSON", "<html>", "not valid JSON"},
		{"empty", "", "not valid JSON"},
		{"format version 2", strings.Replace(good, `"format-version": 1`, `"format-version": 2`, 1), "format-version 2"},
		{"format version 2 and nothing else", `{"format-version":2}`, "format-version 2"},
		{"no format version", `{"location":"x","last-updated-ms":1}`, "no format-version"},
		{"null location", `{"format-version":1,"location":null,"last-updated-ms":1}`, "location is null"},
		{"stray key", `{"format-version":1,"location":"x","last-updated-ms":1,"note":"hi"}`, `"note" is not a dataset record`},
		{"no current schema id", strings.Replace(good, `"current-schema-id": 0,`, ``, 1), "current-schema-id is missing"},
		{"no checksum algorithm", strings.Replace(good, `"snapshot-checksum-algorithm": "SHA256",`, ``, 1), "snapshot-checksum-algorithm is missing"},
		{"null checksum algorithm", strings.Replace(good, `"SHA256"`, `null`, 1), "snapshot-checksum-algorithm is missing"},
		{"negative size", strings.Replace(good, `1048576`, `-1`, 1), "snapshot-size"},
		{"Iceberg-style schema", string(golden(t, "stale_example.json")), "schema is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestUnknownMembersOfRecordsAreIgnored(t *testing.T) {
	good := string(golden(t, "spec.json"))
	if _, err := Decode([]byte(strings.Replace(good, `"snapshot-id": 0,`, `"snapshot-id": 0, "from-the-future": {"a":[1]},`, 1))); err != nil {
		t.Error(err)
	}
}

func TestKeyIsThatOfTheSpecification(t *testing.T) {
	at := time.Date(2026, 9, 24, 5, 0, 0, 999, time.FixedZone("", 3600))
	got := Key("sales.customers", at, ".duckdb")
	want := "month=2026-09/day=2026-09-24/dataset=sales.customers/sales.customers_20260924T040000Z.duckdb"
	if got != want {
		t.Errorf("Key = %s\nwant  %s", got, want)
	}
}

func TestKeyOf(t *testing.T) {
	const key = "month=2026-09/day=2026-09-24/dataset=o/o_20260924T040000Z.db"
	for _, tt := range []struct{ location, uri, key string }{
		{"s3://b/p/", "s3://b/p/" + key, key},
		{"s3://b/p", "s3://b/p/" + key, key},
		{"file:///srv/snaps", "s3://old-bucket/some/prefix/" + key, key}, // copied elsewhere
		{"s3://b/p/", key, key},
		{"s3://b/p/", "s3://b/p/../../etc/passwd", ""},
		{"s3://b/p/", "s3://other/x.db", ""},
		{"s3://b/p/", "/etc/passwd", ""},
		{"s3://b/p/", "s3://x/month=1/../../y", ""},
		{"s3://b/p/", "", ""},
	} {
		got, err := KeyOf(tt.location, tt.uri)
		if got != tt.key || (err != nil) != (tt.key == "") {
			t.Errorf("KeyOf(%q, %q) = %q, %v; want %q", tt.location, tt.uri, got, err, tt.key)
		}
	}
}

func TestNamesThatHaveNoPlace(t *testing.T) {
	for _, n := range []string{"", "location", "format-version", "a/b", "a%20b", "a b", "ä", "..", "a..b", "a:b"} {
		if CheckKey(n) == nil {
			t.Errorf("%q was accepted", n)
		}
	}
	for _, n := range []string{"orders", "sales.customers", "A_b-1"} {
		if err := CheckKey(n); err != nil {
			t.Error(err)
		}
	}
}

func TestAddSchemaNeverReusesAnID(t *testing.T) {
	d := &Dataset{}
	if id := d.AddSchema(json.RawMessage(`{"fields":[],"metadata":{}}`)); id != 0 || d.CurrentSchema() == nil {
		t.Errorf("the first schema has id %d", id)
	}
	d.Schemas[0].ID = 7
	if id := d.AddSchema(json.RawMessage(`{}`)); id != 8 || d.CurrentSchemaID != 8 {
		t.Errorf("the next schema has id %d", id)
	}
}

func FuzzDecode(f *testing.F) {
	for _, n := range []string{"spec.json", "v1_8.json", "stale_example.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Decode(b)
		if err != nil {
			return
		}
		for name, d := range file.Datasets {
			d.Current()
			d.CurrentSchema()
			if CheckName(name) != nil {
				return
			}
			for _, s := range d.Snapshots {
				_, _ = KeyOf(file.Location, s.URI)
			}
		}
		out, err := file.Encode()
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, out)
		}
		if second, _ := again.Encode(); string(second) != string(out) {
			t.Fatal("writing twice differs")
		}
	})
}

// many is a metadata.json of one dataset with n snapshots.
func many(t testing.TB, n int) *File {
	t.Helper()
	f := New("s3://my-bucket/spice/snapshots/")
	d := &Dataset{Name: "orders", Engine: "duckdb", Properties: map[string]string{"writer-generation": "2", "a": `<"é">`}}
	d.AddSchema(json.RawMessage(`{"fields":[{"name":"a b","data_type":"Int64","nullable":false,"metadata":{}}],"metadata":{}}`))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(time.Minute)
		rows, ms := uint64(i), at.UnixMilli()
		d.Snapshots = append(d.Snapshots, Snapshot{ID: uint64(i), TimestampMs: ms, URI: URI(f.Location, Key("orders", at, ".duckdb")),
			Checksum: strings.Repeat("0123456789abcdef", 4), Algorithm: Algorithm, Size: 1 << 30, Engine: "duckdb", RowCount: &rows, LastUpdatedMs: &ms})
		d.CurrentID = &d.Snapshots[i].ID
	}
	f.Datasets["orders"] = d
	f.Datasets["empty"] = &Dataset{Name: "empty"}
	return f
}

// The own reader and writer do what encoding/json does, byte for byte.
func TestAgreesWithEncodingJSON(t *testing.T) {
	b, err := many(t, 50).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := json.Indent(&again, b, "", "  "); err != nil || again.String() != string(b) {
		t.Errorf("%v: written (+) is not indented as by encoding/json (-):\n%s", err, cmp.Diff(again.String(), string(b)))
	}
	for _, in := range [][]byte{b, golden(t, "spec.json"), golden(t, "v1_8.json")} {
		f, err := Decode(in)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(in, &members); err != nil {
			t.Fatal(err)
		}
		if len(members) != len(f.Datasets)+len(reserved) {
			t.Errorf("%d members, %d datasets", len(members), len(f.Datasets))
		}
		for name, d := range f.Datasets {
			want := &Dataset{}
			if err := json.Unmarshal(members[name], want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, d, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s is read (+), encoding/json reads (-):\n%s", name, diff)
			}
		}
	}
}

// What serde refuses is refused.
func TestDecodeRefusesValues(t *testing.T) {
	good := string(golden(t, "spec.json"))
	for _, tt := range []struct{ old, new string }{
		{`"snapshot-id": 0`, `"snapshot-id": 00`}, {`"snapshot-id": 0`, `"snapshot-id": 0.0`}, {`"snapshot-id": 0`, `"snapshot-id": 1e1`},
		{`"snapshot-id": 0`, `"snapshot-id": +1`}, {`"snapshot-id": 0`, `"snapshot-id": "0"`}, {`"snapshot-id": 0`, `"snapshot-id": `},
		{`"snapshot-id": 0`, `"snapshot-id": 18446744073709551616`}, {`"snapshot-id": 0`, `"snapshot-id": 0, "snapshot-id": 1`},
		{`"timestamp-ms": 1790226000456`, `"timestamp-ms": -`}, {`"timestamp-ms": 1790226000456`, `"timestamp-ms": -01`},
		{`"snapshot-id": 0,`, `"snapshot-id": 0, "new": [1,],`}, {`"snapshot-id": 0,`, `"snapshot-id": 0, "new": tru,`},
		{`"snapshot-id": 0,`, `"snapshot-id": 0, "new": {"a" 1},`}, {`"snapshot-id": 0,`, `"snapshot-id": 0, "new": [}],`},
		{`"snapshot-id": 0,`, `"snapshot-id": 0 "timestamp-ms": 1,`}, {`"snapshot-id": 0,`, `"snapshot-id": 0,,`},
		{`"SHA256"`, "\"SHA\n256\""}, {`"SHA256"`, `"SHA\x"`}, {`"SHA256"`, `"SHA\`}, {`"SHA256"`, "\"\xff\""},
		{"\n", "\n1"}, {`"orders"`, `"orders": 1, "orders"`},
	} {
		if _, err := Decode([]byte(strings.Replace(good, tt.old, tt.new, 1))); err == nil {
			t.Errorf("%s was read", tt.new)
		}
	}
	if _, err := Decode([]byte(good + "}")); err == nil {
		t.Error("what follows the end was not seen")
	}
	for i := range len(strings.TrimSpace(good)) {
		if _, err := Decode([]byte(good[:i])); err == nil {
			t.Errorf("the first %d bytes were read", i)
		}
	}
}

// A file of 100,000 snapshots, 60 MB.
func BenchmarkDecode100000(b *testing.B) {
	body, err := many(b, 100_000).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode100000(b *testing.B) {
	f := many(b, 100_000)
	for b.Loop() {
		body, err := f.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
	}
}
