package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pitwall/runtime/api"
)

// OpenStore opens a snapshot store without a runtime.
type OpenStore func(context.Context, api.StoreOptions) (api.Store, error)

// place is where the snapshots of a command are: at a running runtime, or in a store without one.
type place struct {
	remote
	open     OpenStore
	location string
	params   []string
}

// storeFlags declares what names a store.
func (p *place) storeFlags(fs *pflag.FlagSet) {
	fs.StringVar(&p.location, "location", "", "the snapshot store itself, such as s3://bucket/folder/, without a runtime")
	fs.StringArrayVar(&p.params, "param", nil, "a param of the store as key=value, such as s3_region=eu-central-1; may be given several times")
}

// both declares the flags of a command that works on either.
func (p *place) both(fs *pflag.FlagSet) {
	p.flags(fs)
	p.storeFlags(fs)
}

// atRuntime tells whether a runtime is asked: when it is named, and when nothing else is.
func (p *place) atRuntime(c *cobra.Command) (bool, error) {
	named := func(flag string) bool { f := c.Flag(flag); return f != nil && f.Changed }
	switch {
	case named("http-endpoint") && p.location != "":
		return false, errors.New("--http-endpoint asks a runtime, --location a store; give one of them")
	case named("http-endpoint"):
		return true, nil
	}
	return p.location == "" && !named("pod"), nil
}

// store opens the store.
func (p *place) store(c *cobra.Command) (api.Store, error) {
	o := api.StoreOptions{Location: p.location, Params: map[string]string{}, Pod: c.Flag("pod").Value.String(), ReadOnly: c.Flag("read-only").Value.String() == "true"}
	for _, text := range p.params {
		k, v, ok := strings.Cut(text, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--param is key=value, not %q", k)
		}
		o.Params[k] = v
	}
	s, err := p.open(c.Context(), o)
	return s, ofStore(c.Context(), err)
}

// onStore opens the store for the time of f.
func (p *place) onStore(c *cobra.Command, f func(api.Store) error) error {
	s, err := p.store(c)
	if err != nil {
		return err
	}
	return ofStore(c.Context(), errors.Join(f(s), s.Close()))
}

// either runs one of two functions, by where the snapshots are.
func (p *place) either(c *cobra.Command, runtime func() error, store func(api.Store) error) error {
	there, err := p.atRuntime(c)
	switch {
	case err != nil:
		return err
	case there:
		return runtime()
	}
	return p.onStore(c, store)
}

// ofStore gives an error of a store its exit code.
func ofStore(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.As(err, new(*Exit)):
		return err
	case ctx.Err() != nil:
		return &Exit{Code: ExitInterrupted}
	}
	code := ExitNotWell
	switch api.ReasonOf(err) {
	case api.Unreachable:
		code = ExitUnreachable
	case api.NotFound, api.Invalid, api.ReadOnly:
		code = ExitUsage
	}
	return &Exit{code, err}
}

// snapshotID reads the id of a snapshot.
func snapshotID(text string) (uint64, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &Exit{ExitUsage, fmt.Errorf("%q is not the id of a snapshot", text)}
	}
	return id, nil
}
