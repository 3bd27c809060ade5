package cayenne

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// maxPartitions is how many partitions a dataset may have: more are a mistake in partition_by.
const maxPartitions = 10_000

// hiveNull is the folder name of NULL.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// partition is the rows that have the same values of partition_by.
type partition struct {
	id     string
	scheme string // text of partition_by
	path   string // below the data folder, with slashes
	values []value
	names  []string
	text   string // key, once it is kept
}

// value is what a row is partitioned by: a number, or a text.
type value struct {
	null bool
	kind string // as in a partition key, spec 1.3
	n    int64  // but for utf8
	s    string
}

// schemeOf is the text of partition_by; empty when there is none.
func schemeOf(by []engines.PartitionBy) string {
	all := make([]string, len(by))
	for i, b := range by {
		all[i] = b.Name + ": " + b.String()
	}
	return strings.Join(all, "; ")
}

// text is the value for people and in paths: a time whose year does not have four digits is its number.
func (v value) text() string {
	switch {
	case v.kind == "utf8":
		return v.s
	case v.kind == "bool":
		return strconv.FormatBool(v.n != 0)
	case v.kind == "u64":
		return strconv.FormatUint(uint64(v.n), 10)
	case v.kind == "date" && fourDigits(v.n, 1):
		return time.Unix(v.n*86400, 0).UTC().Format(time.DateOnly)
	case perDay(v.kind) > 1 && fourDigits(v.n, perDay(v.kind)):
		return timeOf(v.n, v.kind).Format(timeLayout)
	default:
		return strconv.FormatInt(v.n, 10)
	}
}

// timeLayout is the form of timestamps in keys and paths, which have no colons.
const timeLayout = "2006-01-02T15-04-05.999999999Z"

// perDay is how many units of a timestamp a day has; 1 for what is none.
func perDay(kind string) int64 {
	switch kind {
	case "ts_s":
		return 86_400
	case "ts_ms":
		return 86_400_000
	case "ts_us":
		return 86_400_000_000
	case "ts_ns":
		return 86_400_000_000_000
	default:
		return 1
	}
}

// fourDigits tells whether a time, counted since 1970, is of the years 0 to 9999, by days alone: package time can't
// tell the year of every number of seconds.
func fourDigits(n, perDay int64) bool {
	day := floor(n, perDay) / perDay
	return day >= -719_528 && day <= 2_932_896
}

func timeOf(n int64, kind string) time.Time {
	switch kind {
	case "ts_s":
		return time.Unix(n, 0).UTC()
	case "ts_ms":
		return time.UnixMilli(n).UTC()
	case "ts_us":
		return time.UnixMicro(n).UTC()
	default:
		return time.Unix(0, n).UTC()
	}
}

// key is the value as a part of a partition key.
func (v value) key() string {
	if v.null {
		return "v1." + v.kind + ".n"
	}
	return "v1." + v.kind + ".v" + strings.ToUpper(hex.EncodeToString([]byte(v.text())))
}

// folder is the value as a folder name, of at most 200 bytes, which no other value of its column has: only a long
// one, of which the end is a hash, has a tilde.
func (v value) folder() string {
	if v.null {
		return hiveNull
	}
	text := v.text()
	s := strings.NewReplacer("=", "%3D", "~", "%7E").Replace(url.PathEscape(text))
	switch {
	case s == "." || s == "..":
		s = strings.ReplaceAll(s, ".", "%2E")
	case s == hiveNull:
		s = "%5F" + s[1:]
	case len(s) > 200:
		sum := sha256.Sum256([]byte(text))
		s = s[:120] + "~" + hex.EncodeToString(sum[:16])
	}
	return s
}

// key tells the partition from the others of its scheme (spec 1.3).
func (p *partition) key() string {
	if p.text != "" {
		return p.text
	}
	var b strings.Builder
	b.WriteString("v1:")
	for _, v := range p.values {
		k := v.key()
		fmt.Fprintf(&b, "%d:%s", len(k), k)
	}
	return b.String()
}

// folder is the path for a new partition, in Hive form.
func (p *partition) folder() string {
	all := make([]string, len(p.values))
	for i, v := range p.values {
		all[i] = p.names[i] + "=" + v.folder()
	}
	return path.Join(all...)
}

// documents are the columns and the values as the metastore has them.
func (p *partition) documents() (names, values string, err error) {
	texts := make([]*string, len(p.values))
	for i, v := range p.values {
		if !v.null {
			t := v.text()
			texts[i] = &t
		}
	}
	n, err := json.Marshal(p.names)
	if err != nil {
		return "", "", err
	}
	t, err := json.Marshal(texts)
	return string(n), string(t), err
}

// readPartition is the partition that a metastore describes.
func readPartition(id, names, key, at, scheme string) (*partition, error) {
	p := &partition{id: id, scheme: scheme, path: at}
	bad := func() (*partition, error) {
		return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("partition %q with key %q", names, key))
	}
	if err := json.Unmarshal([]byte(names), &p.names); err != nil {
		return bad()
	}
	rest, ok := strings.CutPrefix(key, "v1:")
	for ok && rest != "" {
		var length, part string
		if length, rest, ok = strings.Cut(rest, ":"); !ok {
			break
		}
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(rest) {
			return bad()
		}
		part, rest = rest[:n], rest[n:]
		v, err := readValue(part)
		if err != nil {
			return bad()
		}
		p.values = append(p.values, v)
	}
	if !ok || len(p.values) != len(p.names) || len(p.values) == 0 {
		return bad()
	}
	for _, n := range p.names {
		if !validName(n) {
			return bad()
		}
	}
	p.text = p.key()
	return p, nil
}

// validName tells whether a name of partition_by may be in a path.
func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func readValue(key string) (value, error) {
	bad := fmt.Errorf("partition value %q", key)
	parts := strings.SplitN(key, ".", 3)
	if len(parts) != 3 || parts[0] != "v1" || parts[2] == "" {
		return value{}, bad
	}
	v := value{kind: parts[1]}
	if parts[2] == "n" {
		v.null = true
		return v, nil
	}
	b, err := hex.DecodeString(parts[2][1:])
	if err != nil || parts[2][0] != 'v' {
		return value{}, bad
	}
	text := string(b)
	switch v.kind {
	case "utf8":
		v.s = text
	case "bool":
		if text == "true" {
			v.n = 1
		}
	case "date", "ts_s", "ts_ms", "ts_us", "ts_ns":
		if v.n, err = strconv.ParseInt(text, 10, 64); err == nil {
			break
		}
		layout := timeLayout
		if v.kind == "date" {
			layout = time.DateOnly
		}
		t, err := time.Parse(layout, text)
		if err != nil {
			return value{}, bad
		}
		if v.kind == "date" {
			v.n = t.Unix() / 86400
			break
		}
		v.n = map[string]func() int64{"ts_s": t.Unix, "ts_ms": t.UnixMilli, "ts_us": t.UnixMicro, "ts_ns": t.UnixNano}[v.kind]()
	case "u64":
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return value{}, bad
		}
		v.n = int64(n)
	default:
		if v.n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return value{}, bad
		}
	}
	return v, nil
}

// append adds the value to a key of a map.
func (v value) append(b []byte) []byte {
	if v.null {
		return append(b, 0)
	}
	if v.kind == "utf8" {
		b = binary.AppendUvarint(append(b, 2), uint64(len(v.s)))
		return append(b, v.s...)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), uint64(v.n))
}
