package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// JSON writes a nested value. JSON is text: bytes that are not UTF-8 would change silently, so that they
// are an error.
func JSON(c arrow.Array, i int) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c.GetOneForMarshal(i)); err != nil {
		return "", err
	}
	text := strings.TrimRight(b.String(), "\n")
	if !utf8.ValidString(text) || strings.Contains(text, `\ufffd`) {
		return "", fmt.Errorf("a nested string is not UTF-8")
	}
	return text, nil
}
