package cli

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// steering are the commands that say which snapshots replicas load, and which are kept.
func steering() []*cobra.Command {
	return []*cobra.Command{
		onSnapshot("pin", "Have replicas load a snapshot until it is unpinned, whatever is written", false),
		onDataset("unpin", "Make the newest snapshot current again"),
		onDataset("undo", "Bring back the data that the last bootstrap replaced; it is kept until the next refresh"),
		deleteSnapshot(), collectSnapshots(), diffSnapshots(),
	}
}

// onDataset is a command on the snapshots of a dataset, which waits for its end.
func onDataset(name, short string) *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: name + " DATASET", Short: short, Args: cobra.ExactArgs(1), PreRunE: r.check,
		RunE: func(c *cobra.Command, args []string) error {
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotsPath(args[0])+"/"+name, nil)
		},
	}
	r.flags(c.Flags())
	return c
}

func deleteSnapshot() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "delete DATASET ID", Short: "Delete a snapshot that is neither current nor pinned", Args: cobra.ExactArgs(2), PreRunE: r.check,
		RunE: func(c *cobra.Command, args []string) error {
			return r.send(c.Context(), c.OutOrStdout(), http.MethodDelete, snapshotsPath(args[0])+"/"+url.PathEscape(args[1]), nil)
		},
	}
	r.flags(c.Flags())
	return c
}

func collectSnapshots() *cobra.Command {
	var r remote
	var dry bool
	c := &cobra.Command{
		Use: "gc DATASET", Short: "Remove the snapshots that snapshots_retain does not keep", Args: cobra.ExactArgs(1), PreRunE: r.check,
		Long: "Remove the snapshots that snapshots_retain does not keep, and what failed uploads left. The current, the pinned and\n" +
			"the newest one always stay. Objects go an hour after their record: somebody may be loading them.",
		RunE: func(c *cobra.Command, args []string) error {
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotsPath(args[0])+"/gc", map[string]bool{"dry_run": dry})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only tell what would be removed")
	r.flags(c.Flags())
	return c
}
