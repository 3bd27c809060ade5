package config

import (
	"path"
	"strings"
)

// parseFrom splits from: into connector and source (spec data-refresh 1.5). The connector is the text
// before the first ":" or "/"; without either it is spice.ai. pitwall also takes file paths as they
// are: text that starts like a path, or whose part before "/" is no known connector and which ends
// like a file pitwall can load, in "/", or in a pattern.
func parseFrom(from string) (conn, source string) {
	if from == "" || from == "sink" {
		return "sink", ""
	}
	for _, p := range []string{"/", "./", "../", "~/"} {
		if strings.HasPrefix(from, p) {
			return "file", from
		}
	}
	if from == "." || from == ".." {
		return "file", from
	}
	i := strings.IndexAny(from, ":/")
	if i > 0 && from[i] == ':' {
		return from[:i], strings.TrimPrefix(from[i+1:], "//")
	}
	if i > 0 {
		if _, ok := connectorOf(from[:i]); ok {
			return from[:i], from[i+1:]
		}
	}
	if looksLikeFile(from) {
		return "file", from
	}
	if i > 0 {
		return from[:i], from[i+1:]
	}
	return "spice.ai", from
}

func looksLikeFile(s string) bool {
	ext := strings.ToLower(path.Ext(s))
	if ext == ".gz" || ext == ".zst" || ext == ".bz2" {
		ext = strings.ToLower(path.Ext(s[:len(s)-len(ext)]))
	}
	_, known := fileFormats()[ext]
	return known || strings.HasSuffix(s, "/") || strings.Contains(s, "*")
}
