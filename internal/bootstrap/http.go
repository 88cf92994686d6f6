package bootstrap

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The server's own limits. What a script may take is limited elsewhere; these
// bound what a client can hold on to. A handler that streams lifts the two for
// the whole request and response with http.ResponseController.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = time.Minute // headers and body
	answerTimeout  = time.Minute // beyond the request and the script's own time
	keepAlive      = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// responseTimeout is how long a response may take from the end of the request's
// headers: as long as the body takes to come, a script to run for its whole wall
// time, and its answer to go.
func responseTimeout(wallTime time.Duration) time.Duration {
	return requestTimeout + wallTime + answerTimeout
}

// serveHTTP answers on l until ctx ends. Then it stops accepting, calls
// endStreams, and waits for the requests under way, for at most what patience says
// then, before it cuts them off. wallTime is the longest that a script may run.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, patience func() time.Duration, wallTime time.Duration, endStreams func(), log *slog.Logger) error {
	// Requests are not cancelled by the stop itself, only when patience ends.
	requests, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      responseTimeout(wallTime),
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(endStreams)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	most := patience()
	log.Info("stopping", "waiting_at_most", most)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("requests were still under way and are cut off")
		cutOff()
		err = server.Close()
	}
	<-failed // http.ErrServerClosed
	return err
}
