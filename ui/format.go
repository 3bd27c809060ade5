package ui

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration writes d compactly with one or two units: 412ms, 4s, 9m48s, 3h12m, 2d4h.
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-max(d, -math.MaxInt64))
	}
	two := func(a time.Duration, ua string, b time.Duration, ub string) string {
		n, m := d/a, d%a/b
		if m == 0 {
			return strconv.FormatInt(int64(n), 10) + ua
		}
		return strconv.FormatInt(int64(n), 10) + ua + strconv.FormatInt(int64(m), 10) + ub
	}
	switch {
	case d < time.Millisecond:
		return "0s"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second && d%time.Second >= 100*time.Millisecond:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', 1, 64) + "s"
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	case d < time.Hour:
		return two(time.Minute, "m", time.Second, "s")
	case d < 24*time.Hour:
		return two(time.Hour, "h", time.Minute, "m")
	}
	return two(24*time.Hour, "d", time.Hour, "h")
}

// Age writes how long ago t was in one unit: 4s, 12m, 3h, 2d; "-" for the zero time. A time in the
// future (clocks differ) is 0s.
func Age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return unit(now.Sub(t))
}

func unit(d time.Duration) string {
	d = max(d, 0)
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.size {
			return strconv.FormatInt(int64(d/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// Until writes how far away t is: 6s, 9m48s, 3h12m; "now" when it has passed, "-" for the zero time.
func Until(now, t time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero():
		return "-"
	case d < time.Second:
		return "now"
	case d < 24*time.Hour:
		return Duration(d.Truncate(time.Second))
	default:
		return Duration(d.Truncate(time.Hour))
	}
}

// Bytes writes n in IEC units with at most four digits: 512 B, 3.1 MiB, 412 MiB.
func Bytes(n int64) string {
	if n < 0 {
		return "?"
	}
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, units := float64(n), []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := -1
	for f >= 1023.5 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if f < 9.95 {
		return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " " + units[i]
}

// Count writes n compactly in at most five cells: 512, 9.1K, 18.2M, 999M; "?" when it is negative.
func Count(n int64) string {
	if n < 0 {
		return "?"
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	f, units := float64(n), []string{"K", "M", "G", "T", "P", "E"}
	i := -1
	for f >= 999.5 && i < len(units)-1 {
		f /= 1000
		i++
	}
	if f < 99.95 {
		return strconv.FormatFloat(f, 'f', 1, 64) + units[i]
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + units[i]
}

// Thousands writes n with separators: 18,204,118; "unknown" when it is negative.
func Thousands(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return group(strconv.FormatInt(n, 10))
}

// Signed writes a change with its sign and separators: +1,204, -10, +0.
func Signed(n int64) string {
	switch {
	case n > 0:
		return "+" + group(strconv.FormatInt(n, 10))
	case n < 0:
		return "-" + group(strconv.FormatUint(uint64(-n), 10))
	}
	return "+0"
}

func group(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Percent writes a fraction of 0..1 as whole percent, never 100% before it is 1.
func Percent(f float64) string {
	if math.IsNaN(f) || f < 0 {
		return "?"
	}
	return strconv.Itoa(int(min(f, 1)*100)) + "%"
}

// Clock writes the local time of day of t, with the day in front when it is another than now's.
func Clock(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	t, now = t.Local(), now.Local()
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("01-02 15:04:05")
	}
	return t.Format("15:04:05")
}

// Plural writes a number with its noun.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(strconv.Itoa(n)) + " " + noun + "s"
}
