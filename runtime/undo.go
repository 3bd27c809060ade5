package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// What a bootstrap replaces is kept until the next refresh, so that it can be undone.

func (a *actor) undoName() string { return a.file + ".undo" }

// keepUndo makes a copy of the data. The function that it returns makes it what an undo brings back, once other data
// took its place; without that, what an earlier bootstrap replaced stays. That there is no room for the copy is told,
// and is no reason not to bootstrap.
func (a *actor) keepUndo(ctx context.Context, file engines.FileEngine, t *transferJob) (keep, discard func()) {
	tmp := filepath.Join(filepath.Dir(a.file), fmt.Sprintf(".%s.%d.export.tmp", fileName(a.cfg().Name), t.started.UnixNano()))
	info, err := file.Info(ctx)
	there := err == nil && info.Schema != nil
	if there {
		t.at("keep", 0, info.Bytes, 0)
		_, err = file.Export(ctx, tmp, false)
	}
	if err != nil && ctx.Err() == nil {
		a.emit(api.Warn, "bootstrap", "it can't be undone: the data that it replaces could not be set aside: "+err.Error())
	}
	keep = func() {
		kerr := os.Remove(a.undoName()) // of a bootstrap before
		if there && err == nil {
			kerr = os.Rename(tmp, a.undoName())
		}
		if kerr != nil && !errors.Is(kerr, fs.ErrNotExist) {
			a.emit(api.Warn, "bootstrap", "it can't be undone: "+kerr.Error())
		}
	}
	return keep, func() { _ = os.Remove(tmp) }
}

// dropUndo forgets the copy: a refresh made newer data.
func (a *actor) dropUndo() {
	a.st.Snapshots.Undo = time.Time{}
	if a.file == "" {
		return
	}
	if err := os.Remove(a.undoName()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.emit(api.Warn, "bootstrap", err.Error())
	}
}

// findUndo tells since when there is a copy.
func (a *actor) findUndo() {
	a.st.Snapshots.Undo = time.Time{}
	if st, err := os.Stat(a.undoName()); err == nil && a.file != "" {
		a.st.Snapshots.Undo = st.ModTime()
	}
}

// undo brings the data back that the last bootstrap replaced.
func (a *actor) undo(c command) {
	if a.run != nil {
		a.rt.finish(c.id, api.TaskFailed, "a refresh is running; cancel it first")
		return
	}
	if a.move != nil || a.stream.busy() {
		a.endStream(errForBoot)
		a.steers = append(a.steers, c)
		return
	}
	file, ok := a.eng.(engines.FileEngine)
	if !ok || a.st.Snapshots.Undo.IsZero() {
		a.rt.finish(c.id, api.TaskFailed, "there is nothing to undo")
		return
	}
	a.disarm() // what is due would end the undo right away; it is planned anew
	a.st.Retry = nil
	if a.pending != nil {
		a.rt.finish(a.pending.id, api.TaskCancelled, "an undo takes its place")
		a.pending = nil
	}
	a.transfer("undo", c.id, func(t *transferJob) func(*actor) {
		t.at("swap", 0, 0, 0)
		info, err := file.Adopt(t.ctx, a.undoName())
		var cp *engines.Checkpoint
		if err == nil {
			cp, err = file.Checkpoint(t.ctx)
		}
		return func(a *actor) {
			defer func() {
				if a.streams() {
					a.beginStream()
				} else if a.dueFor == dueNothing && !a.st.Held && a.next == nil {
					a.armInterval(time.Now())
				}
			}()
			a.findUndo()
			if err != nil {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "bootstrap", "the bootstrap could not be undone: "+f.Message, hintField(f.Hint)...)
				a.rt.finish(c.id, api.TaskFailed, f.Message)
				return
			}
			a.replaced(info, cp)
			a.st.Snapshots.Booted, a.loaded = nil, nil
			text := fmt.Sprintf("the bootstrap is undone: %d rows, as of %s", info.Rows, a.st.LastRefresh.Local().Format(time.DateTime))
			a.emit(api.Info, "bootstrap", text)
			a.rt.finish(c.id, api.TaskDone, text)
		}
	})
}
