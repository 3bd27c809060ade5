package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Fingerprint identifies the settings that decide which rows and columns a dataset holds, with the
// refresh_sql that was really used. Data loaded under another fingerprint is loaded anew (spec
// data-refresh 10, issues 5534 and 8346). Credentials, addresses, schedules and retention are no part of it.
func (d *Dataset) Fingerprint(refreshSQL string) string {
	a := d.Acceleration
	parts := map[string]any{
		"from": d.From, "source": d.Source, "refresh_sql": refreshSQL, "time_column": d.TimeColumn, "time_format": d.TimeFormat,
		"time_partition_column": d.TimePartitionColumn, "time_partition_format": d.TimePartitionFormat,
		"unsupported_type_action": d.UnsupportedTypeAction, "primary_key": a.PrimaryKey,
		"on_conflict": a.OnConflict, "refresh_data_window": a.RefreshDataWindow,
	}
	for name, v := range d.Params {
		if !v.Secret() && shapesData(name) {
			parts["params."+name] = v.Reveal()
		}
	}
	text, err := json.Marshal(parts) // sorts the keys
	if err != nil {
		return err.Error() // not reached: only strings, numbers and maps of strings
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// shapesData tells whether a param of a source decides what its rows look like, not how it is reached.
func shapesData(param string) bool {
	for _, p := range []string{"file_", "csv_", "json_", "tsv_", "hive_", "has_header", "schema_infer_", "flatten_", "pg_db", "mysql_db"} {
		if strings.HasPrefix(param, p) {
			return true
		}
	}
	return false
}
