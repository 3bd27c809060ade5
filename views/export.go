package views

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/renameio/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// formatsOf are the formats of an export by the extension of its file.
func formatOf(path string) (api.Format, error) {
	f, ok := map[string]api.Format{".csv": api.CSV, ".json": api.JSON, ".parquet": api.Parquet, ".arrow": api.ArrowStream}[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return "", errors.New("the name ends with .csv, .json, .parquet or .arrow, which says the format")
	}
	return f, nil
}

// export is a result on its way to a file.
type export struct {
	path   string
	cancel func()
	bytes  atomic.Int64
	begun  time.Time
}

// exportedMsg is the end of an export.
type exportedMsg struct {
	x   *export
	err error
}

// startExport runs a statement again and writes all of its rows to a new file, which appears when it is whole.
func startExport(c *ui.Ctx, sql, path string, format api.Format) (*export, tea.Cmd) {
	ctx, cancel := contextOf(c)
	x := &export{path: path, cancel: cancel, begun: c.Wall}
	console := c.Console()
	return x, func() tea.Msg {
		defer cancel()
		err := x.write(ctx, console, sql, format)
		if ctx.Err() != nil {
			err = errStopped
		}
		return exportedMsg{x, err}
	}
}

func (x *export) write(ctx context.Context, console api.Console, sql string, format api.Format) (err error) {
	if _, err := os.Lstat(x.path); err == nil {
		return fmt.Errorf("there is such a file already, give another name: %s", x.path)
	}
	rows, err := console.Query(ctx, sql, api.QueryOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	f, err := renameio.NewPendingFile(x.path, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // nothing is left of it after CloseAtomicallyReplace
	if err := rows.Encode(counted{f, &x.bytes}, format); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// counted counts what is written.
type counted struct {
	io.Writer
	n *atomic.Int64
}

// Write implements io.Writer.
func (w counted) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// contextOf is the context of something that a person can stop.
func contextOf(c *ui.Ctx) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(c.Context())
	return ctx, func() { cancel(errStopped) }
}

// exportDialog asks for the name of the file.
type exportDialog struct {
	edit ui.Edit
	err  string
	run  func(c *ui.Ctx, path string, f api.Format) tea.Cmd
}

// Title implements ui.Dialog.
func (d *exportDialog) Title(*ui.Ctx) string { return "Export all rows" }

// Careful implements ui.Dialog.
func (d *exportDialog) Careful() bool { return false }

// Update implements ui.Dialog.
func (d *exportDialog) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Paste implements ui.Texter.
func (d *exportDialog) Paste(s string) { d.edit.Insert(s) }

// Key implements ui.Dialog.
func (d *exportDialog) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "enter":
		path := d.edit.Text()
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			if home, err := os.UserHomeDir(); err == nil {
				path = filepath.Join(home, rest)
			}
		}
		f, err := formatOf(path)
		if err != nil {
			d.err = err.Error()
			return false, nil
		}
		return true, d.run(c, path, f)
	}
	if d.edit.Key(k) {
		d.err = ""
	}
	return false, nil
}

// Draw implements ui.Dialog.
func (d *exportDialog) Draw(c *ui.Ctx, w, _ int) []string {
	t := c.Theme
	last := t.Dim.On("enter writes it " + c.Glyphs.Dot + " esc cancels")
	if d.err != "" {
		last = t.Bad.On(ui.Cut(c.Glyphs.Failed+" "+d.err, w))
	}
	return []string{"The statement runs again, and all of its rows go to a new file:", "", t.Accent.On("file ") + d.edit.Draw(w-6), "",
		t.Dim.On(".csv, .json, .parquet or .arrow"), "", last}
}
