package engines

import (
	"fmt"
	"strconv"
	"strings"
)

// PartitionBy is one level of partition_by: rows with the same value of it lie together.
type PartitionBy struct {
	// Name is that of the level in folder names: letters, digits and underscores.
	Name string
	// Column is what Transform is applied to.
	Column    string
	Transform Transform
	// N is the number of buckets, or the width of a truncation; 0 otherwise.
	N int64
}

// Transform makes the value of a partition of that of a column.
type Transform string

// The transforms. Those of time are as SQL has them, in UTC: month 1 to 12, day 1 to 31, hour 0 to 23.
const (
	Identity Transform = ""
	// Bucket is the hash of the value modulo N, as Apache Iceberg's bucket transform defines it for every type.
	Bucket Transform = "bucket"
	// Truncate is a number rounded down to a multiple of N, or the first N characters of a text.
	Truncate Transform = "truncate"
	Year     Transform = "year"
	Month    Transform = "month"
	Day      Transform = "day"
	Hour     Transform = "hour"
	// TruncYear, TruncMonth and TruncDay are the first day of the year or month, or the day, of a time, as a date;
	// TruncHour is the start of its hour.
	TruncYear  Transform = "date_trunc_year"
	TruncMonth Transform = "date_trunc_month"
	TruncDay   Transform = "date_trunc_day"
	TruncHour  Transform = "date_trunc_hour"
)

// String is the expression.
func (p PartitionBy) String() string {
	c := p.Column
	if strings.ContainsFunc(c, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		c = strconv.Quote(c)
	}
	switch p.Transform {
	case Identity:
		return c
	case Bucket, Truncate:
		return fmt.Sprintf("%s(%d, %s)", p.Transform, p.N, c)
	case TruncYear, TruncMonth, TruncDay, TruncHour:
		return fmt.Sprintf("date_trunc('%s', %s)", strings.TrimPrefix(string(p.Transform), "date_trunc_"), c)
	default:
		return fmt.Sprintf("%s(%s)", p.Transform, c)
	}
}
