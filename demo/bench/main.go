// Command bench measures the console through a pty: the time from a key press to the frame that shows
// its effect, and the processor time it takes, with many datasets that change all the time. With -stall the terminal
// stops reading for a time, and the memory that the console takes meanwhile is measured.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

func main() {
	if size := os.Getenv(childEnv); size != "" {
		os.Exit(child(size))
	}
	datasets := flag.Int("datasets", 1000, "number of datasets")
	rate := flag.Int("rate", 10_000, "events a second")
	keys := flag.Int("keys", 400, "keys to press")
	stall := flag.Duration("stall", 0, "instead, let the terminal stop reading for this long")
	flag.Parse()
	if *stall > 0 {
		f, err := stalled(*datasets, *rate, *stall)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		fmt.Println(f)
		return
	}
	for _, r := range []int{0, *rate} {
		if err := measure(*datasets, r, *keys); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

func measure(datasets, rate, keys int) error {
	p, err := start(datasets, rate)
	if err != nil {
		return err
	}
	defer p.end()
	c, tty, s := p.cmd, p.tty, p.screen
	time.Sleep(time.Second) // settle, then a quiet stretch for the processor time without keys
	idle0 := cpu(c.Process.Pid)
	const quiet = 5 * time.Second
	time.Sleep(quiet)
	idle := (cpu(c.Process.Pid) - idle0).Seconds() / quiet.Seconds()

	r := rand.New(rand.NewPCG(1, 1))
	var times []time.Duration
	at, key := 0, "j"
	busy0, began := cpu(c.Process.Pid), time.Now()
	for range keys {
		if at >= 25 {
			key = "k"
		} else if at <= 1 {
			key = "j"
		}
		if key == "j" {
			at++
		} else {
			at--
		}
		s.reset()
		t := time.Now()
		if _, err := tty.Write([]byte(key)); err != nil {
			return err
		}
		if !s.wait(tag(at), 2*time.Second) {
			return fmt.Errorf("key %d (%s): %s was never drawn", len(times), key, tag(at))
		}
		times = append(times, time.Since(t))
		time.Sleep(time.Duration(18+r.IntN(18)) * time.Millisecond)
	}
	busy := (cpu(c.Process.Pid) - busy0).Seconds() / time.Since(began).Seconds()
	slices.Sort(times)
	pick := func(q float64) float64 { return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000 }
	fmt.Printf("%d datasets, %d events/s, 160x48: key to frame p50 %.1f ms, p99 %.1f ms (%.2fx of 16 ms), max %.1f ms; CPU %.1f %% of a core without keys, %.1f %% with keys\n",
		datasets, rate, pick(0.5), pick(0.99), pick(0.99)/16, pick(1), 100*idle, 100*busy)
	return nil
}
