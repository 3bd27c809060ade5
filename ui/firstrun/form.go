package firstrun

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"charm.land/huh/v2"

	"pitwall/config"
)

const yes, no = "yes", "no"

// question is a field of the form.
type question struct {
	// keys are the ends of the YAML paths that its answer stands at.
	keys         []string
	title, about string
	value        *string
	// valid says what is wrong with a text, nil takes all that the spicepod takes. With options one of them is picked.
	valid   func(string) error
	options []huh.Option[string]
}

// page are questions on one screen, which is left out when asked is there and false.
type page struct {
	asked     func() bool
	questions []question
}

// pages ask for the source, the dataset and its snapshots.
func (a *answers) pages() []page {
	opt := func(title, value string) huh.Option[string] { return huh.NewOption(title, value) }
	return []page{
		{nil, []question{{nil, "Where is the data?", "One dataset to begin with; more are a few lines each.", &a.kind, nil, []huh.Option[string]{
			opt("a file, a folder or a pattern on this machine", kindFile), opt("S3, or a store like it", kindS3),
			opt("a table of PostgreSQL", kindPostgres), opt("a table of MySQL or MariaDB", kindMySQL)}}}},
		{func() bool { return a.kind == kindFile }, []question{
			{[]string{".from"}, "Which file or folder?", "Parquet, CSV, JSON, NDJSON or Arrow; relative to the spicepod, such as data/trips/ or data/*.csv.", &a.path, needed, nil}}},
		{func() bool { return a.kind == kindS3 }, []question{
			{[]string{".from"}, "Which bucket and folder?", "Such as bucket/folder/ or bucket/file.parquet.", &a.path, needed, nil},
			{[]string{".s3_region"}, "Region", "Such as eu-central-1; empty takes that of the machine.", &a.region, nil, nil},
			{[]string{".s3_endpoint", ".allow_http"}, "Endpoint", "Only for stores that are not Amazon's, such as https://host:9000.", &a.endpoint, endpoint, nil},
			{[]string{".s3_auth", ".s3_key", ".s3_secret"}, "How does it know us?", "Keys are never written: the spicepod names the variables they are in.", &a.key, nil, []huh.Option[string]{
				opt("by the role of this machine", "iam_role"), opt("by "+s3Key+" and "+s3Secret+" of the environment", "key"), opt("not at all, it is public", "")}}}},
		{a.server, []question{
			{[]string{".from"}, "Which table?", "Such as public.trips.", &a.table, needed, nil},
			{[]string{"_host"}, "Host", "", &a.host, needed, nil},
			{[]string{"_port"}, "Port", "Empty takes the usual one.", &a.port, port, nil},
			{[]string{"_db"}, "Database", "", &a.database, needed, nil},
			{[]string{"_user"}, "User", "", &a.user, needed, nil},
			{[]string{"_pass"}, "Which environment variable holds the password?", "Its name, not the password: the spicepod refers to it. Empty for none.", &a.password, variable, nil}}},
		{a.server, []question{{[]string{"_sslmode"}, "Is the connection encrypted?", "", &a.tls, nil, []huh.Option[string]{
			opt("yes, and the server's certificate is checked", ""), opt("yes, whatever its certificate", tlsUnchecked), opt("no: for a server on this machine", tlsOff)}}}},
		{nil, []question{
			{[]string{".name"}, "What is the dataset called?", "The name for SQL; empty takes that of the source.", &a.name, nil, nil},
			{[]string{".engine", ".mode"}, "Which engine keeps it?", "", &a.engine, nil, []huh.Option[string]{
				opt("DuckDB, in a file: for analysis", string(config.EngineDuckDB)), opt("SQLite, in a file: for look-ups", string(config.EngineSQLite)),
				opt("Arrow, in memory: fast and small, without snapshots", string(config.EngineArrow))}},
			{[]string{".refresh_check_interval"}, "How often is it refreshed?", "Such as 30s, 10m or 1h; empty for only when asked.", &a.interval, duration, nil}}},
		{a.stored, []question{{nil, "Keep snapshots?", "Copies of the whole dataset, from which a new replica or a bad day starts again.", &a.snapshots, nil,
			[]huh.Option[string]{opt("yes, after every refresh that changed something", yes), opt("no", no)}}}},
		{func() bool { return a.stored() && a.snapshots == yes }, []question{
			{[]string{"snapshots.location"}, "Where to?", "A folder as file://./snapshots, or s3://bucket/folder/, gs:// or abfss://.", &a.snapshotsFolder, needed, nil}}},
	}
}

// forms asks all of it. What was answered before is there again.
func (a *answers) forms() []*huh.Group {
	var out []*huh.Group
	for _, p := range a.pages() {
		var fields []huh.Field
		for _, q := range p.questions {
			fields = append(fields, a.field(q))
		}
		g := huh.NewGroup(fields...)
		if asked := p.asked; asked != nil {
			g.WithHideFunc(func() bool { return !asked() })
		}
		out = append(out, g)
	}
	return out
}

// field draws a question. A text that the spicepod would not take is not left.
func (a *answers) field(q question) huh.Field {
	if q.options != nil {
		return pick(q.title, q.about, q.value, q.options...)
	}
	return huh.NewInput().Title(q.title).Description(q.about).Value(q.value).Validate(func(s string) error {
		if q.valid != nil {
			if err := q.valid(s); err != nil {
				return err
			}
		}
		was := *q.value
		*q.value = s
		defer func() { *q.value = was }()
		return a.refused(q)
	})
}

// refused says why the spicepod would not take the answer to a question, nil when it does.
func (a *answers) refused(q question) error {
	for _, p := range a.problems() {
		if q.holds(p.Path) {
			return errors.New(strings.TrimSuffix(p.Message+"; "+p.Hint, "; "))
		}
	}
	return nil
}

// holds tells whether the answer to a question stands at a YAML path.
func (q question) holds(path string) bool {
	return slices.ContainsFunc(q.keys, func(k string) bool { return strings.HasSuffix(path, k) })
}

// wrong is the question whose answer is the first problem; nil when no answer is.
func (a *answers) wrong(problems []config.Problem) *question {
	for _, problem := range problems {
		for _, p := range a.pages() {
			if p.asked != nil && !p.asked() {
				continue
			}
			for _, q := range p.questions {
				if q.holds(problem.Path) {
					return &q
				}
			}
		}
	}
	return nil
}

func pick(title, about string, value *string, options ...huh.Option[string]) *huh.Select[string] {
	return huh.NewSelect[string]().Title(title).Description(about).Options(options...).Value(value)
}

func needed(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("it can't be empty")
	}
	return nil
}

func duration(s string) error {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	_, err := config.ParseDuration(s)
	return err
}

func endpoint(s string) error {
	if s = strings.TrimSpace(s); s != "" && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return errors.New("it begins with https:// or http://")
	}
	return nil
}

func port(s string) error {
	var n int
	if _, err := fmt.Sscan(s, &n); strings.TrimSpace(s) != "" && (err != nil || n < 1 || n > 65535) {
		return errors.New("a port is a number from 1 to 65535")
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func variable(s string) error {
	if s = strings.TrimSpace(s); s != "" && !variableName.MatchString(s) {
		return errors.New("the name of a variable has letters, digits and _ only, such as PG_PASSWORD")
	}
	return nil
}
