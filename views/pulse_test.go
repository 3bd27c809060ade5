package views

import (
	"testing"
	"time"

	"pitwall/runtime/api"
)

// A rate of rows is over the time that the refreshes are known for, also when the events go back less far.
func TestTheRateOfABusyRuntime(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := &api.State{Events: []api.Event{{Seq: 1, At: now.Add(-10 * time.Second)}}, Datasets: []*api.Dataset{{Name: "a", Refreshes: []api.Refresh{
		{StartedAt: now.Add(-time.Minute), Duration: time.Second, RowsRead: 300, Outcome: api.Succeeded},
		{StartedAt: now.Add(-10 * time.Minute), Duration: time.Second, RowsRead: 300, Outcome: api.Succeeded}}}}}
	if b := beatOf(s, now); sum(b.rows[:]) != 600 || b.read != 10*time.Minute || b.span != 10*time.Second {
		t.Errorf("%v rows in %s, events of %s", sum(b.rows[:]), b.read, b.span)
	}
}
