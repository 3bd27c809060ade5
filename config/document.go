package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// maxFileBytes bounds a spicepod; real ones have a few kilobytes.
	maxFileBytes = 4 << 20
	// maxNodes bounds the tree with all aliases expanded, against alias bombs.
	maxNodes = 100_000
	// maxDepth bounds the nesting, also that of an alias inside itself.
	maxDepth = 50
	// maxProblems is how many errors and how many warnings are kept of a file that is nothing else.
	maxProblems = 1000
)

// mark is where one path of a document is: its key and its value.
type mark struct{ key, value *yaml.Node }

// document is one YAML file while it is checked.
type document struct {
	file     string
	lines    []string
	root     *yaml.Node // nil when the file could not be parsed
	marks    map[string]mark
	broken   map[string]bool // paths with an error
	refused  map[string]bool // paths whose value the decoder refused: there is nothing to check
	problems *[]Problem
}

// readDocument parses src. What is wrong with it as YAML is added to problems and root stays nil.
func readDocument(file string, src []byte, problems *[]Problem) *document {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	d := &document{file: file, marks: map[string]mark{}, broken: map[string]bool{}, problems: problems}
	if len(src) > maxFileBytes {
		d.report(SeverityError, 0, 0, "", "the file has more than 4 MiB", "")
		return d
	}
	if line, col, ok := invalidUTF8(src); ok {
		d.report(SeverityError, line, col, "", "the file is not valid UTF-8", "save it as UTF-8")
		return d
	}
	d.lines = splitLines(string(src))
	n, err := d.parse(src)
	if err != nil {
		d.syntax(err)
		return d
	}
	if n == nil {
		d.report(SeverityError, 1, 1, "", "the file is empty", "a spicepod needs version, kind and name")
		return d
	}
	nodes := 0
	if d.walk(n, "", 0, &nodes) {
		d.root = n
	}
	return d
}

// parse returns the only document of src, or nil when it is empty.
func (d *document) parse(src []byte) (*yaml.Node, error) {
	l, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	var first, second yaml.Node
	if err := l.Load(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	switch err := l.Load(&second); {
	case err == nil:
		d.report(SeverityError, second.Line, max(1, second.Column), "", "the file has more than one YAML document",
			"remove the line --- and what follows it")
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if first.Kind != yaml.DocumentNode || len(first.Content) == 0 || first.Content[0].ShortTag() == "!!null" {
		return nil, nil
	}
	return first.Content[0], nil
}

// syntax reports an error of the YAML parser.
func (d *document) syntax(err error) {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		d.report(SeverityError, 0, 0, "", "not valid YAML: "+err.Error(), "")
		return
	}
	line, col, hint := min(le.Mark.Line, len(d.lines)), max(1, le.Mark.Column), ""
	if line > 0 && line <= len(d.lines) && strings.HasPrefix(strings.TrimLeft(d.lines[line-1], " "), "\t") {
		hint = "indent with spaces, YAML does not allow tabs"
	}
	d.report(SeverityError, line, col, "", "not valid YAML: "+le.Message, hint)
}

// walk checks the whole tree: size with aliases expanded, depth, duplicate keys, keys that are text.
// It returns false when the tree is too large to look at any further.
func (d *document) walk(n *yaml.Node, path string, depth int, nodes *int) bool {
	*nodes++
	if *nodes > maxNodes {
		d.report(SeverityError, n.Line, n.Column, path, "the file expands to too many values through its aliases", "")
		return false
	}
	if depth > maxDepth {
		d.report(SeverityError, n.Line, n.Column, path, "the file is nested too deeply, or an alias contains itself", "")
		return false
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.walk(n.Alias, path, depth+1, nodes)
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if !d.walk(c, fmt.Sprintf("%s[%d]", path, i), depth+1, nodes) {
				return false
			}
		}
	case yaml.MappingNode:
		seen := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if deref(k).Kind != yaml.ScalarNode {
				d.report(SeverityError, k.Line, k.Column, path, "a key must be text", "quote values that start with { or [")
				continue
			}
			name := deref(k).Value
			at := join(path, name)
			if old := seen[name]; old != nil {
				d.report(SeverityError, k.Line, k.Column, at,
					fmt.Sprintf("duplicate key %q, first on line %d", clip(name, 60), old.Line), "")
				continue
			}
			seen[name] = k
			if !d.walk(v, at, depth+1, nodes) {
				return false
			}
		}
	}
	return true
}

// pair is one entry of a mapping.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs returns the entries of a mapping with merge keys (<<) expanded; own keys win over merged ones.
func pairs(n *yaml.Node) []pair {
	var own, merged []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := deref(n.Content[i]), deref(n.Content[i+1])
		switch {
		case k.Kind != yaml.ScalarNode || k.ShortTag() != "!!merge" && seen[k.Value]:
		case k.ShortTag() == "!!merge" && v.Kind == yaml.MappingNode:
			merged = append(merged, pairs(v)...)
		case k.ShortTag() == "!!merge" && v.Kind == yaml.SequenceNode:
			for _, m := range v.Content {
				if m = deref(m); m.Kind == yaml.MappingNode {
					merged = append(merged, pairs(m)...)
				}
			}
		default:
			seen[k.Value] = true
			own = append(own, pair{k.Value, n.Content[i], v})
		}
	}
	for _, p := range merged {
		if !seen[p.name] {
			seen[p.name] = true
			own = append(own, p)
		}
	}
	return own
}

// splitLines cuts at every line break the YAML parser counts.
func splitLines(src string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(src), "\n")
}

// deref follows aliases; walk has bounded their depth.
func deref(n *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i <= maxDepth; i++ {
		n = n.Alias
	}
	return n
}

// join adds a key to a path; keys that are not plain words are quoted.
func join(path, key string) string {
	plain := key != ""
	for _, r := range key {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			plain = false
		}
	}
	if !plain {
		return fmt.Sprintf("%s[%q]", path, clip(key, 60))
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// invalidUTF8 returns the place of the first byte that is not UTF-8, or a NUL.
func invalidUTF8(src []byte) (line, col int, found bool) {
	line, col = 1, 1
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		if r == utf8.RuneError && n == 1 || r == 0 {
			return line, col, true
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
		src = src[n:]
	}
	return 0, 0, false
}
