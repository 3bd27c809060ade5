package runtime

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/engines/filter"
)

// timeAxis is a column that holds times in one of the forms of time_format (spec data-refresh 1.5).
type timeAxis struct {
	column string
	format config.TimeFormat
}

// compare returns the predicate "the column's time <op> at". A time between two values of the column,
// such as half a second for unix_seconds, is compared as the exact number it is.
func (x timeAxis) compare(op engines.Op, at time.Time) engines.Predicate {
	switch x.format {
	case config.TimeUnixSeconds:
		return x.number(op, at.Unix(), at.Nanosecond() != 0, float64(at.Unix())+float64(at.Nanosecond())/1e9)
	case config.TimeUnixMillis:
		return x.number(op, at.UnixMilli(), at.Nanosecond()%1e6 != 0, float64(at.UnixMilli())+float64(at.Nanosecond()%1e6)/1e6)
	case config.TimeISO8601:
		return engines.CompareText{Column: x.column, Op: op, Value: at}
	default:
		return engines.Compare{Column: x.column, Op: op, Value: at}
	}
}

// number compares with whole, or with the fraction above it when there is one.
func (x timeAxis) number(op engines.Op, whole int64, fraction bool, exact float64) engines.Predicate {
	if fraction {
		return engines.Compare{Column: x.column, Op: op, Value: exact}
	}
	return engines.Compare{Column: x.column, Op: op, Value: whole}
}

// instant turns a watermark into a time.
func (x timeAxis) instant(m engines.Mark) (time.Time, error) {
	perSecond := 1.0
	if x.format == config.TimeUnixMillis {
		perSecond = 1e3
	}
	switch v := m.Value.(type) {
	case time.Time:
		return v, nil
	case int64:
		if x.format == config.TimeUnixMillis {
			return time.UnixMilli(v).UTC(), nil
		}
		return time.Unix(v, 0).UTC(), nil
	case uint64:
		if v > math.MaxInt64/1_000 {
			return time.Time{}, fmt.Errorf("%d is no time in %s", v, x.format)
		}
		return x.instant(engines.Mark{Valid: true, Value: int64(v)})
	case float64:
		whole, part := math.Modf(v / perSecond)
		return time.Unix(int64(whole), int64(part*1e9)).UTC(), nil
	case string:
		if t, ok := filter.ParseInstant(v); ok {
			return t, nil
		}
		return time.Time{}, fmt.Errorf("%q is not a time in ISO 8601", v)
	default:
		return time.Time{}, fmt.Errorf("a time column can't hold %T", v)
	}
}

// newer returns the predicate for rows that are newer than a watermark less an overlap (spec 2.2): the
// time is greater, or, for dates, of which only whole days are known, not before that day.
func (x timeAxis) newer(m engines.Mark, overlap time.Duration) (engines.Predicate, error) {
	if overlap == 0 && x.format != config.TimeDate && x.format != config.TimeISO8601 {
		return engines.Compare{Column: x.column, Op: engines.Gt, Value: m.Value}, nil
	}
	at, err := x.instant(m)
	if err != nil {
		return nil, err
	}
	at = at.Add(-overlap)
	if x.format == config.TimeDate {
		return x.compare(engines.Ge, at.UTC().Truncate(24*time.Hour)), nil
	}
	return x.compare(engines.Gt, at), nil
}

// check says whether the column is there and its type goes with the format (the table of spec
// data-refresh 1.5). setting is the name of the key: time_column or time_partition_column.
func (x timeAxis) check(s *arrow.Schema, setting string) error {
	at := s.FieldIndices(x.column)
	if len(at) != 1 {
		return &settingError{fmt.Sprintf("%s %q is not in the source", setting, x.column), "its columns are " + strings.Join(columnNames(s), ", ")}
	}
	t := s.Field(at[0]).Type
	names := formatsOf(t)
	if slices.Contains(names, x.format) {
		return nil
	}
	if len(names) == 0 {
		return &settingError{fmt.Sprintf("%s %q is %s, which can't be a time column", setting, x.column, t), "choose a timestamp, date, number or text column"}
	}
	key := strings.TrimSuffix(setting, "column") + "format"
	return &settingError{fmt.Sprintf("%s %q is %s, but %s is %s", setting, x.column, t, key, x.format), fmt.Sprintf("set %s to %s", key, either(names))}
}

// formatsOf returns the values of time_format that go with a type.
func formatsOf(t arrow.DataType) []config.TimeFormat {
	switch id := t.ID(); {
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		return []config.TimeFormat{config.TimeISO8601}
	case arrow.IsInteger(id) || id == arrow.FLOAT32 || id == arrow.FLOAT64:
		return []config.TimeFormat{config.TimeUnixSeconds, config.TimeUnixMillis}
	case id == arrow.TIMESTAMP && t.(*arrow.TimestampType).TimeZone == "":
		return []config.TimeFormat{config.TimeTimestamp}
	case id == arrow.TIMESTAMP:
		return []config.TimeFormat{config.TimeTimestampTZ}
	case id == arrow.DATE32:
		return []config.TimeFormat{config.TimeDate}
	default:
		return nil
	}
}

func either(formats []config.TimeFormat) string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return strings.Join(names, " or ")
}

func columnNames(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i, c := range s.Fields() {
		names[i] = c.Name
	}
	return names
}

// watermark returns the greatest time of the column in the engine; one that is not valid while it has
// none. Text has another order than the times it holds, so that all of it is looked at.
func (x timeAxis) watermark(ctx context.Context, eng engines.Engine) (engines.Mark, error) {
	info, err := eng.Info(ctx)
	if err != nil || info.Schema == nil || !info.Schema.HasField(x.column) {
		return engines.Mark{}, err
	}
	if x.format != config.TimeISO8601 {
		return eng.Watermark(ctx, x.column)
	}
	rows, err := eng.Query(ctx, engines.Scan{Columns: []string{x.column}})
	if err != nil {
		return engines.Mark{}, err
	}
	defer rows.Release()
	var latest engines.Mark
	var at time.Time
	for rows.Next() {
		c := rows.RecordBatch().Column(0)
		for i := range c.Len() {
			text := c.ValueStr(i)
			if t, ok := filter.ParseInstant(text); !c.IsNull(i) && ok && (!latest.Valid || t.After(at)) {
				at, latest = t, engines.Mark{Valid: true, Value: strings.Clone(text), Type: c.DataType()}
			}
		}
	}
	return latest, rows.Err()
}
