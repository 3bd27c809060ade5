package config

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// nodeDecoder is implemented by types with a form of their own.
type nodeDecoder interface {
	decodeNode(d *document, n *yaml.Node, path string)
}

// fill decodes the whole document into what raw points to.
func (d *document) fill(raw any) {
	d.decode(reflect.ValueOf(raw).Elem(), nil, d.root, "")
	d.refused = maps.Clone(d.broken)
}

// decode fills v from n and reports everything that does not fit. null means unset.
func (d *document) decode(v reflect.Value, key, n *yaml.Node, path string) {
	n = deref(n)
	d.marks[path] = mark{key, n}
	if n.ShortTag() == "!!null" && n.Kind == yaml.ScalarNode {
		return
	}
	if dec, ok := v.Addr().Interface().(nodeDecoder); ok {
		dec.decodeNode(d, n, path)
		return
	}
	if e, ok := v.Interface().(enum); ok {
		d.decodeEnum(v, e.enum(), n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		before := len(*d.problems)
		d.decode(p.Elem(), key, n, path)
		if len(*d.problems) == before {
			v.Set(p)
		}
	case reflect.String:
		if s, ok := d.text(n, path); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		d.decodeBool(v, n, path)
	case reflect.Slice:
		d.decodeSlice(v, n, path)
	case reflect.Map:
		d.decodeMap(v, n, path)
	case reflect.Struct:
		d.decodeStruct(v, n, path)
	default:
		panic("config: no decoder for " + v.Type().String())
	}
}

// text returns a string value. Numbers and dates that were not quoted are taken as they are written.
func (d *document) text(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, "", "must be text, not %s", kindName(n))
		return "", false
	}
	return n.Value, true
}

func (d *document) decodeBool(v reflect.Value, n *yaml.Node, path string) {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool":
		v.SetBool(strings.EqualFold(n.Value, "true"))
	default:
		d.errorf(path, "allowed: true, false", "must be true or false, not %s", kindName(n))
	}
}

func (d *document) decodeEnum(v reflect.Value, e enumSpec, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, "allowed: "+strings.Join(e.values, ", "), "must be text, not %s", kindName(n))
		return
	}
	val, ok := e.match(n.Value)
	if !ok {
		msg, hint := unknown(e.noun, n.Value, e.values)
		d.errorf(path, hint, "%s", msg)
		return
	}
	v.SetString(val)
}

func (d *document) decodeSlice(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.SequenceNode {
		d.errorf(path, "start each entry with -", "must be a list, not %s", kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if deref(c).ShortTag() == "!!null" {
			d.marks[at] = mark{nil, c}
			d.errorf(at, "", "the entry is empty")
			continue
		}
		d.decode(out.Index(i), nil, c, at)
	}
	v.Set(out)
}

func (d *document) decodeMap(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, "", "must be a map of name: value, not %s", kindName(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, p := range pairs(n) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(e, p.key, p.value, join(path, p.name))
		out.SetMapIndex(reflect.ValueOf(p.name), e)
	}
	v.Set(out)
}

func (d *document) decodeStruct(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, "", "must be a map of name: value, not %s", kindName(n))
		return
	}
	fields := keysOf(v.Type())
	seen := map[string]bool{}
	for _, p := range pairs(n) {
		f, ok := fields.index[p.name]
		if !ok {
			d.unknownKey(v, fields.names, p, path)
			continue
		}
		seen[p.name] = true
		d.decode(v.Field(f), p.key, p.value, join(path, p.name))
	}
	for _, name := range fields.required {
		if at := join(path, name); !seen[name] || !d.has(at) {
			d.errorf(at, "", "%s is required", name)
		}
	}
}

// unknownKey reports a key that is not in the type: an error where the original is strict, else a
// warning.
func (d *document) unknownKey(v reflect.Value, names []string, p pair, path string) {
	if len(*d.problems) >= 2*maxProblems {
		return
	}
	msg, hint := unknown("key", p.name, names)
	if r, ok := v.Interface().(renamed); ok {
		if instead := r.renamed()[p.name]; instead != "" {
			msg, hint = fmt.Sprintf("unknown key %q", p.name), instead
		}
	}
	s := SeverityWarning
	if _, ok := v.Interface().(strict); ok {
		s = SeverityError
	} else {
		msg += "; it is ignored"
	}
	d.report(s, p.key.Line, p.key.Column, join(path, p.name), msg, hint)
}

// keys are the keys of a raw type, in the order of its fields.
type keys struct {
	names, required []string
	index           map[string]int
}

func keysOf(t reflect.Type) keys {
	k := keys{index: map[string]int{}}
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		k.names = append(k.names, name)
		k.index[name] = i
		if opts != "omitempty" {
			k.required = append(k.required, name)
		}
	}
	return k
}

// kindName says what a node is, for "must be X, not Y".
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + clip(n.Value, 40)
	case "!!bool":
		return n.Value
	}
	return fmt.Sprintf("%q", clip(maskLine(clip(n.Value, 200)), 40))
}
