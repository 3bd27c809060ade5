package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// Datasets returns the command `datasets`.
func Datasets() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "datasets", Short: "List the datasets of a running pitwall", Args: cobra.NoArgs, PreRunE: r.check,
		Long: "List the datasets of a running pitwall with their status.\nThe exit code is 0 whatever their status is, and 3 when no runtime answers.",
		RunE: func(c *cobra.Command, _ []string) error {
			const path = "/v1/datasets?status=true"
			if r.format != "table" {
				return r.copy(c.Context(), c.OutOrStdout(), path+"&format="+r.format)
			}
			var list []struct {
				From, Name, Status string
				Replication        bool     `json:"replication_enabled"`
				Acceleration       bool     `json:"acceleration_enabled"`
				DependsOn          []string `json:"depends_on"`
			}
			if err := r.get(c.Context(), path, &list); err != nil {
				return err
			}
			rows := [][]string{{"FROM", "NAME", "REPLICATION", "ACCELERATION", "DEPENDSON", "STATUS"}}
			for _, d := range list {
				rows = append(rows, []string{d.From, d.Name, fmt.Sprint(d.Replication), fmt.Sprint(d.Acceleration), strings.Join(d.DependsOn, ","), d.Status})
			}
			return table(c.OutOrStdout(), rows)
		},
	}
	r.listing(c.Flags())
	return c
}

// Status returns the command `status`.
func Status() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "status", Short: "List the network faces of a running pitwall", Args: cobra.NoArgs, PreRunE: r.check,
		Long: "List the network faces of a running pitwall.\nThe exit code is 3 when no runtime answers.",
		RunE: func(c *cobra.Command, _ []string) error {
			if r.format != "table" {
				return r.copy(c.Context(), c.OutOrStdout(), "/v1/status?format="+r.format)
			}
			var list []struct{ Name, Endpoint, Status string }
			if err := r.get(c.Context(), "/v1/status", &list); err != nil {
				return err
			}
			rows := [][]string{{"NAME", "ENDPOINT", "STATUS"}}
			for _, e := range list {
				rows = append(rows, []string{e.Name, e.Endpoint, e.Status})
			}
			return table(c.OutOrStdout(), rows)
		},
	}
	r.listing(c.Flags())
	return c
}

// table writes rows in columns.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}
