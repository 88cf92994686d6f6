package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// Serve runs PiCloud until ctx ends and everything is stopped in good order:
// no more requests, those under way answered, what was recorded written, the
// database closed. It prints to stdout where it is, and on a first start how to
// set it up; it logs to stderr.
func Serve(ctx context.Context, c *Config, stdout, stderr io.Writer) (err error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	dir, err := prepareDataDir(c.DataDir)
	if err != nil {
		return err
	}
	// The address first: it fails fast, and a second picloud on the same address
	// should be told of that.
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = l.Close()
		}
	}()
	s, err := openStore(ctx, c, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	stopLocal := serveLocal(dir, s, log)
	defer stopLocal()
	fmt.Fprintf(stdout, "PiCloud is at %s\n", baseURL(l.Addr()))
	notifySystemd("READY=1")
	return serveHTTP(ctx, l, http.NotFoundHandler(), c.StopTimeout, log)
}
