package views_test

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
)

// Each verification that ends shows in the list, whatever its id; of all of one press the worst is told.
func TestVerifyAllTellsEveryResult(t *testing.T) {
	c, s := start(t, 160, 32)
	s.Press("2")
	s.Wait("· unverified")
	s.Press("V")
	s.Wait("verify of 4 snapshots of lake.sales_eu asked for")
	list := uitest.Snapshots(time.Now())
	end := func(i int, st api.VerifyState, task api.TaskState, detail string) {
		next := append([]api.Snapshot(nil), list...)
		next[i].Verified = api.Verification{State: st, At: time.Now(), Detail: detail}
		list = next
		c.SetSnapshots("lake.sales_eu", next, nil, false)
		c.End(api.CommandID(i+1), task, detail)
	}
	end(3, api.VerifiedSum, api.TaskDone, "sound")
	s.Until("one unverified snapshot", func(text string) bool { return strings.Count(text, "unverified") == 1 })
	end(2, api.VerifyGone, api.TaskFailed, "snapshot 39 is not there") // its id is below that of the last
	s.Wait("✗ missing", "✗ verify lake.sales_eu: 1 of 4 failed: snapshot 39 is not there")
	end(0, api.VerifiedSum, api.TaskDone, "sound")
	s.Gone("✗ mismatch")
	end(1, api.VerifiedSum, api.TaskDone, "sound")
	s.Gone("tasks:")
	s.Gone("task:")
	s.Wait("✗ verify lake.sales_eu: 1 of 4 failed: snapshot 39 is not there")
}

func TestVerifyAllOfSoundSnapshots(t *testing.T) {
	c, s := start(t, 160, 32)
	s.Press("2")
	s.Wait("· unverified")
	s.Press("V")
	s.Wait("asked for")
	for id := range 4 {
		c.End(api.CommandID(1+id), api.TaskDone, "sound")
	}
	s.Wait("✓ verify lake.sales_eu: 4 of 4 sound")
}

// A failure is not lost behind a success of the same press.
func TestAFailureStaysBeforeASuccessOfItsPress(t *testing.T) {
	c, s := start(t, 160, 32)
	s.Press("down", "space", "space", "r")
	s.Wait("refresh of 2 datasets asked for")
	c.End(1, api.TaskFailed, "the disk is full")
	c.End(2, api.TaskDone, "12 rows")
	s.Gone("1 task:")
	s.Wait("1 of 2 failed: lake.sales_us: the disk is full")
}

// What a dialog says is what would happen now, not when it was opened.
func TestConfirmFollowsTheState(t *testing.T) {
	c, s := start(t, 120, 32)
	run := c.State().Dataset("lake.sales_eu").Run
	s.Press("x")
	s.Wait("at 63%")
	s.Awake()
	further := *run
	further.Fraction = 0.71
	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Run = &further })
	s.Wait("Cancels the refresh of lake.sales_eu at 71%")
	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Run, d.Status = nil, api.Ready })
	s.Gone("Cancels the refresh of")
	s.Wait("not possible any more: no refresh is running")
	s.Press("tab")
	s.Wait("Cancel refresh   not possible any more")
	s.Press("enter")
	s.Gone("not possible any more")
	s.Wait("▲ Cancel refresh: no refresh is running")
	taken(t, c)

	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Run = run })
	s.Wait(" 63%")
	s.Press("r")
	s.Wait("Terminates the refresh")
	s.Awake()
	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Run = nil })
	s.Wait("What this would have ended is over")
	s.Press("y")
	s.Wait("refresh lake.sales_eu asked for", "1 task: refresh")
	s.Press("q")
	s.Wait("1 task is running")
	c.End(1, api.TaskDone, "")
	s.Wait("No task is running any more")
}

// A filter that is wrong is not replaced by the last one that was right.
func TestEnterDoesNotTakeAWrongFilter(t *testing.T) {
	_, s := start(t, 80, 24)
	s.Press("/")
	s.Type("fx ~[")
	s.Wait("~[ is no regular expression; esc gives up")
	s.Press("enter")
	s.Type("a") // into the filter, still open and still wrong
	s.Wait("fx ~[a", "is no regular expression")
	s.Press("esc")
	s.Gone("regular expression")
	s.Wait("Datasets 7", "? help")
}

// In a window too small to be read no key changes anything; it can be left.
func TestKeysDoNothingInATinyWindow(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("down")
	s.Wait("▌ lake.sales_us")
	s.Press("r")
	s.Wait("1 task")
	s.Resize(30, 6)
	s.Wait("terminal too small")
	s.Press("r", "s", "H", "p", "4", "F")
	s.Click(3, 3)
	s.Press("q") // its answer shows that the keys before it have been taken: a resize may overtake them
	s.Wait("tasks run: q quits, esc stays")
	s.Press("esc")
	s.Gone("tasks run")
	s.Resize(120, 32)
	s.Wait("▌ lake.sales_us", "● live", "┌ Datasets 7 ──")
	taken(t, c, api.RefreshNow{Dataset: "lake.sales_us"})
	s.Resize(30, 6)
	s.Wait("terminal too small")
	s.Press("q")
	s.Wait("tasks run")
	s.Press("q")
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
}

// The size is in the table wherever there is room, also beside the panel.
func TestSizeStaysBesideThePanel(t *testing.T) {
	for _, w := range []int{118, 120, 140, 150, 160, 180, 200, 250} {
		frame := trimmed(draw(t, nil, nil, w, 48, ui.Options{}))
		if !strings.Contains(frame, " SIZE ") || !strings.Contains(frame, "501 MiB") {
			t.Errorf("no size at %d:\n%s", w, frame)
		}
	}
}

func TestConfigTellsWhatIsWrongWithTheStore(t *testing.T) {
	for want, change := range map[string]func(*api.State){
		"s3://bucket/spice/snapshots/ ✓": func(*api.State) {},
		"s3://bucket/spice/snapshots/ ✗": func(s *api.State) { s.Store.Err, s.Store.Enabled = "connection refused", false },
		"s3://bucket/spice/snapshots/ ▲": func(s *api.State) { s.Datasets[3].Snapshots.LastErr = "connection refused" },
		"ref.fx: connection refused":     func(s *api.State) { s.Datasets[3].Snapshots.LastErr = "connection refused" },
		"            connection refused": func(s *api.State) { s.Store.Err, s.Store.Enabled = "connection refused", false },
	} {
		if frame := trimmed(draw(t, []string{"5"}, change, 120, 30, ui.Options{})); !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
}

func TestBootstrapIsCalledSo(t *testing.T) {
	for status, want := range map[api.Status]string{api.Ready: "◔ Bootstrap", api.Refreshing: "◔ Bootstrap", api.Initializing: "◌ Bootstrap"} {
		frame := trimmed(draw(t, nil, func(s *api.State) {
			d := *s.Datasets[1]
			d.Status, d.Snapshots.Run = status, &api.Transfer{Kind: "bootstrap", Phase: "download"}
			s.Datasets[1] = &d
		}, 120, 30, ui.Options{}))
		if !strings.Contains(frame, want) {
			t.Errorf("%s: no %s:\n%s", status, want, frame)
		}
	}
}

// A newest snapshot that is no good is marked, counted and not proposed.
func TestBadNewestSnapshot(t *testing.T) {
	for state, why := range map[api.VerifyState]string{api.VerifyFailed: "checksum mismatch, cannot be used", api.VerifyGone: "the object is missing, cannot be used"} {
		c, s := start(t, 120, 32)
		s.Wait("▲1") // lake.sales_eu
		c.Dataset("lake.sales_us", func(d *api.Dataset) {
			n := *d.Snapshots.Newest
			n.Verified = api.Verification{State: state, At: time.Now()}
			d.Snapshots.Newest = &n
		})
		list := uitest.Snapshots(time.Now())
		list[0].Verified.State, list[2].Verified.State = state, state
		c.SetSnapshots("lake.sales_us", list, nil, false)
		s.Wait("▲2", "5m ✗ 02ab02ab")
		s.Press("down")
		s.Wait("▌ lake.sales_us", "✗ snapshot: the newest is no good")
		s.Press("F")
		s.Wait("Datasets 3/7", "lake.sales_us")
		s.Press("b")
		s.Wait("✗ #41", why, "▌ ✓ #40")
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}
