package config

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// schemaID names the schema; it is no place to load it from.
const schemaID = "urn:pitwall:spicepod"

// Schema returns the JSON Schema of a spicepod file, generated from the types the file is decoded
// into. Load checks more than a schema can express.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous:                 true,
		ExpandedStruct:            true,
		AllowAdditionalProperties: true,
		Mapper:                    schemaOf,
		Namer:                     schemaName,
	}
	s := r.Reflect(&rawPod{})
	s.ID = schemaID
	s.Title = "spicepod"
	s.Description = "A spicepod file as pitwall reads it."
	closeStrict(s)
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// schemaName names a definition by its Go type.
func schemaName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[rawRuntime]():
		return "runtime"
	case reflect.TypeFor[rawSecret]():
		return "secret"
	case reflect.TypeFor[rawSnapshots]():
		return "snapshots"
	case reflect.TypeFor[rawDataset]():
		return "dataset"
	case reflect.TypeFor[rawColumn]():
		return "column"
	case reflect.TypeFor[rawAcceleration]():
		return "acceleration"
	case reflect.TypeFor[rawRetain]():
		return "retain"
	case reflect.TypeFor[rawView]():
		return "view"
	}
	return t.Name()
}

// closeStrict refuses unknown keys where Load does, and demands a name of datasets that are no ref.
func closeStrict(s *jsonschema.Schema) {
	for _, t := range []reflect.Type{reflect.TypeFor[rawSecret](), reflect.TypeFor[rawSnapshots](),
		reflect.TypeFor[rawDataset](), reflect.TypeFor[rawAcceleration](), reflect.TypeFor[rawRetain]()} {
		s.Definitions[schemaName(t)].AdditionalProperties = jsonschema.FalseSchema
	}
	s.Definitions["dataset"].AnyOf = []*jsonschema.Schema{{Required: []string{"name"}}, {Required: []string{"ref"}}}
}

// schemaOf is the schema of the types that decode themselves and of enumerations; nil for others.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[anything]():
		return &jsonschema.Schema{}
	case reflect.TypeFor[freeMap]():
		return &jsonschema.Schema{Type: "object"}
	case reflect.TypeFor[scalar]():
		return scalarSchema("string", "number", "boolean")
	case reflect.TypeFor[scalarMap]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: scalarSchema("string", "number", "boolean", "null")}
	case reflect.TypeFor[durationT]():
		return durationSchema()
	case reflect.TypeFor[count]():
		return &jsonschema.Schema{Type: "integer", Minimum: "0"}
	case reflect.TypeFor[partition]():
		one, props := uint64(1), scalarSchema("string", "number")
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"},
			{Type: "object", MinProperties: &one, MaxProperties: &one, AdditionalProperties: props}}}
	case reflect.TypeFor[string]():
		return scalarSchema("string", "number", "boolean")
	}
	if e, ok := reflect.Zero(t).Interface().(enum); ok {
		return enumSchema(e.enum())
	}
	return nil
}

// enumSchema lists the values. Where case does not matter a pattern says so; the values are examples.
func enumSchema(e enumSpec) *jsonschema.Schema {
	all := slices.Clone(e.values)
	for alias := range e.aliases {
		all = append(all, alias)
	}
	slices.Sort(all[len(e.values):])
	if !e.fold {
		return &jsonschema.Schema{Type: "string", Enum: anys(all)}
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", Enum: anys(all)},
		{Type: "string", Pattern: foldPattern(all)},
	}}
}

// foldPattern matches the words in any case; JSON Schema has no flag for that.
func foldPattern(words []string) string {
	p := "^("
	for i, w := range words {
		if i > 0 {
			p += "|"
		}
		for _, r := range w {
			switch {
			case r >= 'a' && r <= 'z':
				p += "[" + string(r) + string(r-'a'+'A') + "]"
			case r >= 'A' && r <= 'Z':
				p += "[" + string(r) + string(r-'A'+'a') + "]"
			default:
				p += string(r)
			}
		}
	}
	return p + ")$"
}

func durationSchema() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", Pattern: `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?(ns|Ms|ms|s|m|h|d|w)?$`, Examples: []any{"10m", "1.5h"}},
		{Type: "number", Minimum: "0"},
	}}
}

func scalarSchema(types ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, t := range types {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: t})
	}
	return s
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
