package cayenne_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/cayenne"
	"pitwall/engines/enginetest"
)

func openMails(t *testing.T, dir string, by ...engines.PartitionBy) engines.PartitionedEngine {
	t.Helper()
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(dir, "d.cayenne"), Partitions: by})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e.(engines.PartitionedEngine)
}

func mails(t *testing.T, e engines.Engine) []string {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var out []string
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			out = append(out, b.Column(0).ValueStr(i)+" "+b.Column(1).ValueStr(i))
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	slices.Sort(out)
	return out
}

// A state is copied by partition while writers go on, and is put together again elsewhere.
func TestPartitionsAreCopiedAndPutTogether(t *testing.T) {
	by := engines.PartitionBy{Name: "mail", Column: "mail"}
	e := openMails(t, t.TempDir(), by)
	if _, err := e.Pin(t.Context()); engines.KindOf(err) != engines.NotFound {
		t.Errorf("pinned nothing: %v", err)
	}
	put := func(mode engines.WriteMode, rows ...string) {
		t.Helper()
		if _, err := enginetest.PutPeople(t, e, mode, "["+strings.Join(rows, ",")+"]"); err != nil {
			t.Fatal(err)
		}
	}
	row := func(id int, mail string) string { return fmt.Sprintf(`{"id": %d, "mail": %q}`, id, mail) }
	put(engines.Replace, row(1, "a/b"), row(2, "c"), `{"id": 3}`, row(4, "c"), row(5, "c"))
	put(engines.Append, row(6, "c"))
	if n, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Eq, Value: int64(4)}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	want := mails(t, e)
	p, err := e.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	before := p.Partitions()
	put(engines.Append, row(7, "c"), row(8, "new"))
	again, err := e.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, x := range again.Partitions() {
		versions[x.Path] = x.Version
	}
	again.Release()
	put(engines.Replace, row(9, "z"))
	var files []string
	copies := func() []string {
		t.Helper()
		files = nil
		for i, x := range before {
			dst := filepath.Join(t.TempDir(), fmt.Sprint(i))
			out, err := p.Export(t.Context(), x.Path, dst)
			if err != nil || out.Rows != x.Rows {
				t.Fatalf("%+v: %+v, %v", x, out, err)
			}
			if same := versions[x.Path] == x.Version; same != (x.Path != "mail=c") {
				t.Errorf("%s: the version of an unchanged partition changed, or the other way round", x.Path)
			}
			files = append(files, dst)
		}
		return files
	}
	var paths []string
	for _, x := range before {
		paths = append(paths, x.Path)
	}
	if diff := cmp.Diff([]string{"mail=__HIVE_DEFAULT_PARTITION__", "mail=a%2Fb", "mail=c"}, paths); diff != "" {
		t.Error(diff)
	}
	if _, err := p.Export(t.Context(), "mail=none", filepath.Join(t.TempDir(), "x")); engines.KindOf(err) != engines.NotFound {
		t.Errorf("no such partition: %v", err)
	}

	dir := t.TempDir()
	other := openMails(t, dir, by)
	if _, err := other.AdoptPartitions(t.Context(), append(copies(), files[0]), p.Checkpoint()); engines.KindOf(err) != engines.Corrupt || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("adopted a partition twice: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "d.cayenne/data/*/*/*/*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	info, err := other.AdoptPartitions(t.Context(), copies(), p.Checkpoint())
	if err != nil || info.Rows != 5 {
		t.Fatalf("%+v, %v", info, err)
	}
	for range 2 {
		if diff := cmp.Diff(want, mails(t, other)); diff != "" {
			t.Error(diff)
		}
		if cp, err := other.Checkpoint(t.Context()); err != nil || !cp.UpdatedAt.Equal(p.Checkpoint().UpdatedAt) {
			t.Errorf("%+v, %v", cp, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		other = openMails(t, dir, by)
	}
	whole := openMails(t, t.TempDir())
	if _, err := whole.Pin(t.Context()); engines.KindOf(err) != engines.Invalid && engines.KindOf(err) != engines.NotFound {
		t.Error(err)
	}
	if _, err := whole.Adopt(t.Context(), copies()[2]); err != nil {
		t.Fatal(err)
	}
	if got := mails(t, whole); len(got) != 3 {
		t.Errorf("one partition alone: %v", got)
	}
}

// The text that stands for NULL in folder names is a value like others.
func TestTextLikeNullIsAPartitionOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	by := engines.PartitionBy{Name: "mail", Column: "mail"}
	e := openMails(t, dir, by)
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1},{"id":2,"mail":"__HIVE_DEFAULT_PARTITION__"}]`); err != nil {
		t.Fatal(err)
	}
	p, err := e.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	var files []string
	for i, x := range p.Partitions() {
		at := filepath.Join(dir, fmt.Sprint(i))
		if out, err := p.Export(t.Context(), x.Path, at); err != nil || out.Rows != 1 {
			t.Fatalf("%s: %+v, %v", x.Path, out, err)
		}
		files = append(files, at)
	}
	other := openMails(t, t.TempDir(), by)
	if _, err := other.AdoptPartitions(t.Context(), files, p.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mails(t, e), mails(t, other)); diff != "" {
		t.Error(diff)
	}
}

// A partition_by that was edited takes effect with the next append, which lays all rows out anew.
func TestEditedPartitionBy(t *testing.T) {
	dir := t.TempDir()
	e := openMails(t, dir)
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id": 1, "mail": "a"}, {"id": 2, "mail": "b"}]`); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openMails(t, dir, engines.PartitionBy{Name: "b", Column: "id", Transform: engines.Bucket, N: 100})
	if _, err := e.Pin(t.Context()); engines.KindOf(err) != engines.Invalid {
		t.Errorf("pinned what is not laid out: %v", err)
	}
	if _, err := enginetest.PutPeople(t, e, engines.Append, `[{"id": 3, "mail": "c"}]`); err != nil {
		t.Fatal(err)
	}
	p, err := e.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	if n := len(p.Partitions()); n != 3 {
		t.Errorf("%d partitions: %+v", n, p.Partitions())
	}
	if diff := cmp.Diff([]string{"1 a", "2 b", "3 c"}, mails(t, e)); diff != "" {
		t.Error(diff)
	}
}
