package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of pitwall a package, or all below it, may import. The longest matching
// prefix decides. What is not listed may import nothing of pitwall.
var allowed = map[string][]string{
	"pitwall":                    {"*"},
	"pitwall/ui":                 {"pitwall/ui", "pitwall/runtime/api"},
	"pitwall/ui/settings":        {},
	"pitwall/ui/firstrun":        {"pitwall/config"}, // writes one
	"pitwall/ui/cli":             {"pitwall/ui", "pitwall/runtime/api", "pitwall/runtime/remote", "pitwall/runtime/replay", "pitwall/config"},
	"pitwall/views":              {"pitwall/ui", "pitwall/runtime/api"},
	"pitwall/vhs/shot":           {},
	"pitwall/vhs/tape":           {},
	"pitwall/demo":               {"pitwall/demo", "pitwall/config", "pitwall/runtime"},
	"pitwall/demo/bench":         {"pitwall/runtime/api", "pitwall/ui", "pitwall/views"},                                                                         // measures the console
	"pitwall/demo/bench/changes": {"pitwall/engines", "pitwall/engines/arrowmem", "pitwall/engines/cayenne", "pitwall/engines/duckdb", "pitwall/engines/sqlite"}, // measures the engines
	"pitwall/demo/bench/cayenne": {"pitwall/demo/trips", "pitwall/engines", "pitwall/engines/cayenne", "pitwall/snapshots"},                                      // measures the engine
	"pitwall/runtime":            {"pitwall/config", "pitwall/engines", "pitwall/snapshots", "pitwall/runtime"},
	"pitwall/snapshots":          {"pitwall/snapshots", "pitwall/engines/schemajson"}, // the one format both write
	"pitwall/engines":            {"pitwall/engines"},
	"pitwall/config":             {"pitwall/config"},

	"pitwall/config/refreshsql":    {"pitwall/config/suggest"},
	"pitwall/config/suggest":       {},
	"pitwall/runtime/api":          {},
	"pitwall/runtime/api/diff":     {"pitwall/runtime/api"},
	"pitwall/runtime/api/why":      {"pitwall/runtime/api"},
	"pitwall/runtime/api/incident": {"pitwall/runtime/api"},
	"pitwall/runtime/schedule":     {},
	"pitwall/runtime/source":       {"pitwall/runtime/source", "pitwall/engines", "pitwall/snapshots/objstore/bucket"},
	"pitwall/runtime/shape":        {"pitwall/engines", "pitwall/config/refreshsql"},
	"pitwall/runtime/apikey":       {},
	"pitwall/runtime/httpapi":      {"pitwall/runtime/api", "pitwall/runtime/apikey", "pitwall/runtime/wire"},
	"pitwall/runtime/flight":       {"pitwall/runtime/api", "pitwall/runtime/apikey"},
	"pitwall/runtime/metrics":      {"pitwall/runtime/api"},
	"pitwall/runtime/wire":         {"pitwall/runtime/api"},
	"pitwall/runtime/remote":       {"pitwall/runtime/api", "pitwall/runtime/wire"},
	"pitwall/runtime/replay":       {"pitwall/runtime/api", "pitwall/runtime/wire"},
	"pitwall/engines/schemajson":   {},
}

// goStatements are the files that may start goroutines; whoever starts one waits for it. (Goroutines
// of an errgroup or a WaitGroup are started by its Go method and are not listed.)
var goStatements = []string{
	"engines/servertest/servertest.go", // waits for the server of a test, waited for by Stop
	"engines/sqlite/load.go",           // encodes rows ahead of the insert, waited for by its consumer
	"runtime/actor.go",                 // one per dataset, waited for through done
	"ui/ui.go",                         // the program, and what ends it
	"ui/uitest/screen.go",              // the program of a test, waited for by its cleanup
}

type pkg struct {
	ImportPath, Dir         string
	Imports, GoFiles        []string
	TestGoFiles, CgoGoFiles []string
	Standard                bool
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-tags", "duckdb_arrow", "-json=ImportPath,Dir,Imports,GoFiles,Standard", "pitwall/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}

// mayImport decides one import.
func mayImport(from, to string) bool {
	best := ""
	for p := range allowed {
		if (from == p || strings.HasPrefix(from, p+"/") && p != "pitwall") && len(p) > len(best) {
			best = p
		}
	}
	return slices.ContainsFunc(allowed[best], func(a string) bool {
		return a == "*" || to == a || strings.HasPrefix(to, a+"/")
	})
}

func TestImportsFlowOneWay(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if (i == "pitwall" || strings.HasPrefix(i, "pitwall/")) && !mayImport(p.ImportPath, i) {
				t.Errorf("%s may not import %s", p.ImportPath, i)
			}
		}
		if p.ImportPath == "pitwall/runtime/api" {
			for _, i := range p.Imports {
				if strings.Contains(strings.SplitN(i, "/", 2)[0], ".") {
					t.Errorf("%s may import the standard library only, not %s", p.ImportPath, i)
				}
			}
		}
		switch name := filepath.Base(p.ImportPath); name {
		case "util", "utils", "common", "helpers", "misc":
			t.Errorf("%s: no package is called %s", p.ImportPath, name)
		}
	}
}

// The rule must find what it is for.
func TestPlantedImportsAreFound(t *testing.T) {
	for _, bad := range [][2]string{
		{"pitwall/views", "pitwall/runtime"}, {"pitwall/views", "pitwall/engines"}, {"pitwall/ui", "pitwall/views"},
		{"pitwall/snapshots", "pitwall/engines"}, {"pitwall/snapshots/objstore", "pitwall/engines/duckdb"},
		{"pitwall/engines/duckdb", "pitwall/snapshots"}, {"pitwall/engines", "pitwall/runtime/api"},
		{"pitwall/config", "pitwall/runtime/api"}, {"pitwall/runtime/api", "pitwall/config"}, {"pitwall/ui/cli", "pitwall/runtime"},
		{"pitwall/runtime/source/objects", "pitwall/runtime"}, {"pitwall/runtime/httpapi", "pitwall/runtime"}, {"pitwall/new", "pitwall/config"},
	} {
		if mayImport(bad[0], bad[1]) {
			t.Errorf("%s -> %s is not found", bad[0], bad[1])
		}
	}
	for _, good := range [][2]string{{"pitwall", "pitwall/ui"}, {"pitwall/runtime/launch", "pitwall/engines/duckdb"}, {"pitwall/snapshots", "pitwall/engines/schemajson"}} {
		if !mayImport(good[0], good[1]) {
			t.Errorf("%s -> %s is refused", good[0], good[1])
		}
	}
}

// maxLines is the house limit for a file that is neither a test nor generated.
const maxLines = 400

func TestFilesAreSmallAndGoroutinesHaveOwners(t *testing.T) {
	var root string
	for _, p := range packages(t) {
		if p.ImportPath == "pitwall" {
			root = p.Dir
		}
	}
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if n := fset.File(f.Pos()).LineCount(); n > maxLines && !ast.IsGenerated(f) {
				t.Errorf("%s has %d lines, the limit is %d", rel, n, maxLines)
			}
			if rel == "main.go" {
				if n := fset.File(f.Pos()).LineCount(); n > 170 {
					t.Errorf("main.go only wires: %d lines", n)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					if !slices.Contains(goStatements, filepath.ToSlash(rel)) {
						t.Errorf("%s starts a goroutine; use an errgroup or list the file with who waits for it", fset.Position(n.Pos()))
					}
				case *ast.FuncDecl:
					if n.Recv == nil && n.Name.Name == "init" {
						t.Errorf("%s: no init side effects", fmt.Sprint(fset.Position(n.Pos())))
					}
				}
				return true
			})
		}
	}
}
