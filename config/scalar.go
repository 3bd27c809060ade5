package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// duration is the value of a durationT.
type duration struct {
	d  time.Duration
	ok bool
}

func (v *durationT) decodeNode(d *document, n *yaml.Node, path string) {
	s, ok := d.text(n, path)
	if !ok {
		return
	}
	dur, err := ParseDuration(s)
	switch {
	case err != nil:
		d.errorf(path, durationHint, "%s", err)
	case dur == 0 && !strings.HasSuffix(path, "refresh_append_overlap"):
		d.errorf(path, "remove the key to switch it off", "the duration must not be zero")
	default:
		v.d, v.ok = dur, true
	}
}

func (v *count) decodeNode(d *document, n *yaml.Node, path string) {
	i, err := strconv.ParseInt(n.Value, 0, 32)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || i < 0 {
		d.errorf(path, "allowed: 0, 1, 2, …", "must be a whole number from 0 up, not %s", kindName(n))
		return
	}
	*v = count(i)
}

func (v *scalar) decodeNode(d *document, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, "", "must be text or a number, not %s", kindName(n))
		return
	}
	*v = scalar(n.Value)
}

func (v *scalarMap) decodeNode(d *document, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, "", "must be a map of name: value, not %s", kindName(n))
		return
	}
	*v = scalarMap{}
	for _, p := range pairs(n) {
		at := join(path, p.name)
		d.marks[at] = mark{p.key, p.value}
		if p.value.Kind != yaml.ScalarNode {
			d.errorf(at, "quote a value that starts with [ or {", "must be text, a number or a boolean, not %s", kindName(p.value))
			continue
		}
		if p.value.ShortTag() == "!!null" {
			(*v)[p.name] = ""
			continue
		}
		(*v)[p.name] = p.value.Value
	}
}

func (v *freeMap) decodeNode(d *document, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, "", "must be a map of name: value, not %s", kindName(n))
		return
	}
	m, ok := plain(n).(map[string]any)
	if ok {
		*v = m
	}
}

func (v *anything) decodeNode(_ *document, n *yaml.Node, _ string) { v.node = n }

func (v *partition) decodeNode(d *document, n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.ScalarNode:
		v.Name, v.Expr = n.Value, n.Value
		return
	case yaml.MappingNode:
		if ps := pairs(n); len(ps) == 1 && ps[0].value.Kind == yaml.ScalarNode {
			v.Name, v.Expr = ps[0].name, ps[0].value.Value
			return
		}
	}
	d.errorf(path, "such as bucket(100, id), or by_day: date_trunc('day', ts)",
		"must be an expression or one name: expression")
}

// plain turns a tree into maps, slices and scalars.
func plain(n *yaml.Node) any {
	n = deref(n)
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for _, p := range pairs(n) {
			m[p.name] = plain(p.value)
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = plain(c)
		}
		return s
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && !isSpecial(f) {
			return f
		}
	}
	return n.Value
}

// isSpecial reports NaN and infinities, which JSON cannot express.
func isSpecial(f float64) bool { return f != f || fmt.Sprint(f) == "+Inf" || fmt.Sprint(f) == "-Inf" }
