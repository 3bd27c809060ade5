package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/httpapi"
)

const pushPod = `
datasets:
- from: cdc:orders
  name: orders
  acceleration: {enabled: true, engine: duckdb, mode: file, refresh_mode: changes, primary_key: id}
`

// pushed sends a body as a client does.
func pushed(t *testing.T, url, key, body string) (status int, answer map[string]any, header http.Header) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/datasets/orders/cdc", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/vnd.debezium+json")
	if key != "" {
		q.Header.Set("Idempotency-Key", key)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%d %s: %v", r.StatusCode, text, err)
	}
	return r.StatusCode, answer, r.Header
}

func order(op string, id int, state string) string {
	return fmt.Sprintf(`{"op":%q,"before":{"id":%d},"after":{"id":%d,"state":%q}}`, op, id, id, state)
}

func TestPush(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": pushPod}).start()
	serve := func() string {
		s := httptest.NewServer(httpapi.Handler(httpapi.Options{Console: b.Runtime}))
		t.Cleanup(s.Close)
		return s.URL
	}
	url := serve()
	b.dataset("orders", "following", func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamFollowing })
	wants := func(what string, status int, applied float64, got int, answer map[string]any) {
		t.Helper()
		if got != status || status == http.StatusOK && answer["applied"] != applied {
			t.Errorf("%s: %d %v", what, got, answer)
		}
	}
	plain, err := http.Post(url+"/v1/datasets/orders/cdc", "application/x-www-form-urlencoded", strings.NewReader(order("d", 9, ""))) // as curl -d
	if err != nil || plain.StatusCode != http.StatusOK {
		t.Fatal(plain, err)
	}
	_ = plain.Body.Close()
	got, answer, _ := pushed(t, url, "k1", "["+order("c", 1, "new")+","+order("c", 2, "new")+"]")
	wants("two events", 200, 2, got, answer)
	b.wants("SELECT id, state FROM orders ORDER BY id", "id,state\n1,new\n2,new") // durable when it was answered
	got, answer, header := pushed(t, url, "k1", "["+order("c", 1, "again")+","+order("c", 2, "again")+"]")
	if wants("the same key", 200, 2, got, answer); header.Get("Idempotent-Replayed") != "true" {
		t.Error("it does not tell that it was applied before")
	}
	got, answer, _ = pushed(t, url, "", order("u", 1, "paid")+"\n"+order("d", 2, ""))
	wants("lines", 200, 2, got, answer)
	for what, body := range map[string]string{"nothing": "", "no JSON": "{", "no event": `{"id":1}`, "a row without the key": `{"op":"c","after":{"state":"x"}}`,
		"one of two bad": "[" + order("c", 8, "new") + `,{"op":"q"}]`, "a column of another type": `{"op":"c","after":{"id":9,"state":"x","more":[1]}}`} {
		if got, answer, _ = pushed(t, url, "bad", body); got != http.StatusBadRequest {
			t.Errorf("%s: %d %v", what, got, answer)
		}
	}
	got, answer, _ = pushed(t, url, "bad", order("c", 3, "new"))
	wants("mended, with the key of what was refused", 200, 1, got, answer)
	b.stop()
	b.start()
	url = serve()
	b.ready("orders", 2)
	got, answer, _ = pushed(t, url, "bad", order("c", 3, "other"))
	wants("the same key after a restart", 200, 1, got, answer)
	b.wants("SELECT id, state FROM orders ORDER BY id", "id,state\n1,paid\n3,new")
	b.do(api.Hold{Dataset: "orders", On: true})
	b.dataset("orders", "paused", func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamPaused })
	if got, _, header = pushed(t, url, "", order("c", 4, "new")); got != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("paused: %d %v", got, header)
	}
	var refused *api.PushError
	if _, err := b.Runtime.Push(t.Context(), "none", api.Push{}); !errors.As(err, &refused) || refused.Reason != api.PushNoDataset {
		t.Error(err)
	}
}

// Many senders at a time: each event is applied once, though all are sent twice.
func TestPushFromMany(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": pushPod}).start()
	b.dataset("orders", "following", func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamFollowing })
	var wg sync.WaitGroup
	for sender := range 20 {
		wg.Go(func() {
			for n := range 10 {
				for range 2 {
					p := api.Push{Key: fmt.Sprint(sender, " ", n), Body: []byte(order("c", sender*100+n, "new"))}
					if _, err := b.Runtime.Push(context.Background(), "orders", p); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	b.wants("SELECT count(*) AS n FROM orders", "n\n200")
	d := b.dataset("orders", "with all", func(d *api.Dataset) bool { return d.Rows == 200 })
	if d.Stream.Ops.Inserts != 200 {
		t.Errorf("%+v", d.Stream.Ops)
	}
}
