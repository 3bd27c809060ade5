package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// parseName folds the name of a dataset (spec data-refresh 1.5): table or schema.table, lower case
// unless a part is in double quotes. The quotes are not part of the name.
func parseName(s string) (string, error) {
	if s == "" {
		return "", errors.New("the name is empty")
	}
	var parts []string
	rest := s
	for {
		part, tail, err := namePart(rest)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
		if tail == "" {
			break
		}
		rest = tail[1:] // namePart stops at a dot or at the end
	}
	if len(parts) > 2 {
		return "", fmt.Errorf("the name %q has more than the two parts schema.table", clip(s, 60))
	}
	if strings.HasPrefix(parts[len(parts)-1], "spice_sys_") {
		return "", errors.New("names that start with spice_sys_ belong to the engine")
	}
	return strings.Join(parts, "."), nil
}

// namePart reads one part of a name and returns what follows, which is empty or starts with a dot.
func namePart(s string) (part, tail string, err error) {
	if strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return "", "", fmt.Errorf("the name has no closing quote: %s", clip(s, 60))
		}
		part, tail = s[1:1+end], s[end+2:]
		if tail != "" && tail[0] != '.' {
			return "", "", fmt.Errorf("unexpected %q after a quoted name", clip(tail, 20))
		}
		return part, tail, checkPart(part, true)
	}
	part, tail = s, ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		part, tail = s[:i], s[i:]
	}
	return strings.ToLower(part), tail, checkPart(part, false)
}

// checkPart refuses what could not be a table and a file name at the same time.
func checkPart(part string, quoted bool) error {
	if part == "" || len(part) > 128 {
		return errors.New("a part of the name is empty or longer than 128 bytes")
	}
	for _, r := range part {
		ok := r == '_' || r == '-' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
		if !ok && (!quoted || unicode.IsControl(r) || strings.ContainsRune(`/\.`, r)) {
			return fmt.Errorf("the name must not contain %q", r)
		}
	}
	return nil
}
