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
	goleak.VerifyTestMain(m)
}
