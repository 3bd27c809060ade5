package objects

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/storetest"
)

// A condition that selects 1 % by a sorted column reads at most 5 % of the bytes, counted at the store;
// of a file with a page index also when all of it is one row group.
func TestOnePercentReadsAtMostFivePercentOfTheBytes(t *testing.T) {
	const rows = 400_000
	one := engines.And{where("n", engines.Ge, int64(rows/2)), where("n", engines.Lt, int64(rows/2+rows/100))}
	for name, body := range map[string][]byte{
		"row groups": parquetBytes(t, rows, 8_000),
		"pages":      parquetBytes(t, rows, rows, parquet.WithPageIndexEnabled(true), parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(64<<10)),
	} {
		b := bucket(t, nil)
		put(t, b, "x.parquet", body)
		dir := write(t, map[string]string{"x.parquet": string(body)})
		proxy := storetest.NewProxy(t, server.URL)
		for _, place := range []struct {
			name   string
			o      Options
			params map[string]string
		}{{"local", Options{Path: dir}, nil}, {"s3", Options{Connector: "s3", Path: b + "/x.parquet"}, s3Params(proxy.URL)}} {
			proxy.Reset()
			n, sum, r, err := scan(t, place.o, place.params, source.Scan{Where: one})
			if err != nil || n < rows/100 || n > rows/20 || sum == 0 {
				t.Fatalf("%s, %s: %d rows, %v", name, place.name, n, err)
			}
			read, _ := r.Progress()
			if place.name == "s3" {
				// the answer of HEAD has no body; what else passed is what was counted
				if at := proxy.Bytes.Load(); at != read {
					t.Errorf("%s: %d bytes passed the store, %d were counted", name, at, read)
				}
				t.Logf("%s, s3: %d requests", name, proxy.Requests.Load())
			}
			share := float64(read) / float64(len(body))
			t.Logf("%s, %s: %s: %d of %d bytes, %.1f %%", name, place.name, r.(source.Planner).Plan(), read, len(body), 100*share)
			if share > 0.05 {
				t.Errorf("%s, %s: %.1f %% of the bytes were read", name, place.name, 100*share)
			}
		}
	}
}

// One column of three costs about its share.
func TestAColumnCostsItsShareOfTheBytes(t *testing.T) {
	body := parquetBytes(t, 500_000, 100_000, parquet.WithDictionaryDefault(false))
	b := bucket(t, nil)
	put(t, b, "x.parquet", body)
	n, sum, r, err := scan(t, Options{Connector: "s3", Path: b + "/x.parquet"}, s3Params(server.URL), source.Scan{Columns: []string{"n"}})
	read, _ := r.Progress()
	if err != nil || n != 500_000 || sum != 500_000*499_999/2 || read > int64(len(body))/3 {
		t.Errorf("%d rows, %v, %d of %d bytes", n, err, read, len(body))
	}
}

// Of a dataset of 10,000 objects, 1 % of them new, everything is listed once and only the new ones are
// read.
func TestAppendListsOnceAndReadsOnlyTheNewOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 objects take a while with the race detector")
	}
	const objects = 10_000
	b := bucket(t, nil)
	dir := filepath.Join(server.Dir, b, "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := func(i int) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.csv", i)), fmt.Appendf(nil, "n\n%d\n", i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range objects - objects/100 {
		file(i)
	}
	src := newSource(t, Options{Connector: "s3", Path: b + "/d/"}, s3Params(server.URL))
	r, err := src.Read(t.Context(), source.Scan{Since: true, Seen: nil, Where: where("n", engines.Lt, int64(0))})
	if err != nil {
		t.Fatal(err)
	}
	seen := r.(source.Lister).Objects()
	r.Release()
	for i := objects - objects/100; i < objects; i++ {
		file(i)
	}
	proxy := storetest.NewProxy(t, server.URL)
	src = newSource(t, Options{Connector: "s3", Path: b + "/d/"}, s3Params(proxy.URL))
	got, r := lines(t, src, source.Scan{Since: true, Seen: seen})
	if len(got) != objects/100 || len(r.(source.Lister).Objects()) != objects {
		t.Errorf("%d rows of %d objects", len(got), len(r.(source.Lister).Objects()))
	}
	lists, requests := proxy.Lists.Load(), proxy.Requests.Load()
	if pages := int64(objects / 1000); lists != pages || requests-lists != objects/100 {
		t.Errorf("%d requests for the listing, want %d; %d for objects, want %d", lists, pages, requests-lists, objects/100)
	}
	t.Logf("%d requests for the listing of %d objects, %d for the %d new ones", lists, objects, requests-lists, objects/100)
}

// Partitions that the condition excludes are not listed.
func TestExcludedPartitionsAreNotListed(t *testing.T) {
	files := map[string]string{}
	for day := range 30 {
		for i := range 5 {
			files[fmt.Sprintf("d/day=2024-01-%02d/%d.csv", day+1, i)] = "n\n1\n"
		}
	}
	b := bucket(t, files)
	proxy := storetest.NewProxy(t, server.URL)
	src := newSource(t, Options{Connector: "s3", Path: b + "/d/"}, s3Params(proxy.URL))
	got, r := lines(t, src, source.Scan{Where: where("day", engines.Ge, time.Date(2024, 1, 30, 0, 0, 0, 0, time.UTC))})
	if len(got) != 5 || proxy.Lists.Load() != 2 || proxy.Requests.Load() != 7 {
		t.Errorf("%d rows, %d listings, %d requests; %s", len(got), proxy.Lists.Load(), proxy.Requests.Load(), r.(source.Planner).Plan())
	}
	if names(r) != "n:int64 day:date32" {
		t.Errorf("columns are %s", names(r))
	}
}

// BenchmarkS3ParquetAgainstPlainGET reads the same object by one plain GET and as record batches, in
// turn, and reports both.
func BenchmarkS3ParquetAgainstPlainGET(b *testing.B) {
	name := bucket(b, nil)
	body := parquetBytes(b, 4_000_000, 250_000)
	put(b, name, "x.parquet", body)
	public := newSource(b, Options{Connector: "s3", Path: name + "/x.parquet"}, s3Params(server.URL))
	st, err := public.location.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	o, err := st.Stat(b.Context(), "x.parquet")
	if err != nil {
		b.Fatal(err)
	}
	var plain, rows, decode time.Duration
	for b.Loop() {
		begin := time.Now()
		c, err := st.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.ReadAt(make([]byte, o.Size), 0); err != nil { // one GET of everything
			b.Fatal(err)
		}
		plain += time.Since(begin)

		begin = time.Now()
		r, err := public.Read(b.Context(), source.Scan{})
		if err != nil {
			b.Fatal(err)
		}
		if n, _, err := drain(b, r); n != 4_000_000 || err != nil {
			b.Fatal(n, err)
		}
		r.Release()
		rows += time.Since(begin)

		dir := b.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.parquet"), body, 0o644); err != nil {
			b.Fatal(err)
		}
		begin = time.Now()
		if r, err = newSource(b, Options{Path: dir}, nil).Read(b.Context(), source.Scan{}); err != nil {
			b.Fatal(err)
		}
		drain(b, r)
		r.Release()
		decode += time.Since(begin)
	}
	mb := float64(len(body)) * float64(b.N) / 1e6
	b.ReportMetric(mb/plain.Seconds(), "GET-MB/s")
	b.ReportMetric(mb/rows.Seconds(), "S3-MB/s")
	b.ReportMetric(mb/decode.Seconds(), "local-MB/s")
	b.ReportMetric(rows.Seconds()/decode.Seconds(), "S3/local")
	b.SetBytes(int64(len(body)))
}
