package runtime

import (
	"strings"
	"testing"

	"pitwall/config"
	"pitwall/config/secrets"
	"pitwall/runtime/source"
)

func TestConnectStream(t *testing.T) {
	params := func(more ...string) map[string]secrets.Value {
		p := map[string]secrets.Value{"kafka_bootstrap_servers": secrets.Plain("127.0.0.1:1"), "kafka_security_protocol": secrets.Plain("PLAINTEXT")}
		for i := 0; i < len(more); i += 2 {
			p[more[i]] = secrets.Plain(more[i+1])
		}
		return p
	}
	for _, tt := range []struct {
		connector string
		params    map[string]secrets.Value
		fails     string
	}{
		{"kafka", params("flatten_json", "true"), ""},
		{"debezium", params("debezium_message_format", "json"), ""},
		{"debezium", params("debezium_message_format", "xml"), "json, avro"},
		{"kafka", nil, "kafka_bootstrap_servers"},
		{"mysql", params(), "can't follow the changes of mysql yet"},
	} {
		s, err := ConnectStream(&config.Dataset{Name: "d", Connector: tt.connector, Source: "topic", From: tt.connector + ":topic", Params: tt.params}, t.TempDir())
		if tt.fails == "" && (err != nil || s == nil) || tt.fails != "" && (s != nil || source.KindOf(err) != source.Unsupported || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: %v, %v", tt.connector, s, err)
		}
	}
}
