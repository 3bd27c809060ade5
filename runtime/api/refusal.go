package api

import "fmt"

// Refusal says in one sentence why a command makes no sense for the dataset as it is now, or returns
// "" when it does. The runtime refuses what it names, and a frontend shows it on a disabled action.
func Refusal(s *State, c Command) string {
	if why := refuseLink(s, c); why != "" {
		return why
	}
	if s.ShuttingDown {
		return "pitwall is shutting down"
	}
	if s.ReadOnly && Changes(c) {
		return "read-only: start without --read-only to change things"
	}
	if why, known := refuseConfig(s, c); known {
		return why
	}
	d := s.Dataset(c.Target())
	if d == nil {
		return fmt.Sprintf("there is no dataset %q", c.Target())
	}
	if d.Engine == "" {
		return d.Name + " is not accelerated"
	}
	if s.Link.Kind == LinkSpice { // it tells too little of the dataset to know more
		return ""
	}
	switch c := c.(type) {
	case RefreshNow:
		return refuseRefresh(d, c)
	case SetRefreshSQL:
		if d.Stream != nil {
			return "it follows a stream, which refresh_sql can't shape"
		}
		if c.SQL == "" {
			return "refresh_sql can't be empty"
		}
	case SkipRecord:
		if d.Stream == nil || d.Stream.Stopped == nil || d.Stream.Stopped.Record == nil {
			return "no record stopped a stream"
		}
	case Rebootstrap:
		if d.Stream == nil {
			return d.Name + " follows no stream"
		}
	case CancelRefresh:
		if d.Run == nil && d.Retry == nil && !d.Waiting {
			return "no refresh is running"
		}
	case SnapshotNow:
		return refuseSnapshot(d)
	case BootstrapFrom:
		return refuseBootstrap(d)
	case UndoBootstrap:
		switch {
		case d.Snapshots.Undo.IsZero():
			return "there is no bootstrap to undo: what it replaced is kept until the next refresh"
		case d.Run != nil:
			return "a refresh is running"
		case d.Snapshots.Run != nil:
			return "a " + d.Snapshots.Run.Kind + " is running"
		}
	case SetCurrent, PinSnapshot, UnpinSnapshots, DeleteSnapshot:
		if d.Snapshots.Off == "" && d.Snapshots.ByPartition {
			return "with snapshots_by: partition new replicas load the newest set; load an older one, and store that"
		}
		return d.Snapshots.Off
	case VerifySnapshot:
		return d.Snapshots.Off
	case CollectSnapshots:
		if d.Snapshots.Off == "" && d.Snapshots.Retain == "" {
			return "snapshots_retain is not set: all snapshots are kept"
		}
		return d.Snapshots.Off
	case Hold:
		if c.On == d.Held {
			switch {
			case d.Stream != nil && c.On:
				return "its stream is paused already"
			case d.Stream != nil:
				return "its stream is not paused"
			case c.On:
				return "its scheduled refreshes are on hold already"
			}
			return "its scheduled refreshes are not on hold"
		}
	}
	return ""
}

// Changes tells whether a command changes something, so that read-only refuses it.
func Changes(c Command) bool {
	switch c := c.(type) {
	case VerifySnapshot:
		return false
	case CollectSnapshots:
		return !c.DryRun
	default:
		return true
	}
}

func refuseRefresh(d *Dataset, c RefreshNow) string {
	switch {
	case d.Stream != nil && (c.Mode != "" || c.SQL != ""):
		return "it follows a stream: re-bootstrap loads it anew"
	case d.Stream != nil && d.Stream.Phase == StreamPaused:
		return "its stream is paused: resume it"
	case d.Stream != nil && d.Stream.Phase != StreamStopped && d.Stream.Phase != StreamRetrying:
		return "it follows a stream, whose changes are applied as they come"
	case c.Mode != "" && c.Mode != "full" && c.Mode != "append":
		return fmt.Sprintf("refresh mode %q is not full or append", c.Mode)
	case c.Mode == "append" && d.TimeColumn == "":
		return "append needs a time_column"
	case d.Snapshots.Run != nil && d.Snapshots.Run.Kind == "bootstrap":
		return "a bootstrap is running"
	}
	return ""
}

func refuseSnapshot(d *Dataset) string {
	switch {
	case d.Snapshots.Off != "":
		return d.Snapshots.Off
	case d.Snapshots.Mode == "bootstrap_only":
		return "snapshots: bootstrap_only never writes"
	case !d.HasData:
		return "it has no data yet"
	case d.Snapshots.Run != nil:
		return "a " + d.Snapshots.Run.Kind + " is running"
	}
	return ""
}

func refuseBootstrap(d *Dataset) string {
	switch {
	case d.Snapshots.Off != "":
		return d.Snapshots.Off
	case d.Snapshots.Mode == "create_only":
		return "snapshots: create_only never loads"
	case d.Snapshots.Run != nil:
		return "a " + d.Snapshots.Run.Kind + " is running"
	}
	return ""
}
