package objects

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/runtime/source/objects/store"
)

// entry is one object to read.
type entry struct {
	source.Object
	partitions []partition
	kept       []*span // what was read to learn its columns

	cost     int64 // bytes that reading it will take, as far as known
	groups   []int // row groups that may have a wanted row, of Parquet
	ofGroups int   // row groups
}

// lister walks a store.
type lister struct {
	s     *Source
	store store.Store
	where engines.Predicate
	glob  glob
	root  string // partitions are looked for behind it
	found []*entry
	// pruned counts folders and objects that were left out because of their partitions.
	pruned int
	sample bool          // one object is enough
	fields []arrow.Field // the columns that the folders tell, also those left out
}

// list finds the objects of the dataset, by path. Those whose partitions can't fulfil where are left
// out, whole folders of them without being listed. Names that begin with a dot or an underscore are
// passed over, as are files of another format, unless the path names them.
func (r *run) list(ctx context.Context, where engines.Predicate, sample bool) (*lister, error) {
	l := &lister{s: r.s, store: r.store, where: where, sample: sample}
	var err error
	if l.glob, err = r.s.glob(); err != nil {
		return nil, err
	}
	l.root = l.glob.folder()
	if len(l.glob.parts) == 0 {
		err = l.path(ctx)
	} else {
		err = l.walk(ctx, l.glob.base)
	}
	if err != nil {
		return nil, err
	}
	l.settle()
	slices.SortFunc(l.found, func(a, b *entry) int { return cmp.Compare(a.Path, b.Path) })
	if len(l.found) == 0 && l.pruned == 0 {
		return nil, &source.Error{Kind: source.Missing, Place: r.s.location.Name, Err: errors.New("there are no files to read"),
			Hint: "check from: in the spicepod; relative paths start at the spicepod's folder"}
	}
	return l, nil
}

// path finds the object of that path, or what is in the folder.
func (l *lister) path(ctx context.Context) error {
	p := l.glob.base
	if p != "" && !strings.HasSuffix(p, "/") {
		o, err := l.store.Stat(ctx, p)
		if err == nil {
			e := l.entry(o)
			l.note(e.partitions)
			l.found = append(l.found, e)
			return nil
		}
		if l.s.location.Single || source.KindOf(err) != source.Missing {
			return err
		}
		p += "/"
	}
	return l.walk(ctx, p)
}

// walk lists what is below a prefix: at once, or folder by folder as long as folders can be left out.
func (l *lister) walk(ctx context.Context, prefix string) error {
	if !l.levelwise() {
		return l.store.List(ctx, prefix, l.glob.level(), l.take)
	}
	return l.descend(ctx, prefix)
}

// levelwise tells whether the condition may be about a partition.
func (l *lister) levelwise() bool {
	return l.where != nil && l.s.hive() && !l.glob.level() && len(columnsOf(l.where)) > 0
}

func (l *lister) descend(ctx context.Context, prefix string) error {
	var folders []string
	bound := false
	columns := columnsOf(l.where)
	err := l.store.List(ctx, prefix, true, func(e store.Entry) error {
		if !e.Folder {
			return l.take(e)
		}
		p, ok := partitionOf(path.Base(e.Path))
		bound = bound || ok && columns[p.key]
		folders = append(folders, e.Path)
		return nil
	})
	if err != nil {
		return err
	}
	if !bound && len(folders) > 1 {
		// Folder by folder would cost a request each and leave nothing out here.
		return l.store.List(ctx, prefix, false, func(e store.Entry) error {
			if !strings.Contains(e.Path[len(prefix):], "/") {
				return nil // taken above
			}
			return l.take(e)
		})
	}
	for _, f := range folders {
		have := partitions(l.rel(f))
		l.note(have)
		if l.excluded(have) {
			l.pruned++
			continue
		}
		if err := l.descend(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) rel(p string) string { return strings.TrimPrefix(p, l.root) }

// excluded tells whether no row of these partitions can fulfil the condition.
func (l *lister) excluded(have []partition) bool {
	if l.where == nil || !l.s.hive() {
		return false
	}
	t := possible(l.where, func(column string, p engines.Predicate) truths {
		t, _ := partitionTruths(have, column, p)
		return t
	})
	return t&mayTrue == 0
}

// take adds an object of a listing.
func (l *lister) take(e store.Entry) error {
	if e.Folder || !l.glob.match(e.Path) || !l.wanted(e.Path) {
		return nil
	}
	found := l.entry(e.Object)
	l.note(found.partitions)
	if l.excluded(found.partitions) {
		l.pruned++
		return nil
	}
	l.found = append(l.found, found)
	if l.sample {
		return io.EOF
	}
	return nil
}

func (l *lister) entry(o source.Object) *entry {
	e := &entry{Object: o}
	if l.s.hive() {
		e.partitions = partitions(l.rel(o.Path))
	}
	return e
}

// wanted tells whether an object of a folder belongs to the dataset. What a pattern names is wanted,
// unless it is hidden.
func (l *lister) wanted(p string) bool {
	name := path.Base(p)
	if store.Hidden(name) && !strings.HasPrefix(l.namePart(), name[:1]) {
		return false
	}
	ext := extension(name)
	if l.s.o.Extension != "" {
		return ext == l.s.o.Extension || strings.HasSuffix(strings.ToLower(name), l.s.o.Extension)
	}
	if len(l.glob.parts) > 0 && !l.glob.all {
		return true
	}
	f := extensions[ext]
	return f != "" && (l.s.o.Format == "" || f == l.s.o.Format) || ext == "" && l.s.o.Format != ""
}

// namePart is the last part of the pattern.
func (l *lister) namePart() string {
	if len(l.glob.parts) == 0 {
		return ""
	}
	return l.glob.parts[len(l.glob.parts)-1]
}

// fresh is how long after its last change an object may change again without looking different: file
// systems and stores tell the time in steps of up to 2 seconds.
const fresh = 2 * time.Second

// same tells whether an object looks as it did.
func same(a, b source.Object) bool {
	return a.Path == b.Path && a.Size == b.Size && a.Modified.Equal(b.Modified) && a.ETag == b.ETag
}

// unchanged tells whether a listing proves that everything is as it was. What was changed just before
// this listing, or before the one that gave seen, proves nothing.
func (s *Source) unchanged(found []*entry, seen []source.Object, now time.Time) bool {
	if len(found) != len(seen) {
		return false
	}
	had := make(map[string]source.Object, len(seen))
	for _, o := range seen {
		had[o.Path] = o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range found {
		o, ok := had[e.Path]
		young, doubtful := s.young[e.Path]
		if !ok || !same(e.Object, o) || now.Sub(e.Modified) < fresh || doubtful && same(young, o) ||
			e.Modified.IsZero() && e.ETag == "" {
			return false
		}
	}
	return true
}

// remember notes which objects had just been changed when they were listed to be read.
func (s *Source) remember(found []*entry, now time.Time) {
	young := map[string]source.Object{}
	for _, e := range found {
		if now.Sub(e.Modified) < fresh {
			young[e.Path] = e.Object
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.young = young
}

// since leaves out what was seen and did not change, and sorts the rest by age.
func since(found []*entry, seen []source.Object) []*entry {
	had := make(map[string]source.Object, len(seen))
	for _, o := range seen {
		had[o.Path] = o
	}
	var out []*entry
	for _, e := range found {
		if o, ok := had[e.Path]; !ok || !same(e.Object, o) {
			out = append(out, e)
		}
	}
	oldestFirst(out)
	return out
}

func oldestFirst(entries []*entry) {
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(a.Modified.Compare(b.Modified), cmp.Compare(a.Path, b.Path))
	})
}
