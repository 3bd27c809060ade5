package cli

import (
	"context"
	"os"

	"pitwall/config"
	"pitwall/ui/firstrun"
)

// FirstRun asks what to do where there is no spicepod: demo is true when the demo is to be opened. With a spicepod it
// asks nothing. A person who does not want anything gets the error about the missing file later, like everybody else.
func (f *Common) FirstRun(ctx context.Context) (demo bool, err error) {
	looked := config.Missing(f.Pod)
	if looked == nil {
		return false, nil
	}
	o := firstrun.Options{Looked: looked, Theme: f.Theme, NoColor: f.NoColor || os.Getenv("NO_COLOR") != "", ASCII: f.ASCII}
	chosen, err := firstrun.Ask(ctx, o)
	switch {
	case ctx.Err() != nil:
		return false, &Exit{Code: ExitInterrupted}
	case err != nil:
		return false, &Exit{ExitNotWell, err}
	}
	return chosen == firstrun.Demo, nil
}
