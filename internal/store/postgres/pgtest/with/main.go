// Command with runs a command with PICLOUD_DATABASE_URL naming an empty database
// of a private PostgreSQL cluster, which goes when the command has ended:
//
//	go run ./internal/store/postgres/pgtest/with go run ./bench/http
//
// The cluster lies in memory where there is plenty; PICLOUD_TEST_DIR=/tmp before the
// command puts it on a disk.
package main

import (
	"errors"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/picloud/picloud/internal/store/postgres/pgtest"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: with COMMAND [ARGUMENT…]")
	}
	code, err := run(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func run(command []string) (code int, err error) {
	cluster, err := pgtest.Start()
	if err != nil {
		return 0, err
	}
	defer cluster.Stop()
	// A terminal's signal goes to the command, too: its end is waited for.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "PICLOUD_DATABASE_URL="+cluster.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
