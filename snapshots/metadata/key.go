package metadata

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// Name is the key of the metadata file, relative to the location.
const Name = "metadata.json"

// Key returns where the snapshot of a dataset lives, relative to the location:
// month=YYYY-MM/day=YYYY-MM-DD/dataset=<dataset>/<dataset>_YYYYMMDDTHHMMSSZ<ext>, in UTC and whole
// seconds (spec section 1.1).
func Key(dataset string, at time.Time, ext string) string {
	at = at.UTC()
	return fmt.Sprintf("month=%s/day=%s/dataset=%s/%s_%s%s",
		at.Format("2006-01"), at.Format("2006-01-02"), dataset, dataset, stamp(at), ext)
}

const stampLayout = "20060102T150405Z"

func stamp(at time.Time) string { return at.UTC().Format(stampLayout) }

// keyTime is the time in a key of a snapshot's object.
func keyTime(key string) (time.Time, bool) {
	name := path.Base(key)
	for end := len(name); end >= len(stampLayout); end-- { // the name of a dataset may look like one, too
		if at, err := time.Parse(stampLayout, name[end-len(stampLayout):end]); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// CheckKey returns an error for a dataset name that can't be part of a key that every reader decodes
// alike: object stores' clients escape some characters, and not all do it the same way.
func CheckKey(dataset string) error {
	if err := CheckName(dataset); err != nil {
		return err
	}
	if i := strings.IndexFunc(dataset, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`%#?*[]{}^~|<>"\/:`+"`", r)
	}); i >= 0 {
		return fmt.Errorf("dataset name %q has the character %q, which snapshot keys can't carry", dataset, []rune(dataset[i:])[0])
	}
	if dataset == "." || strings.Contains(dataset, "..") {
		return fmt.Errorf("dataset name %q can't be part of a snapshot key", dataset)
	}
	return nil
}

// URI returns the address recorded for a key.
func URI(location, key string) string {
	return strings.TrimSuffix(location, "/") + "/" + key
}

// KeyOf returns the key, relative to the location, of a recorded address. A foreign address (a
// bucket that was renamed or copied) is followed by its part from "month=" on, so that a copied
// store works in its new place; one that has no such part is refused.
func KeyOf(location, uri string) (string, error) {
	if key, ok := strings.CutPrefix(uri, strings.TrimSuffix(location, "/")+"/"); ok && key != "" {
		return checkedKey(key, uri)
	}
	if i := strings.LastIndex(uri, "/month="); i >= 0 {
		return checkedKey(uri[i+1:], uri)
	}
	if !strings.Contains(uri, "://") && uri != "" && !strings.HasPrefix(uri, "/") {
		return checkedKey(uri, uri)
	}
	return "", fmt.Errorf("snapshot address %q is not in %q", uri, location)
}

func checkedKey(key, uri string) (string, error) {
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("snapshot address %q has the path element %q", uri, part)
		}
	}
	return key, nil
}
