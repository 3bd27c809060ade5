package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"pitwall/runtime/api"
)

// The retention clock (seed acceleration-snapshots, snapshots_reset_expiry_on_load): rows that came with a snapshot
// count as new when it was loaded, so that retention_period evicts none of them before it has passed once more. The
// time of the load is in a file beside the database, for the next start.

func (a *actor) expiryName() string { return a.file + ".expiry" }

// resetExpiry starts the clock anew; it runs in the job that loaded the snapshot.
func (a *actor) resetExpiry(now time.Time) {
	c := a.cfg().Acceleration
	if !c.SnapshotsResetExpiryOnLoad || c.RetentionPeriod <= 0 {
		return
	}
	a.expiry.Store(&now)
	if err := renameio.WriteFile(a.expiryName(), []byte(now.UTC().Format(time.RFC3339Nano)+"\n"), 0o644); err != nil {
		a.emit(api.Warn, "retention", fmt.Sprintf("a restart will forget that the retention clock was reset: %v", err))
	}
	a.emit(api.Info, "retention", fmt.Sprintf("the retention clock is reset: no row expires before %s", now.Add(c.RetentionPeriod).Format(time.RFC3339)))
}

// readExpiry reads the time at the start.
func (a *actor) readExpiry() {
	text, err := os.ReadFile(a.expiryName())
	if err != nil {
		return
	}
	if at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text))); err == nil {
		a.expiry.Store(&at)
	}
}

// forgetExpiry ends it: a full refresh replaced the rows that came with the snapshot.
func (a *actor) forgetExpiry() {
	if a.expiry.Swap(nil) == nil {
		return
	}
	if err := os.Remove(a.expiryName()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.emit(api.Warn, "retention", err.Error())
	}
}

// spares tells whether the clock was reset so short ago that retention_period evicts nothing yet.
func (a *actor) spares(now time.Time) bool {
	c, at := a.cfg().Acceleration, a.expiry.Load()
	return at != nil && c.SnapshotsResetExpiryOnLoad && now.Before(at.Add(c.RetentionPeriod))
}
