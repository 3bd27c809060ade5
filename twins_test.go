package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/httpapi"
	"pitwall/runtime/wire"
	"pitwall/ui/uitest"
)

// taker takes every command and says that it is done.
type taker struct {
	*uitest.Console
	got []api.Command
}

func (c *taker) Do(_ context.Context, cmd api.Command) (api.CommandID, error) {
	c.got = append(c.got, cmd)
	id := api.CommandID(len(c.got))
	c.Change(func(s *api.State) { s.Tasks = append(s.Tasks, api.Task{ID: id, Verb: cmd.Verb(), State: api.TaskDone}) })
	return id, nil
}

// Every command has a line for scripts, and both the command of pitwall and the request it names lead to that command.
func TestEveryCommandHasALineForScripts(t *testing.T) {
	const name = "lake.sales_eu"
	now := time.Now()
	console := &taker{Console: uitest.New(uitest.Sample(now))}
	list := uitest.Snapshots(now)
	console.SetSnapshots(name, list, nil, false)
	console.Dataset(name, func(d *api.Dataset) { d.Run = &api.RefreshRun{}; d.Snapshots.Off = "" })
	server := httptest.NewServer(httpapi.Handler(httpapi.Options{Console: console, ParseDuration: config.ParseDuration}))
	defer server.Close()
	jitter := 1500 * time.Millisecond
	all := []api.Command{api.RefreshNow{Dataset: name, Mode: "full", SQL: "SELECT * FROM t WHERE a = 'it''s'", JitterMax: &jitter},
		api.SnapshotNow{Dataset: name, Full: true}, api.BootstrapFrom{Dataset: name, SnapshotID: list[0].ID, Hold: true}, api.CollectSnapshots{Dataset: name, DryRun: true}, api.Hold{Dataset: name, On: true}, api.ApplyConfig{Drops: true}}
	for _, c := range wire.Commands() {
		v := reflect.New(reflect.TypeOf(c)).Elem()
		for field, value := range map[string]any{"Dataset": name, "SnapshotID": list[0].ID, "SQL": "SELECT * FROM x", "Mode": api.ReloadHand} {
			if f := v.FieldByName(field); f.IsValid() && f.Type() == reflect.TypeOf(value) {
				f.Set(reflect.ValueOf(value))
			}
		}
		all = append(all, v.Interface().(api.Command))
	}
	took := func(c api.Command, by string) {
		t.Helper()
		if len(console.got) != 1 || !reflect.DeepEqual(console.got[0], c) {
			t.Errorf("%T by %s: got %+v, want %+v", c, by, console.got, c)
		}
		console.got = nil
		console.Change(func(s *api.State) { s.Tasks = nil })
	}
	for _, c := range all {
		twin := api.TwinOf(c)
		if twin.IsZero() || !strings.HasPrefix(twin.Curl(server.URL), "curl -X "+twin.Method+" ") {
			t.Errorf("%T: %+v", c, twin)
			continue
		}
		q, err := http.NewRequest(twin.Method, server.URL+twin.Path, strings.NewReader(twin.Body))
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if a.StatusCode >= 300 {
			t.Errorf("%T: %s %s: %s %s", c, twin.Method, twin.Path, a.Status, text)
		}
		took(c, twin.Curl(server.URL))
		if twin.CLI == "" {
			continue
		}
		// A shell takes the line apart, as for whoever copies it.
		words, err := exec.Command("/bin/sh", "-c", "printf '%s\\n' "+strings.TrimPrefix(twin.Line(server.URL), "pitwall ")).Output()
		if err != nil {
			t.Fatal(err)
		}
		r := root()
		r.SetArgs(strings.Split(strings.TrimSuffix(string(words), "\n"), "\n"))
		r.SetOut(io.Discard)
		if err := r.ExecuteContext(t.Context()); err != nil {
			t.Errorf("%s: %v", twin.Line(server.URL), err)
		}
		took(c, twin.Line(server.URL))
	}
}
