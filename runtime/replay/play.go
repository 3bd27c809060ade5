package replay

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// ErrNoRecording says that a file is none.
var ErrNoRecording = errors.New("it is no recording of pitwall: one is made with --record FILE")

// moment is a State and when it began; with it what was known of the store by then.
type moment struct {
	at    time.Time
	state *api.State
}

// Player plays a recording. It is safe for concurrent use.
type Player struct {
	moments []moment
	stored  map[string][]storedAt
	doctor  []checkedAt
	answers []answeredAt
	hub     *wire.Hub
	clock   func() time.Time
	moved   chan struct{} // capacity 1; never closed

	mu sync.Mutex
	// at is where it was at the time since, of this machine.
	at, since time.Time
	speed     float64
	held      bool
}

type (
	storedAt struct {
		at time.Time
		listing
	}
	checkedAt struct {
		at   time.Time
		list []api.Finding
	}
)

var _ api.Player = (*Player)(nil)

// Load reads a recording, which may be packed with gzip. The end of one whose process was killed may be torn: it ends before. The errors wrap
// ErrNoRecording, name the line that is damaged, or are those of reading.
func Load(path string) (*Player, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := read(f, "recording "+filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func read(in io.Reader, name string) (*Player, error) {
	p := &Player{stored: map[string][]storedAt{}, clock: time.Now, moved: make(chan struct{}, 1), speed: 1}
	lines := bufio.NewReaderSize(in, 1<<20)
	if magic, _ := lines.Peek(2); string(magic) == "\x1f\x8b" {
		packed, err := gzip.NewReader(lines)
		if err != nil {
			return nil, err
		}
		lines = bufio.NewReaderSize(packed, 1<<20)
	}
	var cur *api.State
	var lists []time.Time
	for n := 1; ; n++ {
		text, rerr := lines.ReadBytes('\n')
		if rerr != nil && !errors.Is(rerr, io.EOF) && !errors.Is(rerr, io.ErrUnexpectedEOF) { // the latter of gzip that is torn
			return nil, rerr
		}
		if rerr != nil { // torn, or nothing
			break
		}
		var l line
		err := json.Unmarshal(text, &l)
		if n == 1 && (err != nil || l.Recording == 0) {
			return nil, ErrNoRecording
		}
		if l.Recording > version {
			return nil, fmt.Errorf("it was recorded by a newer pitwall (%s)", l.Pitwall)
		}
		if err == nil && l.Delta != nil {
			if cur, err = wire.Apply(cur, l.Delta); err == nil {
				shown := *cur
				shown.Link = api.Link{Kind: api.LinkRecording, Name: name}
				p.moments = append(p.moments, moment{l.At, &shown})
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d is damaged: %w", n, err)
		}
		if l.Snapshots != nil {
			p.stored[l.Snapshots.Dataset] = append(p.stored[l.Snapshots.Dataset], storedAt{l.At, *l.Snapshots})
			lists = append(lists, l.At)
		}
		if l.Doctor != nil {
			p.doctor = append(p.doctor, checkedAt{l.At, l.Doctor})
		}
		if l.Answer != nil {
			p.answers = append(p.answers, answeredAt{l.At, l.Answer})
		}
	}
	if len(p.moments) == 0 {
		return nil, fmt.Errorf("nothing is in it: %w", ErrNoRecording)
	}
	slices.SortStableFunc(p.moments, func(a, b moment) int { return a.at.Compare(b.at) })
	p.mark(lists)
	p.at, p.since = p.moments[0].at, p.clock()
	p.hub = wire.NewHub(p.moments[0].state)
	return p, nil
}

// mark has the States tell what there is beside them, from the times of the lists on.
func (p *Player) mark(lists []time.Time) {
	slices.SortFunc(lists, time.Time.Compare)
	var all []moment
	for i := range p.moments {
		m := &p.moments[i]
		m.state.Link.Rows = len(p.answers) > 0
		m.state.Link.Stored, _ = slices.BinarySearchFunc(lists, m.at, func(l, at time.Time) int {
			if l.After(at) {
				return 1
			}
			return -1
		})
		all = append(all, *m)
		for n := m.state.Link.Stored; n < len(lists) && (i+1 == len(p.moments) || lists[n].Before(p.moments[i+1].at)); n++ {
			later := *m.state
			later.Link.Stored = n + 1
			all = append(all, moment{lists[n], &later})
		}
	}
	p.moments = all
}

// now is the recorded time; the caller holds the lock.
func (p *Player) now() time.Time {
	if p.held {
		return p.at
	}
	at := p.at.Add(time.Duration(float64(p.clock().Sub(p.since)) * p.speed))
	if last := p.moments[len(p.moments)-1].at; at.After(last) {
		return last
	}
	return at
}

// Now implements api.Clock.
func (p *Player) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// Playback implements api.Player.
func (p *Player) Playback() api.Playback {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, last := p.moments[0].at, p.moments[len(p.moments)-1].at
	at := p.now()
	return api.Playback{First: first, Last: last, At: at, Speed: p.speed, Held: p.held || !at.Before(last)}
}

// move changes where it is or how fast it goes.
func (p *Player) move(fn func()) {
	p.mu.Lock()
	p.at, p.since = p.now(), p.clock()
	fn()
	first, last := p.moments[0].at, p.moments[len(p.moments)-1].at
	if p.at.Before(first) {
		p.at = first
	}
	if p.at.After(last) {
		p.at = last
	}
	p.show() // at once: a console that opens behind a Seek does not begin with what was before it
	p.mu.Unlock()
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// Seek implements api.Player.
func (p *Player) Seek(by time.Duration) { p.move(func() { p.at = p.at.Add(by) }) }

// SeekTo goes to a recorded time.
func (p *Player) SeekTo(at time.Time) { p.move(func() { p.at = at }) }

// Hold implements api.Player.
func (p *Player) Hold(on bool) { p.move(func() { p.held = on }) }

// Speed implements api.Player.
func (p *Player) Speed(times float64) {
	if times > 0 {
		p.move(func() { p.speed = times })
	}
}

// show shows the State of the present moment and returns how long it lasts, 0 when for ever; the caller holds the
// lock.
func (p *Player) show() (lasts time.Duration) {
	at := p.now()
	i, _ := slices.BinarySearchFunc(p.moments, at, func(m moment, t time.Time) int {
		if m.at.After(t) {
			return 1
		}
		return -1
	})
	i = max(i-1, 0) // the last one that is not later
	if p.hub.State() != p.moments[i].state {
		p.hub.Set(p.moments[i].state)
	}
	if p.held || i+1 == len(p.moments) {
		return 0
	}
	return time.Duration(float64(p.moments[i+1].at.Sub(at))/p.speed) + 1 // rounded up, or it is never reached
}

// Run plays until ctx ends. At its end the recording stands still.
func (p *Player) Run(ctx context.Context) error {
	defer p.hub.Close()
	for {
		p.mu.Lock()
		lasts := p.show()
		p.mu.Unlock()
		var due <-chan time.Time
		if lasts > 0 {
			due = time.After(lasts)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.moved:
		case <-due:
		}
	}
}

// Watch implements api.Console.
func (p *Player) Watch(ctx context.Context) (*api.State, <-chan *api.State) { return p.hub.Watch(ctx) }

// Do implements api.Console: nothing can be done to what is over.
func (p *Player) Do(_ context.Context, c api.Command) (api.CommandID, error) {
	return 0, &api.CommandError{Reason: api.Refused, Message: api.Refusal(p.hub.State(), c)}
}

// listed returns what was known of a dataset's stored snapshots at a time: the newest list with the newest looks.
func (p *Player) listed(dataset string, at time.Time) (list []api.Snapshot, objects map[uint64]api.ObjectState, ok bool) {
	for _, l := range p.stored[dataset] {
		if l.at.After(at) {
			break
		}
		list, ok = l.List, true
		if l.Objects != nil {
			objects = l.Objects
		}
	}
	return list, objects, ok
}

// Snapshots implements api.Console.
func (p *Player) Snapshots(_ context.Context, dataset string) ([]api.Snapshot, error) {
	list, _, ok := p.listed(dataset, p.Now())
	if d := p.hub.State().Dataset(dataset); !ok && (d == nil || d.Snapshots.Newest != nil) {
		return nil, &api.CommandError{Reason: api.Refused, Message: "nobody had listed the snapshots of " + dataset + " by then"}
	}
	return list, nil
}

// Objects implements api.Console.
func (p *Player) Objects(_ context.Context, dataset string, ids []uint64) (map[uint64]api.ObjectState, error) {
	_, objects, _ := p.listed(dataset, p.Now())
	out := map[uint64]api.ObjectState{}
	for _, id := range ids {
		if s, ok := objects[id]; ok {
			out[id] = s
		}
	}
	return out, nil
}

// Doctor implements api.Console.
func (p *Player) Doctor(context.Context) ([]api.Finding, error) {
	now := p.Now()
	var list []api.Finding
	for i, d := range p.doctor {
		if i == 0 || !d.at.After(now) {
			list = d.list
		}
	}
	if list == nil {
		return nil, &api.CommandError{Reason: api.Refused, Message: "nobody looked at the checklist while this was recorded"}
	}
	return list, nil
}
