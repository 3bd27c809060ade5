package doctor

import (
	"context"
	"fmt"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// fallback looks at what happens when the newest snapshot can't be loaded.
func (d *doctor) fallback() {
	const remedy = "snapshots.bootstrap_on_failure_behavior: fallback goes on to older snapshots"
	if len(d.loads) == 0 {
		d.add(lineFallback, api.FindingNone, "no dataset loads snapshots", "")
		return
	}
	behaviour := d.Config.Snapshots.BootstrapOnFailureBehavior
	d.each(lineFallback, d.loads, func(ds *config.Dataset) verdict {
		a := ds.Acceleration
		switch {
		case behaviour == config.BootstrapFallback:
			return verdict{api.FindingOK, "a damaged snapshot is passed over for an older one", ""}
		case a.RefreshMode == config.RefreshSnapshot || a.RefreshMode == config.RefreshDisabled || a.RefreshMode == config.RefreshChanges:
			return verdict{api.FindingProblem, fmt.Sprintf("with a damaged snapshot it has no data (%s), and no refresh brings it all", behaviour), remedy}
		case behaviour == config.BootstrapRetry:
			return verdict{api.FindingWarning, "it waits for the newest snapshot, also for one that is damaged for good", remedy}
		case ds.ReadyState == config.ReadyOnRegistration:
			return verdict{api.FindingOK, "until data is loaded, its source answers", ""}
		}
		return verdict{api.FindingWarning, "with a damaged snapshot it starts empty, and is not ready before its first refresh", remedy}
	})
}

// current looks at the objects that replicas would load.
func (d *doctor) current(ctx context.Context) {
	const remedy = "pitwall snapshots list shows what there is; set-current chooses another one, create writes one"
	d.each(lineObject, d.all(), func(ds *config.Dataset) verdict {
		list, err := d.Store.List(ctx, ds.Name)
		if err != nil {
			return verdict{api.FindingProblem, d.text(err), snapshots.HintOf(err)}
		}
		d.stored[ds.Name] = list
		if len(list) == 0 {
			return verdict{api.FindingWarning, "the store has no snapshot of it: a replica starts empty", "pitwall snapshots create " + ds.Name + " writes one"}
		}
		for _, s := range list {
			if !s.Current {
				continue
			}
			size, err := d.Store.Size(ctx, s)
			switch {
			case snapshots.KindOf(err) == snapshots.Missing:
				return verdict{api.FindingProblem, fmt.Sprintf("the object of snapshot %d is gone", s.ID), remedy}
			case err != nil:
				return verdict{api.FindingProblem, d.text(err), ""}
			case size != s.Bytes:
				return verdict{api.FindingProblem, fmt.Sprintf("the object of snapshot %d has %d bytes, recorded are %d", s.ID, size, s.Bytes), remedy}
			}
			// What a verification found, here or elsewhere, is kept in the store.
			found := fmt.Sprintf("snapshot %d is there with its size", s.ID)
			checks, err := d.Store.Checks(ctx, ds.Name)
			switch c, read := checks[s.ID]; {
			case err != nil:
				return verdict{api.FindingWarning, found + "; the results of verifications can't be read: " + d.text(err), ""}
			case read && c.Result != verified:
				return verdict{api.FindingProblem, fmt.Sprintf("snapshot %d was found unusable %s ago: %s", s.ID, short(d.Now.Sub(c.At)), cmpText(c.Detail, c.Result)), remedy}
			case read:
				found += fmt.Sprintf(", and was verified %s ago", short(d.Now.Sub(c.At)))
			}
			return verdict{api.FindingOK, found, ""}
		}
		return verdict{api.FindingProblem, fmt.Sprintf("none of its %d snapshots is current", len(list)), remedy}
	})
}

// verified is the result of a verification that found nothing wrong.
const verified = string(api.VerifiedSum)

// ahead is how much the clock of a writer may be ahead of ours.
const ahead = time.Minute

// fresh compares the age of the newest snapshots with how often they are written.
func (d *doctor) fresh() {
	if len(d.writes) == 0 {
		d.add(lineFresh, api.FindingNone, "nothing here writes snapshots", "")
		return
	}
	d.each(lineFresh, d.writes, func(ds *config.Dataset) verdict {
		p, text := period(ds, d.Now)
		list := d.stored[ds.Name]
		switch {
		case p == 0:
			return verdict{api.FindingNone, text, ""}
		case len(list) == 0:
			return verdict{api.FindingProblem, fmt.Sprintf("there is none, expected is one %s", text), "see the events of " + ds.Name + " for why none was written"}
		}
		newest := list[0]
		if newest.Created.Sub(d.Now) > ahead {
			return verdict{api.FindingWarning, fmt.Sprintf("snapshot %d is from the future (%s): a clock is wrong", newest.ID, newest.Created.Format(time.RFC3339)), "set the clocks by NTP"}
		}
		age := newest.Age(d.Now)
		found := fmt.Sprintf("snapshot %d is %s old, expected is one %s", newest.ID, short(age), text)
		if age <= 2*p {
			return verdict{api.FindingOK, found, ""}
		}
		if at, ok := d.unchanged(ds.Name); ok && d.Now.Sub(at) <= 2*p {
			return verdict{api.FindingOK, found + "; nothing has changed since", ""}
		}
		const remedy = "see the events of the dataset; a writer that does not run writes none"
		if d.State == nil && ds.Acceleration.SnapshotsCreationPolicy == config.PolicyOnChange {
			return verdict{api.FindingWarning, found + "; it may not have changed since", "ask the writer: pitwall doctor --http-endpoint"}
		}
		return verdict{api.FindingProblem, found, remedy}
	})
}

// unchanged tells when the runtime last saw that there was nothing to write.
func (d *doctor) unchanged(dataset string) (time.Time, bool) {
	if d.State == nil || d.State.Dataset(dataset) == nil {
		return time.Time{}, false
	}
	for _, a := range d.State.Dataset(dataset).Snapshots.Attempts { // newest first
		if a.Outcome == api.Skipped {
			return a.At, true
		}
		if a.Outcome != api.Cancelled {
			break
		}
	}
	return time.Time{}, false
}

// window is the checklist's, for failures.
const window = 15 * time.Minute

// failures counts failed attempts of the running runtime.
func (d *doctor) failures() {
	if d.State == nil {
		d.add(lineFailures, api.FindingNone, "only a running pitwall knows", "pitwall doctor --http-endpoint URL asks one")
		return
	}
	if len(d.writes) == 0 {
		d.add(lineFailures, api.FindingNone, "nothing here writes snapshots", "")
		return
	}
	d.each(lineFailures, d.writes, func(ds *config.Dataset) verdict {
		st := d.State.Dataset(ds.Name)
		if st == nil {
			return verdict{api.FindingNone, "it does not run yet", ""}
		}
		n, last := 0, api.SnapshotAttempt{}
		for _, a := range st.Snapshots.Attempts { // newest first
			if a.Outcome == api.Failed && d.Now.Sub(a.At.Add(a.Duration)) <= window {
				if n++; n == 1 {
					last = a
				}
			}
		}
		if n == 0 {
			return verdict{api.FindingOK, "none", ""}
		}
		return verdict{api.FindingProblem, fmt.Sprintf("%d within 15m, the last %s ago: %s", n, short(d.Now.Sub(last.At.Add(last.Duration))), last.Err),
			cmpText(last.Hint, "the events of the dataset tell more")}
	})
}

// ticksSeen is how many ticks of a cron schedule are looked at for its longest gap.
const ticksSeen = 32

// period is the longest time between two triggers of a snapshot, and how it is told; 0 when there is no such
// time.
func period(ds *config.Dataset, now time.Time) (time.Duration, string) {
	a := ds.Acceleration
	switch {
	case a.SnapshotsTrigger == config.TriggerStreamBatches:
		return 0, fmt.Sprintf("one comes every %d batches, whenever that is", a.SnapshotsBatches)
	case a.SnapshotsTrigger == config.TriggerTimeInterval:
		return a.SnapshotsInterval, "every " + config.FormatDuration(a.SnapshotsInterval)
	case a.RefreshCron != "":
		plan, err := config.CronParser().Parse(a.RefreshCron)
		if err != nil { // Load has checked it
			return 0, err.Error()
		}
		var longest time.Duration
		at := plan.Next(now)
		for range ticksSeen {
			next := plan.Next(at)
			if next.IsZero() {
				break
			}
			longest, at = max(longest, next.Sub(at)), next
		}
		return longest, "by the cron schedule " + a.RefreshCron
	case a.RefreshCheckInterval > 0:
		return a.RefreshCheckInterval + a.RefreshJitterMax, "with each refresh, every " + config.FormatDuration(a.RefreshCheckInterval)
	}
	return 0, "one comes with each refresh, which is on demand"
}

// short is a duration in its greatest unit.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
