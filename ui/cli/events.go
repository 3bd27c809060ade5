package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Events returns the command `events`.
func Events() *cobra.Command {
	var r remote
	var follow bool
	c := &cobra.Command{
		Use: "events", Short: "Print the events of a running pitwall", Args: cobra.NoArgs, PreRunE: r.check,
		Long: "Print the events that a running pitwall remembers; with --follow also those to come, until interrupted.\nWith --format json each event is a line of JSON.",
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := r.call(c.Context(), http.MethodGet, fmt.Sprintf("/v1/events?follow=%v", follow), nil, nil)
			if err != nil {
				return err
			}
			defer a.Body.Close()
			err = printEvents(c.OutOrStdout(), a.Body, r.format)
			if c.Context().Err() != nil {
				return &Exit{Code: ExitInterrupted}
			}
			if err == nil && follow {
				err = fmt.Errorf("the runtime at %s stopped", r.endpoint)
			}
			if err != nil {
				return &Exit{ExitUnreachable, err}
			}
			return nil
		},
	}
	r.listing(c.Flags())
	c.Flags().BoolVar(&follow, "follow", false, "go on with the events to come")
	return c
}

// printEvents writes a stream of server-sent events as it comes.
func printEvents(w io.Writer, in io.Reader, format string) error {
	out := csv.NewWriter(w)
	if format == "csv" {
		_ = out.Write([]string{"seq", "at", "level", "dataset", "kind", "message"})
		out.Flush()
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e struct {
			Seq                           uint64
			At                            time.Time
			Level, Dataset, Kind, Message string
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return err
		}
		var err error
		switch format {
		case "json":
			_, err = fmt.Fprintln(w, data)
		case "csv":
			_ = out.Write([]string{fmt.Sprint(e.Seq), e.At.Format(time.RFC3339Nano), e.Level, e.Dataset, e.Kind, e.Message})
			out.Flush()
			err = out.Error()
		default:
			who := e.Dataset
			if who == "" {
				who = "-"
			}
			_, err = fmt.Fprintf(w, "%s  %-5s  %-9s  %s  %s\n", e.At.Local().Format(time.DateTime), e.Level, e.Kind, who, e.Message)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}
