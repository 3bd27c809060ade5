package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
)

// Snapshots returns the command `snapshots`; open opens a store that is worked on without a runtime.
func Snapshots(open OpenStore) *cobra.Command {
	c := &cobra.Command{
		Use: "snapshots", Short: "List, check, fetch, write and load snapshots",
		Long: "List, check, fetch, write and load snapshots.\n" +
			"Commands with --location, or with --pod and without --http-endpoint, work on the snapshot store itself: no runtime is needed.\n" +
			"Its params and secrets come from the spicepod, from --param, and from the environment as for the tools of its vendor.",
	}
	c.AddCommand(listSnapshots(open), showSnapshot(open), verifySnapshots(open), exportSnapshot(open), createSnapshot(), bootstrapFrom(),
		onDataset("undo", "Bring back the data that the last bootstrap replaced; it is kept until the next refresh"))
	c.AddCommand(steering(open)...)
	return c
}

func snapshotsPath(dataset string) string {
	return "/v1/datasets/" + url.PathEscape(dataset) + "/acceleration/snapshots"
}

func snapshotPath(dataset string, id uint64) string {
	return snapshotsPath(dataset) + "/" + strconv.FormatUint(id, 10)
}

// listed is how many snapshots are listed unless --limit says otherwise.
const listed = 10

func listSnapshots(open OpenStore) *cobra.Command {
	p := &place{open: open}
	var limit int
	c := &cobra.Command{
		Use: "list DATASET", Short: "List the newest snapshots, the newest last", Args: cobra.MaximumNArgs(1), PreRunE: p.check,
		Long: "List the newest snapshots, the newest last. STATUS is about the object: there with the recorded size (verified),\n" +
			"of another size (unverified), or not there; behind it is what the runtime found when it last read all of it.\n" +
			"On a store DATASET may be left out: then it is told what the store has of which dataset.",
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit is a number from 1 on, not %d", limit)
			}
			return p.either(c, func() error {
				if len(args) == 0 {
					return errors.New("list needs a DATASET; only a store can be listed without (--pod, --location)")
				}
				return p.list(c.Context(), c.OutOrStdout(), args[0], limit)
			}, func(s api.Store) error {
				if len(args) == 0 {
					return p.listAll(c.Context(), c.OutOrStdout(), s)
				}
				l, err := storedIn(c.Context(), s, args[0], limit)
				if err != nil {
					return err
				}
				return writeStored(c.OutOrStdout(), p.format, l)
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", listed, "how many")
	p.both(c.Flags())
	p.formats(c.Flags())
	return c
}

// list asks the runtime.
func (p *place) list(ctx context.Context, w io.Writer, dataset string, limit int) error {
	path := snapshotsPath(dataset) + "?limit=" + strconv.Itoa(limit)
	if p.format == "json" {
		return p.copy(ctx, w, path)
	}
	var l storedList
	if err := p.get(ctx, path, &l); err != nil {
		return err
	}
	return writeStored(w, p.format, l)
}

func showSnapshot(open OpenStore) *cobra.Command {
	p := &place{open: open}
	c := &cobra.Command{
		Use: "show DATASET ID", Short: "Show all that is recorded of a snapshot", Args: cobra.ExactArgs(2), PreRunE: p.check,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := snapshotID(args[1])
			if err != nil {
				return err
			}
			return p.either(c, func() error {
				if p.format == "json" {
					return p.copy(c.Context(), c.OutOrStdout(), snapshotPath(args[0], id))
				}
				var x stored
				if err := p.get(c.Context(), snapshotPath(args[0], id), &x); err != nil {
					return err
				}
				return x.write(c.OutOrStdout(), p.format)
			}, func(s api.Store) error {
				x, err := oneStored(c.Context(), s, args[0], id)
				if err != nil {
					return err
				}
				return x.write(c.OutOrStdout(), p.format)
			})
		},
	}
	p.both(c.Flags())
	p.formats(c.Flags())
	return c
}

func exportSnapshot(open OpenStore) *cobra.Command {
	p := &place{open: open}
	var file string
	var force bool
	c := &cobra.Command{
		Use: "export DATASET ID --to FILE", Short: "Copy a snapshot from the store to a file", Args: cobra.ExactArgs(2),
		Long: "Copy a snapshot from the store to a file, which is a database of the engine that wrote it.\n" +
			"The file appears when it is whole, and its size and SHA-256 are those recorded. It needs no runtime:\n" +
			"the store is that of --location, or of the spicepod (--pod, the current folder when nothing is said).",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := snapshotID(args[1])
			switch {
			case err != nil:
				return err
			case file == "":
				return errors.New("export needs --to FILE")
			}
			return p.onStore(c, func(s api.Store) error {
				at := newProgress(c.ErrOrStderr(), "export")
				err := s.Export(c.Context(), args[0], id, file, force, at.at)
				at.end()
				if err == nil {
					fmt.Fprintf(c.OutOrStdout(), "snapshot %d of %s is in %s: size and SHA-256 are those recorded\n", id, args[0], file)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&file, "to", "", "the file to write")
	c.Flags().BoolVar(&force, "force", false, "replace the file when it is there already")
	p.storeFlags(c.Flags())
	return c
}

func bootstrapFrom() *cobra.Command {
	var r remote
	var hold bool
	const short = "Replace the local data of a running pitwall by a snapshot"
	c := &cobra.Command{
		Use: "bootstrap DATASET ID", Short: short, Args: cobra.ExactArgs(2), PreRunE: r.check,
		Long: short + ". The command ends when that is done, with exit code 1 when it failed.",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := snapshotID(args[1])
			if err != nil {
				return err
			}
			var body any
			if hold {
				body = map[string]bool{"hold": true}
			}
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotPath(args[0], id)+"/bootstrap", body)
		},
	}
	c.Flags().BoolVar(&hold, "hold", false, "put scheduled refreshes on hold")
	r.flags(c.Flags())
	return c
}

func createSnapshot() *cobra.Command {
	var r remote
	var full bool
	c := &cobra.Command{
		Use: "create DATASET", Short: "Have a running pitwall write a snapshot now, also when nothing changed", Args: cobra.ExactArgs(1), PreRunE: r.check,
		RunE: func(c *cobra.Command, args []string) error {
			path := snapshotsPath(args[0])
			if full {
				path += "?full=true"
			}
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, path, nil)
		},
	}
	c.Flags().BoolVar(&full, "full", false, "one that Spice can read, where snapshots_upload is incremental")
	r.flags(c.Flags())
	return c
}

// send asks for a command and waits for its end.
func (r *remote) send(ctx context.Context, w io.Writer, method, path string, body any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	a, err := r.call(ctx, method, path, text, map[string]string{"Content-Type": "application/json"})
	if err != nil {
		return err
	}
	defer a.Body.Close()
	return r.wait(ctx, w, a.Header.Get("Pitwall-Command"))
}
