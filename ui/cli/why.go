package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"pitwall/runtime/api/why"
)

// Why returns the command `why`.
func Why() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "why DATASET", Short: "Say why a dataset is as it is", Args: cobra.ExactArgs(1), PreRunE: r.check,
		Long: "Say in plain sentences why a dataset of a running pitwall is ready or not, why it was refreshed or\nsnapshotted or not, and what happens next, with the line of the spicepod that is responsible.",
		RunE: func(c *cobra.Command, args []string) error {
			var a struct {
				Dataset string     `json:"dataset"`
				Answers []why.Part `json:"answers"`
			}
			if err := r.get(c.Context(), "/v1/datasets/"+url.PathEscape(args[0])+"/why", &a); err != nil {
				return err
			}
			w := c.OutOrStdout()
			if r.format == "json" {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(a)
			}
			for _, p := range a.Answers {
				fmt.Fprintln(w, p.Question)
				last := ""
				for _, s := range p.Answer {
					fmt.Fprintln(w, "  "+s.Text)
					if at := s.Place(); at != "" && at != last {
						last = at
						fmt.Fprintln(w, "    "+at)
					}
				}
			}
			return nil
		},
	}
	r.flags(c.Flags())
	c.Flags().StringVar(&r.format, "format", "table", "table or json")
	return c
}

// Incident returns the command `incident`.
func Incident() *cobra.Command {
	var r remote
	var since, format, file string
	c := &cobra.Command{
		Use: "incident DATASET", Short: "Write the timeline of a dataset for a post-mortem", Args: cobra.ExactArgs(1),
		Long: "Write what happened to a dataset of a running pitwall, what was changed and what people did, with the\nanswers of `pitwall why` and the configuration: as Markdown, or as JSON.",
		PreRunE: func(c *cobra.Command, args []string) error {
			if format != "md" && format != "json" {
				return fmt.Errorf("--format is md or json, not %q", format)
			}
			r.format = "json"
			return r.check(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			q := url.Values{"format": {format}}
			if since != "" {
				q.Set("since", since)
			}
			path := "/v1/datasets/" + url.PathEscape(args[0]) + "/incident?" + q.Encode()
			if file == "" {
				return r.copy(c.Context(), c.OutOrStdout(), path)
			}
			f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return &Exit{ExitUsage, err}
			}
			return closed(f, r.copy(c.Context(), f, path))
		},
	}
	r.flags(c.Flags())
	c.Flags().StringVar(&format, "format", "md", "md or json")
	c.Flags().StringVar(&since, "since", "", "only the last time, such as 90m (default all that is remembered)")
	c.Flags().StringVarP(&file, "output", "o", "", "write to this new file")
	return c
}

// closed closes a file that was written; the first error counts.
func closed(f io.Closer, err error) error {
	if cerr := f.Close(); err == nil && cerr != nil {
		return &Exit{ExitNotWell, cerr}
	}
	return err
}
