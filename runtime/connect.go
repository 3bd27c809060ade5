package runtime

import (
	"fmt"

	"pitwall/config"
	"pitwall/runtime/source"
	"pitwall/runtime/source/arrowflight"
	"pitwall/runtime/source/duckdbfile"
	"pitwall/runtime/source/kafka"
	"pitwall/runtime/source/mysql"
	"pitwall/runtime/source/objects"
	"pitwall/runtime/source/postgres"
	"pitwall/runtime/source/sqlitefile"
)

// Connect makes the source of a dataset. A connector that pitwall does not have is an error of Kind
// Unsupported, so that the dataset shows it and the others run.
func Connect(d *config.Dataset, dir string) (source.Source, error) {
	params := revealed(d)
	switch d.Connector {
	case "file", "s3", "gs", "gcs", "abfs", "abfss", "http", "https":
		return objects.New(objects.Options{Connector: d.Connector, Path: d.Source, Dir: dir}, params)
	case "postgres", "postgresql":
		return postgres.New(postgres.Options{Table: d.Source, Params: params})
	case "mysql":
		return mysql.New(mysql.Options{Table: d.Source, Params: params})
	case "sqlite":
		return sqlitefile.New(sqlitefile.Options{Table: d.Source, Dir: dir, Params: params})
	case "duckdb":
		return duckdbfile.New(duckdbfile.Options{Table: d.Source, Dir: dir, Params: params})
	case "flightsql", "spice.ai", "spiceai":
		return arrowflight.New(arrowflight.Options{Connector: d.Connector, Table: d.Source, Name: d.Name, Params: params})
	default:
		return nil, &source.Error{Kind: source.Unsupported, Place: d.From,
			Err:  fmt.Errorf("pitwall can't read from %s yet", d.Connector),
			Hint: "use files, objects or databases, such as from: file:path, s3://bucket/path, postgres:table, mysql:table, sqlite:table or duckdb:table"}
	}
}

// ConnectStream makes the stream of changes of a dataset. A connector without one is an error of Kind Unsupported, as
// of Connect. dir is where relative paths begin.
func ConnectStream(d *config.Dataset, dir string) (source.Streamer, error) {
	o := kafka.Options{Topic: d.Source, Dataset: d.Name, Dir: dir, Params: revealed(d)}
	switch d.Connector {
	case "debezium":
		o.Format = kafka.Debezium
	case "kafka":
		o.Format = kafka.JSON
	default:
		return nil, &source.Error{Kind: source.Unsupported, Place: d.From,
			Err:  fmt.Errorf("pitwall can't follow the changes of %s yet", d.Connector),
			Hint: "use a topic, such as from: debezium:topic or kafka:topic"}
	}
	s, err := kafka.New(o)
	if err != nil { // a nil *Source would be no nil Streamer
		return nil, err
	}
	return s, nil
}

// revealed are the params of a dataset.
func revealed(d *config.Dataset) map[string]string {
	params := map[string]string{}
	for k, v := range d.Params {
		params[k] = v.Reveal()
	}
	return params
}
