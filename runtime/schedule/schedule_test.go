package schedule

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestFirstFollowsTheTruthTable(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, tt := range []struct {
		name string
		s    Start
		wait time.Duration
		ok   bool
	}{
		{"full, never loaded", Start{}, 0, true},
		{"full, never loaded, interval", Start{Interval: time.Minute}, 0, true},
		{"full, loaded, no interval", Start{Checkpoint: ago(time.Hour)}, 0, false},
		{"full, loaded, interval elapsed", Start{Checkpoint: ago(time.Hour), Interval: time.Minute}, 0, true},
		{"full, loaded, interval not elapsed", Start{Checkpoint: ago(time.Minute), Interval: time.Hour}, 59 * time.Minute, true},
		{"checkpoint from the future", Start{Checkpoint: now.Add(time.Minute), Interval: time.Hour}, time.Hour, true},
		{"always", Start{Always: true, Checkpoint: ago(time.Minute), Interval: time.Hour}, 0, true},
		{"append", Start{Append: true, Checkpoint: ago(time.Minute), Interval: time.Hour}, 0, true},
		{"append, no interval", Start{Append: true, Checkpoint: ago(time.Minute)}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wait, ok := First(tt.s, now)
			if wait != tt.wait || ok != tt.ok {
				t.Errorf("First = %v, %v; want %v, %v", wait, ok, tt.wait, tt.ok)
			}
		})
	}
}

func TestDelayStaysWithinTheJitter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var below, above int
	for range 10_000 {
		d := Delay(10*time.Second, time.Second, r)
		if d <= 9*time.Second || d >= 11*time.Second {
			t.Fatalf("Delay = %v, want within (9s, 11s)", d)
		}
		if d < 10*time.Second {
			below++
		} else {
			above++
		}
	}
	if below < 4_000 || above < 4_000 {
		t.Errorf("%d below, %d above: the sign is not fair", below, above)
	}
	if d := Delay(10*time.Second, 0, r); d != 10*time.Second {
		t.Errorf("Delay without jitter = %v", d)
	}
	for range 1_000 {
		if d := Delay(0, time.Second, r); d < 0 || d >= time.Second {
			t.Fatalf("Delay(0) = %v", d)
		}
	}
}

func TestBackoffIsFibonacciWithACap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	want := []int{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 300, 300, 300}
	for i, s := range want {
		lo, hi := time.Duration(float64(s)*0.7*1e9), time.Duration(float64(s)*1.3*1e9)
		for range 100 {
			if d := Backoff(i+1, r); d < lo || d > hi {
				t.Fatalf("Backoff(%d) = %v, want within [%v, %v]", i+1, d, lo, hi)
			}
		}
	}
	if d := Backoff(1_000_000, r); d > 390*time.Second {
		t.Errorf("Backoff(1,000,000) = %v", d)
	}
}
