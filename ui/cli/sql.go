package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
)

// SQL returns the command `sql`.
func SQL() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: "sql [QUERY]", Short: "Run SQL over the datasets of a running pitwall", Args: cobra.MaximumNArgs(1), PreRunE: r.check,
		Long: "Run one statement that reads from the datasets of a running pitwall.\n" +
			"Without QUERY statements are read from standard input; each ends with a semicolon. On a terminal that is a prompt.",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return r.query(c.Context(), c.OutOrStdout(), args[0])
			}
			in, prompt := c.InOrStdin(), false
			if f, ok := in.(*os.File); ok {
				prompt = term.IsTerminal(f.Fd())
			}
			return r.prompt(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), in, prompt)
		},
	}
	r.listing(c.Flags())
	return c
}

// query runs one statement and writes its rows as they come.
func (r *remote) query(ctx context.Context, w io.Writer, sql string) error {
	accept := map[string]string{"table": "text/plain", "json": "application/json", "csv": "text/csv"}[r.format]
	a, err := r.call(ctx, http.MethodPost, "/v1/sql", []byte(sql), map[string]string{"Accept": accept, "Content-Type": "text/plain"})
	if err != nil {
		if e := (*Exit)(nil); errors.As(err, &e) && e.Code == ExitUsage {
			e.Code = ExitNotWell // the statement is what was asked about
		}
		return err
	}
	defer a.Body.Close()
	if _, err := io.Copy(w, a.Body); err != nil {
		return &Exit{ExitNotWell, fmt.Errorf("the rows are not all: %w", err)}
	}
	if r.format == "json" {
		fmt.Fprintln(w)
	}
	return nil
}

// prompt runs statements until the end of the input. On a terminal an error does not end it.
func (r *remote) prompt(ctx context.Context, w, errs io.Writer, in io.Reader, terminal bool) error {
	show := func(text string) {
		if terminal {
			fmt.Fprint(errs, text)
		}
	}
	if terminal {
		fmt.Fprintln(errs, "Statements end with ; and ctrl+d ends the prompt. Tables: SHOW TABLES;")
	}
	show("sql> ")
	var statement strings.Builder
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	run := func() error {
		sql := strings.TrimSpace(statement.String())
		statement.Reset()
		if strings.Trim(sql, "; \t\n") == "" {
			return nil
		}
		err := r.query(ctx, w, sql)
		if err != nil && terminal && ctx.Err() == nil {
			fmt.Fprintln(errs, err)
			return nil
		}
		return err
	}
	for lines.Scan() {
		statement.WriteString(lines.Text() + "\n")
		if !strings.HasSuffix(strings.TrimSpace(lines.Text()), ";") {
			if strings.TrimSpace(statement.String()) != "" {
				show("  -> ")
			} else {
				show("sql> ")
			}
			continue
		}
		if err := run(); err != nil {
			return err
		}
		show("sql> ")
	}
	show("\n")
	if err := lines.Err(); err != nil {
		return err
	}
	return run()
}
