package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"pitwall/config"
)

// Refresh returns the command `refresh`.
func Refresh() *cobra.Command {
	var r remote
	var sql, mode, jitter string
	var wait bool
	c := &cobra.Command{
		Use: "refresh DATASET", Short: "Refresh a dataset of a running pitwall now", Args: cobra.ExactArgs(1),
		Long: "Refresh a dataset of a running pitwall now. What the flags say holds for this run only.\n" +
			"With --wait the command ends with the refresh, with exit code 1 when it failed.",
		PreRunE: func(c *cobra.Command, args []string) error {
			if mode != "" && mode != "full" && mode != "append" {
				return fmt.Errorf("--refresh-mode is full or append, not %q", mode)
			}
			if _, err := config.ParseDuration(jitter); jitter != "" && err != nil {
				return fmt.Errorf("--refresh-jitter-max: %w", err)
			}
			return r.check(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			o := map[string]string{}
			for k, v := range map[string]string{"refresh_sql": sql, "refresh_mode": mode, "refresh_jitter_max": jitter} {
				if v != "" {
					o[k] = v
				}
			}
			return r.refresh(c.Context(), c.OutOrStdout(), args[0], o, wait)
		},
	}
	f := c.Flags()
	f.StringVar(&sql, "refresh-sql", "", "refresh_sql of this run")
	f.StringVar(&mode, "refresh-mode", "", "full or append")
	f.StringVar(&jitter, "refresh-jitter-max", "", "delay by a random time below this, such as 10s")
	f.BoolVar(&wait, "wait", false, "wait for the end of the refresh")
	r.flags(f)
	return c
}

func (r *remote) refresh(ctx context.Context, w io.Writer, name string, overrides map[string]string, wait bool) error {
	fmt.Fprintf(w, "Refreshing dataset %s ...\n", name)
	var body []byte
	header := map[string]string{}
	if len(overrides) > 0 {
		var err error
		if body, err = json.Marshal(overrides); err != nil {
			return err
		}
		header["Content-Type"] = "application/json"
	}
	a, err := r.call(ctx, http.MethodPost, "/v1/datasets/"+url.PathEscape(name)+"/acceleration/refresh", body, header)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	var m struct{ Message string }
	if err := json.NewDecoder(a.Body).Decode(&m); err != nil {
		return err
	}
	fmt.Fprintln(w, m.Message)
	if !wait {
		return nil
	}
	return r.wait(ctx, w, a.Header.Get("Pitwall-Command"))
}

// poll is how often a waiting command asks.
const poll = 200 * time.Millisecond

// wait waits for the end of a command.
func (r *remote) wait(ctx context.Context, w io.Writer, id string) error {
	if id == "" {
		return &Exit{ExitUnreachable, fmt.Errorf("%s is no pitwall: it does not say when the refresh ends", r.endpoint)}
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		var t struct{ State, Detail string }
		if err := r.get(ctx, "/v1/tasks/"+id, &t); err != nil {
			return err
		}
		switch t.State {
		case "running":
		case "done":
			fmt.Fprintln(w, t.Detail)
			return nil
		default:
			return &Exit{ExitNotWell, fmt.Errorf("%s: %s", t.State, t.Detail)}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &Exit{Code: ExitInterrupted}
		}
	}
}
