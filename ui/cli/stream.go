package cli

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// Stream returns the command `stream`.
func Stream() *cobra.Command {
	c := &cobra.Command{
		Use: "stream", Short: "Say how the stream of changes of a dataset goes on",
		Long: "Say how the stream of changes of a dataset of a running pitwall goes on after something stopped it.\n" +
			"To try again what stopped it, use: pitwall refresh DATASET.",
	}
	c.AddCommand(
		onStream("skip", "Pass over the record that stopped the stream",
			"Pass over the record that stopped the stream, and go on behind it. The record is kept in the dead-letter file of\n"+
				"the dataset, which the answer names. The command ends when that is done, with exit code 1 when it failed."),
		onStream("rebootstrap", "Load the dataset anew from the beginning of its stream",
			"Load the dataset anew from the beginning of its stream: what is there is replaced. The command ends when that has\n"+
				"begun; pitwall status tells when the dataset is ready again."))
	return c
}

// onStream is a command of a runtime on the stream of a dataset, which waits for its end.
func onStream(name, short, long string) *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use: name + " DATASET", Short: short, Long: long, Args: cobra.ExactArgs(1), PreRunE: r.check,
		RunE: func(c *cobra.Command, args []string) error {
			return r.send(c.Context(), c.OutOrStdout(), http.MethodPost, "/v1/datasets/"+url.PathEscape(args[0])+"/stream/"+name, nil)
		},
	}
	r.flags(c.Flags())
	return c
}
