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

	"github.com/picloud/picloud/internal/orchestrator/record"
	"github.com/picloud/picloud/internal/secret"
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

// localAnswer is what the socket answers to that.
type localAnswer struct {
	Owner string `json:"owner,omitempty"`
	Error string `json:"error,omitempty"`
}

// Stats says how the record of executions keeps up, since the start.
type Stats struct {
	Recorded int64 `json:"recorded"`
	Dropped  int64 `json:"dropped"`
}

// serveLocal answers at the socket in dir until the returned function is
// called. Where a socket cannot be made it only logs that: PiCloud serves
// without it.
func serveLocal(dir string, users store.Users, recorder *record.Recorder, vault *secret.Vault, log *slog.Logger) (stop func()) {
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
	mux.HandleFunc("POST /secrets-key", rotateLocally(vault, log))
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		_ = recorder.Flush(r.Context()) // it ends early with the request
		var s Stats
		s.Recorded, s.Dropped = recorder.Stats()
		_ = json.NewEncoder(w).Encode(s)
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
	resp, err := callLocal(ctx, dir, http.MethodPost, "/owner-password", bytes.NewReader(body))
	if err != nil {
		return "", err
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

// ReadStats asks the picloud that runs on dir how it does.
func ReadStats(ctx context.Context, dir string) (Stats, error) {
	resp, err := callLocal(ctx, dir, http.MethodGet, "/stats", nil)
	if err != nil {
		return Stats{}, err
	}
	defer resp.Body.Close()
	var s Stats
	return s, json.NewDecoder(io.LimitReader(resp.Body, localMaxBytes)).Decode(&s)
}

func callLocal(ctx context.Context, dir, method, path string, body io.Reader) (*http.Response, error) {
	client := &http.Client{Timeout: localTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, socketFile))
		},
	}}
	r, err := http.NewRequestWithContext(ctx, method, "http://picloud"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("asking the running picloud: %w", err)
	}
	return resp, nil
}
