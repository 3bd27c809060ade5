package runtime

import (
	"context"
	"errors"
	"fmt"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/snapshots"
)

// fault is an error as an operator needs it.
type fault struct {
	// Message names the dataset and the cause, Hint the way out.
	Message, Hint string
	// Retry tells whether trying again without a change by the operator may help (spec data-refresh 5.5).
	Retry bool
	// Canceled is true when somebody asked for the end.
	Canceled bool
}

// settingError is a fault of the configuration that only shows with the data.
type settingError struct{ message, hint string }

func (e *settingError) Error() string { return e.message }

// explain turns an error of any part into a fault of the dataset.
func (a *actor) explain(err error) fault {
	f := fault{Message: fmt.Sprintf("%s: %v", a.cfg().Name, err), Retry: true}
	var se *source.Error
	var ee *engines.Error
	var we *snapshots.Error
	var setting *settingError
	switch {
	case errors.Is(err, context.Canceled):
		f.Canceled, f.Retry = true, false
	case errors.As(err, &setting):
		f.Hint, f.Retry = setting.hint, false
	case errors.As(err, &we):
		f.Hint = snapshots.HintOf(err)
		f.Retry = we.Kind != snapshots.WrongSchema && we.Kind != snapshots.WrongEngine
	case errors.As(err, &se):
		f.Hint = se.Hint
		f.Retry = se.Kind != source.Unsupported
	case errors.As(err, &ee):
		f.Hint = ee.Hint
		if f.Hint == "" {
			f.Hint = engineHint(ee)
		}
		f.Retry = ee.Kind != engines.Schema && ee.Kind != engines.Invalid && ee.Kind != engines.Constraint
	}
	f.Message, f.Hint = a.rt.redact(f.Message), a.rt.redact(f.Hint)
	return f
}

// localFault is an error of the engine in the words of the snapshots: no other snapshot cures it.
func localFault(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	out := &snapshots.Error{Op: op, Kind: snapshots.LocalFailed, Err: err}
	if e := (*engines.Error)(nil); errors.As(err, &e) {
		if out.Hint = e.Hint; out.Hint == "" {
			out.Hint = engineHint(e)
		}
		if e.Kind == engines.DiskFull {
			out.Kind = snapshots.DiskFull
		}
	}
	return out
}

func engineHint(e *engines.Error) string {
	switch e.Kind {
	case engines.DiskFull:
		return "free space on the disk of " + e.Path + "; the old data goes on serving"
	case engines.Denied:
		return "let this user write to " + e.Path + " and its folder, or give another --data-dir"
	case engines.Locked:
		return "another process has " + e.Path + " open; stop it"
	case engines.Schema:
		return "the old data goes on serving; bring the source's columns back"
	case engines.Corrupt:
		return "restart pitwall: it sets the damaged file aside and loads a snapshot or the source"
	default:
		return ""
	}
}
