package config

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// durationText is the grammar of spec data-refresh 1.4: one number with fraction and exponent, then at
// most one unit.
var durationText = regexp.MustCompile(`^\+?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?([A-Za-zµμ]*)$`)

// durationUnits are the units in nanoseconds. Ms is a microsecond, as in the original.
func durationUnit(u string) (int64, bool) {
	switch u {
	case "ns":
		return 1, true
	case "Ms":
		return int64(time.Microsecond), true
	case "ms":
		return int64(time.Millisecond), true
	case "", "s":
		return int64(time.Second), true
	case "m":
		return int64(time.Minute), true
	case "h":
		return int64(time.Hour), true
	case "d":
		return 24 * int64(time.Hour), true
	case "w":
		return 7 * 24 * int64(time.Hour), true
	}
	return 0, false
}

const durationHint = "one number and one unit: ns, Ms (micro), ms, s, m, h, d, w; such as 10m or 1.5h; no unit means seconds"

// ParseDuration parses a duration of a spicepod (spec data-refresh 1.4): 10m, 1.5h, 1e3ms, 90 (seconds).
// One component only: 1h30m is an error.
func ParseDuration(s string) (time.Duration, error) {
	// 64 characters hold every duration that fits; longer ones only cost time.
	if s == "" || len(s) > 64 {
		return 0, fmt.Errorf("%q is not a duration", clip(s, 40))
	}
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%q is negative", s)
	}
	m := durationText.FindStringSubmatch(s)
	if m == nil {
		if _, err := time.ParseDuration(s); err == nil {
			return 0, fmt.Errorf("%q has more than one unit", s)
		}
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	unit, ok := durationUnit(m[3])
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q", s, m[3])
	}
	exp := 0
	if m[2] != "" {
		e, err := strconv.Atoi(m[2])
		// 10^±40 is far outside of what int64 nanoseconds hold; more digits would only burn time.
		if err != nil || e < -40 || e > 40 {
			return 0, fmt.Errorf("%q is out of range", s)
		}
		exp = e
	}
	r, ok := new(big.Rat).SetString(fmt.Sprintf("%se%d", m[1], exp))
	if !ok {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	r.Mul(r, new(big.Rat).SetInt64(unit))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() == math.MaxInt64 {
		return 0, errors.New(strconv.Quote(s) + " is out of range")
	}
	return time.Duration(n.Int64()), nil
}

// clip shortens s to at most n runes for a message.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
