package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every route is described, and every description has a route.
func TestDocumentAndRoutesAgree(t *testing.T) {
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Security    *[]any
			Responses   map[string]any
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Error(doc.OpenAPI)
	}
	described, ids := 0, map[string]bool{}
	for _, ops := range doc.Paths {
		described += len(ops)
	}
	if described != len(routes()) {
		t.Errorf("%d operations, %d routes", described, len(routes()))
	}
	for _, r := range routes() {
		op, ok := doc.Paths[r.pattern][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("%s %s is not described", r.method, r.pattern)
			continue
		}
		if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
			t.Errorf("%s %s: operationId %q, summary %q", r.method, r.pattern, op.OperationID, op.Summary)
		}
		ids[op.OperationID] = true
		if open := op.Security != nil && len(*op.Security) == 0; open != r.open {
			t.Errorf("%s %s: open %v, described as %v", r.method, r.pattern, r.open, open)
		}
		if _, ok := op.Responses["403"]; r.changes && !ok {
			t.Errorf("%s %s: nothing says what a read-only key gets", r.method, r.pattern)
		}
		if strings.Contains(r.pattern, "{name}") && op.Responses["404"] == nil {
			t.Errorf("%s %s: no 404", r.method, r.pattern)
		}
	}
}
