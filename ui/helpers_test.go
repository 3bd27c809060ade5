package ui

import (
	"testing"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func press(name string) tea.KeyPressMsg { return keyOf(name) }
