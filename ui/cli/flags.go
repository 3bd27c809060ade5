package cli

import "github.com/spf13/pflag"

// Common are the flags of every command.
type Common struct {
	Pod, DataDir, Theme      string
	ReadOnly, NoColor, ASCII bool
	// NoRestore begins anew instead of where the last session ended.
	NoRestore bool
}

// Add declares them.
func (f *Common) Add(fs *pflag.FlagSet) {
	fs.StringVar(&f.Pod, "pod", ".", "spicepod file, or the folder it is in")
	fs.StringVar(&f.DataDir, "data-dir", "", "folder of the database files (default .spice/data beside the spicepod)")
	fs.BoolVar(&f.ReadOnly, "read-only", false, "refuse every action that changes something, and write no snapshots")
	fs.BoolVar(&f.NoColor, "no-color", false, "draw without colours (also NO_COLOR)")
	fs.BoolVar(&f.ASCII, "ascii", false, "draw with ASCII signs only")
	fs.StringVar(&f.Theme, "theme", "", "auto, dark or light (default that of config.yml, then auto)")
	fs.BoolVar(&f.NoRestore, "no-restore", false, "begin anew instead of where the last session ended, and keep none")
}

// Faces are the addresses of the network faces of a command that runs a runtime.
type Faces struct{ HTTP, Flight, Metrics string }

// Add declares them with the addresses they have when nothing is said.
func (f *Faces) Add(fs *pflag.FlagSet, http, flight, metrics string) {
	fs.StringVar(&f.HTTP, "http", http, "address of the HTTP API, or off; port 0 lets the system choose")
	fs.StringVar(&f.Flight, "flight", flight, "address of Arrow Flight, for queries by Flight SQL, ADBC and the like, or off")
	fs.StringVar(&f.Metrics, "metrics", metrics, "address of the metrics, or off")
}
