package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/lmittmann/tint"
	"github.com/spf13/pflag"
)

// FromEnv gives every flag that was not typed the value of PITWALL_<FLAG>.
func FromEnv(fs *pflag.FlagSet) error {
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		name := "PITWALL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok && !f.Changed && err == nil {
			if e := fs.Set(f.Name, v); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	})
	return err
}

// Logger writes lines of the given format, "text" or "json", to f; text is coloured on a terminal.
func Logger(format string, f *os.File) (*slog.Logger, error) {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(f, nil)), nil
	case "text":
		plain := !term.IsTerminal(f.Fd()) || os.Getenv("NO_COLOR") != ""
		return slog.New(tint.NewTextHandler(f, &tint.Options{NoColor: plain})), nil
	default:
		return nil, fmt.Errorf("--log-format is text or json, not %q", format)
	}
}
