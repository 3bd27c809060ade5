package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pitwall/runtime/replay"
)

// Replay returns the command `replay`.
func (s *Screen) Replay() *cobra.Command {
	var speed float64
	var seek time.Duration
	var held bool
	c := &cobra.Command{
		Use: "replay FILE", Short: "Open the console on a recording made with --record", Args: cobra.ExactArgs(1),
		Long: "Open the console on a recording made with --record: every screen as it was, at the speed of life or faster.\np holds it and has it go on, , and . go ten seconds back and forth, { and } change the speed.",
		RunE: func(c *cobra.Command, args []string) error {
			if speed <= 0 {
				return fmt.Errorf("--speed is more than 0, not %g", speed)
			}
			if err := NeedsTerminal(); err != nil {
				return err
			}
			p, err := replay.Load(args[0])
			if err != nil {
				return &Exit{ExitNotWell, err}
			}
			p.Speed(speed)
			p.Seek(seek)
			p.Hold(held)
			return s.Show(c.Context(), p, replay.Options{}, "", p.Run)
		},
	}
	c.Flags().Float64Var(&speed, "speed", 1, "how many times faster than it was")
	c.Flags().DurationVar(&seek, "seek", 0, "begin this long after the beginning")
	c.Flags().BoolVar(&held, "held", false, "stand still at the beginning")
	return c
}
