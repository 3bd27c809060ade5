package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func diffSnapshots() *cobra.Command {
	var r remote
	var key []string
	c := &cobra.Command{
		Use: "diff DATASET ID [ID]", Short: "Compare a snapshot with another one, or with the live data", Args: cobra.RangeArgs(2, 3), PreRunE: r.check,
		Long: "Compare a snapshot with another one, or with the live data, without installing either: columns, and rows added,\n" +
			"removed and changed. Rows are told apart by the primary_key of the dataset, or by --key; without a key a changed\n" +
			"row counts as one removed and one added. Both sides can be asked in SQL: SELECT * FROM \"trips@3\".",
		RunE: func(c *cobra.Command, args []string) error {
			q := url.Values{}
			if len(args) == 3 {
				q.Set("with", args[2])
			}
			if len(key) > 0 {
				q.Set("key", strings.Join(key, ","))
			}
			path := snapshotsPath(args[0]) + "/" + url.PathEscape(args[1]) + "/diff?" + q.Encode()
			if r.format == "json" {
				return r.copy(c.Context(), c.OutOrStdout(), path)
			}
			var d struct {
				From    string `json:"from"`
				To      string `json:"to"`
				Before  int64  `json:"rows_before"`
				After   int64  `json:"rows_after"`
				Columns []struct {
					Name   string `json:"name"`
					Before string `json:"type_before"`
					After  string `json:"type_after"`
				} `json:"columns"`
				Key     []string `json:"key"`
				Added   int64    `json:"rows_added"`
				Removed int64    `json:"rows_removed"`
				Changed *int64   `json:"rows_changed"`
			}
			if err := r.get(c.Context(), path, &d); err != nil {
				return err
			}
			n := func(v int64) string { return strconv.FormatInt(v, 10) }
			rows := [][]string{{"", d.From, d.To}, {"rows", n(d.Before), n(d.After)}}
			for _, x := range d.Columns {
				rows = append(rows, []string{"column " + x.Name, orDash(x.Before), orDash(x.After)})
			}
			if err := table(c.OutOrStdout(), rows); err != nil {
				return err
			}
			text := fmt.Sprintf("%d added, %d removed", d.Added, d.Removed)
			if d.Changed != nil {
				text += fmt.Sprintf(", %d changed, by %s", *d.Changed, strings.Join(d.Key, ", "))
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringSliceVar(&key, "key", nil, "columns that tell rows apart")
	r.listing(c.Flags())
	return c
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
