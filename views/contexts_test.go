package views_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/httpapi"
	"pitwall/runtime/remote"
	"pitwall/ui"
	"pitwall/ui/settings"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// Another runtime is looked at and steered over HTTP, and left again; one that does not answer leaves all as it is.
func TestContexts(t *testing.T) {
	here, there := uitest.New(uitest.Sample(time.Now())), uitest.New(uitest.Sample(time.Now()))
	there.Change(func(s *api.State) { s.Datasets, s.Tasks = s.Datasets[:2], nil })
	there.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now())[:1], nil, false)
	here.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, false)
	server := httptest.NewServer(httpapi.Handler(httpapi.Options{Console: there}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	mine, err := settings.Parse([]byte("contexts: {prod: {url: x}, gone: {url: y}}"))
	if err != nil {
		t.Fatal(err)
	}
	s := uitest.Start(t, here, views.All(), 120, 32, ui.Options{Settings: mine, Views: views.All, Dial: func(ctx context.Context, name string) (api.Console, func(context.Context) error, error) {
		if name == "gone" {
			return nil, nil, errors.New("nobody answers there")
		}
		r, err := remote.Open(ctx, remote.Options{URL: server.URL, Name: name, Client: server.Client()})
		if err != nil {
			return nil, nil, err
		}
		return r, r.Run, nil
	}})
	s.Wait("Datasets 7")
	s.Press("2")
	s.Wait("  40  ")
	s.Press(":")
	s.Type("ctx gone")
	s.Press("enter")
	s.Wait("context gone: nobody answers there")
	s.Press(":")
	s.Type("ctx prod")
	s.Wait("context prod")
	s.Press("enter")
	s.Wait("prod  ● live", "Datasets 2")
	s.Press("2")
	s.Wait("▸ lake.sales_eu ▸ snapshots", "▌ 41  ")
	s.Gone("  40  ")
	s.Press("s")
	s.Until("the command there", func(string) bool { return len(there.Commands()) == 1 })
	there.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Status, d.Err = api.Error, "it broke" })
	s.Press("1")
	s.Wait("✗ Error")
	s.Press(":")
	s.Type("ctx here")
	s.Press("enter")
	s.Wait("▸ lake.sales_eu ▸ snapshots", "  40  ") // as it was left
	s.Press("1")
	s.Wait("Datasets 7")
	taken(t, here)
	s.Press("q")
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
}

// dial is a ui.Dial over consoles by their names; each answers when its gate is closed.
func dial(consoles map[string]api.Console, gates map[string]chan struct{}) ui.Dial {
	return func(ctx context.Context, name string) (api.Console, func(context.Context) error, error) {
		if gate := gates[name]; gate != nil {
			select {
			case <-gate:
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
		return consoles[name], func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
	}
}

// named is a runtime whose version says which it is.
func named(name string) *uitest.Console {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(func(s *api.State) { s.Link, s.Tasks = api.Link{Kind: api.LinkPitwall, Name: name}, nil })
	return c
}

func startContexts(t *testing.T, here api.Console, consoles map[string]api.Console, gates map[string]chan struct{}) *uitest.Screen {
	t.Helper()
	mine, err := settings.Parse([]byte("contexts: {prod: {url: x}, slow: {url: y}}"))
	if err != nil {
		t.Fatal(err)
	}
	s := uitest.Start(t, here, views.All(), 120, 32, ui.Options{Settings: mine, Views: views.All, Dial: dial(consoles, gates)})
	s.Wait("Datasets 7")
	return s
}

// goTo chooses a context.
func goTo(s *uitest.Screen, name string) {
	s.Press(":")
	s.Type("ctx " + name)
	s.Wait("context " + name)
	s.Press("enter")
}

// A context begins as its own session has it: what was hidden in the one before is not hidden there.
func TestAContextHidesNothing(t *testing.T) {
	s := startContexts(t, named(""), map[string]api.Console{"prod": named("prod")}, nil)
	s.Press("F")
	s.Wait("/7")
	goTo(s, "prod")
	s.Wait("prod  ● live", "Datasets 7")
}

// late takes commands when it is let.
type late struct {
	*uitest.Console
	let chan struct{}
}

func (c late) Do(ctx context.Context, cmd api.Command) (api.CommandID, error) {
	select {
	case <-c.let:
	case <-ctx.Done():
	}
	return c.Console.Do(ctx, cmd)
}

// What came of a command is not looked for among the tasks of another runtime.
func TestACommandOfTheContextBefore(t *testing.T) {
	here, prod := late{uitest.New(uitest.Sample(time.Now())), make(chan struct{})}, named("prod")
	if _, err := prod.Do(t.Context(), api.RefreshNow{Dataset: "ref.fx"}); err != nil {
		t.Fatal(err)
	}
	prod.End(1, api.TaskFailed, "that of somebody else")
	s := startContexts(t, here, map[string]api.Console{"prod": prod}, nil)
	s.Press("down", "r")
	goTo(s, "prod")
	s.Wait("prod  ● live")
	close(here.let)
	s.Wait("refresh lake.sales_us asked for")
	s.Gone("somebody else")
}

// The context that was chosen last is the one that is shown, also when one before answers after it.
func TestTheLastContextCounts(t *testing.T) {
	gate := make(chan struct{})
	slow, prod := named("slow"), named("prod")
	s := startContexts(t, named(""), map[string]api.Console{"prod": prod, "slow": slow}, map[string]chan struct{}{"slow": gate})
	goTo(s, "slow")
	goTo(s, "prod")
	s.Wait("prod  ● live")
	close(gate)
	prod.Dataset("ref.fx", func(d *api.Dataset) { d.Status, d.Err = api.Error, "it broke" })
	s.Wait("✗ Error")
	for range 3 { // the answer is there by then
		s.Press("6")
		s.Wait("▸ doctor")
		s.Press("1")
		s.Wait("Datasets 7")
	}
	s.Wait("prod  ● live")
	s.Gone("slow  ●")
}

// The tree of a context lists no snapshots that another one's store told late.
func TestTheTreeOfAnotherContext(t *testing.T) {
	here, prod := named(""), named("prod")
	answer := here.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, true)
	prod.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now())[:1], nil, false)
	s := startContexts(t, here, map[string]api.Console{"prod": prod}, nil)
	unfold := func() {
		s.Press("7")
		s.Wait("▸ tree")
		s.Press("right")
	}
	unfold()
	s.Wait("listing…")
	goTo(s, "prod")
	s.Wait("prod  ● live", "Datasets 7")
	unfold()
	s.Wait("snapshot 41")
	answer()
	s.Press("1")
	s.Wait("Datasets 7")
	s.Press("7")
	s.Wait("snapshot 41")
	s.Gone("snapshot 40")
}

// What waits for a runtime ends when another one is gone to.
func TestLeavingAContextEndsItsQueries(t *testing.T) {
	here, there := uitest.New(uitest.Sample(time.Now())), uitest.New(uitest.Sample(time.Now()))
	ended := make(chan struct{})
	here.Answer(func(ctx context.Context, _ string) (api.Rows, error) {
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	mine, err := settings.Parse([]byte("contexts: {prod: {url: x}}"))
	if err != nil {
		t.Fatal(err)
	}
	s := uitest.Start(t, here, views.All(), 120, 32, ui.Options{Settings: mine, Views: views.All, Dial: func(context.Context, string) (api.Console, func(context.Context) error, error) {
		return there, func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
	}})
	s.Wait("Datasets 7")
	s.Press(":")
	s.Type("sql select 1")
	s.Press("enter")
	s.Wait("x stops it")
	s.Press(":")
	s.Type("ctx prod")
	s.Wait("context prod")
	s.Press("enter")
	s.Wait("Datasets 7")
	select {
	case <-ended:
	case <-time.After(uitest.Patience):
		t.Error("the query goes on")
	}
}
