package cayenne

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

// The hashes are those of the Iceberg table specification, appendix B.
func TestBucketsAreIcebergs(t *testing.T) {
	for _, tt := range []struct {
		v    value
		hash int32
	}{
		{value{kind: "i32", n: 34}, 2017239379},
		{value{kind: "i64", n: 34}, 2017239379},
		{value{kind: "date", n: 17486}, -653330422},              // 2017-11-16
		{value{kind: "ts_us", n: 1510871468000000}, -2047944441}, // 2017-11-16T22:31:08
		{value{kind: "ts_s", n: 1510871468}, -2047944441},
		{value{kind: "ts_ms", n: 1510871468000}, -2047944441},
		{value{kind: "ts_ns", n: 1510871468000000000}, -2047944441},
		{value{kind: "utf8", s: "iceberg"}, 1210000089},
	} {
		for _, n := range []int64{1, 7, 100, 1 << 30} {
			if got, want := bucket(tt.v, n), int64(uint32(tt.hash)&0x7fffffff)%n; got != want {
				t.Errorf("%+v in %d buckets: %d, want %d", tt.v, n, got, want)
			}
		}
	}
}

func TestPartitionFolders(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for _, tt := range []struct {
		v    value
		want string
	}{
		{value{kind: "utf8", s: "eu"}, "p=eu"},
		{value{kind: "utf8"}, "p="},
		{value{kind: "utf8", null: true}, "p=__HIVE_DEFAULT_PARTITION__"},
		{value{kind: "utf8", s: "__HIVE_DEFAULT_PARTITION__"}, "p=%5F_HIVE_DEFAULT_PARTITION__"},
		{value{kind: "utf8", s: "%5F_HIVE_DEFAULT_PARTITION__"}, "p=%255F_HIVE_DEFAULT_PARTITION__"},
		{value{kind: "utf8", s: "a~b"}, "p=a%7Eb"},
		{value{kind: "utf8", s: "../a/b=c"}, "p=..%2Fa%2Fb%3Dc"},
		{value{kind: "utf8", s: ".."}, "p=%2E%2E"},
		{value{kind: "utf8", s: "a\x00\n"}, "p=a%00%0A"},
		{value{kind: "i64", n: -5}, "p=-5"},
		{value{kind: "u64", n: -1}, "p=18446744073709551615"},
		{value{kind: "bool", n: 1}, "p=true"},
		{value{kind: "date", n: -1}, "p=1969-12-31"},
		{value{kind: "ts_ms", n: 1_700_000_000_123}, "p=2023-11-14T22-13-20.123Z"},
		{value{kind: "date", n: -719_528}, "p=0000-01-01"},
		{value{kind: "date", n: 2_932_896}, "p=9999-12-31"},
		{value{kind: "date", n: 2_932_897}, "p=2932897"}, // the year 10000
		{value{kind: "date", n: -719_529}, "p=-719529"},
		{value{kind: "ts_s", n: 253_402_300_799}, "p=9999-12-31T23-59-59Z"},
		{value{kind: "ts_s", n: 253_402_300_800}, "p=253402300800"},
		{value{kind: "ts_s", n: math.MaxInt64}, "p=9223372036854775807"},
		{value{kind: "ts_ms", n: math.MinInt64}, "p=-9223372036854775808"},
		{value{kind: "ts_ns", n: math.MinInt64}, "p=1677-09-21T00-12-43.145224192Z"},
		{value{kind: "utf8", s: long}, ""},
	} {
		p := &partition{names: []string{"p"}, values: []value{tt.v}, scheme: "p: p"}
		p.path = p.folder()
		if tt.want != "" && p.path != tt.want || len(p.path) > 255 {
			t.Errorf("%+v: %q, want %q", tt.v, p.path, tt.want)
		}
		names, _, err := p.documents()
		if err != nil {
			t.Fatal(err)
		}
		back, err := readPartition("id", names, p.key(), p.path, p.scheme)
		if err != nil || back.key() != p.key() || back.values[0] != tt.v {
			t.Errorf("%+v is read as %+v: %v", tt.v, back, err)
		}
	}
}

// Texts that are alike for long, or that look like the folder of another, have folders of their own.
func TestDifferentValuesHaveDifferentFolders(t *testing.T) {
	long := strings.Repeat("a", 300)
	cut := value{kind: "utf8", s: long + "x"}.folder()
	seen := map[string]value{}
	for _, v := range []value{
		{kind: "utf8", null: true}, {kind: "utf8"}, {kind: "utf8", s: hiveNull}, {kind: "utf8", s: value{kind: "utf8", s: hiveNull}.folder()},
		{kind: "utf8", s: long}, {kind: "utf8", s: long + "x"}, {kind: "utf8", s: long + "y"}, {kind: "utf8", s: cut}, {kind: "utf8", s: strings.Repeat("%", 300)},
		{kind: "utf8", s: "."}, {kind: "utf8", s: "%2E"}, {kind: "utf8", s: "\xff"}, {kind: "utf8", s: "\ufffd"},
	} {
		at := v.folder()
		if other, known := seen[at]; known || len(at) > 200 {
			t.Errorf("%+v and %+v: %q", v, other, at)
		}
		seen[at] = v
	}
}

func FuzzReadPartition(f *testing.F) {
	p := &partition{names: []string{"p", "q"}, values: []value{{kind: "utf8", s: "a:b"}, {kind: "date", n: 5}}}
	f.Add(p.key())
	f.Add("v1:9999999999999999999:")
	by := make([]level, 3) // which are more than a partition of two values has
	for i := range by {
		by[i] = level{by: engines.PartitionBy{Transform: engines.Bucket, N: 4}, column: i, kind: "i64"}
	}
	f.Fuzz(func(t *testing.T, key string) {
		p, err := readPartition("", `["p","q"]`, key, "", "")
		if err != nil {
			return
		}
		for i := range by {
			p.excludes(by[:2], i, int64(i))
			if p.excludes(by, i, int64(i)) {
				t.Errorf("%q leaves out by a level that it does not have", key)
			}
		}
		if again, err := readPartition("", `["p","q"]`, p.key(), "", ""); err != nil || again.key() != p.key() {
			t.Errorf("%q is %q, and then %v", key, p.key(), err)
		}
	})
}

func TestLevelsNameWhatIsWrong(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float64}, {Name: "i", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for want, by := range map[string]engines.PartitionBy{
		`no column "x"`:         {Name: "x", Column: "x"},
		"of type float64":       {Name: "f", Column: "f"},
		"of type int64":         {Name: "y", Column: "i", Transform: engines.Year},
		"0 is not a number":     {Name: "b", Column: "i", Transform: engines.Bucket},
		`the name "a/b" is not`: {Name: "a/b", Column: "i"},
	} {
		if _, err := levels([]engines.PartitionBy{by}, s); err == nil || !strings.Contains(err.Error(), want) || engines.KindOf(err) != engines.Invalid {
			t.Errorf("%v: %v, want %q", by, err, want)
		}
	}
}
