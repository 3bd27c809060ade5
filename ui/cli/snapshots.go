package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// Snapshots returns the command `snapshots`.
func Snapshots() *cobra.Command {
	c := &cobra.Command{Use: "snapshots", Short: "List, write, check and load the snapshots of a running pitwall"}
	c.AddCommand(listSnapshots(),
		onSnapshot("verify", "Read a snapshot and compare its size and SHA-256", false),
		onSnapshot("bootstrap", "Replace the local data by a snapshot", true),
		setCurrent(), createSnapshot())
	c.AddCommand(steering()...)
	return c
}

func snapshotsPath(dataset string) string {
	return "/v1/datasets/" + url.PathEscape(dataset) + "/acceleration/snapshots"
}

// stored is a snapshot as the runtime tells it.
type stored struct {
	ID        uint64 `json:"snapshot_id"`
	Timestamp int64  `json:"timestamp_ms"`
	Location  string `json:"location"`
	Checksum  string `json:"checksum"`
	Bytes     int64  `json:"size_bytes"`
	Rows      *int64 `json:"row_count"`
	Current   bool   `json:"is_current"`
	Pinned    bool   `json:"is_pinned"`
	Status    string `json:"status"`
	Checked   string `json:"verification"`
}

func listSnapshots() *cobra.Command {
	var r remote
	var limit int
	c := &cobra.Command{
		Use: "list DATASET", Short: "List the newest snapshots, the newest last", Args: cobra.ExactArgs(1), PreRunE: r.check,
		Long: "List the newest snapshots, the newest last. STATUS is about the object: there with the recorded size (verified),\n" +
			"of another size (unverified), or not there; behind it is what the runtime found when it last read all of it.",
		RunE: func(c *cobra.Command, args []string) error {
			path := snapshotsPath(args[0]) + "?limit=" + strconv.Itoa(limit)
			if r.format == "json" {
				return r.copy(c.Context(), c.OutOrStdout(), path)
			}
			var list struct{ Snapshots []stored }
			if err := r.get(c.Context(), path, &list); err != nil {
				return err
			}
			if r.format == "csv" {
				return snapshotsCSV(c.OutOrStdout(), list.Snapshots)
			}
			return table(c.OutOrStdout(), snapshotRows(list.Snapshots))
		},
	}
	c.Flags().IntVar(&limit, "limit", 10, "how many")
	r.listing(c.Flags())
	return c
}

func snapshotRows(list []stored) [][]string {
	rows := [][]string{{"ID", "TIMESTAMP", "SIZE", "ROWS", "CHECKSUM", "CURRENT", "STATUS"}}
	for _, s := range list {
		n, current, status := "-", "", s.Status
		if s.Rows != nil {
			n = strconv.FormatInt(*s.Rows, 10)
		}
		if s.Current {
			current = "✓"
		}
		if s.Pinned {
			current = "pinned"
		}
		if status == "" {
			status = "missing"
		}
		if s.Checked != "" {
			status += ", read: " + s.Checked
		}
		rows = append(rows, []string{strconv.FormatUint(s.ID, 10), time.UnixMilli(s.Timestamp).UTC().Format(time.RFC3339), humanize.IBytes(uint64(s.Bytes)), n,
			fmt.Sprintf("%.16s...", s.Checksum), current, status})
	}
	return rows
}

func snapshotsCSV(w io.Writer, list []stored) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"snapshot_id", "timestamp_ms", "size_bytes", "row_count", "checksum", "is_current", "status", "location"}}
	for _, s := range list {
		n := ""
		if s.Rows != nil {
			n = strconv.FormatInt(*s.Rows, 10)
		}
		rows = append(rows, []string{strconv.FormatUint(s.ID, 10), strconv.FormatInt(s.Timestamp, 10), strconv.FormatInt(s.Bytes, 10), n, s.Checksum,
			strconv.FormatBool(s.Current), s.Status, s.Location})
	}
	return out.WriteAll(rows)
}

// onSnapshot is a command on one snapshot, which waits for its end.
func onSnapshot(name, short string, holds bool) *cobra.Command {
	var r remote
	var hold bool
	c := &cobra.Command{
		Use: name + " DATASET ID", Short: short, Args: cobra.ExactArgs(2), PreRunE: r.check,
		Long: short + ". The command ends when that is done, with exit code 1 when it failed.",
		RunE: func(c *cobra.Command, args []string) error {
			var body any
			if hold {
				body = map[string]bool{"hold": true}
			}
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotsPath(args[0])+"/"+url.PathEscape(args[1])+"/"+name, body)
		},
	}
	if holds {
		c.Flags().BoolVar(&hold, "hold", false, "put scheduled refreshes on hold")
	}
	r.flags(c.Flags())
	return c
}

func createSnapshot() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "create DATASET", Short: "Write a snapshot now, also when nothing changed", Args: cobra.ExactArgs(1), PreRunE: r.check,
		RunE: func(c *cobra.Command, args []string) error {
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotsPath(args[0]), nil)
		},
	}
	r.flags(c.Flags())
	return c
}

func setCurrent() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "set-current DATASET ID", Short: "Make a snapshot the one that replicas load", Args: cobra.ExactArgs(2), PreRunE: r.check,
		Long: "Make a snapshot the one that replicas load when they start, and that readers (refresh_mode: snapshot) follow,\n" +
			"until the next snapshot is written. The local data of this runtime stays as it is; see bootstrap.",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return &Exit{ExitUsage, fmt.Errorf("%q is not the id of a snapshot", args[1])}
			}
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, snapshotsPath(args[0])+"/current", map[string]uint64{"snapshot_id": id})
		},
	}
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
