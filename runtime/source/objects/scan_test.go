package objects

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// lines reads all rows as text: the columns of a row joined by commas.
func lines(t testing.TB, src source.Source, s source.Scan) ([]string, source.Reader) {
	t.Helper()
	r, err := src.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var out []string
	for r.Next() {
		rec := r.RecordBatch()
		for i := range int(rec.NumRows()) {
			var row []string
			for _, c := range rec.Columns() {
				row = append(row, c.ValueStr(i))
			}
			out = append(out, strings.Join(row, ","))
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	if done, total := r.Progress(); done != total {
		t.Errorf("progress ends at %d of %d", done, total)
	}
	return out, r
}

func newSource(t testing.TB, o Options, params map[string]string) *Source {
	t.Helper()
	s, err := New(o, params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(r source.Reader) string { return types(r.Schema()) }

var hiveFiles = map[string]string{
	"year=2023/month=12/a.csv":                         "id\n1\n",
	"year=2024/month=01/b.csv":                         "id\n2\n",
	"year=2024/month=02/c.csv":                         "id\n3\n",
	"year=2024/month=__HIVE_DEFAULT_PARTITION__/d.csv": "id\n4\n",
	"year=2025/month=02/e.csv":                         "id\n5\n",
}

func where(column string, op engines.Op, v any) engines.Predicate {
	return engines.Compare{Column: column, Op: op, Value: v}
}

func TestHivePartitions(t *testing.T) {
	for _, place := range []string{"local", "s3"} {
		o, params := Options{}, map[string]string(nil)
		if place == "local" {
			o.Path = write(t, hiveFiles)
		} else {
			o, params = Options{Connector: "s3", Path: bucket(t, hiveFiles) + "/"}, s3Params(server.URL)
		}
		for _, tt := range []struct {
			name  string
			where engines.Predicate
			want  []string
			plan  string
		}{
			{"all", nil, []string{"1,2023,12", "2,2024,1", "3,2024,2", "4,2024,(null)", "5,2025,2"}, "5 of 5 files"},
			{"year", where("year", engines.Eq, int64(2024)), []string{"2,2024,1", "3,2024,2", "4,2024,(null)"}, "3 of 5 files"},
			{"month only", where("month", engines.Ge, int64(2)), []string{"1,2023,12", "3,2024,2", "5,2025,2"}, "3 of 5 files"},
			{"not", engines.Not{Of: where("year", engines.Lt, int64(2025))}, []string{"5,2025,2"}, "1 of "},
			{"null", engines.IsNull{Column: "month"}, []string{"4,2024,(null)"}, "1 of 5 files"},
			{"with a column of the file", engines.Or{where("year", engines.Eq, int64(2025)), engines.And{where("id", engines.Eq, int64(2)), where("month", engines.Eq, int64(1))}}, []string{"2,2024,1", "5,2025,2"}, "2 of "},
			{"nothing", where("year", engines.Gt, int64(3000)), nil, "0 of "},
		} {
			got, r := lines(t, newSource(t, o, params), source.Scan{Where: tt.where})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, %s: -want +got:\n%s", place, tt.name, diff)
			}
			if names(r) != "id:int64 year:int64 month:int64" {
				t.Errorf("%s, %s: columns are %s", place, tt.name, names(r))
			}
			if p := r.(source.Planner).Plan(); !strings.HasPrefix(p, tt.plan) {
				t.Errorf("%s, %s: the plan is %q", place, tt.name, p)
			}
		}
	}
}

func TestPartitionTypesAndNames(t *testing.T) {
	for _, tt := range []struct {
		files map[string]string
		types string
		want  []string
	}{
		{map[string]string{"day=2024-01-02/a.csv": "id\n1\n", "day=2024-01-03/a.csv": "id\n2\n"}, "id:int64 day:date32", []string{"1,2024-01-02", "2,2024-01-03"}},
		{map[string]string{"k=1/a.csv": "id\n1\n", "k=x/a.csv": "id\n2\n"}, "id:int64 k:utf8", []string{"1,1", "2,x"}},
		{map[string]string{"k=a%20b%2Fc/a.csv": "id\n1\n"}, "id:int64 k:utf8", []string{"1,a b/c"}},
		{map[string]string{"id=7/a.csv": "id,v\n1,2\n"}, "v:int64 id:int64", []string{"2,7"}},
		{map[string]string{"_day=1/a.csv": "id\n1\n", "_tmp/b.csv": "id\n2\n", ".x=1/c.csv": "id\n3\n"}, "id:int64 _day:int64", []string{"1,1"}},
	} {
		got, r := lines(t, newSource(t, Options{Path: write(t, tt.files)}, nil), source.Scan{})
		if diff := cmp.Diff(tt.want, got); diff != "" || names(r) != tt.types {
			t.Errorf("%v: %s, -want +got:\n%s", tt.files, names(r), diff)
		}
	}
	got, r := lines(t, newSource(t, Options{Path: write(t, hiveFiles)}, map[string]string{"hive_partitioning_enabled": "false"}), source.Scan{})
	if names(r) != "id:int64" || len(got) != 5 {
		t.Errorf("switched off: %s, %v", names(r), got)
	}
}

func TestColumnsAreThoseOfTheScan(t *testing.T) {
	dir := write(t, map[string]string{"k=1/a.csv": "a,b,c\n1,x,2.5\n"})
	src := newSource(t, Options{Path: dir}, nil)
	got, r := lines(t, src, source.Scan{Columns: []string{"c", "k", "a"}})
	if names(r) != "c:float64 k:int64 a:int64" || fmt.Sprint(got) != "[2.5,1,1]" {
		t.Errorf("%s, %v", names(r), got)
	}
	if p := r.(source.Planner).Plan(); p != "1 of 1 files, 3 of 4 columns" {
		t.Errorf("the plan is %q", p)
	}
	if got, r = lines(t, src, source.Scan{Columns: []string{"k"}}); names(r) != "k:int64" || fmt.Sprint(got) != "[1]" {
		t.Errorf("%s, %v", names(r), got)
	}
	_, err := src.Read(t.Context(), source.Scan{Columns: []string{"a", "nope"}})
	var e *source.Error
	if !errors.As(err, &e) || e.Kind != source.Unsupported || !strings.Contains(err.Error(), `"nope"`) || !strings.Contains(e.Hint, "a, b, c, k") {
		t.Errorf("%v", err)
	}
	for name, content := range map[string]string{"x.ndjson": `{"a":1,"b":"x"}` + "\n" + `{"a":2,"b":"y"}` + "\n", "x.parquet": string(parquetBytes(t, 10, 5))} {
		src := newSource(t, Options{Path: filepath.Join(write(t, map[string]string{"k=3/" + name: content}), "k=3")}, nil)
		if got, r = lines(t, src, source.Scan{Columns: []string{"m"}, LastModified: "m"}); names(r) != "m:timestamp[us, tz=UTC]" || len(got) < 2 {
			t.Errorf("%s: %s, %d rows", name, names(r), len(got))
		}
	}
}

func age(t testing.TB, path string, d time.Duration) {
	t.Helper()
	at := time.Now().Add(-d).Truncate(time.Second)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestSinceReadsOnlyWhatIsNewOldestFirst(t *testing.T) {
	dir := write(t, map[string]string{"a.csv": "id\n1\n", "b.csv": "id\n2\n", "c.csv": "id\n3\n"})
	for i, n := range []string{"a", "b", "c"} {
		age(t, filepath.Join(dir, n+".csv"), time.Duration(60-i)*time.Minute)
	}
	src := newSource(t, Options{Path: dir}, nil)
	_, r := lines(t, src, source.Scan{})
	seen := r.(source.Lister).Objects()
	if len(seen) != 3 {
		t.Fatalf("listed %v", seen)
	}
	got, r := lines(t, src, source.Scan{Since: true, Seen: seen})
	if len(got) != 0 || names(r) != "id:int64" || len(r.(source.Lister).Objects()) != 3 {
		t.Errorf("nothing new: %v, %s", got, names(r))
	}
	for name, content := range map[string]string{"z.csv": "id\n10\n", "d.csv": "id\n11\n", "b.csv": "id\n2\n22\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	age(t, filepath.Join(dir, "z.csv"), 30*time.Minute)
	age(t, filepath.Join(dir, "d.csv"), 20*time.Minute)
	age(t, filepath.Join(dir, "b.csv"), 20*time.Minute)
	got, r = lines(t, src, source.Scan{Since: true, Seen: seen})
	if want := "[10 2 22 11]"; fmt.Sprint(got) != want {
		t.Errorf("read %v, want %s", got, want)
	}
	if p := r.(source.Planner).Plan(); !strings.HasPrefix(p, "3 of 5 files") {
		t.Errorf("the plan is %q", p)
	}
	if n := len(r.(source.Lister).Objects()); n != 5 {
		t.Errorf("%d objects listed", n)
	}
}

func TestIfChanged(t *testing.T) {
	dir := write(t, map[string]string{"a.csv": "id\n1\n", "b.csv": "id\n2\n"})
	src := newSource(t, Options{Path: dir}, nil)
	read := func(seen []source.Object) ([]source.Object, error) {
		t.Helper()
		r, err := src.Read(t.Context(), source.Scan{IfChanged: true, Seen: seen})
		if err != nil {
			return nil, err
		}
		defer r.Release()
		return r.(source.Lister).Objects(), nil
	}
	seen, err := read(nil)
	if err != nil {
		t.Fatal(err)
	}
	if seen, err = read(seen); err != nil {
		t.Errorf("changed less than 2 s ago: %v", err)
	}
	age(t, filepath.Join(dir, "a.csv"), time.Hour)
	age(t, filepath.Join(dir, "b.csv"), time.Hour)
	if seen, err = read(seen); err != nil {
		t.Errorf("other times: %v", err)
	}
	if _, err = read(seen); !errors.Is(err, source.ErrUnchanged) {
		t.Errorf("as it was: %v", err)
	}
	for name, change := range map[string]func() error{
		"grown":   func() error { return os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id\n1\n3\n"), 0o644) },
		"new":     func() error { return os.WriteFile(filepath.Join(dir, "c.csv"), []byte("id\n1\n"), 0o644) },
		"removed": func() error { return os.Remove(filepath.Join(dir, "b.csv")) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"a.csv", "b.csv", "c.csv"} {
			if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
				age(t, filepath.Join(dir, f), time.Hour)
			}
		}
		next, err := read(seen)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		seen = next
	}
}

// Written again within the same tick of the clock, with the same size: the listing looks the same.
func TestIfChangedDoesNotTrustWhatWasYoungWhenSeen(t *testing.T) {
	dir := write(t, map[string]string{"a.csv": "id\n1\n"})
	src := newSource(t, Options{Path: dir}, nil)
	r, err := src.Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	seen := r.(source.Lister).Objects()
	l := []*entry{{Object: seen[0]}}
	if src.unchanged(l, seen, time.Now().Add(time.Hour)) {
		t.Error("trusted although it was young when it was seen")
	}
	src.remember(l, time.Now().Add(time.Hour))
	if !src.unchanged(l, seen, time.Now().Add(2*time.Hour)) {
		t.Error("not trusted although it was old when it was seen")
	}
}

func TestLastModified(t *testing.T) {
	dir := write(t, map[string]string{"a.csv": "id\n1\n", "b.csv": "id\n2\n"})
	age(t, filepath.Join(dir, "a.csv"), 2*time.Hour)
	age(t, filepath.Join(dir, "b.csv"), time.Hour)
	src := newSource(t, Options{Path: dir}, nil)
	r, err := src.Read(t.Context(), source.Scan{LastModified: "_last_modified"})
	if err != nil {
		t.Fatal(err)
	}
	if names(r) != "id:int64 _last_modified:timestamp[us, tz=UTC]" {
		t.Errorf("columns are %s", names(r))
	}
	for _, o := range r.(source.Lister).Objects() {
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if v := r.RecordBatch().Column(1).(*array.Timestamp).Value(0); int64(v) != o.Modified.UnixMicro() {
			t.Errorf("%s has %d, want %d", o.Path, v, o.Modified.UnixMicro())
		}
	}
	r.Release()
	young := where("_last_modified", engines.Gt, time.Now().Add(-90*time.Minute))
	got, r := lines(t, src, source.Scan{LastModified: "_last_modified", Where: young, Columns: []string{"id"}})
	if fmt.Sprint(got) != "[2]" || !strings.HasPrefix(r.(source.Planner).Plan(), "1 of 2 files") {
		t.Errorf("%v, %s", got, r.(source.Planner).Plan())
	}
	// a column of that name wins, and then the age of the file says nothing
	dir = write(t, map[string]string{"a.csv": "last_modified\n7\n", "b.csv": "last_modified\n8\n"})
	age(t, filepath.Join(dir, "a.csv"), 2*time.Hour)
	got, r = lines(t, newSource(t, Options{Path: dir}, nil), source.Scan{LastModified: "last_modified", Where: where("last_modified", engines.Gt, time.Now().Add(-time.Hour))})
	if fmt.Sprint(got) != "[7 8]" || names(r) != "last_modified:int64" {
		t.Errorf("%v, %s", got, names(r))
	}
}

func TestFoldersLinksAndHiddenFiles(t *testing.T) {
	dir := write(t, map[string]string{"a/1.csv": "id\n1\n", "a/.git/x.csv": "id\n9\n", "a/_SUCCESS": "", "a/_x.csv": "id\n8\n", "b/2.csv": "id\n2\n"})
	if err := errors.Join(os.Symlink(filepath.Join(dir, "b"), filepath.Join(dir, "a", "link")), os.Symlink(dir, filepath.Join(dir, "b", "loop")),
		os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "a", "broken.csv")), os.Symlink(filepath.Join(dir, "b", "2.csv"), filepath.Join(dir, "a", "3.csv"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a": "[1 2 2]", "a/": "[1 2 2]", "a/1.csv": "[1]", "a/*.csv": "[1 2]", "a/_*.csv": "[8]", "?/[12].csv": "[1 2]",
		"a/_x.csv": "[8]", "b/**/1.csv": "[1]", "a/*/": "[2]", "a/**": "[1 2 2]",
	} {
		got, _ := lines(t, newSource(t, Options{Path: dir + "/" + path}, nil), source.Scan{})
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", path, got, want)
		}
	}
}
