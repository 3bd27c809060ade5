package views_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("PITWALL_TEST_CONSOLE") != "" {
		os.Exit(child())
	}
	time.Local = time.UTC
	// Ultraviolet's reader sends an event that came with the end of the program to nobody, for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/charmbracelet/ultraviolet.(*TerminalReader).sendEvents"))
}
