package views_test

import (
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// A command can be asked for again by a script: the drawer of tasks and the event behind it show its line, and C copies it.
func TestCommandLineOfATaskAndOfItsEvent(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(func(s *api.State) { s.HTTP = "http://127.0.0.1:4711" })
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{})
	s.Wait("lake.sales_eu")
	s.Press("s")
	s.Wait("asked for")
	s.Press("t")
	s.Wait("$ pitwall snapshots create lake.", "--http-endpoint http://127.0.0.1:4711", "C copies")
	s.Press("C")
	s.Wait("copied the command line of snapshot")
	s.Press("esc")
	s.Gone("C copies")
	id := c.State().Tasks[len(c.State().Tasks)-1].ID
	c.Event(api.Event{Kind: "command", Command: id, Message: "the snapshot of the test is done"})
	s.Press("4")
	s.Wait("the snapshot of the test is done", "C copy command")
	s.Press("enter")
	s.Wait("$ pitwall snapshots create lake.")
	s.Press("C")
	s.Wait("copied the command line of snapshot")
	s.Press("esc")
	s.Press("g")
	s.Gone("C copy command")
	c.Change(func(s *api.State) { s.HTTP = "" })
	c.Event(api.Event{Message: "the listener has closed"})
	s.Press("G")
	s.Wait("the listener has closed") // the change before it is shown, too
	s.Press("up")                     // the event of the command
	s.Press("C")
	s.Wait("which is closed")
}
