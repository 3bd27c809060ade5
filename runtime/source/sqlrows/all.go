package sqlrows

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"io"
)

// All reads rows that are few, such as those of a catalog, and closes them.
func All(rows driver.Rows) (out [][]driver.Value, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok { // of the driver's buffer
				row[i] = bytes.Clone(b)
			}
		}
		out = append(out, row)
	}
}
