package views

import (
	"slices"
	"strings"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// manyPartitions is from how many on they are folded until somebody unfolds them.
const manyPartitions = 20

// branchParts are the lines of a dataset's partitions as they were made: there may be thousands, and a State comes many
// times a second.
type branchParts struct {
	of    *api.Layout
	folds int
	last  []bool
	rows  []*branch
}

// partitions are the lines of a dataset's partitions, level by level of their folders, each with the sum of what is
// below it.
func (v *tree) partitions(d *api.Dataset, last []bool) []*branch {
	if p := v.parts[d.Name]; p != nil && p.of == d.Layout && p.folds == v.folds && slices.Equal(p.last, last) {
		return p.rows
	}
	key := "dataset:" + d.Name + "/partitions"
	root := &branch{key: key, parent: "dataset:" + d.Name, text: ui.Plural(len(d.Layout.Partitions), "partition"), depth: 2, dataset: d.Name, last: last, habit: len(d.Layout.Partitions) > manyPartitions}
	root.folded = v.folded(key, root.habit)
	root.note = sumWords(&d.Layout.Total)
	rows := []*branch{root}
	if !root.folded {
		rows = v.level(rows, d, root, d.Layout.Partitions, 0)
	}
	if v.parts == nil {
		v.parts = map[string]*branchParts{}
	}
	v.parts[d.Name] = &branchParts{d.Layout, v.folds, last, rows}
	return rows
}

// level appends the folders at one level of the partitions, which are in the order of their paths, with what is below
// them; from is where the names of this level begin.
func (v *tree) level(rows []*branch, d *api.Dataset, up *branch, all []api.Partition, from int) []*branch {
	for len(all) > 0 {
		name, _, deeper := strings.Cut(all[0].Path[min(from, len(all[0].Path)):], "/")
		path := all[0].Path[:min(from+len(name), len(all[0].Path))]
		n, sum := 0, api.Partition{}
		for n < len(all) && (all[n].Path == path || strings.HasPrefix(all[n].Path, path+"/")) {
			p := &all[n]
			sum.Files, sum.Rows, sum.Bytes = sum.Files+p.Files, sum.Rows+p.Rows, sum.Bytes+p.Bytes
			n++
		}
		b := &branch{key: up.key + ":" + path, parent: up.key, text: name, depth: up.depth + 1, dataset: d.Name, leaf: !deeper,
			habit: true, value: true, last: slices.Concat(up.last, []bool{n == len(all)}), note: sumWords(&sum)}
		rows = append(rows, b)
		if deeper {
			b.note += ", " + ui.Plural(n, "partition")
			if b.folded = v.folded(b.key, true); !b.folded {
				rows = v.level(rows, d, b, all[:n], len(path)+1)
			}
		}
		all = all[n:]
	}
	return rows
}

func sumWords(p *api.Partition) string {
	return ui.Count(p.Rows) + " rows, " + ui.Bytes(p.Bytes) + ", " + ui.Plural(p.Files, "file")
}
