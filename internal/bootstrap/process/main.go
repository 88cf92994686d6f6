// Package process is what each of PiCloud's programs does, whatever it serves: how
// it starts, listens and stops. Like them all it links no database.
package process

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/terminal"
)

// Main runs a program's command with the process's arguments and returns its exit
// code. The first SIGINT or SIGTERM ends the command in good order, the second at
// once.
func Main(name string, command func(*terminal.Streams) *cobra.Command) int {
	RaiseProcs()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// A reader of our output that has gone away is an error of the write: it must
	// neither end a server that only wanted to log, nor a backup on its way to a
	// pipe before it has cleaned up.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(os.Stderr, name+": stopped at once; requests under way were cut off")
		os.Exit(1)
	}()
	if err := command(terminal.System()).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, name+": "+err.Error())
		return 1
	}
	return 0
}
