package cli

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
)

// steerer is a command that changes which snapshots replicas load, or which are kept. A runtime carries it out, or
// the store does without one.
type steerer struct {
	use, short, long string
	// request is what is asked of a runtime, path behind that of the dataset's snapshots; command is the same for a
	// store. id is 0 when the command is about no single snapshot.
	request func(id uint64) (method, path string, body any)
	command func(dataset string, id uint64) api.Command
}

// steering are these commands.
func steering(open OpenStore) []*cobra.Command {
	var dry bool
	gc := steerer{use: "gc DATASET", short: "Remove the snapshots that snapshots_retain does not keep",
		long: "Remove the snapshots that snapshots_retain does not keep, and what failed uploads left. The current, the pinned and\n" +
			"the newest one always stay. Objects go an hour after their record: somebody may be loading them.",
		request: func(uint64) (string, string, any) {
			return http.MethodPost, "/gc", map[string]bool{"dry_run": dry}
		},
		command: func(d string, _ uint64) api.Command { return api.CollectSnapshots{Dataset: d, DryRun: dry} },
	}.cobra(open)
	gc.Flags().BoolVar(&dry, "dry-run", false, "only tell what would be removed")
	return []*cobra.Command{
		steerer{use: "set-current DATASET ID", short: "Make a snapshot the one that replicas load",
			long: "Make a snapshot the one that replicas load when they start, and that readers (refresh_mode: snapshot) follow,\n" +
				"until the next snapshot is written. The local data of a runtime stays as it is; see bootstrap.",
			request: func(id uint64) (string, string, any) {
				return http.MethodPost, "/current", map[string]uint64{"snapshot_id": id}
			},
			command: func(d string, id uint64) api.Command { return api.SetCurrent{Dataset: d, SnapshotID: id} },
		}.cobra(open),
		steerer{use: "pin DATASET ID", short: "Have replicas load a snapshot until it is unpinned, whatever is written",
			request: func(id uint64) (string, string, any) { return http.MethodPost, fmt.Sprintf("/%d/pin", id), nil },
			command: func(d string, id uint64) api.Command { return api.PinSnapshot{Dataset: d, SnapshotID: id} },
		}.cobra(open),
		steerer{use: "unpin DATASET", short: "Make the newest snapshot current again",
			request: func(uint64) (string, string, any) { return http.MethodPost, "/unpin", nil },
			command: func(d string, _ uint64) api.Command { return api.UnpinSnapshots{Dataset: d} },
		}.cobra(open),
		steerer{use: "delete DATASET ID", short: "Delete a snapshot that is neither current nor pinned",
			request: func(id uint64) (string, string, any) { return http.MethodDelete, fmt.Sprintf("/%d", id), nil },
			command: func(d string, id uint64) api.Command { return api.DeleteSnapshot{Dataset: d, SnapshotID: id} },
		}.cobra(open),
		gc, diffSnapshots(),
	}
}

// cobra makes the command.
func (s steerer) cobra(open OpenStore) *cobra.Command {
	p := &place{open: open}
	c := &cobra.Command{Use: s.use, Short: s.short, Long: s.long, PreRunE: p.check, Args: cobra.ExactArgs(1)}
	one := strings.HasSuffix(s.use, " ID")
	if one {
		c.Args = cobra.ExactArgs(2)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var id uint64
		if one {
			var err error
			if id, err = snapshotID(args[1]); err != nil {
				return err
			}
		}
		return p.either(c, func() error {
			method, path, body := s.request(id)
			return p.send(c.Context(), c.OutOrStdout(), method, snapshotsPath(args[0])+path, body)
		}, func(store api.Store) error {
			text, err := store.Steer(c.Context(), s.command(args[0], id))
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), text)
			}
			return err
		})
	}
	p.both(c.Flags())
	return c
}

// onDataset is a command of a runtime on the snapshots of a dataset, which waits for its end.
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
