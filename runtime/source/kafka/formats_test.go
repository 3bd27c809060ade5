package kafka

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kfake"
)

// row is a row of the table t(id int primary key, name text); nil is none.
type row struct {
	id   int
	name string // empty is NULL
}

// event is a change of the table.
type event struct {
	op            string
	before, after *row
	snapshot      string // false when empty
	keyless       bool
	tombstone     bool
}

func insert(id int, name string) event { return event{op: "c", after: &row{id, name}} }

// encoding writes events as one of Debezium's converters does.
type encoding struct {
	name   string
	params []string
	opts   []kfake.Opt
	encode func(t testing.TB, e event) (key, value []byte)
	schema string // of the rows, those that are never NULL with !
}

// encodings are all of them.
func encodings() []encoding {
	return []encoding{
		{name: "JSON with schemas", encode: withSchemas, schema: "id int32!, name utf8"},
		{name: "JSON", encode: plainly, schema: "id int64!, name utf8"},
		{name: "Avro", encode: inAvro, schema: "id int32!, name utf8", params: []string{"debezium_message_format", "avro",
			"kafka_schema_registry_url", "http://localhost:8081", "kafka_schema_registry_username", "reader", "kafka_schema_registry_password", "secret"}},
	}
}

func (r *row) json() string {
	switch {
	case r == nil:
		return "null"
	case r.name == "":
		return fmt.Sprintf(`{"id":%d,"name":null}`, r.id)
	default:
		return fmt.Sprintf(`{"id":%d,"name":%q}`, r.id, r.name)
	}
}

func (e event) key() *row {
	switch {
	case e.keyless || e.op == "t" || e.op == "m":
		return nil
	case e.after != nil:
		return e.after
	default:
		return e.before
	}
}

func (e event) state() string {
	if e.snapshot == "" {
		return "false"
	}
	return e.snapshot
}

func (e event) payload() string {
	return fmt.Sprintf(`{"before":%s,"after":%s,"source":{"connector":"postgresql","snapshot":%q},"op":%q,"ts_ms":1700000000123}`, e.before.json(), e.after.json(), e.state(), e.op)
}

func plainly(_ testing.TB, e event) (key, value []byte) {
	if k := e.key(); k != nil {
		key = fmt.Appendf(nil, `{"id":%d}`, k.id)
	}
	if !e.tombstone {
		value = []byte(e.payload())
	}
	return key, value
}

// columns are those of the table, as the JSON converter writes them.
const columns = `{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"}`

func schemaOf(columns string) string {
	of := `{"type":"struct","optional":true,"name":"shop.public.t.Value","fields":[` + columns + `]`
	return `{"type":"struct","fields":[` + of + `,"field":"before"},` + of + `,"field":"after"},{"type":"string","optional":false,"field":"op"}],"optional":false,"name":"shop.public.t.Envelope"}`
}

func withSchemas(_ testing.TB, e event) (key, value []byte) {
	if k := e.key(); k != nil {
		key = fmt.Appendf(nil, `{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}]},"payload":{"id":%d}}`, k.id)
	}
	if !e.tombstone {
		value = []byte(`{"schema":` + schemaOf(columns) + `,"payload":` + e.payload() + `}`)
	}
	return key, value
}

const (
	keySchema   = `{"type":"record","name":"Key","namespace":"shop.public.t","fields":[{"name":"id","type":"int"}],"connect.name":"shop.public.t.Key"}`
	valueSchema = `{"type":"record","name":"Envelope","namespace":"shop.public.t","fields":[
	{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"int"},{"name":"name","type":["null","string"],"default":null}],"connect.name":"shop.public.t.Value"}],"default":null},
	{"name":"after","type":["null","Value"],"default":null},
	{"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql","fields":[{"name":"connector","type":"string"},
		{"name":"snapshot","type":[{"type":"string","connect.version":1,"connect.name":"io.debezium.data.Enum"},"null"],"default":"false"}]}},
	{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"],"default":null}],"connect.name":"shop.public.t.Envelope"}`
)

func wire(t testing.TB, id int, schema string, v any) []byte {
	t.Helper()
	s, err := avro.ParseWithCache(schema, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := avro.Config{}.Freeze().Marshal(s, v)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), b...)
}

func inAvro(t testing.TB, e event) (key, value []byte) {
	of := func(r *row) any {
		if r == nil {
			return nil
		}
		m := map[string]any{"id": r.id, "name": nil}
		if r.name != "" {
			m["name"] = map[string]any{"string": r.name}
		}
		return map[string]any{"shop.public.t.Value": m}
	}
	if k := e.key(); k != nil {
		key = wire(t, 1, keySchema, map[string]any{"id": k.id})
	}
	if !e.tombstone {
		value = wire(t, 2, valueSchema, map[string]any{"before": of(e.before), "after": of(e.after), "op": e.op, "ts_ms": map[string]any{"long": int64(1700000000123)},
			"source": map[string]any{"connector": "postgresql", "snapshot": map[string]any{"string": e.state()}}})
	}
	return key, value
}

// schemaRegistry speaks the REST API of a schema registry.
type schemaRegistry struct {
	mu     sync.Mutex
	asked  int
	status int // of all answers, when it is not 0
}

func (r *schemaRegistry) set(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *schemaRegistry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	fail := func(status, code int, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error_code":%d,"message":%q}`, code, message)
	}
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	user, password, _ := q.BasicAuth()
	id := strings.TrimPrefix(q.URL.Path, "/schemas/ids/")
	schema := map[string]string{"1": keySchema, "2": valueSchema}[id]
	switch {
	case r.status != 0:
		fail(r.status, r.status*100, "it is down")
	case user != "reader" || password != "secret":
		fail(http.StatusUnauthorized, 40101, "who are you")
	case schema == "":
		fail(http.StatusNotFound, 40403, "Schema not found")
	default:
		text, err := json.Marshal(map[string]string{"schema": schema})
		if err != nil {
			panic(err)
		}
		w.Write(text)
	}
}

// registry starts a schema registry on the network of the broker.
func (b *broker) registry() *schemaRegistry {
	b.t.Helper()
	l, err := b.net.Listen("tcp", "localhost:8081")
	if err != nil {
		b.t.Fatal(err)
	}
	r := &schemaRegistry{}
	server := &http.Server{Handler: r}
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(l) })
	b.cleanup = append(b.cleanup, func() { server.Close(); wg.Wait() })
	return r
}

// send writes events to a partition.
func (b *broker) send(enc encoding, partition int32, events ...event) {
	b.t.Helper()
	for _, e := range events {
		key, value := enc.encode(b.t, e)
		b.putKeyed(partition, key, value)
	}
}

// eachEncoding runs a test with all encodings.
func eachEncoding(t *testing.T, test func(b *broker, enc encoding)) {
	for _, enc := range encodings() {
		t.Run(enc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *broker) {
				b.registry()
				test(b, enc)
			}, enc.opts...)
		})
	}
}
