package objects

import (
	"path"
	"strings"
)

// glob is a path that may have wildcards: * and ? within a name, [a-z] for a character, ** for any
// folders.
type glob struct {
	// base is the beginning of all paths, without a wildcard.
	base string
	// parts are the names of the pattern after the last "/" of base; empty without wildcards.
	parts []string
	// all tells that the pattern names folders, of which all files of a known format are wanted.
	all bool
}

// parseGlob splits a path at its first wildcard. A pattern that ends in "/" means all below.
func parseGlob(p string) (glob, error) {
	at := strings.IndexAny(p, "*?[")
	if at < 0 {
		return glob{base: p}, nil
	}
	all := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/**")
	if strings.HasSuffix(p, "/") {
		p += "**/*"
	}
	folder := strings.LastIndexByte(p[:at], '/') + 1
	g := glob{base: p[:at], parts: strings.Split(p[folder:], "/"), all: all || p[folder:] == "**"}
	for _, part := range g.parts {
		if _, err := path.Match(part, ""); err != nil {
			return g, err
		}
	}
	return g, nil
}

// folder is the part of base up to its last "/".
func (g glob) folder() string { return g.base[:strings.LastIndexByte(g.base, '/')+1] }

// level tells that the pattern only wants what is directly in the folder.
func (g glob) level() bool { return len(g.parts) == 1 && g.parts[0] != "**" }

// match tells whether a path that begins with base fits.
func (g glob) match(p string) bool {
	if len(g.parts) == 0 {
		return true
	}
	return matchParts(g.parts, strings.Split(p[len(g.folder()):], "/"))
}

// matchParts takes time in proportion to the product of both lengths, also with many **.
func matchParts(pattern, names []string) bool {
	fits := make([]bool, len(names)+1) // fits[j]: the pattern so far matches names[:j]
	fits[0] = true
	for _, part := range pattern {
		next := make([]bool, len(names)+1)
		for j := range fits {
			switch {
			case part == "**":
				next[j] = fits[j] || j > 0 && next[j-1]
			case j > 0 && fits[j-1]:
				next[j], _ = path.Match(part, names[j-1])
			}
		}
		fits = next
	}
	return fits[len(names)]
}
