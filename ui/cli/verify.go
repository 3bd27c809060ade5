package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"pitwall/runtime/api"
)

func verifySnapshots(open OpenStore) *cobra.Command {
	p := &place{open: open}
	var all bool
	c := &cobra.Command{
		Use: "verify DATASET ID|--all", Short: "Read a snapshot, compare its SHA-256, and open it", Args: cobra.MaximumNArgs(2), PreRunE: p.check,
		Long: "Read a snapshot, or with --all every one of a dataset, and compare size and SHA-256 with what is recorded,\n" +
			"open it with its engine and count its rows. On a store that goes by way of the folder of temporary files (TMPDIR),\n" +
			"and --all without DATASET reads all snapshots there are. The exit code is 1 when one of them can't be used.",
		RunE: func(c *cobra.Command, args []string) error {
			var ids []uint64
			switch {
			case all && len(args) == 2, !all && len(args) < 2:
				return errors.New("verify needs DATASET and ID, or --all in place of the ID")
			case !all:
				id, err := snapshotID(args[1])
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return p.either(c, func() error {
				if len(args) == 0 {
					return errors.New("verify --all needs a DATASET; only a store can be verified whole (--pod, --location)")
				}
				return p.verify(c.Context(), c.OutOrStdout(), args[0], ids)
			}, func(s api.Store) error { return verifyStore(c, s, args, ids) })
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all snapshots")
	p.both(c.Flags())
	return c
}

// verify has the runtime read snapshots; no ids are all there are.
func (p *place) verify(ctx context.Context, w io.Writer, dataset string, ids []uint64) error {
	all := len(ids) == 0
	if all {
		var l storedList
		if err := p.get(ctx, fmt.Sprintf("%s?limit=%d", snapshotsPath(dataset), math.MaxInt32), &l); err != nil {
			return err
		}
		for _, x := range l.Snapshots {
			ids = append(ids, x.ID)
		}
	}
	r := results{w: w}
	for _, id := range ids {
		if err := p.send(ctx, w, http.MethodPost, snapshotPath(dataset, id)+"/verify", nil); err != nil {
			if !all || Code(err) != ExitNotWell {
				return err
			}
			r.bad(dataset, id, err)
			continue
		}
		r.sound++
	}
	if all {
		return r.end()
	}
	return nil
}

// results counts snapshots that were read.
type results struct {
	w              io.Writer
	sound, damaged int
}

func (r *results) bad(dataset string, id uint64, err error) {
	r.damaged++
	fmt.Fprintf(r.w, "snapshot %d of %s can't be used: %v\n", id, dataset, err)
}

// end says how many were good, as an error when not all were.
func (r *results) end() error {
	if r.damaged > 0 {
		return &Exit{ExitNotWell, fmt.Errorf("%d of %s can't be used", r.damaged, count(r.sound+r.damaged, "snapshot"))}
	}
	fmt.Fprintf(r.w, "%s verified\n", count(r.sound, "snapshot"))
	return nil
}

// verifyStore reads snapshots of a store: those of all datasets when args name none, all of a dataset when
// there are no ids.
func verifyStore(c *cobra.Command, s api.Store, args []string, ids []uint64) error {
	ctx, w := c.Context(), c.OutOrStdout()
	var names []string
	if len(args) > 0 {
		names = args[:1]
	} else {
		list, err := s.Datasets(ctx)
		if err != nil {
			return err
		}
		for _, d := range list {
			names = append(names, d.Name)
		}
	}
	r := results{w: w}
	for _, name := range names {
		which := ids
		if len(ids) == 0 {
			list, err := s.Snapshots(ctx, name)
			if err != nil {
				return err
			}
			for _, x := range slices.Backward(list) {
				which = append(which, x.ID)
			}
		}
		for _, id := range which {
			at := newProgress(c.ErrOrStderr(), fmt.Sprintf("verify %s %d", name, id))
			found, err := s.Verify(ctx, name, id, at.at)
			at.end()
			switch {
			case err == nil:
				r.sound++
				fmt.Fprintf(w, "snapshot %d of %s is sound: %s\n", id, name, found)
			case len(ids) > 0 || api.ReasonOf(err) != api.Unsound:
				return err
			default:
				r.bad(name, id, err)
			}
		}
	}
	if len(ids) > 0 {
		return nil
	}
	return r.end()
}
