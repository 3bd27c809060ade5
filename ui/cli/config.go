package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
)

// Config returns the command `config`.
func Config() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "The spicepod of a running pitwall: what waits, apply it, or revert the file"}
	c.AddCommand(showConfig(), applyConfig(),
		onConfig(&cobra.Command{Use: "revert", Short: "Write the version that was applied last over the file on disk, which is kept as FILE.rejected", Args: cobra.NoArgs},
			func([]string) any { return nil }),
		onConfig(&cobra.Command{Use: "reload MODE", Short: "Say which changes of the spicepod are applied by themselves: " + reloadHelp, Args: cobra.ExactArgs(1), ValidArgs: []string{"all", "safe", "hand"}},
			func(args []string) any { return map[string]string{"mode": args[0]} }))
	return c
}

// onConfig makes a command that is asked of a runtime, by the name of its route, and waits for its end.
func onConfig(c *cobra.Command, body func(args []string) any) *cobra.Command {
	var r remote
	name, _, _ := strings.Cut(c.Use, " ")
	c.PreRunE = r.check
	c.RunE = func(c *cobra.Command, args []string) error {
		return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, "/v1/config/"+name, body(args))
	}
	r.flags(c.Flags())
	return c
}

func applyConfig() *cobra.Command {
	var drops bool
	c := onConfig(&cobra.Command{Use: "apply", Short: "Apply what waits: what drops no local data, or with --drops all of it", Args: cobra.NoArgs}, func([]string) any {
		if drops {
			return map[string]bool{"drops": true}
		}
		return nil
	})
	c.Flags().BoolVar(&drops, "drops", false, "also what drops local data")
	return c
}

func showConfig() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "show", Short: "Show which version runs, what is wrong with the file on disk, and what waits", Args: cobra.NoArgs, PreRunE: r.check,
		Long: "Show which version runs, what is wrong with the file on disk, and what waits.\nThe exit code is 1 while the file has errors.",
		RunE: func(c *cobra.Command, _ []string) error {
			if r.format == "json" {
				return r.copy(c.Context(), c.OutOrStdout(), "/v1/config")
			}
			var x shownConfig
			if err := r.get(c.Context(), "/v1/config", &x); err != nil {
				return err
			}
			return x.write(c.OutOrStdout())
		},
	}
	r.listing(c.Flags())
	return c
}

// shownConfig is what GET /v1/config tells.
type shownConfig struct {
	Path, Reload string
	Generation   int
	Broken       bool
	Problems     []struct {
		Severity, File, Message, Hint string
		Line                          int
	}
	Pending []api.PlanChange
}

func (x *shownConfig) write(w io.Writer) error {
	fmt.Fprintf(w, "%s: version %d runs; changes: %s\n", x.Path, x.Generation, x.Reload)
	for _, p := range x.Problems {
		fmt.Fprintf(w, "%s:%d: %s: %s\n", p.File, p.Line, p.Severity, p.Message)
		if p.Hint != "" {
			fmt.Fprintln(w, "  "+p.Hint)
		}
	}
	if len(x.Pending) > 0 {
		fmt.Fprintln(w, "waits to be applied:")
	}
	for _, p := range x.Pending {
		fmt.Fprintln(w, "  "+p.String())
		if p.Drops != "" {
			fmt.Fprintln(w, "    drops local data: "+p.Drops)
		}
	}
	if x.Broken {
		return &Exit{Code: ExitNotWell}
	}
	return nil
}
