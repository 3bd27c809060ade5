package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"pitwall/runtime/api"
	"pitwall/runtime/apikey"
	"pitwall/runtime/httpapi"
	"pitwall/runtime/remote"
	"pitwall/ui/uitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// withRows is a runtime that answers queries.
type withRows struct{ *uitest.Console }

// rows are two batches, the second with a NULL, and an error behind them.
type rows struct {
	batch int
	err   error
}

func (r *rows) Columns() []api.Column {
	return []api.Column{{Name: "id", Type: "int64"}, {Name: "name", Type: "utf8", Nullable: true}}
}
func (r *rows) Next() bool { r.batch++; return r.batch <= 2 }
func (r *rows) Len() int   { return 700 }
func (r *rows) Text(row, column int) (string, bool) {
	if column == 1 && r.batch == 2 {
		return "", false
	}
	return "v", true
}
func (r *rows) Served() []api.Served {
	return []api.Served{{Dataset: "lake.sales_eu", From: api.FromSource}}
}
func (r *rows) Err() error      { return r.err }
func (r *rows) Truncated() bool { return true }
func (r *rows) Encode(w io.Writer, f api.Format) error {
	_, err := io.WriteString(w, "encoded as "+string(f))
	return err
}
func (r *rows) Close() error { return nil }

func (c withRows) Query(_ context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	switch sql {
	case "bad":
		return nil, &api.QueryError{Reason: api.BadQuery, Message: "no such table", Hint: "look again"}
	case "breaks":
		return &rows{err: &api.QueryError{Reason: api.TimedOut, Message: "too slow"}}, nil
	}
	return &rows{}, nil
}

// bed is a runtime behind its HTTP API, and the console that is attached to it.
type bed struct {
	t    *testing.T
	c    withRows
	r    *remote.Remote
	next <-chan *api.State
	cur  *api.State
}

func attach(t *testing.T, url string, c withRows, o remote.Options) *bed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{}
	o.URL, o.Client = url, &http.Client{Transport: transport}
	r, err := remote.Open(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	b := &bed{t: t, c: c, r: r}
	b.cur, b.next = r.Watch(ctx)
	return b
}

// until waits for a State.
func (b *bed) until(what string, ok func(*api.State) bool) {
	b.t.Helper()
	late := time.After(patience)
	for !ok(b.cur) {
		select {
		case s, open := <-b.next:
			if !open {
				b.t.Fatalf("the link ended before %s", what)
			}
			b.cur = s
		case <-late:
			b.t.Fatalf("%s did not come; the link is %+v", what, b.cur.Link)
		}
	}
}

func sample() withRows {
	now := time.Now()
	c := uitest.New(uitest.Sample(now))
	c.SetSnapshots("lake.sales_eu", uitest.Snapshots(now), nil, false)
	c.SetFindings(uitest.Findings(), nil, false)
	return withRows{c}
}

func serve(t *testing.T, c api.Console, o httpapi.Options) *httptest.Server {
	o.Console = c
	s := httptest.NewServer(httpapi.Handler(o))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// What the other console shows is what this one shows, and what is done here is done there.
func TestAttachedConsoleSeesAndSteers(t *testing.T) {
	c := sample()
	b := attach(t, serve(t, c, httpapi.Options{}).URL, c, remote.Options{Name: "prod"})
	if d := cmp.Diff(c.State().Datasets, b.cur.Datasets); d != "" {
		t.Errorf("first state (-there +here):\n%s", d)
	}
	if b.cur.Link.Kind != api.LinkPitwall || b.cur.Link.Name != "prod" {
		t.Errorf("%+v", b.cur.Link)
	}
	c.Dataset("lake.sales_us", func(d *api.Dataset) { d.Rows, d.Err = 7, "broken" })
	c.Event(api.Event{Message: "it broke", Dataset: "lake.sales_us"})
	b.until("the change", func(s *api.State) bool {
		d := s.Dataset("lake.sales_us")
		return d.Rows == 7 && d.Err == "broken" && s.Events[len(s.Events)-1].Message == "it broke"
	})
	ctx := context.Background()
	id, err := b.r.Do(ctx, api.RefreshNow{Dataset: "lake.sales_us", Mode: "full"})
	if err != nil {
		t.Fatal(err)
	}
	b.until("the task", func(s *api.State) bool { return len(s.Tasks) > 0 && s.Tasks[len(s.Tasks)-1].ID == id })
	if d := cmp.Diff([]api.Command{api.RefreshNow{Dataset: "lake.sales_us", Mode: "full"}}, c.Commands()); d != "" {
		t.Error(d)
	}
	list, err := b.r.Snapshots(ctx, "lake.sales_eu")
	want, _ := c.Snapshots(ctx, "lake.sales_eu")
	if d := cmp.Diff(want, list); d != "" || err != nil {
		t.Error(d, err)
	}
	if looks, err := b.r.Objects(ctx, "lake.sales_eu", []uint64{list[0].ID, list[1].ID}); err != nil || len(looks) != 2 {
		t.Error(looks, err)
	}
	if f, err := b.r.Doctor(ctx); err != nil || cmp.Diff(uitest.Findings(), f) != "" {
		t.Error(f, err)
	}
	if _, err := b.r.Do(ctx, api.RefreshNow{Dataset: "nope"}); err == nil || !strings.Contains(err.Error(), "nope") {
		t.Error(err)
	}
}

// Rows come over as they are shown, with NULL, the limit and the error at their end.
func TestAttachedQueries(t *testing.T) {
	c := sample()
	b := attach(t, serve(t, c, httpapi.Options{}).URL, c, remote.Options{})
	ctx := context.Background()
	r, err := b.r.Query(ctx, "good", api.QueryOptions{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff((&rows{}).Columns(), r.Columns()); d != "" {
		t.Error(d)
	}
	n, nulls := 0, 0
	for r.Next() {
		for i := range r.Len() {
			n++
			if v, ok := r.Text(i, 1); !ok {
				nulls++
			} else if v != "v" {
				t.Fatal(v)
			}
		}
	}
	if s := r.Served(); len(s) != 1 || s[0].From != api.FromSource {
		t.Error(s)
	}
	if n != 1400 || nulls != 700 || r.Err() != nil || !r.Truncated() {
		t.Errorf("%d rows, %d nulls, %v, truncated %v", n, nulls, r.Err(), r.Truncated())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	var q *api.QueryError
	if _, err := b.r.Query(ctx, "bad", api.QueryOptions{}); !errors.As(err, &q) || q.Reason != api.BadQuery || q.Hint != "look again" {
		t.Error(err)
	}
	r, err = b.r.Query(ctx, "breaks", api.QueryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for r.Next() {
	}
	if !errors.As(r.Err(), &q) || q.Reason != api.TimedOut {
		t.Error(r.Err())
	}
	_ = r.Close()
	r, err = b.r.Query(ctx, "good", api.QueryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.Encode(&out, api.CSV); err != nil || out.String() != "encoded as csv" {
		t.Error(out.String(), err)
	}
	_ = r.Close()
}

// A link that breaks says so, refuses what would be lost, and comes back by itself with the newest State.
func TestBrokenLinkComesBack(t *testing.T) {
	c := sample()
	var down atomic.Bool
	h := httpapi.Handler(httpapi.Options{Console: c})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, q)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	b := attach(t, s.URL, c, remote.Options{})
	down.Store(true)
	s.CloseClientConnections()
	b.until("the end of the link", func(s *api.State) bool { return !s.Link.DownSince.IsZero() && !s.Link.RetryAt.IsZero() })
	if len(b.cur.Datasets) != 7 {
		t.Error("what was known is gone")
	}
	_, err := b.r.Do(context.Background(), api.RefreshNow{Dataset: "lake.sales_us"})
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Error(err)
	}
	c.Dataset("ref.fx", func(d *api.Dataset) { d.Rows = 99 })
	down.Store(false)
	b.until("the link again", func(s *api.State) bool { return s.Link.DownSince.IsZero() && s.Dataset("ref.fx").Rows == 99 })
	if len(c.Commands()) > 0 {
		t.Error("what was refused was sent later")
	}
}

// A key that may only read sees a read-only runtime, and is refused by the server too.
func TestReadOnlyKey(t *testing.T) {
	c := sample()
	s := serve(t, c, httpapi.Options{Auth: true, Keys: apikey.Keys{apikey.New("look", false), apikey.New("act", true)}})
	if _, err := remote.Open(context.Background(), remote.Options{URL: s.URL, Client: s.Client()}); api.ReasonOf(err) != api.Unreachable || !strings.Contains(err.Error(), "API key") {
		t.Error(err)
	}
	b := attach(t, s.URL, c, remote.Options{Key: "look"})
	if !b.cur.ReadOnly {
		t.Error("not read-only")
	}
	if _, err := b.r.Do(context.Background(), api.RefreshNow{Dataset: "lake.sales_us"}); err == nil || len(c.Commands()) > 0 {
		t.Error(err, c.Commands())
	}
	q, _ := http.NewRequest(http.MethodPost, s.URL+"/v1/pitwall/commands", strings.NewReader(`{"kind":"RefreshNow","args":{"Dataset":"lake.sales_us"}}`))
	q.Header.Set("X-API-Key", "look")
	a, err := s.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != http.StatusForbidden {
		t.Error(a.Status)
	}
	if b := attach(t, s.URL, c, remote.Options{Key: "act"}); b.cur.ReadOnly {
		t.Error("a key that may write is read-only")
	}
}

// Nobody there, or no runtime, is said with the address.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	ctx := context.Background()
	if _, err := remote.Open(ctx, remote.Options{URL: at}); api.ReasonOf(err) != api.Unreachable || !strings.Contains(err.Error(), at) {
		t.Error(err)
	}
	if _, err := remote.Open(ctx, remote.Options{URL: "ftp://x"}); api.ReasonOf(err) != api.Invalid {
		t.Error(err)
	}
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if _, err := remote.Open(ctx, remote.Options{URL: s.URL, Client: s.Client()}); err == nil {
		t.Error("a server that is no runtime was taken for one")
	}
}

// The age of what is shown is counted by the clock of the machine it happened on.
func TestClockOfTheOtherMachine(t *testing.T) {
	c := sample()
	s := serve(t, c, httpapi.Options{})
	b := attach(t, s.URL, c, remote.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	if off := time.Until(b.r.Now()).Abs(); off > time.Minute {
		t.Errorf("an hour's difference is counted as %s", off)
	}
}

// A runtime in which nothing happened for long does not take the clock of the console back.
func TestTheClockOfAQuietRuntime(t *testing.T) {
	s := uitest.Sample(time.Now())
	s.At = time.Now().Add(-time.Hour)
	c := withRows{uitest.New(s)}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := remote.Open(t.Context(), remote.Options{URL: serve(t, c, httpapi.Options{}).URL, Client: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Since(r.Now()).Abs(); off > time.Minute {
		t.Errorf("the clock is off by %s", off)
	}
}

// A row with more or fewer values than columns is an error, no panic of who reads it.
func TestRowsThatFitNoColumns(t *testing.T) {
	h := httpapi.Handler(httpapi.Options{Console: sample()})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/v1/pitwall/query" {
			h.ServeHTTP(w, q)
			return
		}
		_, _ = io.WriteString(w, `{"columns":[{"Name":"a"},{"Name":"b"}]}`+"\n"+`{"rows":[["x","y"],["z"]]}`+"\n"+`{"end":true}`+"\n")
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := remote.Open(t.Context(), remote.Options{URL: s.URL, Client: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Query(t.Context(), "SELECT 1", api.QueryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		for i := range rows.Len() {
			for j := range rows.Columns() {
				rows.Text(i, j)
			}
		}
	}
	if rows.Err() == nil {
		t.Error("no error")
	}
}
