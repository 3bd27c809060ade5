package views_test

import (
	"errors"
	"testing"
	"time"

	"pitwall/ui/uitest"
)

// The tree lists the snapshots once more when it is gone to: a store that did not answer may do so now.
func TestTheTreeListsAgain(t *testing.T) {
	c, s := start(t, 120, 32)
	c.SetSnapshots("lake.sales_eu", nil, errors.New("the store is away"), false)
	s.Press("7")
	s.Wait("▸ tree")
	s.Press("right")
	s.Wait("the store is away")
	s.Press("1")
	s.Wait("Datasets 7")
	c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, false)
	s.Press("7")
	s.Wait("snapshot 41")
	s.Gone("the store is away")
}
