package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
)

// Checker goes through the production checklist without a runtime. pod is a spicepod or the folder it is in.
type Checker interface {
	// Check looks at the spicepod and its store; with readOnly it writes nothing to prove the store.
	Check(ctx context.Context, pod string, readOnly bool) ([]api.Finding, error)
	// Alerts are Prometheus rules for the datasets of the spicepod, Dashboard is JSON for Grafana.
	Alerts(pod string) ([]byte, error)
	Dashboard(pod string) ([]byte, error)
}

// Doctor returns the command `doctor`.
func Doctor(k Checker) *cobra.Command {
	var r remote
	var alerts, dashboard bool
	c := &cobra.Command{
		Use: "doctor", Short: "Go through the checklist for production: the snapshot store, its settings, stale and failed snapshots", Args: cobra.NoArgs, PreRunE: r.check,
		Long: "Go through the checklist for production, against the spicepod (--pod, the current folder when nothing is said) and its real store.\n" +
			"With --http-endpoint a running pitwall does it, with its credentials, and with what it knows of failures.\n" +
			"The exit code is 1 when there is a problem; warnings are no problem. What is said does not change the store,\n" +
			"but for an object of a few bytes that proves its conditional writes (not with --read-only).",
		RunE: func(c *cobra.Command, _ []string) error {
			pod := c.Flag("pod").Value.String()
			switch {
			case alerts && dashboard:
				return errors.New("--alerts and --dashboard each fill the standard output; give one of them")
			case alerts:
				return generated(c, pod, k.Alerts)
			case dashboard:
				return generated(c, pod, k.Dashboard)
			}
			var list []api.Finding
			if c.Flag("http-endpoint").Changed {
				var answer struct{ Findings []api.Finding }
				if err := r.get(c.Context(), "/v1/doctor", &answer); err != nil {
					return err
				}
				list = answer.Findings
			} else {
				var err error
				if list, err = k.Check(c.Context(), pod, c.Flag("read-only").Value.String() == "true"); err != nil {
					return ofStore(c.Context(), err)
				}
			}
			return diagnose(c.OutOrStdout(), r.format, list)
		},
	}
	r.listing(c.Flags())
	c.Flags().BoolVar(&alerts, "alerts", false, "write Prometheus alert rules for the spicepod's datasets to standard output")
	c.Flags().BoolVar(&dashboard, "dashboard", false, "write a Grafana dashboard to standard output")
	return c
}

func generated(c *cobra.Command, pod string, generate func(string) ([]byte, error)) error {
	text, err := generate(pod)
	if err != nil {
		return ofStore(c.Context(), err)
	}
	_, err = c.OutOrStdout().Write(text)
	return err
}

// signs go before a state.
var signs = map[api.FindingState]string{api.FindingOK: "✓ ", api.FindingWarning: "▲ ", api.FindingProblem: "✗ ", api.FindingNone: "- "}

// diagnose writes the findings; the error is an exit code without words.
func diagnose(w io.Writer, format string, list []api.Finding) error {
	problems, warnings := 0, 0
	rows := [][]string{{"STATE", "CHECK", "DATASET", "FOUND"}}
	cells := [][]string{{"state", "check", "dataset", "found", "remedy"}}
	for _, f := range list {
		switch f.State {
		case api.FindingProblem:
			problems++
		case api.FindingWarning:
			warnings++
		}
		cells = append(cells, []string{string(f.State), f.Check, f.Dataset, f.Found, f.Remedy})
		rows = append(rows, []string{signs[f.State] + string(f.State), f.Check, or(f.Dataset, "-"), f.Found})
		if f.Remedy != "" {
			rows = append(rows, []string{"", "", "", "  → " + f.Remedy})
		}
	}
	var err error
	switch format {
	case "json":
		err = writeJSON(w, map[string]any{"findings": list, "problems": problems, "warnings": warnings})
	case "csv":
		err = csv.NewWriter(w).WriteAll(cells)
	default:
		if err = table(w, rows); err == nil {
			_, err = fmt.Fprintf(w, "%s, %s\n", count(problems, "problem"), count(warnings, "warning"))
		}
	}
	if err == nil && problems > 0 {
		err = &Exit{Code: ExitNotWell}
	}
	return err
}
