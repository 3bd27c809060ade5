package ui

import (
	"testing"
	"time"

	"pitwall/runtime/api"
)

// A failed outcome comes before the good ones after it, and shows behind the answer to a key.
func TestAFailedOutcomeIsNotHidden(t *testing.T) {
	now := time.Now()
	a := &App{ctxv: Ctx{Wall: now}}
	first, second := &request{}, &request{}
	want := func(text string, more int, failed bool) {
		t.Helper()
		got, n, f := a.newestToast(now)
		if got.text != text || n != more || f != failed {
			t.Errorf("%q +%d %v, not %q +%d %v", got.text, n, f, text, more, failed)
		}
	}
	a.toastOf(first, api.ErrorLevel, "1 of 2 failed")
	want("1 of 2 failed", 0, false)
	a.toastOf(second, api.Info, "done")
	want("1 of 2 failed", 1, false)
	a.toast(api.Info, "copied")
	want("copied", 2, true)
	a.toastOf(first, api.ErrorLevel, "2 of 2 failed") // in place of what was known before
	want("2 of 2 failed", 2, false)
}
