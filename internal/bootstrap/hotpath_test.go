package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/store"
)

// keepHeaders is a response writer that throws the body away.
type keepHeaders struct {
	h      http.Header
	status int
}

func (k *keepHeaders) Header() http.Header         { return k.h }
func (k *keepHeaders) Write(b []byte) (int, error) { return len(b), nil }
func (k *keepHeaders) WriteHeader(status int)      { k.status = status }

// cpuTime is the CPU time of the process, which says more than the time that
// passes on a machine that does other things as well.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The way of a request through all services, recorded on SQLite, without the
// network; and a bare handler that answers the same. bench/http measures both
// with the network.
func BenchmarkHello(b *testing.B) {
	c := &settings.Config{Limits: store.Limits{
		Operations: 1e8, WallTimeMS: 10_000, MemoryBytes: 64 << 20, CallDepth: 64,
		RequestBytes: 4 << 20, ResponseBytes: 8 << 20, LogLines: 1000, LogBytes: 256 << 10,
	}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, executions, err := openStore(b.Context(), c, b.TempDir(), log)
	if err != nil {
		b.Fatal(err)
	}
	p := join(c, wiring{store: s, executions: executions, log: log})
	defer func() {
		if err := p.close(); err != nil {
			b.Error(err)
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	const app, script = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"
	now := time.Now()
	if err := s.CreateUser(b.Context(), store.User{ID: "u", Username: "u", Role: store.RoleOwner, CreatedAt: now, UpdatedAt: now}); err != nil {
		b.Fatal(err)
	}
	if err := s.CreateApp(b.Context(), store.App{ID: app, Slug: "demo", ActiveDeployment: 1, CreatedAt: now, UpdatedAt: now}, "u"); err != nil {
		b.Fatal(err)
	}
	src := "let name = request.query.name;\n`Hello, ${name}!`\n"
	sum := sha256.Sum256([]byte(src))
	if _, err := s.DeployScript(b.Context(), store.DeployScript{
		AppID: app, ScriptID: script, Name: "hello", Source: src, SourceHash: hex.EncodeToString(sum[:]), Endpoint: true, By: "u", At: now,
	}); err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "Hello, "+r.URL.Query().Get("name")+"!")
	})
	for _, bench := range []struct {
		name    string
		handler http.Handler
	}{{"bare", bare}, {"PiCloud", p.handler}} {
		b.Run(bench.name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost/demo/hello?name=Ada", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.RequestURI, r.RemoteAddr = "/demo/hello?name=Ada", "127.0.0.1:1234"
			w := &keepHeaders{h: http.Header{}}
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				clear(w.h)
				w.status = http.StatusOK
				bench.handler.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
			if err := p.recorder.Flush(b.Context()); err != nil { // that work counts, too
				b.Fatal(err)
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			_, dropped := p.recorder.Stats()
			b.ReportMetric(float64(dropped), "dropped")
		})
	}
}
