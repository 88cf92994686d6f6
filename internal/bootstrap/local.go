package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// A running picloud answers commands given on its machine at a socket in the
// data directory. Whoever can open it can read and write the database anyway,
// so nobody has to sign in.
const (
	socketFile    = "picloud.sock"
	localTimeout  = 30 * time.Second
	localMaxBytes = 64 << 10
)

// errNotRunning says that no picloud answers at the socket.
var errNotRunning = errors.New("picloud is not running")

// ownerPassword is the request for a new password.
type ownerPassword struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// localAnswer is what the socket answers.
type localAnswer struct {
	Owner string `json:"owner,omitempty"`
	Error string `json:"error,omitempty"`
}

// serveLocal answers at the socket in dir until the returned function is
// called. Where a socket cannot be made it only logs that: PiCloud serves
// without it.
func serveLocal(dir string, users store.Users, log *slog.Logger) (stop func()) {
	path := filepath.Join(dir, socketFile)
	// One that is there was left by a process that was killed; this one has the
	// directory's lock.
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	var l net.Listener
	if err == nil {
		old := syscall.Umask(0o177)
		l, err = net.Listen("unix", path)
		syscall.Umask(old)
	}
	if err != nil {
		log.Warn("commands on this machine will not reach this process", "error", err)
		return func() {}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /owner-password", func(w http.ResponseWriter, r *http.Request) {
		var p ownerPassword
		var answer localAnswer
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, localMaxBytes)).Decode(&p)
		if err == nil {
			answer.Owner, err = resetOwnerPassword(r.Context(), users, p)
		}
		if err != nil {
			answer.Error = err.Error()
			w.WriteHeader(http.StatusUnprocessableEntity)
		} else {
			log.Info("an owner's password was reset on this machine", "owner", answer.Owner)
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	server := &http.Server{Handler: mux, ReadTimeout: localTimeout, WriteTimeout: localTimeout, IdleTimeout: time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

// askRunning asks the picloud that runs on dir for a new password. It returns
// errNotRunning when there is none.
func askRunning(ctx context.Context, dir string, p ownerPassword) (owner string, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, localTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, socketFile))
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://picloud/owner-password", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := client.Do(r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", errNotRunning
	}
	if err != nil {
		return "", fmt.Errorf("asking the running picloud: %w", err)
	}
	defer resp.Body.Close()
	var answer localAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, localMaxBytes)).Decode(&answer); err != nil {
		return "", fmt.Errorf("the running picloud answered %s, not as this version does", resp.Status)
	}
	if answer.Error != "" {
		return "", errors.New(answer.Error)
	}
	return answer.Owner, nil
}
