package ui

import (
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// A runtime that was started anew gives the ids of our commands to others: their outcome is not told as ours.
func TestTheIdsOfAnotherProcessAreOthers(t *testing.T) {
	a := &App{live: &api.State{Process: "a"}, following: map[api.CommandID]*request{}, feed: &feed{}, still: true}
	a.ctxv.Paused = true // nothing is drawn
	a.issued(issuedMsg{ids: []api.CommandID{7}, errs: []error{nil}, cmds: []api.Command{api.RefreshNow{Dataset: "trips"}}, from: a.feed})
	other := api.Task{ID: 7, Verb: "bootstrap", Dataset: "zones", State: api.TaskFailed, Detail: "not ours"}
	a.frame(&a.ctxv, frameMsg{&api.State{Process: "b", Tasks: []api.Task{other}}, a.feed})
	said := ""
	for _, x := range a.toasts {
		said += x.text + "\n"
	}
	if strings.Contains(said, "not ours") || !strings.Contains(said, "refresh trips: the runtime was started anew") || len(a.following) > 0 {
		t.Errorf("%d followed: %s", len(a.following), said)
	}
	a.issued(issuedMsg{ids: []api.CommandID{8}, errs: []error{nil}, cmds: []api.Command{api.RefreshNow{Dataset: "trips"}}, from: a.feed})
	a.frame(&a.ctxv, frameMsg{&api.State{Process: "b", Tasks: []api.Task{{ID: 8, Verb: "refresh", Dataset: "trips", State: api.TaskDone}}}, a.feed})
	if n := len(a.toasts); a.toasts[n-1].text != "refresh trips done" {
		t.Error(a.toasts[n-1].text)
	}
}
