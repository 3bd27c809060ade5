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
