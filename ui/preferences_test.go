package ui

import (
	"image/color"
	"testing"

	tea "charm.land/bubbletea/v2"

	"pitwall/ui/settings"
)

// A theme that the settings name stays also on a terminal with a light background.
func TestTheBackgroundDecidesOnlyWhatNobodyNamed(t *testing.T) {
	for _, x := range []struct{ flag, file, want string }{
		{"", "", "light"}, {"", "auto", "light"}, {"", "dark", "dark"}, {"", "mono", "mono"}, {"auto", "mono", "light"}, {"dark", "", "dark"},
	} {
		a := &App{opts: Options{Theme: x.flag, Settings: &settings.Settings{Theme: x.file}}, ctxv: Ctx{Theme: Dark()}}
		if named := themeNamed(x.file); named != nil {
			a.ctxv.Theme = named
		}
		a.update(&a.ctxv, tea.BackgroundColorMsg{Color: color.White})
		if a.ctxv.Theme.Name != x.want {
			t.Errorf("--theme %q, theme: %q is drawn %s", x.flag, x.file, a.ctxv.Theme.Name)
		}
	}
}
