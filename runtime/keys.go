package runtime

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/config"
	"pitwall/engines"
)

// keysOf returns the constraints of a dataset for its engine (spec data-refresh 2.7). Load has checked that
// several entries of on_conflict are all drop.
func keysOf(a config.Acceleration) engines.Keys {
	k := engines.Keys{Primary: config.ColumnsOf(a.PrimaryKey)}
	for _, ref := range slices.Sorted(maps.Keys(a.Indexes)) {
		if a.Indexes[ref] == "unique" {
			k.Unique = append(k.Unique, config.ColumnsOf(ref))
		} else {
			k.Plain = append(k.Plain, config.ColumnsOf(ref))
		}
	}
	for ref, action := range a.OnConflict {
		k.Conflict, k.Target = engines.Conflict(action), config.ColumnsOf(ref)
	}
	return k
}

// partitionsOf are the levels of partition_by.
func partitionsOf(a config.Acceleration) []engines.PartitionBy {
	var all []engines.PartitionBy
	for _, p := range a.PartitionBy {
		all = append(all, engines.PartitionBy{Name: p.Name, Column: p.Column, Transform: engines.Transform(p.Func), N: p.N})
	}
	return all
}

// checkKeys says which columns of primary_key, indexes and on_conflict the rows do not have (spec
// data-refresh 1.6 item 4).
func checkKeys(k engines.Keys, s *arrow.Schema) error {
	check := func(setting string, columns []string) error {
		for _, c := range columns {
			if !s.HasField(c) {
				return &settingError{fmt.Sprintf("%s: the source has no column %s", setting, c), "its columns are " + strings.Join(columnNames(s), ", ")}
			}
		}
		return nil
	}
	for _, g := range []struct {
		setting string
		columns [][]string
	}{{"primary_key", [][]string{k.Primary}}, {"indexes", append(slices.Clone(k.Unique), k.Plain...)}, {"on_conflict", [][]string{k.Target}}} {
		for _, columns := range g.columns {
			if err := check(g.setting, columns); err != nil {
				return err
			}
		}
	}
	return nil
}
