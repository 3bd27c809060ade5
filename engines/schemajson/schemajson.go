// Package schemajson reads and writes Arrow schemas in the JSON form that arrow-rs derives with
// serde, which is what checkpoint tables and snapshot metadata hold, and classifies the difference
// between two schemas. It starts no goroutines and does no I/O.
package schemajson

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxDepth bounds nesting, so that hostile input cannot exhaust the stack.
const maxDepth = 64

type schemaDoc struct {
	Fields   []fieldDoc        `json:"fields"`
	Metadata map[string]string `json:"metadata"`
}

type fieldDoc struct {
	Name          string            `json:"name"`
	DataType      json.RawMessage   `json:"data_type"`
	Nullable      bool              `json:"nullable"`
	DictID        int64             `json:"dict_id"`
	DictIsOrdered bool              `json:"dict_is_ordered"`
	Metadata      map[string]string `json:"metadata"`
}

// Marshal writes a schema. The output is compact and deterministic: the same schema always gives
// the same bytes. Types that arrow-rs has no name for give an error that names the field.
func Marshal(s *arrow.Schema) ([]byte, error) {
	if s == nil {
		return nil, fmt.Errorf("marshal schema: no schema")
	}
	fields, err := fieldDocs(s.Fields(), 0)
	if err != nil {
		return nil, fmt.Errorf("marshal schema: %w", err)
	}
	return encode(schemaDoc{Fields: fields, Metadata: metadataMap(s.Metadata())})
}

// Unmarshal reads a schema. dict_id and dict_is_ordered may be absent, unknown members are ignored,
// the entries of a Map become non-nullable. Anything else that arrow-rs would refuse is an error.
func Unmarshal(data []byte) (*arrow.Schema, error) {
	var doc struct {
		Fields   *[]json.RawMessage `json:"fields"`
		Metadata map[string]string  `json:"metadata"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("unmarshal schema: %w", err)
	}
	if doc.Fields == nil {
		return nil, fmt.Errorf("unmarshal schema: no member fields")
	}
	fields := make([]arrow.Field, 0, len(*doc.Fields))
	for i, raw := range *doc.Fields {
		f, err := parseField(raw, 0)
		if err != nil {
			return nil, fmt.Errorf("unmarshal schema: field %d: %w", i, err)
		}
		fields = append(fields, f)
	}
	var md *arrow.Metadata
	if len(doc.Metadata) > 0 {
		m := arrow.MetadataFrom(doc.Metadata)
		md = &m
	}
	return arrow.NewSchema(fields, md), nil
}

func fieldDocs(fields []arrow.Field, depth int) ([]fieldDoc, error) {
	docs := make([]fieldDoc, 0, len(fields))
	for _, f := range fields {
		d, err := newFieldDoc(f, depth)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

func newFieldDoc(f arrow.Field, depth int) (fieldDoc, error) {
	t, err := typeDoc(f.Type, depth+1)
	if err != nil {
		return fieldDoc{}, fmt.Errorf("field %q: %w", f.Name, err)
	}
	raw, err := encode(t)
	if err != nil {
		return fieldDoc{}, fmt.Errorf("field %q: %w", f.Name, err)
	}
	d := fieldDoc{Name: f.Name, DataType: raw, Nullable: f.Nullable, Metadata: metadataMap(f.Metadata)}
	if dict, ok := f.Type.(*arrow.DictionaryType); ok {
		d.DictIsOrdered = dict.Ordered
	}
	return d, nil
}

func parseField(raw json.RawMessage, depth int) (arrow.Field, error) {
	var d struct {
		Name          *string           `json:"name"`
		DataType      json.RawMessage   `json:"data_type"`
		Nullable      *bool             `json:"nullable"`
		DictIsOrdered bool              `json:"dict_is_ordered"`
		Metadata      map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return arrow.Field{}, err
	}
	switch {
	case d.Name == nil:
		return arrow.Field{}, fmt.Errorf("no member name")
	case len(d.DataType) == 0:
		return arrow.Field{}, fmt.Errorf("%q: no member data_type", *d.Name)
	case d.Nullable == nil:
		return arrow.Field{}, fmt.Errorf("%q: no member nullable", *d.Name)
	}
	t, err := parseType(d.DataType, depth+1)
	if err != nil {
		return arrow.Field{}, fmt.Errorf("%q: %w", *d.Name, err)
	}
	if dict, ok := t.(*arrow.DictionaryType); ok {
		dict.Ordered = d.DictIsOrdered
	}
	f := arrow.Field{Name: *d.Name, Type: t, Nullable: *d.Nullable}
	if len(d.Metadata) > 0 {
		f.Metadata = arrow.MetadataFrom(d.Metadata)
	}
	return f, nil
}

func metadataMap(m arrow.Metadata) map[string]string {
	if m.Len() == 0 {
		return map[string]string{}
	}
	return m.ToMap()
}

// encode marshals without escaping <, > and &, as serde does.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
