package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader takes params and collects what is wrong with them. Messages never show the value of a secret.
type reader struct {
	params   map[string]string
	secrets  []string
	problems []error
}

func (p *reader) problem(err error) { p.problems = append(p.problems, err) }

// text returns the first of the params that is set.
func (p *reader) text(names ...string) string {
	for _, n := range names {
		if v := p.params[n]; v != "" {
			return v
		}
	}
	return ""
}

// secret is text that messages must not show.
func (p *reader) secret(names ...string) string {
	v := p.text(names...)
	if v != "" {
		p.secrets = append(p.secrets, v)
	}
	return v
}

func (p *reader) bool(name string, otherwise bool) bool {
	v := p.params[name]
	if v == "" {
		return otherwise
	}
	switch strings.ToLower(v) {
	case "true", "1", "enabled", "yes":
		return true
	case "false", "0", "disabled", "no":
		return false
	}
	p.problem(fmt.Errorf("param %s must be true or false, not %q", name, clip(v)))
	return otherwise
}

func (p *reader) oneOf(name string, values ...string) string {
	v := strings.ToLower(p.params[name])
	if v != "" && !slices.Contains(values, v) {
		p.problem(fmt.Errorf("param %s must be one of %s, not %q", name, strings.Join(values, ", "), clip(v)))
	}
	return v
}

// seconds reads a duration such as 30s; a bare number is seconds, as everywhere in a spicepod.
func (p *reader) seconds(name string, otherwise time.Duration) time.Duration {
	v := p.params[name]
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if n, nerr := strconv.ParseFloat(v, 64); nerr == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		p.problem(fmt.Errorf("param %s must be a duration such as 30s, not %q", name, clip(v)))
		return otherwise
	}
	return d
}

// together complains when only some of the params are set.
func (p *reader) together(names ...string) {
	var missing []string
	for _, n := range names {
		if p.params[n] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 && len(missing) < len(names) {
		p.problem(fmt.Errorf("%s must be set together; %s is missing", strings.Join(names, " and "), strings.Join(missing, " and ")))
	}
}

// clip shortens a value for a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
