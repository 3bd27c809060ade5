package bucket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Params takes params of a spicepod and collects what is wrong with them. Messages never show the value of
// a secret.
type Params struct {
	params   map[string]string
	secrets  []string
	problems []error
}

// NewParams returns a reader of params.
func NewParams(params map[string]string) *Params { return &Params{params: params} }

// Err is all that is wrong with the params; nil when nothing is.
func (p *Params) Err() error { return errors.Join(p.problems...) }

// Problem adds something that is wrong.
func (p *Params) Problem(err error) { p.problems = append(p.problems, err) }

// Hide adds texts that messages must not show.
func (p *Params) Hide(secrets ...string) { p.secrets = append(p.secrets, secrets...) }

// Secrets are the texts that messages must not show.
func (p *Params) Secrets() []string { return p.secrets }

// Text returns the first of the params that is set.
func (p *Params) Text(names ...string) string {
	for _, n := range names {
		if v := p.params[n]; v != "" {
			return v
		}
	}
	return ""
}

// Secret is text that messages must not show.
func (p *Params) Secret(names ...string) string {
	v := p.Text(names...)
	if v != "" {
		p.secrets = append(p.secrets, v)
	}
	return v
}

// Bool reads true or false, in the words that people use.
func (p *Params) Bool(name string, otherwise bool) bool {
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
	p.Problem(fmt.Errorf("param %s must be true or false, not %q", name, Clip(v)))
	return otherwise
}

// OneOf reads one of some words, in lower case.
func (p *Params) OneOf(name string, values ...string) string {
	v := strings.ToLower(p.params[name])
	if v != "" && !slices.Contains(values, v) {
		p.Problem(fmt.Errorf("param %s must be one of %s, not %q", name, strings.Join(values, ", "), Clip(v)))
	}
	return v
}

// Seconds reads a duration such as 30s; a bare number is seconds, as everywhere in a spicepod.
func (p *Params) Seconds(name string, otherwise time.Duration) time.Duration {
	v := p.params[name]
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if n, nerr := strconv.ParseFloat(v, 64); nerr == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		p.Problem(fmt.Errorf("param %s must be a duration such as 30s, not %q", name, Clip(v)))
		return otherwise
	}
	return d
}

// Together complains when only some of the params are set.
func (p *Params) Together(names ...string) {
	var missing []string
	for _, n := range names {
		if p.params[n] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 && len(missing) < len(names) {
		p.Problem(fmt.Errorf("%s must be set together; %s is missing", strings.Join(names, " and "), strings.Join(missing, " and ")))
	}
}

// Clip shortens a value for a message.
func Clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
