package firstrun

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"charm.land/huh/v2"

	"pitwall/config"
)

const yes, no = "yes", "no"

// forms asks for the source, the dataset and its snapshots. What was answered before is there again.
func (a *answers) forms() []*huh.Group {
	notFile := func() bool { return a.kind != kindFile }
	return []*huh.Group{
		huh.NewGroup(pick("Where is the data?", "One dataset to begin with; more are a few lines each.", &a.kind,
			huh.NewOption("a file, a folder or a pattern on this machine", kindFile),
			huh.NewOption("S3, or a store like it", kindS3),
			huh.NewOption("a table of PostgreSQL", kindPostgres),
			huh.NewOption("a table of MySQL or MariaDB", kindMySQL))),
		huh.NewGroup(text("Which file or folder?", "Parquet, CSV, JSON, NDJSON or Arrow; relative to the spicepod, such as data/trips/ or data/*.csv.", &a.path, needed)).
			WithHideFunc(notFile),
		huh.NewGroup(
			text("Which bucket and folder?", "Such as bucket/folder/ or bucket/file.parquet.", &a.path, needed),
			text("Region", "Such as eu-central-1; empty takes that of the machine.", &a.region, nil),
			text("Endpoint", "Only for stores that are not Amazon's, such as https://host:9000.", &a.endpoint, nil),
			pick("How does it know us?", "Keys are never written: the spicepod names the variables they are in.", &a.key,
				huh.NewOption("by the role of this machine", "iam_role"),
				huh.NewOption("by "+s3Key+" and "+s3Secret+" of the environment", "key"),
				huh.NewOption("not at all, it is public", "")),
		).WithHideFunc(func() bool { return a.kind != kindS3 }),
		huh.NewGroup(
			text("Which table?", "Such as public.trips.", &a.table, needed),
			text("Host", "", &a.host, needed),
			text("Port", "Empty takes the usual one.", &a.port, port),
			text("Database", "", &a.database, needed),
			text("User", "", &a.user, needed),
			text("Which environment variable holds the password?", "Its name, not the password: the spicepod refers to it. Empty for none.", &a.password, variable),
		).WithHideFunc(func() bool { return !a.server() }),
		huh.NewGroup(
			text("What is the dataset called?", "The name for SQL; empty takes that of the source.", &a.name, nil),
			pick("Which engine keeps it?", "", &a.engine,
				huh.NewOption("DuckDB, in a file: for analysis", string(config.EngineDuckDB)),
				huh.NewOption("SQLite, in a file: for look-ups", string(config.EngineSQLite)),
				huh.NewOption("Arrow, in memory: fast and small, without snapshots", string(config.EngineArrow))),
			text("How often is it refreshed?", "Such as 30s, 10m or 1h; empty for only when asked.", &a.interval, duration),
		),
		huh.NewGroup(pick("Keep snapshots?", "Copies of the whole dataset, from which a new replica or a bad day starts again.", &a.snapshots,
			huh.NewOption("yes, after every refresh that changed something", yes), huh.NewOption("no", no))).
			WithHideFunc(func() bool { return !a.stored() }),
		huh.NewGroup(text("Where to?", "A folder as file://./snapshots, or s3://bucket/folder/, gs:// or abfss://.", &a.snapshotsFolder, needed)).
			WithHideFunc(func() bool { return !a.stored() || a.snapshots != yes }),
	}
}

func pick(title, about string, value *string, options ...huh.Option[string]) *huh.Select[string] {
	return huh.NewSelect[string]().Title(title).Description(about).Options(options...).Value(value)
}

func text(title, about string, value *string, valid func(string) error) *huh.Input {
	in := huh.NewInput().Title(title).Description(about).Value(value)
	if valid != nil {
		in.Validate(valid)
	}
	return in
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
