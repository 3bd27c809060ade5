package snapshots

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pitwall/engines/schemajson"
	"pitwall/snapshots/metadata"
)

// With 100,000 snapshots in one metadata.json: how long do list, show newest and commit take, beside the transfer
// of the file? The transfer is what the store takes for the same bytes.
func BenchmarkMetadata100000(b *testing.B) {
	m := on(b, "file://"+b.TempDir(), nil)
	sch, err := schemajson.Marshal(schema)
	if err != nil {
		b.Fatal(err)
	}
	f := metadata.New(m.Location())
	d := &metadata.Dataset{Name: "o", Engine: "duckdb"}
	d.AddSchema(sch)
	record := func(i int) metadata.Snapshot {
		at := time.UnixMilli(1_767_225_600_000).Add(time.Duration(i) * time.Minute)
		rows, ms := uint64(i), at.UnixMilli()
		return metadata.Snapshot{ID: uint64(i), TimestampMs: ms, URI: metadata.URI(m.Location(), metadata.Key("o", at, ".duckdb")),
			Checksum: fmt.Sprintf("%064d", i), Algorithm: metadata.Algorithm, Size: 1 << 30, Engine: "duckdb", RowCount: &rows, LastUpdatedMs: &ms}
	}
	for i := range 100_000 {
		d.Snapshots = append(d.Snapshots, record(i))
	}
	d.CurrentID = &d.Snapshots[len(d.Snapshots)-1].ID
	f.Datasets["o"] = d
	body, err := f.Encode()
	if err != nil {
		b.Fatal(err)
	}
	if err := m.store.Replace(b.Context(), metadata.Name, "", body); err != nil {
		b.Fatal(err)
	}
	took := map[string]time.Duration{}
	step := func(name string, what func() error) {
		began := time.Now()
		if err := what(); err != nil {
			b.Fatal(err)
		}
		took[name] += time.Since(began)
	}
	i := 100_000
	for b.Loop() {
		var version string
		step("load", func() (err error) { body, version, err = m.store.Load(b.Context(), metadata.Name); return err })
		step("replace", func() error { return m.store.Replace(b.Context(), metadata.Name, version, body) })
		step("list", func() error {
			list, err := m.List(b.Context(), "o")
			if err == nil && len(list) != i {
				err = fmt.Errorf("%d snapshots", len(list))
			}
			return err
		})
		step("commit", func() error {
			r := record(i)
			r.Checksum = strings.Repeat("f", 64)
			s, err := m.commit(b.Context(), CreateRequest{Dataset: "o", Engine: "duckdb"}, sch, r, nil)
			if err == nil && s.ID != uint64(i) {
				err = fmt.Errorf("%+v", s)
			}
			return err
		})
		i++
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(ms(took["load"]), "ms/transfer-in")
	b.ReportMetric(ms(took["replace"]), "ms/transfer-out")
	b.ReportMetric(ms(took["list"]-took["load"]), "ms/list")
	b.ReportMetric(ms(took["commit"]-took["load"]-took["replace"]), "ms/commit")
	b.ReportMetric(0, "ns/op")
}
