package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// BenchmarkKV measures kv on SQLite through everything but the network: for one
// kv::get, of 1,000 in an execution, and for executions that each commit one
// kv::set, 32 at once.
func BenchmarkKV(b *testing.B) {
	serve := func(b *testing.B, source string) func(path string) {
		s, err := sqlite.Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		c, err := defaults()
		if err != nil {
			b.Fatal(err)
		}
		p := join(c, wiring{store: s, executions: s.Executions(), log: slog.New(slog.DiscardHandler)})
		b.Cleanup(func() { p.close() })
		now := time.Now().UTC()
		if err := s.CreateApp(b.Context(), store.App{ID: store.NewID(), Slug: "demo", ActiveDeployment: 1, CreatedAt: now, UpdatedAt: now}, ""); err != nil {
			b.Fatal(err)
		}
		app, err := s.AppBySlug(b.Context(), "demo")
		if err != nil {
			b.Fatal(err)
		}
		sum := sha256.Sum256([]byte(source))
		if _, err := s.DeployScript(b.Context(), store.DeployScript{
			AppID: app.ID, ScriptID: store.NewID(), Name: "main", Source: source, SourceHash: hex.EncodeToString(sum[:]), Endpoint: true, At: now,
		}); err != nil {
			b.Fatal(err)
		}
		return func(path string) {
			r := httptest.NewRequest(http.MethodPost, "http://localhost/demo/main/"+path, nil)
			w := httptest.NewRecorder()
			if p.handler.ServeHTTP(w, r); w.Code >= 300 {
				b.Errorf("%d %s", w.Code, w.Body)
			}
		}
	}
	b.Run("get", func(b *testing.B) {
		call := serve(b, `if request.params.rest == "set" { kv::set("a", "a value of some length") } else { for i in 0..1000 { kv::get("a"); } }`)
		call("set")
		b.ResetTimer()
		for done := 0; done < b.N; done += 1000 {
			call("")
		}
	})
	b.Run("set/executions=32", func(b *testing.B) {
		call := serve(b, `kv::set(request.params.rest, "a value of some length")`)
		var n atomic.Int64
		b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				call(fmt.Sprintf("key-%d", n.Add(1)%10_000))
			}
		})
	})
}
