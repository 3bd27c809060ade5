package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The forms of partition_by (spec data-refresh 1.6, cayenne-and-duckdb 1): a column, or a function of one.
var (
	columnForm = regexp.MustCompile(`^(?:"([^"]+)"|([A-Za-z_][A-Za-z0-9_]*))$`)
	callForm   = regexp.MustCompile(`^([A-Za-z_]+)\s*\((.*)\)$`)
	unitForm   = regexp.MustCompile(`^'([A-Za-z]+)'$`)
	notInName  = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// partitions reads partition_by. Rows are the same with and without it, so that what pitwall does not understand is a
// warning.
func (e *entry) partitions() {
	a := &e.ds.Acceleration
	const key = accel + "partition_by"
	if len(e.raw.Acceleration.PartitionBy) == 0 {
		return
	}
	if a.Engine != EngineCayenne {
		e.warnf(e.path(key), "use engine: cayenne", "partition_by has no effect with engine %s", a.Engine)
		return
	}
	var names []string
	for i, p := range e.raw.Acceleration.PartitionBy {
		at := e.path(fmt.Sprintf("%s[%d]", key, i))
		if p.Expr == "" { // told already
			return
		}
		x, err := parsePartition(p.Expr)
		if err != nil {
			e.warnf(at, "a column, bucket(100, id), truncate(10, id), year, month, day or hour(ts), or date_trunc('day', ts)",
				"%s; the dataset is not partitioned", err)
			a.PartitionBy = nil
			return
		}
		if x.Expr = p.Expr; p.Name != p.Expr {
			x.Name = p.Name
		}
		x.Name = strings.Trim(notInName.ReplaceAllString(x.Name, "_"), "_")
		if x.Name == "" || slices.Contains(names, x.Name) {
			e.errorf(at, "give it a name, such as by_day: date_trunc('day', ts)", "partition_by has two levels %q", x.Name)
			return
		}
		names = append(names, x.Name)
		a.PartitionBy = append(a.PartitionBy, x)
	}
}

// parsePartition reads an expression, and names it after itself.
func parsePartition(s string) (PartitionExpr, error) {
	unknown := fmt.Errorf("pitwall does not partition by %q", clip(s, 60))
	s = strings.TrimSpace(s)
	if c, ok := columnOf(s); ok {
		return PartitionExpr{Name: c, Column: c}, nil
	}
	m := callForm.FindStringSubmatch(s)
	if m == nil {
		return PartitionExpr{}, unknown
	}
	x := PartitionExpr{Func: strings.ToLower(m[1])}
	args := strings.Split(m[2], ",")
	for i := range args {
		args[i] = strings.TrimSpace(args[i])
	}
	want := 1
	switch x.Func {
	case "year", "month", "day", "hour":
	case "bucket", "truncate", "date_trunc", "date_part":
		want = 2
	default:
		return PartitionExpr{}, unknown
	}
	if len(args) != want {
		return PartitionExpr{}, unknown
	}
	var ok bool
	if x.Column, ok = columnOf(args[want-1]); !ok {
		return PartitionExpr{}, unknown
	}
	switch x.Func {
	case "bucket", "truncate":
		n, err := strconv.ParseInt(args[0], 10, 32)
		if err != nil || n < 1 {
			return PartitionExpr{}, fmt.Errorf("%s of %q: not a number of at least 1", x.Func, clip(args[0], 20))
		}
		x.N = n
		x.Name = fmt.Sprintf("%s_%d_%s", x.Func, n, x.Column)
		return x, nil
	case "date_trunc", "date_part":
		unit := unitForm.FindStringSubmatch(args[0])
		if unit == nil || !slices.Contains([]string{"year", "month", "day", "hour"}, strings.ToLower(unit[1])) {
			return PartitionExpr{}, unknown
		}
		if u := strings.ToLower(unit[1]); x.Func == "date_part" {
			x.Func = u
		} else {
			x.Func += "_" + u
		}
	}
	x.Name = x.Func + "_" + x.Column
	return x, nil
}

// columnOf reads the name of a column, quoted or not.
func columnOf(s string) (string, bool) {
	m := columnForm.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	return m[1] + m[2], true
}

// unit resolves what a snapshot is one of.
func (e *entry) unit() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	a.SnapshotsBy = or(r.SnapshotsBy, a.SnapshotsBy)
	const key = accel + "snapshots_by"
	if a.SnapshotsBy != ByPartition || a.Snapshots == SnapshotsDisabled {
		return
	}
	switch {
	case len(a.PartitionBy) == 0:
		e.warnf(e.path(key), "add partition_by, with engine: cayenne", "snapshots_by: partition has no effect: the dataset is not partitioned")
		a.SnapshotsBy = ByDataset
	case a.RefreshMode == RefreshSnapshot:
		e.errorf(e.path(key), "leave it out, also where the snapshots are written", "refresh_mode snapshot follows snapshots of the whole dataset")
	case a.SnapshotsCompaction:
		e.warnf(e.path(accel+"snapshots_compaction"), "leave it out", "snapshots_compaction has no effect with snapshots_by: partition")
	}
}
