package runtime

import "pitwall/runtime/api"

// stoppedText is how the commands of a dataset end that is removed, restarted or shut down.
const stoppedText = "the dataset was stopped"

// drain ends the commands that nobody will look at any more.
func (a *actor) drain() {
	for {
		select {
		case m := <-a.inbox:
			if c, ok := m.(command); ok {
				a.rt.finish(c.id, api.TaskCancelled, stoppedText)
			}
		default:
			return
		}
	}
}
