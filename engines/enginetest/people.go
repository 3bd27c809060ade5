package enginetest

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

// People returns a reader of rows with id and mail, which are written in JSON.
func People(t testing.TB, text string) array.RecordReader {
	t.Helper()
	return jsonRows(t, fields(null("id", arrow.PrimitiveTypes.Int64), null("mail", arrow.BinaryTypes.String)), text)
}

// PutPeople writes them.
func PutPeople(t testing.TB, e engines.Engine, mode engines.WriteMode, text string) (engines.Stats, error) {
	t.Helper()
	r := People(t, text)
	defer r.Release()
	return e.Write(t.Context(), engines.Write{Mode: mode, Rows: r})
}
