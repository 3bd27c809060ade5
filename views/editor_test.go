//go:build unix

package views_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
)

// e gives the terminal to the editor, at the first error of the spicepod, and takes it back.
func TestEditorHasTheTerminal(t *testing.T) {
	editor := filepath.Join(t.TempDir(), "editor.sh")
	if err := os.WriteFile(editor, []byte("test -t 0 && test -t 1 && echo editor of $1\nread x\necho typed $x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPTY(t, &pty.Winsize{Rows: 24, Cols: 120}, "unset VISUAL; export EDITOR='sh "+editor+"'")
	p.wait("lake.sales_eu")
	_, _ = p.f.WriteString("5")
	p.wait("spicepod.yml")
	_, _ = p.f.WriteString("e")
	p.wait("editor of ")
	_, _ = p.f.WriteString("hello\r")
	p.wait("typed hello")
	p.wait("\x1b[?1049h") // the console is back
	_, _ = p.f.WriteString("q")
	p.exit(0)
}
