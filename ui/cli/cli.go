// Package cli holds the commands that need no console: what scripts use. Their names, flags and exit
// codes are a contract with scripts and docs. It starts no goroutines.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pitwall/config"
	"pitwall/ui/settings"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitNotWell     = 1 // the thing asked about is not well: an invalid file, a failed verification
	ExitUsage       = 2
	ExitUnreachable = 3 // no runtime or store there
	ExitCrash       = 70
	ExitInterrupted = 130
)

// Exit is an error that carries an exit code. With Err nil nothing more is to be printed.
type Exit struct {
	Code int
	Err  error
}

// Error returns the cause.
func (e *Exit) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Exit) Unwrap() error { return e.Err }

// Code returns the exit code of an error: that of an *Exit in the chain, otherwise 2, because what
// cobra itself reports is wrong usage.
func Code(err error) int {
	var e *Exit
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &e):
		return e.Code
	default:
		return ExitUsage
	}
}

// Build describes the binary.
type Build struct{ Version, Commit, Date string }

// String is what `pitwall version` prints.
func (b Build) String() string {
	return fmt.Sprintf("pitwall %s (commit %s, %s)", b.Version, b.Commit, b.Date)
}

// Version returns the command `version`.
func Version(b Build) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version and commit", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), b)
			return err
		},
	}
}

// Schema returns the command `schema`.
func Schema() *cobra.Command {
	var console bool
	c := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of spicepod.yml", Args: cobra.NoArgs,
		Long: "Print the JSON Schema of spicepod.yml, or of the console's config.yml.\nPoint an editor's YAML language server at it to get completion and checks while typing.",
		RunE: func(c *cobra.Command, _ []string) error {
			of := config.Schema
			if console {
				of = settings.Schema
			}
			s, err := of()
			if err != nil {
				return &Exit{ExitCrash, err}
			}
			_, err = c.OutOrStdout().Write(s)
			return err
		},
	}
	c.Flags().BoolVar(&console, "console", false, "that of the console's config.yml")
	return c
}

// Validate returns the command `validate`.
func Validate() *cobra.Command {
	var format string
	var explained bool
	var pod *string
	c := &cobra.Command{
		Use: "validate [FILE]", Short: "Check a spicepod and print every problem", Args: cobra.MaximumNArgs(1),
		Long: "Check a spicepod and print every problem with its line and column.\nFILE is a spicepod or a folder that holds one; the default is the folder pitwall is started in.\nThe exit code is 0 when the file is valid (warnings are allowed) and 1 when it is not.\nWith --explain it tells what pitwall makes of every dataset, and its next refreshes by cron.",
		RunE: func(c *cobra.Command, args []string) error {
			path := "."
			if pod != nil && *pod != "" {
				path = *pod
			}
			if len(args) == 1 {
				path = args[0]
			}
			return validate(c.OutOrStdout(), path, format, explained)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().BoolVar(&explained, "explain", false, "tell what pitwall makes of every dataset")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if f := c.Flag("pod"); f != nil {
			v := f.Value.String()
			pod = &v
		}
		if format != "text" && format != "json" {
			return fmt.Errorf("--format is text or json, not %q", format)
		}
		return nil
	}
	return c
}

// report is the JSON form of a validation.
type report struct {
	Valid    bool             `json:"valid"`
	Problems []config.Problem `json:"problems"`
}

func validate(w io.Writer, path, format string, explained bool) error {
	cfg, problems := config.Load(path, config.LoadOptions{})
	if problems == nil {
		problems = []config.Problem{}
	}
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(report{cfg != nil, problems}); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			fmt.Fprintln(w, p.Detail())
		}
		errs, warns := len(config.Errors(problems)), len(config.Warnings(problems))
		switch {
		case cfg == nil:
			fmt.Fprintf(w, "not valid: %s, %s\n", count(errs, "error"), count(warns, "warning"))
		default:
			fmt.Fprintf(w, "%s is valid: %s, %s\n", cfg.Path, count(len(cfg.Datasets), "dataset"), count(warns, "warning"))
		}
	}
	if cfg == nil {
		return &Exit{Code: ExitNotWell}
	}
	if explained && format == "text" {
		return explain(w, cfg, time.Now())
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
